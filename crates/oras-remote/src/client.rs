use bytes::Bytes;
use futures_util::{
    TryFutureExt as _,
    future::{Either, Ready, ready},
};
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use oras_auth::Refused;
use oras_content::{BoxFuture, Digest, Error, ErrorKind, MediaType, Result};
use oras_transport::{
    FinalUri, HttpBody, HttpClient, Request, RequestOptions, Response, ResponseBody, Retries, redacted,
};

use crate::{
    access::Access,
    error::{ERROR_LIMIT, ResponseError},
};

pub(crate) const DOCKER_CONTENT_DIGEST: HeaderName = HeaderName::from_static("docker-content-digest");

/// A request in the making.
#[derive(Debug)]
pub(crate) struct Call(Request);

impl Call {
    pub(crate) fn new(method: Method, uri: Uri, access: Access) -> Self {
        let mut request = Request::new(HttpBody::empty());
        *request.method_mut() = method;
        *request.uri_mut() = uri;
        // What is hashed is what is stored, whichever client sends the request: no coding on the way.
        request.headers_mut().insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
        access.attach(request.extensions_mut());
        Self(request)
    }

    #[must_use]
    pub(crate) fn header(self, name: HeaderName, value: impl AsRef<str>) -> Self {
        match HeaderValue::from_str(value.as_ref()) {
            Ok(value) => self.value(name, value),
            Err(_) => self,
        }
    }

    #[must_use]
    pub(crate) fn value(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers_mut().insert(name, value);
        self
    }

    /// Says that there is no content, to registries that want to be told.
    #[must_use]
    pub(crate) fn without_content(self) -> Self {
        self.value(header::CONTENT_LENGTH, HeaderValue::from_static("0"))
    }

    #[must_use]
    pub(crate) fn body(mut self, media_type: &MediaType, body: HttpBody) -> Self {
        *self.0.body_mut() = body;
        self.header(header::CONTENT_TYPE, media_type.as_str())
    }

    /// Bytes of no type in particular.
    #[must_use]
    pub(crate) fn bytes(mut self, body: HttpBody) -> Self {
        *self.0.body_mut() = body;
        self.value(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"))
    }

    #[must_use]
    pub(crate) fn options(mut self, options: RequestOptions) -> Self {
        if options != RequestOptions::new() {
            self.0.extensions_mut().insert(options);
        }
        self
    }

    /// Sends the request; an answer of any status is none of its errors.
    pub(crate) fn send(self, client: &HttpClient) -> impl Future<Output = Result<Answer>> + Send {
        let (method, asked) = (self.0.method().clone(), self.0.uri().clone());
        client.send(self.0).map_ok(move |response| Answer { method, asked, response })
    }
}

/// An answer, with what was asked.
#[derive(Debug)]
pub(crate) struct Answer {
    method: Method,
    asked: Uri,
    response: Response,
}

impl Answer {
    pub(crate) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The text of a header; none where it is missing or empty.
    pub(crate) fn header(&self, name: &HeaderName) -> Option<&str> {
        let value = self.response.headers().get(name)?.to_str().ok()?.trim();
        Some(value).filter(|value| !value.is_empty())
    }

    /// The URL that answered: behind redirects not the one that was asked.
    pub(crate) fn uri(&self) -> &Uri {
        self.response.extensions().get().map_or(&self.asked, |FinalUri(uri)| uri)
    }

    /// Whether another URL answered than the one that was asked.
    pub(crate) fn is_redirected(&self) -> bool {
        self.uri() != &self.asked
    }

    pub(crate) fn content_length(&self) -> Option<u64> {
        self.header(&header::CONTENT_LENGTH)?.parse().ok()
    }

    /// The media type without parameters.
    pub(crate) fn media_type(&self) -> Option<MediaType> {
        let media_type = MediaType::new(self.header(&header::CONTENT_TYPE)?.to_owned());
        Some(MediaType::new(media_type.essence().to_owned()))
    }

