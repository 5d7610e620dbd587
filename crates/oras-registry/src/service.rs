use std::{
    fmt, io,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{Request, Response};
use tower_service::Service;

use crate::{
    Behaviour, Counters,
    body::{Body, Upload},
    record::RequestRecord,
    registry::Registry,
};

/// A registry as a tower service, for servers and tests that bring their own transport. Clones share everything.
///
/// # Errors
///
/// A call fails with [`io::ErrorKind::ConnectionReset`] when the [`Behaviour`] asks for a reset in place of an answer,
/// and never otherwise.
#[derive(Clone)]
pub struct RegistryService {
    registry: Arc<Registry>,
}

impl RegistryService {
    pub(crate) fn new(registry: Arc<Registry>) -> Self {
        Self { registry }
    }

    /// Sets how the registry deviates from what the specification asks, from the next request on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.registry.set_behaviour(behaviour);
    }

    /// What the registry has been asked so far.
    pub fn counters(&self) -> &Counters {
        self.registry.counters()
    }

    /// The last requests, oldest first, as many as were asked to be kept.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.registry.records().all()
    }
}

impl<B> Service<Request<B>> for RegistryService
where
    B: http_body::Body<Data = Bytes> + Send + 'static,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Response<Body>>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let registry = Arc::clone(&self.registry);
        let (head, body) = request.into_parts();
        Box::pin(async move { registry.answer(head, Upload::new(body)).await })
    }
}

impl fmt::Debug for RegistryService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryService").finish_non_exhaustive()
    }
}
