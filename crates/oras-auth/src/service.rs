use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::SystemTime,
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::{Method, StatusCode, Uri, header::AUTHORIZATION};
use oras_content::{BoxFuture, Error, ErrorKind, Result};
use oras_transport::{FinalUri, HttpBody, HttpClient, Origin, Request, Response, ResponseBody};
use tower_service::Service;

use crate::{
    challenge::Challenge,
    error::Refused,
    grant::Grant,
    grants::{Grants, Scout},
    layer::AuthLayer,
    target::Target,
};

/// How often a request is sent with another token: more than once only when the one before may have ended on the way.
/// Tokens that live for a second end so behind a queue.
const MAX_TOKENS: usize = 8;

/// Error documents are searched this far for the word that a token is no longer valid.
const MAX_ERROR_DOCUMENT: usize = 8 * 1024;

/// An [`HttpClient`] that answers challenges.
#[derive(Clone)]
pub struct AuthService {
    grants: Arc<Grants>,
}

impl AuthService {
    pub(crate) fn new(client: HttpClient, layer: AuthLayer) -> Self {
        Self { grants: Arc::new(Grants::new(client, layer)) }
    }

    fn run(&self, request: Request) -> BoxFuture<'static, Result<Response>> {
        let (parts, body) = request.into_parts();
        let head = Arc::new(http::Request::from_parts(parts, ()));
        let target = Target::of(&head).filter(|_| !head.headers().contains_key(AUTHORIZATION));
        let grants = Arc::clone(&self.grants);
        let Some(target) = target else {
            let request = Arc::unwrap_or_clone(head).map(|()| body);
            return Box::pin(async move { grants.client().send(request).await });
        };
        let asked = Asked { grants, target };
        Box::pin(async move { asked.send(body).await })
    }
}

/// A request on its way. What is seldom needed stands in a box, for the future is part of every request.
struct Asked {
    grants: Arc<Grants>,
    target: Target,
}

impl Asked {
    async fn send(&self, mut body: HttpBody) -> Result<Response> {
        let Self { grants, target } = self;
        let mut grant = grants.known(target).await?;
        let mut scout = None;
        if grant.is_none() && !grants.has_answered(target) {
            scout = Box::pin(grants.scout(target)).await;
            grant = grants.known(target).await?;
        }
        if grant.is_none() && body.is_streamed() && !grants.is_known(target) && !grants.is_open(target) {
            let answered = Box::pin(self.probe()).await;
            report(scout.take());
            grant = answered?;
        }
        let mut before = None;
        for round in 1.. {
            let began = grants.now();
            let spare = body.replay();
            let mut request = target.head().clone().map(|()| body);
            if let Some(grant) = &grant {
                grant.apply(&mut request);
            }
            let answered = match grants.client().send(request).await {
                Ok(response) if is_perhaps_refused(&response) => {
                    Box::pin(self.other(response, grant.as_ref(), before, round > MAX_TOKENS)).await
                }
                answered => answered.map(|response| (response, None)),
            };
            report(scout.take());
            let (response, next) = answered?;
            let Some(next) = next else {
                return Ok(self.finish(response, grant.as_ref()));
            };
            let again = spare.and_then(|spare| spare.replay());
            body = again.ok_or_else(|| spent(&target.registry()))?;
            (grant, before) = (Some(next), Some(began));
            Box::pin(response.into_body().discard()).await;
        }
        Err(Error::new(ErrorKind::Unauthorized, "no token was accepted"))
    }

    /// Finds what to say instead when a request was refused; the one `before` it began then.
    async fn other(
        &self,
        response: Response,
        grant: Option<&Grant>,
        before: Option<SystemTime>,
        is_last: bool,
    ) -> Result<(Response, Option<Grant>)> {
        let Self { grants, target } = self;
        let uri = target.head().uri();
        let is_refused_for_good = |(grant, before): (&Grant, _)| grant.is_final(before, grants.now());
        let is_final = is_last || grant.zip(before).is_some_and(is_refused_for_good);
        let (response, refused) = inspect(response, uri, grant.is_some() && !is_final).await?;
        let next = match refused.filter(|_| !is_final) {
            Some(challenges) => grants.other(target, uri, &challenges, grant).await?,
            None => None,
        };
        Ok((response, next))
    }

