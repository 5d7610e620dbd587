use std::{
    collections::HashMap,
    num::NonZeroU64,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{future::join_all, stream};
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Error, ErrorKind, Result};
use oras_transport::{Attempt, HostLimits, HttpBody, HttpClient, RequestOptions, Retries, RetryPolicy};
use tokio::time::Instant;

use crate::support::{answer, client, get, service};

const URL: &str = "https://r.example/v2/";

fn reset() -> Error {
    Error::new(ErrorKind::Io, "connection reset").with_retryable(true)
}

fn put(body: HttpBody) -> oras_transport::Request {
    http::Request::put(URL).body(body).unwrap()
}

#[tokio::test(start_paused = true)]
async fn passing_failures_are_tried_again_and_others_are_returned() {
    for (status, requests) in
        [(408, 6), (429, 6), (500, 6), (502, 6), (503, 6), (504, 6), (501, 1), (505, 1), (400, 1), (404, 1), (200, 1)]
    {
        let (client, log) = client(HttpClient::builder(), move |_, _| Ok(answer(status, &[])));
        let response = client.send(get(URL)).await.unwrap();
        assert_eq!((response.status().as_u16(), log.len()), (status, requests));
        let retries = response.extensions().get::<Retries>().map_or(0, |retries| retries.count);
        assert_eq!(retries as usize, requests - 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_is_tried_again_and_a_refusal_is_not() {
    for (error, requests) in [(reset(), 6), (Error::new(ErrorKind::Io, "refused"), 1)] {
        let (client, log) = client(HttpClient::builder(), move |_, _| Err(error.clone()));
        let error = client.send(get(URL)).await.unwrap_err();
        assert_eq!((error.retries() as usize, log.len()), (requests - 1, requests));
    }
}

#[tokio::test(start_paused = true)]
async fn an_upload_from_a_source_is_sent_again_whole() {
    let (client, log) = client(HttpClient::builder(), |at, _| match at {
        0 => Err(reset()),
        1 => Ok(answer(503, &[])),
        _ => Ok(answer(201, &[])),
    });
    let response = client.send(put(HttpBody::from_blob(Blob::from_bytes("content".into())))).await.unwrap();
    assert_eq!(response.status(), 201);
    assert!(log.all().iter().all(|seen| seen.body == "content" && seen.method == "PUT"));
    assert_eq!(log.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_spent_body_is_not_sent_again_and_says_so() {
    let once = || {
        let chunks = stream::iter([Ok(Bytes::from_static(b"once"))]);
        put(HttpBody::from_blob(Blob::from_stream(Some(4), chunks)))
    };
    let (busy, log) = client(HttpClient::builder(), |_, _| Ok(answer(503, &[])));
    let response = busy.send(once()).await.unwrap();
    assert!(response.extensions().get::<Retries>().unwrap().body_was_spent);
    assert_eq!((response.status().as_u16(), log.len()), (503, 1));

    let (broken, log) = client(HttpClient::builder(), |_, _| Err(reset()));
    let error = broken.send(once()).await.unwrap_err();
    assert!(error.to_string().contains("read only once"), "{error}");
    assert_eq!(log.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_untouched_body_is_sent_again_although_it_can_be_read_only_once() {
    let tries = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&tries);
    let service = tower::service_fn(move |request: oras_transport::Request| {
        let first = tries.fetch_add(1, Ordering::Relaxed) == 0;
        async move {
            if first {
                return Err(reset());
            }
            let body = http_body_util::BodyExt::collect(request.into_body()).await?.to_bytes();
            assert_eq!(body, "once");
            Ok(answer(201, &[]))
        }
    });
    let client = HttpClient::builder().build_over(service);
    let body = HttpBody::from_blob(Blob::from_stream(Some(4), stream::iter([Ok(Bytes::from_static(b"once"))])));
    assert_eq!(client.send(put(body)).await.unwrap().status(), 201);
    assert_eq!(seen.load(Ordering::Relaxed), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_the_source_is_returned_at_once_as_it_was() {
    struct Broken;
    impl BlobSource for Broken {
        fn open(&self, _: u64) -> BoxFuture<'_, Result<ByteStream>> {
            Box::pin(async { Err(Error::new(ErrorKind::NotFound, "no such blob").with_retryable(true)) })
        }
    }
    let (client, log) = client(HttpClient::builder(), |_, _| Ok(answer(201, &[])));
    let error = client.send(put(HttpBody::from_blob(Blob::from_source(Some(9), Arc::new(Broken))))).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob(), log.len()), (ErrorKind::NotFound, true, 0));
}

#[tokio::test(start_paused = true)]
async fn retry_after_is_honoured_in_seconds_and_as_a_date_and_exceeded_only_upward() {
    let date = |seconds| httpdate::fmt_http_date(std::time::SystemTime::now() + Duration::from_secs(seconds));
    // A date has whole seconds, and the wall clock does not stand still with the test's.
    for (status, asked, at_least) in [(429, "60".to_owned(), 60), (503, "7".to_owned(), 7), (429, date(90), 88)] {
        let (client, log) = client(HttpClient::builder(), move |at, _| {
            Ok(if at == 0 { answer(status, &[("retry-after", &asked)]) } else { answer(200, &[]) })
        });
        let start = Instant::now();
        assert_eq!(client.send(get(URL)).await.unwrap().status(), 200);
        let waited = start.elapsed();
        assert!(waited >= Duration::from_secs(at_least), "{waited:?}");
        assert!(waited <= Duration::from_secs(at_least + 4), "{waited:?}");
        assert_eq!(log.len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn an_absurd_retry_after_is_not_slept_through() {
    let absurd = |_, _| Ok(answer(429, &[("retry-after", "86400")]));
    let (impatient, log) = client(HttpClient::builder(), absurd);
    let start = Instant::now();
    assert_eq!(impatient.send(get(URL)).await.unwrap().status(), 429);
    assert_eq!((log.len(), start.elapsed().as_secs()), (1, 0));

    let policy = RetryPolicy::new().with_max_retries(1).with_max_retry_after(Duration::from_secs(100_000));
    let policy = policy.with_budget(Duration::from_secs(100_000));
    let (patient, log) = client(HttpClient::builder().with_retry(policy), absurd);
    assert_eq!(patient.send(get(URL)).await.unwrap().status(), 429);
    assert_eq!((log.len(), start.elapsed().as_secs()), (2, 86400));
}

#[tokio::test(start_paused = true)]
async fn the_wait_grows_with_jitter_within_its_bound() {
    let mut totals = Vec::new();
    for _ in 0..20 {
        let (client, _) = client(HttpClient::builder(), |_, _| Ok(answer(500, &[])));
        let start = Instant::now();
        client.send(get(URL)).await.unwrap();
        totals.push(start.elapsed());
    }
    // 250 ms, 500 ms, 1 s, 2 s, 4 s are the bounds of the five waits; the timer's grain adds a millisecond to each.
    assert!(totals.iter().all(|total| *total <= Duration::from_millis(7755)), "{totals:?}");
    totals.dedup();
    assert!(totals.len() > 1, "no jitter: {totals:?}");
}

#[tokio::test(start_paused = true)]
async fn the_budget_bounds_all_waits_together() {
    let policy = RetryPolicy::new().with_budget(Duration::from_secs(130)).with_max_retries(100);
    let busy = |_, _| Ok(answer(503, &[("retry-after", "60")]));
    let (client, log) = client(HttpClient::builder().with_retry(policy), busy);
    assert_eq!(client.send(get(URL)).await.unwrap().status(), 503);
    assert!((2..=3).contains(&log.len()), "{}", log.len());
}

#[tokio::test(start_paused = true)]
async fn a_request_can_ask_for_one_attempt_and_a_client_for_another_rule() {
    let (once, log) = client(HttpClient::builder(), |_, _| Ok(answer(500, &[])));
    let mut request = get(URL);
    request.extensions_mut().insert(RequestOptions::new().without_retry());
    assert_eq!(once.send(request).await.unwrap().status(), 500);
    assert_eq!(log.len(), 1);

    let teapots = RetryPolicy::new()
        .with_predicate(|attempt| matches!(attempt, Attempt::Status(status) if status == 418))
        .with_backoff(Duration::from_millis(1), Duration::from_millis(1));
    for (status, requests) in [(418, 6), (503, 1)] {
        let builder = HttpClient::builder().with_retry(teapots.clone());
        let (client, log) = client(builder, move |_, _| Ok(answer(status, &[])));
        client.send(get(URL)).await.unwrap();
        assert_eq!(log.len(), requests);
    }
}

#[tokio::test(start_paused = true)]
async fn everyone_pauses_when_one_is_told_to_wait() {
    let start = Instant::now();
    let (client, log) = client(HttpClient::builder(), move |at, _| {
        assert!(at == 0 || start.elapsed() >= Duration::from_secs(30), "asked during the pause");
        Ok(if at == 0 { answer(429, &[("retry-after", "30")]) } else { answer(200, &[]) })
    });
    let first = client.send(get(URL));
    let others = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        join_all((0..20).map(|_| client.send(get(URL)))).await
    };
    let (first, others) = tokio::join!(first, others);
    assert_eq!(first.unwrap().status(), 200);
    assert!(others.into_iter().all(|other| other.unwrap().status() == 200));
    assert_eq!(log.len(), 22);
    // Another host is not concerned, and neither is this one afterwards.
    let before = Instant::now();
    client.send(get("https://other.example/v2/")).await.unwrap();
    client.send(get(URL)).await.unwrap();
    assert_eq!(before.elapsed(), Duration::ZERO);
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_429_and_resets_during_200_operations_ends_well_with_bounded_traffic() {
    let attempts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let (service, log) = service(move |_, seen| {
        let attempt = {
            let mut attempts = attempts.lock().unwrap();
            let attempt = attempts.entry(seen.uri.path().to_owned()).or_default();
            *attempt += 1;
            *attempt
        };
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            match attempt {
                1 | 3 => Ok(answer(429, &[("retry-after", "1")])),
                2 | 4 => Err(reset()),
                _ => Ok(answer(200, &[])),
            }
        }
    });
    let client = HttpClient::builder().build_over(service);
    let start = Instant::now();
    let urls: Vec<String> = (0..200).map(|at| format!("{URL}{at}")).collect();
    let all = join_all(urls.iter().map(|url| client.send(get(url)))).await;
    assert!(all.into_iter().all(|response| response.unwrap().status() == 200));
    assert_eq!(log.len(), 1000);
    assert!(start.elapsed() < Duration::from_secs(120), "{:?}", start.elapsed());
}

#[tokio::test(start_paused = true)]
async fn no_more_requests_are_in_flight_than_the_cap_and_streamed_bodies_do_not_count() {
    let now = Arc::new(AtomicUsize::new(0));
    let most = Arc::new(AtomicUsize::new(0));
    let (busy, peak) = (Arc::clone(&now), Arc::clone(&most));
    let (service, _) = service(move |_, _| {
        let (now, most) = (Arc::clone(&busy), Arc::clone(&peak));
        async move {
            most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            tokio::time::sleep(Duration::from_secs(1)).await;
            now.fetch_sub(1, Ordering::SeqCst);
            Ok(answer(200, &[]))
        }
    });
    let client = HttpClient::builder().with_host_limits(HostLimits::new().with_concurrency(3)).build_over(service);
    join_all((0..20).map(|_| client.send(get(URL)))).await;
    assert_eq!(most.load(Ordering::SeqCst), 3);

    let upload = || put(HttpBody::from_blob(Blob::from_bytes("x".into())));
    join_all((0..5).map(|_| client.send(upload()))).await;
    assert_eq!(most.load(Ordering::SeqCst), 5);
}

#[tokio::test(start_paused = true)]
async fn a_request_fed_by_another_one_does_not_wait_for_its_permit() {
    let (service, _) =
        service(
            |_, seen| async move { if seen.method == "GET" { Ok(answer(200, &[])) } else { Ok(answer(201, &[])) } },
        );
    let limits = HostLimits::new().with_concurrency(1);
    let client = HttpClient::builder().with_host_limits(limits).build_over(service);
    let source = client.clone();
    let feed = stream::once(async move {
        source.send(get(URL)).await?;
        Ok(Bytes::from_static(b"fed"))
    });
    let upload = client.send(put(HttpBody::from_blob(Blob::from_stream(Some(3), feed))));
    let response = tokio::time::timeout(Duration::from_secs(5), upload).await.expect("no deadlock").unwrap();
    assert_eq!(response.status(), 201);
}

#[tokio::test(start_paused = true)]
async fn rates_are_off_by_default_and_kept_when_set() {
    let many = |client: HttpClient| async move {
        let start = Instant::now();
        join_all((0..10).map(|_| client.send(put(HttpBody::from_bytes(Bytes::from(vec![0; 1000])))))).await;
        start.elapsed()
    };
    let with = |limits| client(HttpClient::builder().with_host_limits(limits), |_, _| Ok(answer(200, &[]))).0;
    assert_eq!(many(with(HostLimits::new())).await, Duration::ZERO);

    let rate = NonZeroU64::new(5).unwrap();
    let took = many(with(HostLimits::new().with_requests_per_second(rate))).await;
    assert!((Duration::from_millis(1800)..Duration::from_millis(1820)).contains(&took), "{took:?}");

    let rate = NonZeroU64::new(1000).unwrap();
    let client = with(HostLimits::new().with_bytes_per_second(rate));
    let start = Instant::now();
    let chunks = stream::iter((0..5).map(|_| Ok(Bytes::from(vec![0; 1000]))));
    client.send(put(HttpBody::from_blob(Blob::from_stream(Some(5000), chunks)))).await.unwrap();
    let took = start.elapsed();
    assert!((Duration::from_secs(4)..Duration::from_millis(5010)).contains(&took), "{took:?}");
}

#[tokio::test]
async fn the_quota_of_a_host_can_be_asked_for() {
    let quota = [("ratelimit-limit", "100;w=21600"), ("ratelimit-remaining", "76;w=21600")];
    let (client, _) = client(HttpClient::builder(), move |_, _| Ok(answer(200, &quota)));
    let origin = oras_transport::Origin::of(&URL.parse().unwrap()).unwrap();
    assert_eq!(client.rate_limit(&origin), None);
    client.send(get(URL)).await.unwrap();
    assert_eq!(client.rate_limit(&origin).unwrap().remaining, Some(76));
}
