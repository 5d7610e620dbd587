use std::sync::Arc;

use http::{
    HeaderName, Method, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, COOKIE, HOST, LOCATION, PROXY_AUTHORIZATION},
};
use oras_content::{Error, Result};

use super::{Head, Next};
use crate::{
    authorize::Authorizer,
    body::{HttpBody, not_replayable},
    client::Response,
    headers::{redacted, resolve},
    options::RequestOptions,
    origin::Origin,
};

/// How many redirects are followed: real chains have one or two.
const MAX_REDIRECTS: usize = 10;

/// The URL that answered in the end: an extension of every response of a client with redirects.
///
/// A relative `Location` or `Link` means this URL; a challenge from another [`Origin`] than the one that was asked must
/// not be answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FinalUri(pub Uri);

/// Follows redirects. What identifies the caller never goes to another origin, and nothing leads from https to http.
pub(crate) struct Redirects<N> {
    next: N,
    private: Arc<[HeaderName]>,
}

impl<N> Redirects<N> {
    /// `private` names the headers, besides its name and the credentials, that stay with the origin that was asked.
    pub(crate) fn new(next: N, private: impl IntoIterator<Item = HeaderName>) -> Self {
        let its_own = [HOST, AUTHORIZATION, COOKIE, PROXY_AUTHORIZATION];
        Self { next, private: its_own.into_iter().chain(private).collect() }
    }

    fn turn(&self, request: &mut http::Request<()>, to: Uri, status: StatusCode) -> Result<()> {
        let asked = Origin::of(request.uri());
        let Some(target) = Origin::of(&to) else {
            return Err(Error::unsupported(format_args!("a redirect to {}", redacted(&to))));
        };
        if asked.as_ref().is_some_and(Origin::is_https) && !target.is_https() {
            return Err(Error::unsupported(format_args!("a redirect from https to {}", redacted(&to))));
        }
        if asked.as_ref() != Some(&target) {
            if request.extensions().get().is_some_and(|options: &RequestOptions| !options.may_leave_origin()) {
                let from = redacted(request.uri());
                return Err(Error::unsupported(format_args!(
                    "a redirect of a secret from {from} to {}",
                    redacted(&to)
                )));
            }
            request.extensions_mut().remove::<Authorizer>();
            for name in self.private.iter() {
                request.headers_mut().remove(name);
            }
        }
        if status == StatusCode::SEE_OTHER && request.method() != Method::HEAD {
            *request.method_mut() = Method::GET;
            request.headers_mut().remove(CONTENT_LENGTH);
            request.headers_mut().remove(CONTENT_TYPE);
        }
        *request.uri_mut() = to;
        Ok(())
    }
}

impl<N: Next> Next for Redirects<N> {
    async fn send(&self, mut head: Head, mut body: HttpBody) -> Result<Response> {
        for _ in 0..=MAX_REDIRECTS {
            let spare = body.replay();
            let mut response = self.next.send(Arc::clone(&head), body).await?;
            let Some(to) = target(&head, &response) else {
                response.extensions_mut().insert(FinalUri(head.uri().clone()));
                return Ok(response);
            };
            let status = response.status();
            self.turn(Arc::make_mut(&mut head), to?, status)?;
            body = if head.method() == Method::GET || head.method() == Method::HEAD {
                HttpBody::empty()
            } else {
                // A handle on a body that was read in the meantime gives no other one.
                spare.and_then(|spare| spare.replay()).ok_or_else(not_replayable)?
            };
            Box::pin(response.into_body().discard()).await;
        }
        Err(Error::unsupported(format_args!("following more than {MAX_REDIRECTS} redirects")))
    }
}

fn target(request: &http::Request<()>, response: &Response) -> Option<Result<Uri>> {
    let is_redirect = matches!(
        response.status(),
        StatusCode::MOVED_PERMANENTLY
            | StatusCode::FOUND
            | StatusCode::SEE_OTHER
            | StatusCode::TEMPORARY_REDIRECT
            | StatusCode::PERMANENT_REDIRECT
    );
    let location = response.headers().get(LOCATION).filter(|_| is_redirect)?;
    Some(resolve(request.uri(), &String::from_utf8_lossy(location.as_bytes())))
}
