use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use futures_util::stream;
use oras_content::{Blob, Descriptor, Error, ErrorKind};
use oras_transport::{HttpBody, HttpClient, HttpClientBuilder, Request, RetryPolicy};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{get, header, listen, read_head, serve_ok};

const OK: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn builder() -> HttpClientBuilder {
    let policy = RetryPolicy::new().with_backoff(Duration::from_millis(1), Duration::from_millis(1));
    HttpClient::builder().with_retry(policy)
}

fn put(address: &str, body: HttpBody) -> Request {
    http::Request::put(format!("http://{address}/v2/")).body(body).unwrap()
}

async fn text(client: &HttpClient, request: Request) -> Bytes {
    client.send(request).await.unwrap().into_body().bytes(100).await.unwrap()
}

#[tokio::test]
async fn a_connection_is_kept_for_the_next_request() {
    let connections = Arc::new(Mutex::new(0));
    let count = Arc::clone(&connections);
    let address = listen(move |at, stream| {
        *count.lock().unwrap() = at + 1;
        serve_ok(stream)
    })
    .await;
    let client = builder().build();
    for _ in 0..5 {
        assert_eq!(text(&client, get(&format!("http://{address}/v2/"))).await, "ok");
        assert_eq!(text(&client, put(&address, HttpBody::from_bytes("x".into()))).await, "ok");
    }
    assert_eq!(*connections.lock().unwrap(), 1);
}

#[tokio::test]
async fn a_body_says_its_length_even_when_it_is_empty() {
    let heads = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&heads);
    let address = listen(move |_, mut stream| {
        let heads = Arc::clone(&sink);
        async move {
            while let Some(head) = read_head(&mut stream).await {
                let len = header(&head, "content-length").and_then(|len| len.parse().ok()).unwrap_or(0);
                let mut body = vec![0; len];
                stream.read_exact(&mut body).await.unwrap();
                heads.lock().unwrap().push(header(&head, "content-length").map(str::to_owned));
                stream.write_all(OK).await.unwrap();
            }
        }
    })
    .await;
    let client = builder().build();
    let mut empty = Blob::from_bytes(Bytes::new()).verify(&Descriptor::of("text/plain", b""));
    empty.start().await.unwrap();
    for body in [HttpBody::empty(), HttpBody::from_blob(empty), HttpBody::from_blob(Blob::from_bytes("four".into()))] {
        assert_eq!(text(&client, put(&address, body)).await, "ok");
    }
    assert_eq!(text(&client, get(&format!("http://{address}/"))).await, "ok");
    let expected = [Some("0".to_owned()), Some("0".to_owned()), Some("4".to_owned()), None];
    assert_eq!(*heads.lock().unwrap(), expected);
}

#[tokio::test]
async fn an_upload_that_is_reset_half_way_is_sent_again_from_its_source() {
    let content = Bytes::from(vec![7; 1 << 20]);
    let whole = content.clone();
    let address = listen(move |at, mut stream| {
        let whole = whole.clone();
        async move {
            read_head(&mut stream).await;
            let mut body = vec![0; if at == 0 { 1000 } else { whole.len() }];
            stream.read_exact(&mut body).await.unwrap();
            if at == 0 {
                return;
            }
            assert!(body == whole);
            stream.write_all(OK).await.unwrap();
        }
    })
    .await;
    let desc = Descriptor::of("application/octet-stream", &content);
    let blob = Blob::from_bytes(content).verify(&desc);
    assert_eq!(text(&builder().build(), put(&address, HttpBody::from_blob(blob))).await, "ok");
}

#[tokio::test]
async fn a_wrong_source_never_completes_an_upload_and_its_error_comes_back() {
    let got = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&got);
    let address = listen(move |_, mut stream| {
        let got = Arc::clone(&sink);
        async move {
            read_head(&mut stream).await;
            let mut body = Vec::new();
            let _end = stream.read_to_end(&mut body).await;
            got.lock().unwrap().push(body.len());
        }
    })
    .await;
    let desc = Descriptor::of("text/plain", b"expected");
    let chunks = stream::iter([Ok(Bytes::from_static(b"expe")), Ok(Bytes::from_static(b"kted"))]);
    let blob = Blob::from_stream(Some(8), chunks).verify(&desc);
    let error = builder().build().send(put(&address, HttpBody::from_blob(blob))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Corrupt, true));
    assert_eq!(error.descriptor().map(|desc| &desc.digest), Some(&desc.digest));
    while got.lock().unwrap().is_empty() {
        tokio::task::yield_now().await;
    }
    assert!(got.lock().unwrap().iter().all(|len| *len < 8));
}

#[tokio::test]
async fn any_error_of_the_source_comes_back_as_it_was() {
    let address = listen(|_, stream| serve_ok(stream)).await;
    let failure = Error::new(ErrorKind::Denied, "the source says no").with_retries(3);
    let chunks = stream::iter([Ok(Bytes::from_static(b"x")), Err(failure)]);
    let blob = Blob::from_stream(Some(8), chunks);
    let error = builder().build().send(put(&address, HttpBody::from_blob(blob))).await.unwrap_err();
    assert_eq!((error.kind(), error.retries(), error.is_from_blob()), (ErrorKind::Denied, 3, true));
}

#[tokio::test]
async fn a_stale_connection_is_replaced() {
    let address = listen(|_, mut stream| async move {
        // Each connection serves one request, says that it stays open, and closes when the next one is on its way.
        read_head(&mut stream).await;
        stream.write_all(OK).await.unwrap();
        stream.read_u8().await.ok();
    })
    .await;
    let client = builder().build();
    for _ in 0..4 {
        assert_eq!(text(&client, get(&format!("http://{address}/"))).await, "ok");
    }
}

#[tokio::test]
async fn a_response_that_breaks_may_be_asked_for_again() {
    let address = listen(|_, mut stream| async move {
        read_head(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf").await.unwrap();
    })
    .await;
    let body = builder().build().send(get(&format!("http://{address}/"))).await.unwrap().into_body();
    let error = body.bytes(100).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, true));
}

#[tokio::test]
async fn a_refused_connection_is_told_at_once() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let error = HttpClient::new().send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert_eq!((error.kind(), error.retries()), (ErrorKind::Io, 0));
    assert!(error.to_string().contains("refused"), "{error}");
}

#[tokio::test]
async fn an_answer_that_is_no_http_is_explained() {
    let address = listen(|_, mut stream| async move {
        read_head(&mut stream).await;
        // A TLS alert, as a TLS server answers plain text.
        stream.write_all(&[0x15, 3, 1, 0, 2, 2, 0x46]).await.unwrap();
    })
    .await;
    let error = builder().build().send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert!(error.to_string().contains("https"), "{error}");
    assert_eq!(error.retries(), 0);
}

#[tokio::test]
async fn a_dropped_request_closes_its_connection() {
    let (closed, mut told) = tokio::sync::mpsc::channel(1);
    let address = listen(move |_, mut stream| {
        let closed = closed.clone();
        async move {
            read_head(&mut stream).await;
            stream.read_u8().await.unwrap_err();
            closed.send(()).await.unwrap();
        }
    })
    .await;
    let client = builder().build();
    let url = format!("http://{address}/");
    let request = client.send(get(&url));
    assert!(tokio::time::timeout(Duration::from_millis(50), request).await.is_err());
    told.recv().await.unwrap();
}
