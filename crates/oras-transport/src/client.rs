use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use futures_core::future::BoxFuture;
use oras_content::{Error, Result};
use tower::{ServiceExt as _, util::BoxCloneSyncService};
use tower_layer::Layer;
use tower_service::Service;

use crate::{
    body::{HttpBody, ResponseBody},
    builder::HttpClientBuilder,
    headers::RateLimit,
    origin::Origin,
    stack::Hosts,
};

/// A request to a registry.
pub type Request = http::Request<HttpBody>;

/// A response of a registry.
pub type Response = http::Response<ResponseBody>;

/// Sends requests: a stack of services behind one clonable handle.
///
/// Clones share connections and what is known about each host. Any [`Service`] can take the place of the real stack, and
/// layers go around it.
///
/// # Cancel safety
///
/// Dropping the future of a request drops the request.
#[derive(Clone)]
pub struct HttpClient {
    shared: Arc<dyn Shared>,
    /// The clone of the service that this handle makes ready and calls, where it is one itself.
    own: Option<BoxService>,
    hosts: Option<Arc<Hosts>>,
}

type BoxService = BoxCloneSyncService<Request, Response, Error>;

/// A service of any type that is shared by reference count, so that a request clones no box.
trait Shared: Send + Sync {
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Response>>;

    fn service(&self) -> BoxService;
}

struct Of<S>(S);

impl<S> Shared for Of<S>
where
    S: Service<Request, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
    S::Future: Send + 'static,
{
    fn send(&self, request: Request) -> BoxFuture<'static, Result<Response>> {
        let mut service = self.0.clone();
        // Most are ready at any time; one that is not is asked again by whoever can wait.
        match service.poll_ready(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(())) => Box::pin(service.call(request)),
            Poll::Ready(Err(error)) => Box::pin(std::future::ready(Err(error))),
            Poll::Pending => Box::pin(service.oneshot(request)),
        }
    }

    fn service(&self) -> BoxService {
        BoxService::new(self.0.clone())
    }
}

impl HttpClient {
    /// The default client over TCP and TLS: retry, redirects, timeouts, proxies from the environment.
    pub fn new() -> Self {
        Self::builder().build()
    }

    /// A client with other settings.
    pub fn builder() -> HttpClientBuilder {
        HttpClientBuilder::new()
    }

    /// A client over any service: nothing is added, so it neither retries nor follows redirects by itself.
    pub fn from_service<S>(service: S) -> Self
    where
        S: Service<Request, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        Self { shared: Arc::new(Of(service)), own: None, hosts: None }
    }

    /// The same client with a layer around it.
    #[must_use]
    pub fn layer<L>(self, layer: &L) -> Self
    where
        L: Layer<Self>,
        L::Service: Service<Request, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
        <L::Service as Service<Request>>::Future: Send + 'static,
    {
        let hosts = self.hosts.clone();
        Self { hosts, ..Self::from_service(layer.layer(self)) }
    }

    fn own(&mut self) -> &mut BoxService {
        self.own.get_or_insert_with(|| self.shared.service())
    }

    pub(crate) fn with_hosts(mut self, hosts: Arc<Hosts>) -> Self {
        self.hosts = Some(hosts);
        self
    }

    /// What a host last said about how many requests it still answers; none when it said nothing, or a service of the
    /// caller's own was never wrapped by [`HttpClientBuilder::build_over`].
    pub fn rate_limit(&self, origin: &Origin) -> Option<RateLimit> {
        self.hosts.as_ref()?.rate_limit(origin)
    }

    /// Sends a request and waits for the head of its response.
    ///
    /// # Errors
    ///
    /// When there is no response: an error of the request's body as it was, else of kind
    /// [`Io`](oras_content::ErrorKind::Io), [`Timeout`](oras_content::ErrorKind::Timeout) or
    /// [`Unsupported`](oras_content::ErrorKind::Unsupported). A response of any status is no error here.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the request; the registry may have received it all the same.
    pub async fn send(&self, request: Request) -> Result<Response> {
        self.shared.send(request).await
    }
}

impl Service<Request> for HttpClient {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.own().poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.own().call(request)
    }
}

impl Default for HttpClient {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClient").finish_non_exhaustive()
    }
}