    /// Notes what a response says about those who ask without a name, and whom it refuses.
    fn finish(&self, mut response: Response, grant: Option<&Grant>) -> Response {
        let Self { grants, target } = self;
        let status = response.status();
        if grant.is_none() && status != StatusCode::UNAUTHORIZED {
            grants.note_open(target);
        }
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let holder = grant.and_then(Grant::holder);
            response.extensions_mut().insert(Refused { holder, scopes: target.scopes.clone() });
        }
        response
    }

    /// Learns how a registry wants to be told who asks, before a body goes out that would be sent in vain.
    async fn probe(&self) -> Result<Option<Grant>> {
        let Self { grants, target } = self;
        let uri = target.head().uri();
        let mut parts = uri.clone().into_parts();
        parts.path_and_query = Some(http::uri::PathAndQuery::from_static("/v2/"));
        let base = Uri::from_parts(parts).map_err(|error| Error::new(ErrorKind::Other, "no URL").with_source(error))?;
        let mut request = Request::new(HttpBody::empty());
        *request.method_mut() = Method::GET;
        *request.uri_mut() = base.clone();
        let (response, refused) = inspect(grants.client().send(request).await?, &base, false).await?;
        response.into_body().discard().await;
        match refused {
            Some(challenges) => grants.other(target, uri, &challenges, None).await,
            None => Ok(None),
        }
    }
}

/// Lets those go who wait for what this request has learned.
fn report(scout: Option<Scout<'_>>) {
    if let Some(scout) = scout {
        let _nothing_to_hand_on = scout.finish(Ok(()));
    }
}

fn spent(registry: &str) -> Error {
    let message = format!("{registry} wants to know who asks, and the request's body can be read only once");
    Error::new(ErrorKind::Unauthorized, message)
}

/// Whether a response has a status that may refuse who asked.
fn is_perhaps_refused(response: &Response) -> bool {
    matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN)
}

/// Whether a response refuses who asked, and with which challenges. One from another origin never does: it gets no answer.
///
/// `may_have_ended` says that the request had a token that may not be good any more.
async fn inspect(response: Response, asked: &Uri, may_have_ended: bool) -> Result<(Response, Option<Vec<Challenge>>)> {
    let answered = response.extensions().get().map_or(asked, |FinalUri(uri)| uri);
    if Origin::of(answered) != Origin::of(asked) {
        return Ok((response, None));
    }
    match response.status() {
        StatusCode::UNAUTHORIZED => {
            let challenges = Challenge::all(response.headers());
            Ok((response, Some(challenges)))
        }
        // ECR says in a 400 or 403 that the token of a known caller has ended.
        StatusCode::BAD_REQUEST | StatusCode::FORBIDDEN if may_have_ended => {
            let (response, document) = peek(response).await?;
            Ok((response, says_token_ended(&document).then(Vec::new)))
        }
        _ => Ok((response, None)),
    }
}

async fn peek(response: Response) -> Result<(Response, Bytes)> {
    let (parts, mut body) = response.into_parts();
    let mut read = bytes::BytesMut::new();
    while read.len() < MAX_ERROR_DOCUMENT
        && let Some(chunk) = body.next().await.transpose()?
    {
        read.extend_from_slice(&chunk);
    }
    let read = read.freeze();
    let whole = futures_util::stream::iter([Ok(read.clone())]).chain(body);
    Ok((Response::from_parts(parts, ResponseBody::from_stream(whole)), read))
}

fn says_token_ended(document: &[u8]) -> bool {
    let text = String::from_utf8_lossy(document).to_ascii_lowercase();
    text.contains("token") && ["expired", "invalid"].iter().any(|word| text.contains(word))
}

impl Service<Request> for AuthService {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.run(request)
    }
}

impl fmt::Debug for AuthService {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthService").finish_non_exhaustive()
    }
}
