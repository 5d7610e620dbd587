//! A push whose first request breaks is sent again, whatever its blob is read from.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http::StatusCode;
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Descriptor, Error, ErrorKind, Result, fs::FileSource};
use oras_testing::{Expected, FaultySource, Reply, ScriptedService};
use oras_transport::{HttpBody, HttpClient, Response, RetryPolicy};

const LEN: usize = 600_000;

fn content() -> (Descriptor, Bytes) {
    let bytes: Bytes = (0..=250).cycle().take(LEN).collect();
    (Descriptor::of("a/b", &bytes), bytes)
}

fn retrying(service: &ScriptedService) -> HttpClient {
    let policy = RetryPolicy::new().with_backoff(Duration::from_millis(1), Duration::from_millis(1));
    HttpClient::builder().with_retry(policy).build_over(service.clone())
}

fn put() -> Expected {
    Expected::put("/upload/1?digest=x").header("content-length", LEN.to_string())
}

async fn push(service: &ScriptedService, blob: Blob) -> Result<Response> {
    let request = http::Request::put("https://registry.example/upload/1?digest=x")
        .header("content-length", LEN)
        .body(HttpBody::from_blob(blob))
        .unwrap();
    retrying(service).send(request).await
}

/// A registry whose first PUT is reset halfway through its body.
fn registry(content: &Bytes) -> ScriptedService {
    ScriptedService::new()
        .expect(put().body(content.clone()), Reply::reset_after(LEN as u64 / 2))
        .expect(put().body(content.clone()), Reply::status(201))
}

#[tokio::test]
async fn lands_from_a_file() {
    let (desc, content) = content();
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), &content).unwrap();
    let registry = registry(&content);
    let blob = FileSource::new(file.path()).into_blob(None).verify(&desc);
    assert_eq!(push(&registry, blob).await.unwrap().status(), StatusCode::CREATED);
    registry.finish();
}

/// A blob of a registry, by ranged requests.
struct Ranged(HttpClient);

impl BlobSource for Ranged {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        Box::pin(async move {
            let request =
                http::Request::get("https://registry.example/blob").header("range", format!("bytes={offset}-"));
            let response = self.0.send(request.body(HttpBody::empty()).unwrap()).await?;
            match response.status() {
                StatusCode::PARTIAL_CONTENT => Ok(response.into_body().boxed()),
                other => Err(Error::new(ErrorKind::Other, format!("found {other}"))),
            }
        })
    }
}

fn from(offset: usize) -> Expected {
    Expected::get("/blob").header("range", format!("bytes={offset}-"))
}

#[tokio::test]
async fn lands_from_a_ranged_source_that_breaks_too() {
    let (desc, content) = content();
    let source = ScriptedService::new()
        .expect(from(0), Reply::status(206).body(content.slice(..400_000)).body(content.slice(400_000..)))
        .expect(from(0), Reply::status(206).body(content.slice(..100_001)).then_reset())
        .expect(from(100_001), Reply::status(206).body(content.slice(100_001..500_000)).then_reset())
        .expect(from(500_000), Reply::status(206).body(content.slice(500_000..)));
    let registry = registry(&content);
    let blob = Blob::from_source(None, Arc::new(Ranged(retrying(&source)))).verify(&desc);
    assert_eq!(push(&registry, blob).await.unwrap().status(), StatusCode::CREATED);
    registry.finish();
    source.finish();
}

#[tokio::test]
async fn an_upload_fed_by_a_wrong_source_never_completes_and_is_not_sent_again() {
    let (desc, content) = content();
    let registry = ScriptedService::new().expect(put().failing_body(), Reply::status(201));
    let wrong = FaultySource::builder(content).flip(LEN as u64 - 1, 1).build();
    let error = push(&registry, wrong.blob(&desc)).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Corrupt, true));
    assert_eq!(wrong.opens(), [0]);
    registry.finish();
}

#[tokio::test]
async fn what_can_be_read_once_says_why_it_is_not_sent_again() {
    let (desc, content) = content();
    let registry = ScriptedService::new().expect(put().body(content.clone()), Reply::reset_after(LEN as u64 / 2));
    let once = Blob::from_stream(None, FaultySource::builder(content).build().stream()).verify(&desc);
    let error = push(&registry, once).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Io, false));
    assert!(error.to_string().contains("read only once"), "{error}");
    registry.finish();
}
