use http::{HeaderName, Response, StatusCode, header};
use oras_descriptor::Digest;

use super::{SESSION_PARAMETER, Session};
use crate::{
    behaviour::{EmptyRange, LocationStyle, ReachedRange},
    body::Body,
    call::Call,
    error::{ApiError, Code, Result},
    reply,
    routes::FOREIGN_UPLOADS,
};

/// The least size of chunks that are not the last.
pub(super) const MIN_CHUNK: HeaderName = HeaderName::from_static("oci-chunk-min-length");

/// What an absolute location carries. A client that parses and writes it anew is found out.
const STATE: &str = "_state=a%2Fb%3D&x";

/// The parameter that changes with every answer.
const TURN: &str = "_turn";

/// An answer that says where a session stands.
pub(super) fn standing(call: &Call, session: &Session, status: StatusCode) -> Response<Body> {
    let mut response = reply::empty(status);
    reply::set(&mut response, header::LOCATION, &location(call, session));
    if let Some(range) = range(call, session) {
        reply::set(&mut response, header::RANGE, &range);
    }
    response
}

fn location(call: &Call, session: &Session) -> String {
    let (name, id) = (session.name(), session.id());
    let path = format!("/v2/{name}/blobs/uploads/{id}");
    match call.quirks().uploads.location {
        LocationStyle::Relative => path,
        LocationStyle::Absolute => format!("{}{path}?{STATE}", call.base),
        LocationStyle::Rotating => format!("{path}?{TURN}={}", session.next_turn()),
        LocationStyle::QueryOnly => format!("?{SESSION_PARAMETER}={id}"),
        LocationStyle::OutsideV2 => format!("{FOREIGN_UPLOADS}{name}/{id}"),
        LocationStyle::OtherScheme => match call.base.strip_prefix("https") {
            Some(rest) => format!("http{rest}{path}"),
            None => format!("https{}{path}", call.base.strip_prefix("http").unwrap_or_default()),
        },
    }
}

/// Checks that a writing request came to the location that was given last, as it was given.
pub(super) fn check_location(call: &Call, session: &Session) -> Result<()> {
    let query = call.head.uri.query().unwrap_or_default();
    let is_right = match call.quirks().uploads.location {
        LocationStyle::Absolute => query.starts_with(STATE),
        LocationStyle::Rotating => call.query.first(TURN) == Some(session.turn().to_string().as_str()),
        _ => true,
    };
    if is_right {
        return Ok(());
    }
    Err(out_of_order(call, session, "this is not the location that was given last"))
}

/// 416, with where to go on.
pub(super) fn out_of_order(call: &Call, session: &Session, message: &str) -> ApiError {
    let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, Code::BlobUploadInvalid, message);
    let error = error.with_header(header::LOCATION, reply::value(&location(call, session)));
    match range(call, session) {
        Some(range) => error.with_header(header::RANGE, reply::value(&range)),
        None => error,
    }
}

/// Which bytes a session has. An empty one says `0-0`, as other registries do: clients expect a range.
fn range(call: &Call, session: &Session) -> Option<String> {
    let quirks = &call.quirks().uploads;
    let Some(last) = session.position().checked_sub(1) else {
        return match quirks.empty_range {
            EmptyRange::Zero => Some("0-0".into()),
            EmptyRange::MinusOne => Some("0--1".into()),
            EmptyRange::Absent => None,
        };
    };
    let (last_chunk, first_end) = session.chunks();
    match quirks.range {
        ReachedRange::Right => Some(format!("0-{last}")),
        ReachedRange::Stuck => Some(format!("0-{}", first_end.saturating_sub(1))),
        ReachedRange::OffByOne => Some(format!("0-{}", last + 1)),
        ReachedRange::WithUnit => Some(format!("bytes=0-{last}")),
        ReachedRange::OfChunk => Some(format!("0-{}", last_chunk.unwrap_or_default().saturating_sub(1))),
        ReachedRange::Absent => None,
    }
}

/// The answer to a blob that is there now.
pub(super) fn created(call: &Call, digest: &Digest) -> Response<Body> {
    let quirks = &call.quirks().uploads;
    let mut response = reply::empty(StatusCode::CREATED);
    if !quirks.omit_location {
        reply::set(&mut response, header::LOCATION, &format!("/v2/{}/blobs/{digest}", call.name()));
    }
    if !quirks.omit_digest {
        reply::set(&mut response, reply::CONTENT_DIGEST, digest.as_str());
    }
    response
}
