use http::{Response, StatusCode};
use oras_descriptor::{Algorithm, Digest};

use super::{
    answer::created,
    chunk::receive,
    session::{Hold, on_thread},
};
use crate::{
    body::{Body, Upload},
    call::Call,
    error::{ApiError, Code, Result},
    registry::Registry,
    reply,
};

/// `PUT`: closes a session, with or without a last chunk.
pub(crate) async fn put(registry: &Registry, call: &Call, id: &str, body: Upload) -> Result<Response<Body>> {
    let session = registry.sessions().find(call.name(), id)?;
    let (digest, algorithm) = asked_digest(call)?;
    if let Some(limit) = call.quirks().uploads.max_put.filter(|limit| body.size().is_none_or(|size| size > *limit)) {
        return Err(ApiError::too_large("the last chunk", limit));
    }
    let hold = receive(registry, call, &session, body).await.map_err(|error| {
        match call.quirks().uploads.closing_chunk_status {
            Some(status) if error.status() == StatusCode::RANGE_NOT_SATISFIABLE => error.with_status(status),
            _ => error,
        }
    })?;
    registry.sessions().remove(call.name(), id)?;
    finish(hold, Some(&digest), algorithm).await?;
    Ok(created(call, &digest))
}

/// The digest that a request says its blob has.
pub(super) fn asked_digest(call: &Call) -> Result<(Digest, Algorithm)> {
    let text = call.query.first("digest");
    let text = text.ok_or_else(|| ApiError::bad_request(Code::DigestInvalid, "the parameter digest is missing"))?;
    let digest = reply::parse_digest(text)?;
    let algorithm =
        digest.known_algorithm().map_err(|error| ApiError::bad_request(Code::DigestInvalid, error.to_string()))?;
    Ok((digest, algorithm))
}

/// Makes the bytes of a session a blob, if they have the digest; else nobody will ever see them.
pub(super) async fn finish(hold: Hold, digest: Option<&Digest>, algorithm: Algorithm) -> Result<Digest> {
    let mut loan = hold.loan;
    let expected = digest.cloned();
    let stored = on_thread(loan.is_blocking(), move || {
        let digest = match expected {
            Some(digest) => digest,
            None => loan.digest(algorithm)?,
        };
        let is_right = loan.finish(&digest, algorithm);
        if !matches!(is_right, Ok(true)) {
            loan.discard()?;
        }
        Ok(is_right?.then_some(digest))
    });
    stored.await?.ok_or_else(|| ApiError::bad_request(Code::DigestInvalid, "the content does not have this digest"))
}
