use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use http::HeaderValue;
use oras_content::{BoxFuture, Error, ErrorKind, Result};
use oras_transport::{Authorize, Authorizer, HostLimits, HttpClient, Request};
use tokio::time::{Instant, sleep};

use crate::support::{answer, client, get, service};

const URL: &str = "https://r.example/v2/";

/// Tokens that are named by the second of their making and live for one.
struct Seconds {
    start: Instant,
    made: AtomicU64,
    client: Option<HttpClient>,
}

impl Seconds {
    fn value(&self) -> HeaderValue {
        HeaderValue::from(self.made.load(Ordering::Relaxed))
    }
}

impl Authorize for Seconds {
    fn current(&self) -> Option<HeaderValue> {
        (self.start.elapsed().as_secs() <= self.made.load(Ordering::Relaxed)).then(|| self.value())
    }

    fn renew(&self) -> BoxFuture<'_, Result<HeaderValue>> {
        Box::pin(async {
            if let Some(client) = &self.client {
                client.send(get("https://r.example/token")).await?;
            }
            self.made.store(self.start.elapsed().as_secs(), Ordering::Relaxed);
            Ok(self.value())
        })
    }
}

fn asked(client: Option<HttpClient>) -> Request {
    let mut request = get(URL);
    let seconds = Seconds { start: Instant::now(), made: AtomicU64::new(0), client };
    request.extensions_mut().insert(Authorizer::new(Arc::new(seconds)));
    request
}

#[tokio::test(start_paused = true)]
async fn a_request_says_who_asks_when_it_leaves_and_again_when_it_is_sent_again() {
    let (client, log) = client(HttpClient::builder(), |at, _| {
        Ok(if at == 0 { answer(429, &[("retry-after", "30")]) } else { answer(200, &[]) })
    });
    client.send(asked(None)).await.unwrap();
    let said: Vec<u64> =
        log.all().iter().map(|seen| seen.headers["authorization"].to_str().unwrap().parse().unwrap()).collect();
    assert!(said[0] == 0 && said[1] >= 30, "{said:?}");
}

#[tokio::test(start_paused = true)]
async fn a_new_token_may_need_the_permit_of_the_same_host() {
    let (service, log) = service(|_, seen| async move {
        sleep(Duration::from_secs(if seen.uri.path() == "/v2/" { 3 } else { 0 })).await;
        Ok(answer(200, &[]))
    });
    let limits = HostLimits::new().with_concurrency(1);
    let client = HttpClient::builder().with_host_limits(limits).build_over(service);
    let (first, second) = tokio::join!(client.send(get(URL)), client.send(asked(Some(client.clone()))));
    assert_eq!((first.unwrap().status().as_u16(), second.unwrap().status().as_u16()), (200, 200));
    let paths: Vec<_> = log.all().iter().map(|seen| seen.uri.path().to_owned()).collect();
    assert_eq!(paths, ["/v2/", "/token", "/v2/"]);
    assert_eq!(log.all()[2].headers["authorization"], "3");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waited_for_its_turn_has_a_good_token() {
    let start = Instant::now();
    let (service, log) = service(move |_, seen| async move {
        let said: u64 = seen.headers["authorization"].to_str().unwrap().parse().unwrap();
        assert!(start.elapsed().as_secs() <= said, "{said} at {:?}", start.elapsed());
        Ok(answer(200, &[]))
    });
    let limits = HostLimits::new().with_requests_per_second(std::num::NonZeroU64::MIN);
    let client = HttpClient::builder().with_host_limits(limits).build_over(service);
    futures_util::future::join_all((0..5).map(|_| client.send(asked(None)))).await;
    assert_eq!((log.len(), start.elapsed().as_secs()), (5, 4));
}

#[tokio::test]
async fn nobody_is_asked_for_another_origin() {
    let (client, log) = client(HttpClient::builder(), |at, _| {
        Ok(if at == 0 { answer(307, &[("location", "https://cdn.example/")]) } else { answer(200, &[]) })
    });
    client.send(asked(None)).await.unwrap();
    let said: Vec<bool> = log.all().iter().map(|seen| seen.headers.contains_key("authorization")).collect();
    assert_eq!(said, [true, false]);
}

struct Endless(AtomicU64);

impl Authorize for Endless {
    fn current(&self) -> Option<HeaderValue> {
        None
    }

    fn renew(&self) -> BoxFuture<'_, Result<HeaderValue>> {
        let count = self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            if count == 100 {
                Err(Error::new(ErrorKind::Unauthorized, "no more"))
            } else {
                Ok(HeaderValue::from(count))
            }
        })
    }
}

#[tokio::test]
async fn tokens_that_are_never_good_do_not_keep_a_request_for_ever_and_their_failure_ends_it() {
    let (client, log) = client(HttpClient::builder(), |_, _| Ok(answer(200, &[])));
    for (start, expected) in [(0, Some("7")), (100, None)] {
        let mut request = get(URL);
        request.extensions_mut().insert(Authorizer::new(Arc::new(Endless(AtomicU64::new(start)))));
        match client.send(request).await {
            Ok(_) => assert_eq!(Some(log.all()[0].headers["authorization"].to_str().unwrap()), expected),
            Err(error) => assert_eq!((error.kind(), expected), (ErrorKind::Unauthorized, None)),
        }
    }
    assert_eq!(log.len(), 1);
}
