use std::time::Duration;

/// How one request differs from the client's settings: put it into the request's extensions.
///
/// ```
/// use std::time::Duration;
/// use oras_transport::{HttpBody, RequestOptions};
///
/// let request = http::Request::put("https://registry.example/v2/app/blobs/uploads/1?digest=sha256:abc")
///     .extension(RequestOptions::new().with_header_timeout(Duration::from_secs(900)))
///     .body(HttpBody::empty());
/// # assert!(request.is_ok());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct RequestOptions {
    header_timeout: Option<Duration>,
    without_retry: bool,
    without_permit: bool,
    without_foreign_redirects: bool,
}

impl RequestOptions {
    /// No difference.
    pub fn new() -> Self {
        Self::default()
    }

    /// How long the head of the response may take, from the end of the request's body. The request that closes an upload
    /// needs more than others: the registry hashes the whole blob.
    #[must_use]
    pub fn with_header_timeout(mut self, timeout: Duration) -> Self {
        self.header_timeout = Some(timeout);
        self
    }

    /// Sends the request once: for steps whose state must be asked for before they are repeated, such as a chunk of an
    /// upload.
    #[must_use]
    pub fn without_retry(mut self) -> Self {
        self.without_retry = true;
        self
    }

    /// Takes no permit of the host's concurrency cap: for a request on which another one in flight depends, such as the
    /// reopening of a source. A request whose body is [streamed](crate::HttpBody::is_streamed) never takes one.
    #[must_use]
    pub fn without_permit(mut self) -> Self {
        self.without_permit = true;
        self
    }

    /// Follows no redirect to another origin: for a body that holds a secret.
    #[must_use]
    pub fn without_foreign_redirects(mut self) -> Self {
        self.without_foreign_redirects = true;
        self
    }

    /// The time for the head of the response, where it differs.
    pub fn header_timeout(&self) -> Option<Duration> {
        self.header_timeout
    }

    /// Whether the request may be sent again.
    pub fn may_retry(&self) -> bool {
        !self.without_retry
    }

    /// Whether the request takes a permit.
    pub fn takes_permit(&self) -> bool {
        !self.without_permit
    }

    /// Whether a redirect to another origin is followed.
    pub fn may_leave_origin(&self) -> bool {
        !self.without_foreign_redirects
    }
}
