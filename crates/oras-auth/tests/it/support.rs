//! A registry and a token server as functions, and what they saw.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, Method, Uri};
use http_body_util::BodyExt as _;
use oras_auth::{AuthLayer, Credential, CredentialProvider, Scopes, StaticCredential};
use oras_content::{BoxFuture, Error, Result};
use oras_transport::{HttpBody, HttpClient, Request, Response, RetryPolicy};

pub(crate) const CHALLENGE: &str = r#"Bearer realm="https://auth.example/token",service="r""#;

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Seen {
    pub(crate) fn host(&self) -> &str {
        self.uri.host().unwrap_or_default()
    }

    pub(crate) fn authorization(&self) -> Option<&str> {
        self.headers.get("authorization").map(|value| value.to_str().unwrap())
    }

    pub(crate) fn query(&self) -> Vec<(String, String)> {
        pairs(self.uri.query().unwrap_or_default())
    }

    pub(crate) fn form(&self) -> Vec<(String, String)> {
        pairs(std::str::from_utf8(&self.body).unwrap())
    }
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8().unwrap().into_owned();
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    pairs.map(|(name, value)| (decode(name), decode(value))).collect()
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Seen>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn to(&self, host: &str) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.host() == host).collect()
    }

    pub(crate) fn lines(&self) -> Vec<String> {
        let line = |seen: &Seen| {
            let auth = seen.authorization().unwrap_or("-");
            format!("{} {}{} {auth}", seen.method, seen.host(), seen.uri.path())
        };
        self.all().iter().map(line).collect()
    }
}

/// A transport whose n-th request, counted from 0, is answered by `answer` after everybody else had a turn.
pub(crate) fn transport(
    answer: impl Fn(usize, &Seen) -> Response + Clone + Send + Sync + 'static,
) -> (HttpClient, Log) {
    let log = Log::default();
    let seen = log.clone();
    let service = tower::service_fn(move |request: Request| {
        let (log, answer) = (log.clone(), answer.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let seen = Seen { method: parts.method, uri: parts.uri, headers: parts.headers, body };
            let at = {
                let mut all = log.0.lock().unwrap();
                all.push(seen.clone());
                all.len() - 1
            };
            tokio::task::yield_now().await;
            Ok::<_, Error>(answer(at, &seen))
        }) as BoxFuture<'static, Result<Response>>
    });
    (HttpClient::builder().with_retry(RetryPolicy::none()).build_over(service), seen)
}

/// A registry that takes the token `good`, and a token server that gives it with every lifetime asked for.
pub(crate) fn token_registry(seen: &Seen) -> Response {
    match seen.host() {
        "auth.example" => answer(200, &[], r#"{"token":"good","expires_in":300}"#),
        _ if seen.authorization() == Some("Bearer good") => answer(200, &[], ""),
        _ => answer(401, &[("www-authenticate", CHALLENGE)], ""),
    }
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)], body: &'static str) -> Response {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(Bytes::from_static(body.as_bytes()).into()).unwrap()
}

pub(crate) fn me() -> Credential {
    Credential::password("me", "pw")
}

/// `Authorization` of [`me`].
pub(crate) const ME: &str = "Basic bWU6cHc=";

pub(crate) fn layer(credential: Credential) -> AuthLayer {
    AuthLayer::new(StaticCredential::new("r.example", credential))
}

pub(crate) fn get(path: &str, scopes: &str) -> Request {
    let request = http::Request::get(format!("https://r.example{path}"));
    request.extension(Scopes::parse(scopes)).body(HttpBody::empty()).unwrap()
}

pub(crate) async fn status(client: &HttpClient, request: Request) -> u16 {
    client.send(request).await.unwrap().status().as_u16()
}

/// A provider that answers from a function and counts how often it was asked.
#[derive(Clone)]
pub(crate) struct Asked<F>(pub(crate) Arc<Mutex<Vec<String>>>, pub(crate) F);

impl<F: Fn(usize, &str, Option<&str>) -> Result<Credential> + Send + Sync + 'static> CredentialProvider for Asked<F> {
    fn credential<'a>(&'a self, registry: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let at = {
                let mut all = self.0.lock().unwrap();
                all.push(format!("{registry}/{}", repository.unwrap_or_default()));
                all.len() - 1
            };
            (self.1)(at, registry, repository)
        })
    }
}
