//! A service that answers from a function and keeps what it saw, and a server on a loopback socket that does the same.

use std::{
    future::Future,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use http::{HeaderMap, Method, Uri, request::Parts};
use http_body_util::BodyExt as _;
use oras_content::{Error, Result};
use oras_transport::{HttpBody, HttpClient, HttpClientBuilder, Request, Response, ResponseBody};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
};
use tower::util::BoxCloneSyncService;

#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) uri: Uri,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<Seen>>>);

impl Log {
    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    fn add(&self, parts: &Parts, body: Bytes) -> usize {
        let (method, uri, headers) = (parts.method.clone(), parts.uri.clone(), parts.headers.clone());
        let mut all = self.0.lock().unwrap();
        all.push(Seen { method, uri, headers, body });
        all.len() - 1
    }
}

pub(crate) type Service = BoxCloneSyncService<Request, Response, Error>;

/// A service that answers the n-th request, counted from 0, by `answer`.
pub(crate) fn service<F, A>(answer: F) -> (Service, Log)
where
    F: Fn(usize, Seen) -> A + Clone + Send + Sync + 'static,
    A: Future<Output = Result<Response>> + Send + 'static,
{
    let log = Log::default();
    let seen = log.clone();
    let service = tower::service_fn(move |request: Request| {
        let (log, answer) = (log.clone(), answer.clone());
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let at = log.add(&parts, body);
            let seen = log.all()[at].clone();
            answer(at, seen).await
        }) as BoxFuture<'static, Result<Response>>
    });
    (BoxCloneSyncService::new(service), seen)
}

/// A client over a service that answers with what `answer` gives at once.
pub(crate) fn client(
    builder: HttpClientBuilder,
    answer: impl Fn(usize, Seen) -> Result<Response> + Clone + Send + Sync + 'static,
) -> (HttpClient, Log) {
    let (service, log) = service(move |at, seen| std::future::ready(answer(at, seen)));
    (builder.build_over(service), log)
}

pub(crate) fn answer(status: u16, headers: &[(&'static str, &str)]) -> Response {
    let mut response = http::Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(ResponseBody::empty()).unwrap()
}

pub(crate) fn get(uri: &str) -> Request {
    http::Request::get(uri).body(HttpBody::empty()).unwrap()
}

/// Serves each connection by `serve`, as long as the test runs.
pub(crate) async fn listen<F, A>(serve: F) -> String
where
    F: Fn(usize, TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        for at in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            tokio::spawn(serve(at, stream));
        }
    });
    address.to_string()
}

/// Reads one request head from a stream; none at its end.
pub(crate) async fn read_head(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8(head).unwrap())
}

/// The value of a header in a head as it was read.
pub(crate) fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (found, value) = line.split_once(": ")?;
        found.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// Answers every request of a connection with `ok`.
pub(crate) async fn serve_ok(mut stream: impl tokio::io::AsyncRead + tokio::io::AsyncWrite + Unpin) {
    while let Some(head) = read_head(&mut stream).await {
        let len = header(&head, "content-length").map_or(0, |len| len.parse().unwrap());
        let mut body = vec![0; len];
        if stream.read_exact(&mut body).await.is_err() {
            return;
        }
        if stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await.is_err() {
            return;
        }
    }
}
