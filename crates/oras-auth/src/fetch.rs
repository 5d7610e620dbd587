use std::time::SystemTime;

use bytes::Bytes;
use http::{
    HeaderValue, StatusCode, Uri,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use oras_content::{Error, ErrorKind, Result};
use oras_transport::{HttpBody, HttpClient, Origin, Request, RequestOptions, redacted};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::{
    cache::Account,
    credential::basic,
    error::AuthError,
    scope::Scopes,
    token::{Token, reason},
};

/// A token is some kilobytes; an answer of this size is none.
const MAX_ANSWER: usize = 128 * 1024;

const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How tokens are asked for.
#[derive(Clone, Debug)]
pub(crate) struct TokenOptions {
    pub(crate) client_id: String,
    pub(crate) force_oauth2: bool,
}

/// Asks a token server once for each of the ways that may work.
pub(crate) struct TokenRequest<'a> {
    pub(crate) client: &'a HttpClient,
    pub(crate) account: &'a Account,
    /// The account's own, or what the server gave in its place.
    pub(crate) refresh_token: &'a str,
    pub(crate) options: &'a TokenOptions,
    pub(crate) clock: &'a (dyn Fn() -> SystemTime + Send + Sync),
}

/// A token, and what it is for where that is not what was asked for.
pub(crate) type Given = (Token, Option<Scopes>);

/// What a token server answered.
struct Refusal {
    status: StatusCode,
    body: Bytes,
}

