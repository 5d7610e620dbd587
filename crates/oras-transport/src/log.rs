//! What a request looks like in a log: with the feature `tracing`, else nothing. No secret gets here.

use std::time::Duration;

use oras_content::Result;

use crate::client::{Request, Response};

/// A request goes out.
#[cfg(feature = "tracing")]
pub(crate) fn sending(request: &Request) -> Sending {
    let uri = crate::headers::redacted(request.uri());
    tracing::debug!(target: "oras::http", method = %request.method(), %uri, "request");
    tracing::trace!(target: "oras::http", headers = ?scrubbed(request.headers()), "request headers");
    Sending { method: request.method().clone(), uri, since: tokio::time::Instant::now() }
}

/// A request that is under way.
#[cfg(feature = "tracing")]
pub(crate) struct Sending {
    method: http::Method,
    uri: String,
    since: tokio::time::Instant,
}

#[cfg(feature = "tracing")]
impl Sending {
    /// Its answer, or what happened to it.
    pub(crate) fn done(self, result: &Result<Response>) {
        let Self { method, uri, since } = self;
        let elapsed = since.elapsed();
        match result {
            Ok(response) => {
                tracing::debug!(target: "oras::http", %method, %uri, status = response.status().as_u16(), ?elapsed, "response");
                tracing::trace!(target: "oras::http", headers = ?scrubbed(response.headers()), "response headers");
            }
            Err(error) => tracing::debug!(target: "oras::http", %method, %uri, %error, ?elapsed, "no response"),
        }
    }
}

/// A request is sent again.
#[cfg(feature = "tracing")]
pub(crate) fn retrying(request: &http::Request<()>, result: &Result<Response>, retries: u32, wait: Duration) {
    let status = result.as_ref().ok().map(|response| response.status().as_u16());
    let error = result.as_ref().err().map(tracing::field::display);
    let uri = crate::headers::redacted(request.uri());
    tracing::debug!(target: "oras::http", method = %request.method(), %uri, status, error, retries, ?wait, "retry");
}

/// Headers that may be shown: those that hold or carry secrets are named only.
#[cfg(feature = "tracing")]
fn scrubbed(headers: &http::HeaderMap) -> Vec<(&str, &str)> {
    const SHOWN: [&str; 18] = [
        "accept",
        "accept-encoding",
        "accept-ranges",
        "content-length",
        "content-range",
        "content-type",
        "date",
        "docker-content-digest",
        "etag",
        "if-match",
        "oci-subject",
        "range",
        "ratelimit-limit",
        "ratelimit-remaining",
        "retry-after",
        "server",
        "user-agent",
        "warning",
    ];
    headers
        .iter()
        .map(|(name, value)| {
            let name = name.as_str();
            (name, if SHOWN.contains(&name) { value.to_str().unwrap_or("?") } else { "***" })
        })
        .collect()
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn sending(_: &Request) -> Sending {
    Sending
}

#[cfg(not(feature = "tracing"))]
pub(crate) struct Sending;

#[cfg(not(feature = "tracing"))]
impl Sending {
    pub(crate) fn done(self, _: &Result<Response>) {}
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn retrying(_: &http::Request<()>, _: &Result<Response>, _: u32, _: Duration) {}
