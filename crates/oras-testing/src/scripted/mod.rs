//! A service with a script: expected requests, given responses, no socket.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http_body_util::BodyExt as _;
use oras_content::{BoxFuture, Error, ErrorKind, Result};
use oras_transport::{HttpBody, Request, Response};
use tower_service::Service;

mod expected;
mod reply;

pub use expected::Expected;
pub use reply::Reply;

use expected::Received;

/// A service that expects given requests and gives given responses, for
/// [`HttpClient::from_service`](oras_transport::HttpClient::from_service) or a whole stack
/// [over it](oras_transport::HttpClientBuilder::build_over).
///
/// A request that is not the expected one fails. What was not as expected, requests that never came included, is told by
/// [`finish`](Self::finish), or, where nobody called it, when the last clone is dropped. Clones share the script.
///
/// ```
/// use oras_testing::{Expected, Reply, ScriptedService};
/// use oras_transport::{HttpBody, HttpClient};
///
/// # futures_util::FutureExt::now_or_never(async {
/// let service = ScriptedService::new()
///     .expect(Expected::head("/v2/hello/manifests/v1").header("accept", "*/*"), Reply::status(404))
///     .expect(Expected::put("/v2/hello/manifests/v1").body("{}"), Reply::status(201).header("location", "/x"));
/// let client = HttpClient::from_service(service.clone());
///
/// let head = http::Request::head("https://registry.example/v2/hello/manifests/v1").header("accept", "*/*");
/// let response = client.send(head.body(HttpBody::empty())?).await?;
/// assert_eq!(response.status(), 404);
/// let put = http::Request::put("https://registry.example/v2/hello/manifests/v1");
/// let response = client.send(put.body(HttpBody::from_bytes("{}".into()))?).await?;
/// assert_eq!(response.headers()["location"], "/x");
/// service.finish();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).expect("nothing waits")?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Cancel safety
///
/// A request counts as received when the service was called, whether or not its future is polled to the end.
#[derive(Clone)]
pub struct ScriptedService(Arc<Shared>);

struct Shared {
    in_any_order: bool,
    script: Mutex<Script>,
}

#[derive(Default)]
struct Script {
    /// Taken from when the request comes.
    exchanges: Vec<Option<(Expected, Reply)>>,
    received: Vec<String>,
    failures: Vec<String>,
    finished: bool,
}

impl Default for ScriptedService {
    fn default() -> Self {
        Self::new()
    }
}

impl ScriptedService {
    /// A service that expects nothing yet, and requests in the order in which they will be told.
    pub fn new() -> Self {
        Self(Arc::new(Shared { in_any_order: false, script: Mutex::default() }))
    }

    /// A service that expects nothing yet, and takes requests in any order: each is held against the expected ones with
    /// its method and path that did not come yet, first come first served.
    pub fn in_any_order() -> Self {
        Self(Arc::new(Shared { in_any_order: true, script: Mutex::default() }))
    }

    /// Expects one more request.
    #[must_use]
    pub fn expect(self, expected: Expected, reply: Reply) -> Self {
        self.0.script().exchanges.push(Some((expected, reply)));
        self
    }

    /// The requests that came, each as `METHOD path?query`.
    pub fn received(&self) -> Vec<String> {
        self.0.script().received.clone()
    }

    /// Ends the script.
    ///
    /// # Panics
    ///
    /// When a request was not as expected, or did not come.
    pub fn finish(&self) {
        let report = self.0.report();
        assert!(report.is_empty(), "the traffic was not as scripted:{report}");
    }
}

impl Shared {
    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The exchange of a request, with its place in the script.
    fn next(&self, parts: &Parts) -> Option<(usize, Expected, Reply)> {
        let mut script = self.script();
        script.received.push(format!("{} {}", parts.method, expected::path(parts)));
        let is_next = |exchange: &Option<(Expected, Reply)>| match exchange {
            Some((expected, _)) => !self.in_any_order || expected.is_for(parts),
            None => false,
        };
        let at = script.exchanges.iter().position(is_next)?;
        let (expected, reply) = script.exchanges.get_mut(at)?.take()?;
        Some((at + 1, expected, reply))
    }

    fn fail(&self, failure: String) -> Error {
        self.script().failures.push(failure.clone());
        Error::new(ErrorKind::Other, failure)
    }

    async fn answer(&self, parts: Parts, body: HttpBody, next: Option<(usize, Expected, Reply)>) -> Result<Response> {
        let Some((at, expected, reply)) = next else {
            let failure = format!("expected no request, found {} {}", parts.method, expected::path(&parts));
            return Err(self.fail(failure));
        };
        let (body, error) = read(body, reply.reads()).await;
        let received =
            Received { parts: &parts, body: &body, error: error.as_ref(), is_whole: reply.reads().is_none() };
        let differences = expected.differences(&received);
        if !differences.is_empty() {
            return Err(self.fail(format!("request {at} was not as expected:{differences}")));
        }
        match error {
            Some(error) => Err(error),
            None => reply.give().await,
        }
    }

    /// What was not as scripted; ends the script.
    fn report(&self) -> String {
        let mut script = self.script();
        script.finished = true;
        let missing = script.exchanges.iter().enumerate().filter_map(|(at, exchange)| {
            let (expected, _) = exchange.as_ref()?;
            Some(format!("\n  request {} never came: {expected}", at + 1))
        });
        script.failures.iter().map(|failure| format!("\n  {failure}")).chain(missing).collect()
    }
}

/// Reads a body, or at least its first `limit` bytes; with the bytes so far comes the error that ended it.
async fn read(mut body: HttpBody, limit: Option<u64>) -> (Bytes, Option<Error>) {
    let mut bytes = BytesMut::new();
    while limit.is_none_or(|limit| (bytes.len() as u64) < limit) {
        match body.frame().await {
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map(Bytes::as_ref).unwrap_or_default()),
            Some(Err(error)) => return (bytes.freeze(), Some(error)),
            None => break,
        }
    }
    (bytes.freeze(), None)
}

impl Service<Request> for ScriptedService {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = Arc::clone(&self.0);
        let (parts, body) = request.into_parts();
        let next = shared.next(&parts);
        Box::pin(async move { shared.answer(parts, body, next).await })
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if self.script().finished || std::thread::panicking() {
            return;
        }
        let report = self.report();
        assert!(report.is_empty(), "the traffic was not as scripted:{report}");
    }
}

impl fmt::Debug for ScriptedService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let script = self.0.script();
        f.debug_struct("ScriptedService")
            .field("expected", &script.exchanges.iter().flatten().count())
            .field("received", &script.received)
            .field("failures", &script.failures)
            .finish_non_exhaustive()
    }
}