impl TokenRequest<'_> {
    /// A token for `scopes`; when there is none, one for what the challenge alone asks for.
    ///
    /// Some token servers fail on more scopes than one.
    pub(crate) async fn fetch(&self, scopes: &Scopes, challenged: &Scopes) -> Result<Given> {
        match self.grant(scopes).await? {
            Ok(token) => Ok((token, None)),
            Err(refused) if refused.status.is_client_error() && !challenged.is_empty() && challenged != scopes => {
                let second = self.grant(challenged).await?.map_err(|_second| self.refused(scopes, &refused))?;
                Ok((second, Some(challenged.clone())))
            }
            Err(refused) => Err(self.refused(scopes, &refused)),
        }
    }

    async fn grant(&self, scopes: &Scopes) -> Result<Result<Token, Refusal>> {
        let (credential, refresh_token) = (&self.account.credential, self.refresh_token);
        let by_post = !refresh_token.is_empty() || (self.options.force_oauth2 && credential.has_password());
        if by_post {
            match self.send(scopes, self.post(scopes)?).await? {
                Err(refused) if is_unsupported(refused.status) => {}
                answered => return Ok(answered),
            }
        }
        let password = if credential.has_password() { credential.expose_password() } else { refresh_token };
        self.send(scopes, self.get(scopes, credential.username(), password)?).await
    }

    fn post(&self, scopes: &Scopes) -> Result<Request> {
        let credential = &self.account.credential;
        let scope = scopes.to_string();
        let mut fields =
            vec![("service", self.account.server.service.as_str()), ("client_id", self.options.client_id.as_str())];
        if !scope.is_empty() {
            fields.push(("scope", &scope));
        }
        if self.refresh_token.is_empty() {
            fields.push(("grant_type", "password"));
            fields.push(("username", credential.username()));
            fields.push(("password", credential.expose_password()));
        } else {
            fields.push(("grant_type", "refresh_token"));
            fields.push(("refresh_token", self.refresh_token));
        }
        let request = http::Request::post(self.account.server.realm.clone())
            .header(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"))
            .extension(RequestOptions::new().without_foreign_redirects());
        request.body(HttpBody::from_bytes(encode(&fields).into())).map_err(malformed)
    }

    fn get(&self, scopes: &Scopes, username: &str, password: &str) -> Result<Request> {
        let scopes = scopes.to_list();
        let mut fields = vec![("service", self.account.server.service.as_str())];
        fields.retain(|(_, service)| !service.is_empty());
        fields.extend(scopes.iter().map(|scope| ("scope", scope.as_str())));
        let mut request = http::Request::get(with_query(&self.account.server.realm, &encode(&fields))?);
        if !password.is_empty() {
            request = request.header(AUTHORIZATION, basic(username, password));
        }
        request.body(HttpBody::empty()).map_err(malformed)
    }

    async fn send(&self, scopes: &Scopes, request: Request) -> Result<Result<Token, Refusal>> {
        let server = redacted(request.uri());
        let response = self.client.send(request).await?;
        let status = response.status();
        let body = response.into_body().excerpt(MAX_ANSWER + 1).await?;
        if !status.is_success() {
            return Ok(Err(Refusal { status, body }));
        }
        if body.len() > MAX_ANSWER {
            let message = format!("the answer of the token server {server} is larger than {MAX_ANSWER} bytes");
            return Err(Error::new(ErrorKind::SizeExceedsLimit, message));
        }
        match Token::parse(&body, (self.clock)()) {
            Some(token) => Ok(Ok(token)),
            None => Err(self.no_token(scopes, "there is none in its answer".to_owned()).into()),
        }
    }

    fn refused(&self, scopes: &Scopes, refusal: &Refusal) -> Error {
        let status = refusal.status;
        let answer = reason(&refusal.body).map_or_else(|| status.to_string(), |why| format!("{status}: {why}"));
        let who = self.account.credential.holder().unwrap_or_else(|| "nobody in particular".to_owned());
        let answer = format!("{answer} ({who} asked){}", self.advice(status));
        let error = self.no_token(scopes, answer);
        let kind = match status {
            StatusCode::TOO_MANY_REQUESTS => ErrorKind::RateLimited,
            StatusCode::FORBIDDEN => ErrorKind::Denied,
            status if status.is_server_error() => ErrorKind::Io,
            _ => ErrorKind::Unauthorized,
        };
        let may_pass = matches!(kind, ErrorKind::RateLimited | ErrorKind::Io);
        Error::new(kind, error.to_string()).with_source(error).with_retryable(may_pass)
    }

    /// What that person can do about a refusal, as far as it has to do with who asks.
    fn advice(&self, status: StatusCode) -> &'static str {
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN if self.account.credential.is_anonymous() => {
                "; log in with a user name and a password"
            }
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                "; if the password or token is wrong or no longer valid, log in again"
            }
            _ => "",
        }
    }

    fn no_token(&self, scopes: &Scopes, answer: String) -> AuthError {
        let server = &self.account.server.realm;
        AuthError::NoToken {
            registry: self.account.registry.authority(),
            scopes: scopes.clone(),
            server: Origin::of(server).map_or_else(|| redacted(server), |origin| origin.to_string()),
            answer,
        }
    }
}

/// GCR answers 404, Artifactory 401, ACR 400 and others 405 where the OAuth2 form is not known.
fn is_unsupported(status: StatusCode) -> bool {
    matches!(
        status,
        StatusCode::NOT_FOUND | StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST | StatusCode::METHOD_NOT_ALLOWED
    )
}

fn encode(fields: &[(&str, &str)]) -> String {
    let pairs = fields.iter().map(|(name, value)| format!("{name}={}", utf8_percent_encode(value, UNRESERVED)));
    pairs.collect::<Vec<_>>().join("&")
}

fn with_query(realm: &Uri, query: &str) -> Result<Uri> {
    let separator = if realm.query().is_some_and(|query| !query.is_empty()) { "&" } else { "?" };
    let realm = realm.to_string();
    let realm = realm.trim_end_matches('?');
    let text = if query.is_empty() { realm.to_owned() } else { format!("{realm}{separator}{query}") };
    text.parse().map_err(malformed)
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::new(ErrorKind::Unauthorized, "the registry names a malformed token server").with_source(error)
}
