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

/// One step of the way: passes a request on, or answers it.
pub(crate) trait Next: Send + Sync + 'static {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response>> + Send;
}

impl Next for HttpClient {
    fn send(&self, request: Request) -> impl Future<Output = Result<Response>> + Send {
        Self::send(self, request)
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
        Box::pin(async move {
            for name in inner.headers.keys() {
                if !request.headers().contains_key(name) {
                    let values = inner.headers.get_all(name).iter();
                    request.headers_mut().extend(values.map(|value| (name.clone(), value.clone())));
                }
            }
            let response = inner.next.send(request).await?;
            if let (Some(warnings), Some(FinalUri(uri))) = (&inner.warnings, response.extensions().get()) {
                warnings.show(uri, response.headers());
            }
            Ok(response)
        })
    }
}
