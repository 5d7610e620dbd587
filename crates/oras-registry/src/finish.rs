//! What all requests and answers have in common.

use std::sync::Arc;

use futures_util::StreamExt as _;
use http::{HeaderName, HeaderValue, Response, StatusCode, header};

use crate::{
    behaviour::Behaviour,
    body::{Body, Upload},
    counters::Counters,
};

/// Old docker clients look for it before they speak to a registry.
const API_VERSION: HeaderName = HeaderName::from_static("docker-distribution-api-version");

/// All warnings together (distribution specification, "Warnings").
const MAX_WARNINGS: usize = 4096;

/// Counts the bytes of a request.
pub(crate) fn count_received(body: Upload, counters: &Arc<Counters>) -> Upload {
    let counters = Arc::clone(counters);
    body.map(|stream| {
        let counted = stream.inspect(move |chunk| {
            if let Ok(chunk) = chunk {
                counters.add_received(chunk.len() as u64);
            }
        });
        counted.boxed()
    })
}

/// Adds what every answer has, and takes the body away where there must be none.
pub(crate) fn complete(
    mut response: Response<Body>,
    is_head: bool,
    behaviour: &Behaviour,
    counters: &Arc<Counters>,
) -> Response<Body> {
    counters.add_answer(response.status());
    let headers = response.headers_mut();
    headers.insert(API_VERSION, HeaderValue::from_static("registry/2.0"));
    add_warnings(headers, &behaviour.warnings);
    for (name, value) in &behaviour.headers {
        headers.append(name.clone(), value.clone());
    }
    if matches!(response.status(), StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED) {
        return response;
    }
    let len = response.body().len();
    if is_head {
        // An answer to HEAD that knows its length has said so; a length that is left out on demand stays out.
        if len > 0 {
            response.headers_mut().insert(header::CONTENT_LENGTH, len.into());
        }
        return response.map(|_| Body::empty());
    }
    response.headers_mut().insert(header::CONTENT_LENGTH, len.into());
    let counters = Arc::clone(counters);
    response.map(|body| body.inspect(move |bytes| counters.add_sent(bytes)))
}

fn add_warnings(headers: &mut http::HeaderMap, warnings: &[String]) {
    let mut left = MAX_WARNINGS;
    for text in warnings {
        let quoted = text.replace('\\', "\\\\").replace('"', "\\\"");
        let value = format!("299 - \"{quoted}\"");
        let Some(rest) = left.checked_sub(value.len()) else { return };
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.append(header::WARNING, value);
            left = rest;
        }
    }
}
