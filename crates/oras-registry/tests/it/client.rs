//! A client that does nothing by itself.

use std::{net::SocketAddr, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderMap, Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Full, StreamBody};
use oras_descriptor::{Descriptor, Digest, Manifest, MediaType, canonical};
use oras_registry::RegistryService;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tower_service::Service as _;

/// An answer, read whole.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The code of the first error.
    pub(crate) fn code(&self) -> String {
        assert_eq!(self.header("content-type"), "application/json");
        self.json()["errors"][0]["code"].as_str().unwrap().to_owned()
    }
}

/// A registry without a socket, and the directory it lives in, if it does.
#[derive(Clone)]
pub(crate) struct Client(pub(crate) RegistryService, pub(crate) Option<Arc<TempDir>>);

impl Client {
    pub(crate) async fn send(
        &self,
        method: &str,
        target: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send_body(method, target, headers, Full::new(body.into())).await
    }

    /// Sends a body of unknown length.
    pub(crate) async fn stream(&self, method: &str, target: &str, chunks: Vec<Bytes>) -> Answer {
        let frames = stream::iter(chunks).map(|chunk| Ok::<_, std::io::Error>(http_body::Frame::data(chunk)));
        self.send_body(method, target, &[], StreamBody::new(frames)).await
    }

    async fn send_body<B>(&self, method: &str, target: &str, headers: &[(&str, &str)], body: B) -> Answer
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut request =
            Request::builder().method(Method::from_bytes(method.as_bytes()).unwrap()).uri(target).header("host", "h:1");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.0.clone().call(request.body(body).unwrap()).await.unwrap();
        let (head, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status, headers: head.headers, body }
    }

    pub(crate) async fn get(&self, target: &str) -> Answer {
        self.send("GET", target, &[], "").await
    }

    pub(crate) async fn head(&self, target: &str) -> Answer {
        self.send("HEAD", target, &[], "").await
    }

    pub(crate) async fn post(&self, target: &str) -> Answer {
        self.send("POST", target, &[], "").await
    }

    pub(crate) async fn delete(&self, target: &str) -> Answer {
        self.send("DELETE", target, &[], "").await
    }

    /// Pushes a blob in one request.
    pub(crate) async fn push_blob(&self, name: &str, content: impl Into<Bytes>) -> Digest {
        let content = content.into();
        let digest = Digest::of(&content);
        let target = format!("/v2/{name}/blobs/uploads/?digest={digest}");
        let answer = self.send("POST", &target, &[], content).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        digest
    }

    /// Opens a session and gives its location.
    pub(crate) async fn open(&self, name: &str) -> String {
        let answer = self.post(&format!("/v2/{name}/blobs/uploads/")).await;
        assert_eq!(answer.status, 202);
        answer.header("location").to_owned()
    }

    /// Pushes a document by tag or digest.
    pub(crate) async fn push(&self, target: &str, document: &Document) -> Answer {
        self.send("PUT", target, &[("content-type", document.0.as_str())], document.1.clone()).await
    }
}

/// A manifest or index with its type.
#[derive(Clone)]
pub(crate) struct Document(pub(crate) MediaType, pub(crate) Bytes);

impl Document {
    pub(crate) fn digest(&self) -> Digest {
        Digest::of(&self.1)
    }

    pub(crate) fn desc(&self) -> Descriptor {
        Descriptor::of(self.0.clone(), &self.1)
    }
}

/// A manifest without layers whose bytes depend on a name.
pub(crate) fn manifest(name: &str) -> Document {
    let config = Descriptor::of("application/vnd.test.config", name.as_bytes());
    Document(MediaType::OCI_MANIFEST, canonical(&Manifest::new(config, Vec::new())))
}

/// A manifest that speaks of another one.
pub(crate) fn referrer(subject: Descriptor, artifact_type: &'static str, note: &str) -> Document {
    let manifest = Manifest::new(Descriptor::empty(), vec![Descriptor::empty()])
        .with_artifact_type(artifact_type)
        .with_subject(subject)
        .with_annotations([("note".to_owned(), note.to_owned())].into());
    Document(MediaType::OCI_MANIFEST, canonical(&manifest))
}

/// What came over a socket until it was closed, and the error if it was not closed in good order.
pub(crate) struct Raw {
    pub(crate) bytes: Vec<u8>,
    pub(crate) error: Option<std::io::ErrorKind>,
}

impl Raw {
    /// What follows the head.
    pub(crate) fn body(&self) -> &[u8] {
        let end = self.bytes.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
        &self.bytes[end + 4..]
    }

    pub(crate) fn head(&self) -> String {
        String::from_utf8_lossy(&self.bytes[..self.bytes.len() - self.body().len()]).to_ascii_lowercase()
    }
}

/// Sends bytes and reads until the other side closes.
pub(crate) async fn raw(addr: SocketAddr, request: &[u8]) -> Raw {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    // The server may close before it has read everything: what it said is what counts.
    let _ = stream.write_all(request).await;
    let mut bytes = Vec::new();
    let error = stream.read_to_end(&mut bytes).await.err().map(|error| error.kind());
    Raw { bytes, error }
}

/// A request that asks to close the connection after it.
pub(crate) fn request(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 0\r\n\r\n").into_bytes()
}
