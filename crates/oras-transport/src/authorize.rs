use std::{fmt, sync::Arc};

use http::HeaderValue;
use oras_content::{BoxFuture, Result};

/// Says who asks at the last moment: between the start of a request and its departure lie queues, pauses and retries, in
/// which a short-lived token ends.
pub trait Authorize: Send + Sync + 'static {
    /// The value of `Authorization`, as long as it is good; none when it has to be [renewed](Self::renew).
    fn current(&self) -> Option<HeaderValue>;

    /// Gets another one, and keeps it. It is called without a permit of the host, so it may send requests itself.
    ///
    /// # Errors
    ///
    /// When there is none; the request fails with it.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the request of the one who asked; others who wait for the same are not hurt.
    fn renew(&self) -> BoxFuture<'_, Result<HeaderValue>>;
}

/// An extension of requests: the client asks it for `Authorization` whenever the request is about to leave. It does not
/// follow a redirect to another origin.
#[derive(Clone)]
pub struct Authorizer(Arc<dyn Authorize>);

impl Authorizer {
    /// Asks `authorize`.
    pub fn new(authorize: Arc<dyn Authorize>) -> Self {
        Self(authorize)
    }

    pub(crate) fn current(&self) -> Option<HeaderValue> {
        self.0.current()
    }

    pub(crate) async fn renew(&self) -> Result<HeaderValue> {
        self.0.renew().await
    }
}

impl fmt::Debug for Authorizer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Authorizer").finish_non_exhaustive()
    }
}
