//! What a request looks like in a log: with the feature `tracing`, else nothing. No secret gets here.
//!
//! Each request has a span, `request`; each that is sent again is in another one, `retry`.

use std::time::Duration;

#[cfg(feature = "tracing")]
use http_body::Body as _;
use oras_content::Result;

use crate::client::{Request, Response};

/// A request goes out.
#[cfg(feature = "tracing")]
pub(crate) fn sending(request: &Request) -> Sending {
    use tracing::field::Empty;

    let uri = crate::headers::redacted(request.uri());
    let span = tracing::debug_span!(
        target: "oras::http",
        "request",
        method = %request.method(),
        host = request.uri().host(),
        %uri,
        bytes_sent = request.body().size_hint().exact(),
        bytes_received = Empty,
        status = Empty,
        elapsed = Empty,
    );
    let _entered = span.enter();
    tracing::debug!(target: "oras::http", method = %request.method(), %uri, "request");
    tracing::trace!(target: "oras::http", headers = ?scrubbed(request.headers()), "request headers");
    Sending { method: request.method().clone(), uri, since: tokio::time::Instant::now(), span: span.clone() }
}

/// A request that is under way.
#[cfg(feature = "tracing")]
pub(crate) struct Sending {
    method: http::Method,
    uri: String,
    since: tokio::time::Instant,
    span: tracing::Span,
}

#[cfg(feature = "tracing")]
impl Sending {
    /// Waits for its answer.
    pub(crate) async fn wait(self, answer: impl Future<Output = Result<Response>> + Send) -> Result<Response> {
        use tracing::Instrument as _;

        let span = self.span.clone();
        let told = async {
            let result = answer.await;
            self.done(&result);
            result
        };
        told.instrument(span).await
    }

    fn done(self, result: &Result<Response>) {
        let Self { method, uri, since, span } = self;
        let elapsed = since.elapsed();
        span.record("elapsed", tracing::field::debug(elapsed));
        match result {
            Ok(response) => {
                span.record("status", response.status().as_u16());
                span.record("bytes_received", response.body().size_hint().exact());
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

/// Puts a request that is sent again into a span that counts.
#[cfg(feature = "tracing")]
pub(crate) fn attempt<F: Future>(retries: u32, future: F) -> tracing::instrument::Instrumented<F> {
    let span = match retries {
        0 => tracing::Span::none(),
        retries => tracing::debug_span!(target: "oras::http", "retry", retries),
    };
    tracing::Instrument::instrument(future, span)
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
    pub(crate) fn wait<F: Future<Output = Result<Response>> + Send>(self, answer: F) -> F {
        answer
    }
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn attempt<F: Future>(_: u32, future: F) -> F {
    future
}

#[cfg(not(feature = "tracing"))]
pub(crate) fn retrying(_: &http::Request<()>, _: &Result<Response>, _: u32, _: Duration) {}
