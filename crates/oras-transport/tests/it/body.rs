use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Error, ErrorKind, Result};
use oras_transport::{HttpBody, HttpClient, Request, Response, ResponseBody};

fn once(text: &'static str) -> HttpBody {
    let chunks = stream::iter([Ok(Bytes::from_static(text.as_bytes()))]);
    HttpBody::from_blob(Blob::from_stream(Some(text.len() as u64), chunks))
}

async fn read(body: HttpBody) -> Result<Bytes> {
    Ok(body.collect().await?.to_bytes())
}

#[tokio::test]
async fn bytes_and_replayable_blobs_are_given_again_after_they_were_read() {
    for body in [HttpBody::from_bytes("hello".into()), HttpBody::from_blob(Blob::from_bytes("hello".into()))] {
        assert!(body.is_replayable());
        assert_eq!(body.size_hint().exact(), Some(5));
        let mut again = body.replay().unwrap();
        assert_eq!(read(body).await.unwrap(), "hello");
        assert_eq!(again.frame().await.unwrap().unwrap().into_data().unwrap(), "hello");
        assert_eq!(again.size_hint().exact(), Some(0));
        assert_eq!(read(again.replay().unwrap()).await.unwrap(), "hello");
    }
}

#[tokio::test]
async fn a_blob_that_can_be_read_once_is_given_again_until_it_is_read() {
    let body = once("hello");
    assert!(!body.is_replayable());
    let again = body.replay().unwrap();
    drop(body);
    let late = again.replay().unwrap();
    assert_eq!(read(again).await.unwrap(), "hello");
    assert!(late.replay().is_none());
    assert_eq!(read(late).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn an_empty_body_ends_before_it_is_polled() {
    assert!(HttpBody::empty().is_end_stream());
    assert_eq!(HttpBody::empty().size_hint().exact(), Some(0));
}

#[tokio::test]
async fn an_error_of_the_blob_comes_back_as_it_was() {
    let broken = stream::iter([Err::<Bytes, _>(Error::new(ErrorKind::RateLimited, "source says no"))]);
    let error = read(HttpBody::from_blob(Blob::from_stream(Some(3), broken))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::RateLimited);
    assert!(error.is_from_blob());
}

#[tokio::test]
async fn any_service_is_a_client_and_its_response_is_a_stream() {
    let echo = tower::service_fn(async |request: Request| {
        let bytes = request.into_body().collect().await?.to_bytes();
        Ok::<_, Error>(Response::new(ResponseBody::from_stream(stream::iter([Ok(bytes)]))))
    });
    let client = HttpClient::from_service(echo);
    let response = client.send(Request::new(HttpBody::from_bytes("ping".into()))).await.unwrap();
    let chunks: Vec<_> = StreamExt::collect(response.into_body()).await;
    assert_eq!(chunks.len(), 1);
    assert_eq!(chunks[0].as_ref().unwrap(), "ping");
}

#[tokio::test]
async fn a_response_is_read_up_to_a_limit() {
    let body = || ResponseBody::from_bytes("0123456789".into());
    assert_eq!(body().bytes(10).await.unwrap(), "0123456789");
    assert_eq!(body().bytes(9).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    assert_eq!(body().excerpt(4).await.unwrap(), "0123");
}

#[tokio::test]
async fn a_replay_of_a_replay_is_the_same_body() {
    let opened = Arc::new(AtomicUsize::new(0));
    let body = HttpBody::from_blob(Blob::from_source(Some(4), Arc::new(Counted(Arc::clone(&opened)))));
    let spare = body.replay().unwrap();
    let again = spare.replay().unwrap();
    assert!(again.is_streamed() && again.is_replayable());
    assert_eq!(again.size_hint().exact(), Some(4));
    assert_eq!(opened.load(Ordering::Relaxed), 0, "nothing is opened before it is read");
    for (at, body) in [body, again, spare].into_iter().enumerate() {
        assert_eq!(read(body).await.unwrap(), "ping");
        assert_eq!(opened.load(Ordering::Relaxed), at + 1);
    }
}

#[tokio::test]
async fn a_replay_that_was_read_in_part_starts_again() {
    let opened = Arc::new(AtomicUsize::new(0));
    let body = HttpBody::from_blob(Blob::from_source(Some(4), Arc::new(Counted(opened))));
    let mut replay = body.replay().unwrap();
    replay.frame().await.unwrap().unwrap();
    let again = replay.replay().unwrap();
    assert_eq!(read(again).await.unwrap(), "ping");
}

struct Counted(Arc<AtomicUsize>);

impl BlobSource for Counted {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let rest = Bytes::from_static(b"ping").slice(usize::try_from(offset).unwrap()..);
        Box::pin(std::future::ready(Ok(stream::iter([Ok(rest)]).boxed())))
    }
}
