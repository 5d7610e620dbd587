//! Blobs on their way in: sessions, chunks, single requests, mounts.

mod answer;
mod append;
mod chunk;
mod close;
mod session;
mod start;

pub(crate) use chunk::patch;
pub(crate) use close::put;
pub(crate) use session::{Session, Sessions};
pub(crate) use start::post;

use http::{Response, StatusCode};

use crate::{
    body::Body,
    call::Call,
    error::{ApiError, Result},
    registry::Registry,
    reply,
};

/// The parameter that names a session when its `Location` is a query alone.
pub(crate) const SESSION_PARAMETER: &str = "_session";

/// `GET`: where a session stands.
pub(crate) fn status(registry: &Registry, call: &Call, id: &str) -> Result<Response<Body>> {
    if let Some(status) = call.quirks().uploads.status_status {
        return Ok(reply::empty(status));
    }
    let session = registry.sessions().find(call.name(), id)?;
    Ok(answer::standing(call, &session, StatusCode::NO_CONTENT))
}

/// `DELETE`: gives a session up.
pub(crate) async fn cancel(registry: &Registry, call: &Call, id: &str) -> Result<Response<Body>> {
    let session = registry.sessions().remove(call.name(), id)?;
    let hold = session.hold().await;
    hold.discard().await.map_err(ApiError::from)?;
    Ok(reply::empty(StatusCode::NO_CONTENT))
}
