//! What stands between a client and the wire, from outside in: retry, redirects, admission of a host, timeouts.

use std::{
    future::Future,
    sync::Arc,
    task::{Context, Poll},
};

use futures_core::future::BoxFuture;
use http::HeaderMap;
use oras_content::{Error, Result};
use tower_service::Service;

use crate::{
    body::HttpBody,
    client::{HttpClient, Request, Response},
    headers::WarningLog,
};

mod host;
mod pace;
mod redirect;
mod retry;
mod timeout;

pub use host::HostLimits;
pub(crate) use host::{Admission, Hosts};
pub(crate) use pace::Pace;
pub use redirect::FinalUri;
pub(crate) use redirect::Redirects;
pub(crate) use retry::Retrying;
pub use retry::{Attempt, Retries, RetryPolicy};
pub(crate) use timeout::Timed;
pub use timeout::Timeouts;

/// A request without its body. Those who may have to send it again share it; whoever changes it changes a copy.
pub(crate) type Head = Arc<http::Request<()>>;

/// One step of the way: passes a request on, or answers it.
///
/// The future of a step is part of the future of every request: what is large and seldom needed stands in a box.
pub(crate) trait Next: Send + Sync + 'static {
    fn send(&self, head: Head, body: HttpBody) -> impl Future<Output = Result<Response>> + Send;
}

impl Next for HttpClient {
    fn send(&self, head: Head, body: HttpBody) -> impl Future<Output = Result<Response>> + Send {
        Self::send(self, Arc::unwrap_or_clone(head).map(|()| body))
    }
}

/// The whole stack as a service: adds the headers of every request, shows the warnings of every response.
pub(crate) struct Stack<N>(Arc<Inner<N>>);

struct Inner<N> {
    next: N,
    headers: HeaderMap,
    warnings: Option<WarningLog>,
}

impl<N> Stack<N> {
    pub(crate) fn new(next: N, headers: HeaderMap, warnings: Option<WarningLog>) -> Self {
        Self(Arc::new(Inner { next, headers, warnings }))
    }
}

impl<N> Clone for Stack<N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<N: Next> Service<Request> for Stack<N> {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let inner = Arc::clone(&self.0);
        for name in inner.headers.keys() {
            if !request.headers().contains_key(name) {
                let values = inner.headers.get_all(name).iter();
                request.headers_mut().extend(values.map(|value| (name.clone(), value.clone())));
            }
        }
        let (parts, body) = request.into_parts();
        let head = Arc::new(http::Request::from_parts(parts, ()));
        Box::pin(async move {
            let response = inner.next.send(head, body).await?;
            if let (Some(warnings), Some(FinalUri(uri))) = (&inner.warnings, response.extensions().get()) {
                warnings.show(uri, response.headers());
            }
            Ok(response)
        })
    }
}
