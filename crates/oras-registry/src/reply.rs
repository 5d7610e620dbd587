//! The parts that answers are made of.

use http::{HeaderName, HeaderValue, Response, StatusCode, header};
use oras_descriptor::Digest;
use serde_json::Value;

use crate::{
    body::{Body, Upload},
    error::{ApiError, Code, Result},
};

/// The header with the digest of what is answered.
pub(crate) const CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

pub(crate) fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

pub(crate) fn json(value: &Value) -> Response<Body> {
    let mut response = Response::new(Body::from(value.to_string()));
    set(&mut response, header::CONTENT_TYPE, "application/json");
    response
}

pub(crate) fn set(response: &mut Response<Body>, name: HeaderName, text: &str) {
    response.headers_mut().insert(name, value(text));
}

/// A header value; what cannot stand in one becomes the empty text.
pub(crate) fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
}

/// A digest out of a path or query.
pub(crate) fn parse_digest(text: &str) -> Result<Digest> {
    text.parse()
        .map_err(|error: oras_descriptor::DigestError| ApiError::bad_request(Code::DigestInvalid, error.to_string()))
}

/// A body that fits into memory.
pub(crate) async fn read_limited(mut body: Upload, limit: u64, what: &str) -> Result<bytes::Bytes> {
    if body.size().is_some_and(|size| size > limit) {
        return Err(ApiError::too_large(what, limit));
    }
    let mut all = bytes::BytesMut::new();
    while let Some(chunk) = body.next().await {
        let chunk = chunk.map_err(|error| broken_body(&error))?;
        if (all.len() + chunk.len()) as u64 > limit {
            return Err(ApiError::too_large(what, limit));
        }
        all.extend_from_slice(&chunk);
    }
    Ok(all.freeze())
}

/// The request's body ended before its end. The client is most likely gone, and nobody reads this.
pub(crate) fn broken_body(error: &std::io::Error) -> ApiError {
    let message = format!("the body of the request broke off: {error}");
    let error_of = |status| ApiError::new(status, Code::SizeInvalid, message.clone());
    match error.kind() {
        std::io::ErrorKind::TimedOut => error_of(StatusCode::REQUEST_TIMEOUT),
        _ => error_of(StatusCode::BAD_REQUEST),
    }
}
