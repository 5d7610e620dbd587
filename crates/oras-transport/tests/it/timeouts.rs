use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, ErrorKind, Result};
use oras_transport::{HttpBody, HttpClient, HttpClientBuilder, RequestOptions, ResponseBody, RetryPolicy, Timeouts};
use tokio::time::{Instant, sleep};

use crate::support::{answer, get, service};

const URL: &str = "https://r.example/v2/";

fn once() -> HttpClientBuilder {
    HttpClient::builder().with_retry(RetryPolicy::none())
}

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_does_not_answer_is_given_up_and_asked_again() {
    let (service, log) = service(|at, _| async move {
        if at == 0 {
            sleep(seconds(3600)).await;
        }
        Ok(answer(200, &[]))
    });
    let start = Instant::now();
    assert_eq!(HttpClient::builder().build_over(service).send(get(URL)).await.unwrap().status(), 200);
    assert_eq!(log.len(), 2);
    assert!((seconds(60)..seconds(61)).contains(&start.elapsed()), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn the_time_for_the_head_starts_at_the_end_of_the_body() {
    let slow = || {
        let chunks = stream::iter(0..10).then(|_| async {
            sleep(seconds(50)).await;
            Ok(Bytes::from_static(b"x"))
        });
        HttpBody::from_blob(Blob::from_stream(Some(10), chunks))
    };
    for (answer_after, kind) in [(59, None), (61, Some(ErrorKind::Timeout))] {
        let (service, _) = service(move |_, _| async move {
            sleep(seconds(answer_after)).await;
            Ok(answer(201, &[]))
        });
        let start = Instant::now();
        let result = once().build_over(service).send(http::Request::put(URL).body(slow()).unwrap()).await;
        assert_eq!(result.err().map(|error| error.kind()), kind);
        assert!(start.elapsed() >= seconds(500));
    }
}

#[tokio::test(start_paused = true)]
async fn one_request_may_be_given_more_time() {
    let (service, _) = service(|_, _| async {
        sleep(seconds(800)).await;
        Ok(answer(201, &[]))
    });
    let mut request = get(URL);
    request.extensions_mut().insert(RequestOptions::new().with_header_timeout(seconds(900)));
    assert_eq!(once().build_over(service).send(request).await.unwrap().status(), 201);
}

#[tokio::test(start_paused = true)]
async fn a_peer_that_takes_no_byte_of_the_body_is_given_up() {
    let stuck = tower::service_fn(|request: oras_transport::Request| async move {
        sleep(seconds(3600)).await;
        drop(request);
        Ok(answer(201, &[]))
    });
    let start = Instant::now();
    let request = http::Request::put(URL).body(HttpBody::from_bytes("x".into())).unwrap();
    let error = once().build_over(stuck).send(request).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));
    assert_eq!(start.elapsed().as_secs(), 90);
}

fn body_of(pauses: &'static [u64]) -> impl Fn() -> ResponseBody + Clone + Send + Sync + 'static {
    move || {
        let chunks = stream::iter(pauses).then(|pause| async {
            sleep(seconds(*pause)).await;
            Ok(Bytes::from_static(b"x"))
        });
        ResponseBody::from_stream(chunks)
    }
}

async fn response(body: impl Fn() -> ResponseBody + Clone + Send + Sync + 'static) -> ResponseBody {
    let (service, _) = service(move |_, _| {
        let body = body();
        async move { Ok(answer(200, &[]).map(|_| body)) }
    });
    once().build_over(service).send(get(URL)).await.unwrap().into_body()
}

#[tokio::test(start_paused = true)]
async fn a_response_that_stops_fails_and_one_that_is_slow_does_not() {
    let slow = response(body_of(&[59, 59, 59, 59])).await;
    assert_eq!(slow.bytes(10).await.unwrap(), "xxxx");
    let mut stopped = response(body_of(&[0, 61])).await;
    assert_eq!(stopped.next().await.unwrap().unwrap(), "x");
    let error = stopped.next().await.unwrap().unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true));
}

#[tokio::test(start_paused = true)]
async fn time_in_which_nobody_reads_does_not_count() {
    let mut body = response(body_of(&[0, 3])).await;
    assert!(body.next().await.is_some());
    // The reader looks, goes away with the timer running, and comes back after it fired.
    assert!(tokio::time::timeout(seconds(1), body.next()).await.is_err());
    sleep(seconds(3600)).await;
    assert_eq!(body.next().await.unwrap().unwrap(), "x");
}

#[tokio::test(start_paused = true)]
async fn a_blob_over_responses_that_stop_goes_on_where_it_was() {
    struct Ranged(HttpClient);
    impl BlobSource for Ranged {
        fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
            Box::pin(async move {
                let mut request = get(URL);
                request.headers_mut().insert("range", format!("bytes={offset}-").parse().unwrap());
                let body = self.0.send(request).await?.into_body();
                Ok(body.boxed())
            })
        }
    }
    let (service, log) = service(|at, seen| async move {
        let range = seen.headers["range"].to_str().unwrap().to_owned();
        let offset: usize = range.trim_start_matches("bytes=").trim_end_matches('-').parse().unwrap();
        let rest = Bytes::from_static(&b"0123456789"[offset..]);
        let first = stream::iter([Ok(rest.slice(..rest.len().min(4)))]);
        let body = if at < 2 {
            ResponseBody::from_stream(first.chain(stream::pending()))
        } else {
            ResponseBody::from_bytes(rest)
        };
        Ok(answer(206, &[]).map(|_| body))
    });
    let blob = Blob::from_source(Some(10), Arc::new(Ranged(once().build_over(service))));
    assert_eq!(blob.bytes(10).await.unwrap(), "0123456789");
    let ranges: Vec<_> = log.all().iter().map(|seen| seen.headers["range"].clone()).collect();
    assert_eq!(ranges, ["bytes=0-", "bytes=4-", "bytes=8-"]);
}

#[tokio::test]
async fn a_host_that_accepts_no_connection_is_given_up() {
    // A listener whose queue is full takes no more connections.
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let address = socket.local_addr().unwrap();
    let _listener = socket.listen(1).unwrap();
    let mut queue = Vec::new();
    while let Ok(stream) =
        tokio::time::timeout(Duration::from_millis(200), tokio::net::TcpStream::connect(address)).await
    {
        queue.push(stream.unwrap());
    }
    let mut timeouts = Timeouts::default();
    timeouts.connect = Duration::from_millis(200);
    let error = once().with_timeouts(timeouts).build().send(get(&format!("http://{address}/"))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Timeout, true), "{error:?}");
}