    /// The digest that the registry says the content has.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidDigest`] when it is malformed.
    pub(crate) fn digest(&self) -> Result<Option<Digest>> {
        let Some(text) = self.header(&DOCKER_CONTENT_DIGEST) else {
            return Ok(None);
        };
        match text.parse::<Digest>() {
            Ok(digest) => Ok(Some(digest)),
            Err(error) => {
                let message = format!("invalid Docker-Content-Digest {text:?} in the answer to {}", self.what());
                Err(Error::new(ErrorKind::InvalidDigest, message).with_source(error))
            }
        }
    }

    /// Checks the digest that the registry says, where it is of the same algorithm.
    ///
    /// One of another algorithm says nothing here: some registries name their own whatever was asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when it is another one; [`ErrorKind::InvalidDigest`] when it is malformed.
    pub(crate) fn check_digest(&self, expected: &Digest) -> Result<Option<Digest>> {
        if self.header(&DOCKER_CONTENT_DIGEST) == Some(expected.as_str()) {
            return Ok(Some(expected.clone()));
        }
        let found = self.digest()?;
        match &found {
            Some(found) if found.algorithm() == expected.algorithm() && found != expected => {
                let message =
                    format!("wrong digest in the answer to {}: expected {expected}, found {found}", self.what());
                Err(Error::new(ErrorKind::Corrupt, message))
            }
            _ => Ok(found),
        }
    }

    /// Whether the answer has this status, else the registry's error.
    ///
    /// # Errors
    ///
    /// With a [`ResponseError`] below, for any other status; `what` says what was done.
    pub(crate) fn expect(
        self,
        expected: &[StatusCode],
        what: impl FnOnce() -> String,
    ) -> Either<Ready<Result<Self>>, BoxFuture<'static, Result<Self>>> {
        if expected.contains(&self.status()) {
            return Either::Left(ready(Ok(self)));
        }
        let what = what();
        Either::Right(Box::pin(async move { Err(self.into_error(&what).await) }))
    }

    /// The registry's error.
    pub(crate) async fn into_error(self, what: &str) -> Error {
        self.into_response_error().await.about(what)
    }

    pub(crate) async fn into_response_error(self) -> ResponseError {
        let (uri, status) = (self.uri().clone(), self.status());
        let retries = self.response.extensions().get().map_or(0, |retries: &Retries| retries.count);
        let refused = self.response.extensions().get::<Refused>().cloned();
        let body = if self.method == Method::HEAD {
            Bytes::new()
        } else {
            // What cannot be read of an error document does not hide the status.
            self.response.into_body().excerpt(ERROR_LIMIT).await.unwrap_or_default()
        };
        ResponseError::new(self.method, &uri, status, &body).with_retries(retries).with_refused(refused)
    }

    /// An answer that the specification does not allow.
    pub(crate) fn protocol_error(&self, found: impl std::fmt::Display) -> Error {
        Error::new(ErrorKind::Other, format!("unexpected answer to {}: {found}", self.what()))
    }

    fn what(&self) -> String {
        format!("{} {:?}", self.method, redacted(self.uri()))
    }

    pub(crate) fn into_body(self) -> ResponseBody {
        self.response.into_body()
    }

    /// The body as JSON. What is none is an answer that the specification does not allow: a proxy's page, perhaps.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SizeExceedsLimit`] when there are more than `limit` bytes; [`ErrorKind::Other`] when it is no such JSON.
    pub(crate) async fn json<T: serde::de::DeserializeOwned>(self, limit: u64) -> Result<T> {
        let found = self.media_type().unwrap_or_default();
        let unexpected = self.protocol_error(format_args!("expected JSON, found {found}"));
        let bytes = self.bytes(limit).await?;
        serde_json::from_slice(&bytes).map_err(|error| unexpected.with_source(error))
    }

    /// All of the body.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SizeExceedsLimit`] when there are more than `limit` bytes.
    pub(crate) async fn bytes(self, limit: u64) -> Result<Bytes> {
        let message = format!(
            "the answer to {} is larger than the metadata limit of {limit} bytes (see RegistryOptions::with_metadata_limit)",
            self.what()
        );
        let too_large = Error::new(ErrorKind::SizeExceedsLimit, message);
        if self.content_length().is_some_and(|length| length > limit) {
            return Err(too_large);
        }
        match self.response.into_body().bytes(limit).await {
            Err(found) if found.kind() == ErrorKind::SizeExceedsLimit => Err(too_large),
            result => result,
        }
    }
}
