//! A cold client: one request finds out how a registry wants to be told who asks, and nobody waits for it too long.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{FutureExt as _, future::join_all, stream};
use oras_auth::{AuthLayer, Credential};
use oras_content::{Blob, BoxFuture, Error, ErrorKind, Result};
use oras_transport::{HostLimits, HttpBody, HttpClient, Request, Response, RetryPolicy};
use tokio::time::Instant;

use crate::support::{CHALLENGE, ME, answer, get, layer, me, status, token_registry, transport};

const PULL: &str = "repository:app:pull";

fn put(content: Blob) -> Request {
    http::Request::put("https://r.example/v2/app/blobs/uploads/1").body(HttpBody::from_blob(content)).unwrap()
}

/// A client over a function that is called with the number of the request, counted from 0.
fn over(answer: impl Fn(usize) -> BoxFuture<'static, Result<Response>> + Clone + Send + Sync + 'static) -> HttpClient {
    let count = Arc::new(AtomicUsize::new(0));
    let service = tower::service_fn(move |_: Request| answer(count.fetch_add(1, Ordering::Relaxed)));
    HttpClient::builder().with_retry(RetryPolicy::none()).build_over(service).layer(&AuthLayer::anonymous())
}

#[tokio::test]
async fn any_number_of_cold_requests_costs_one_challenge_and_one_token() {
    for number in [1, 16, 200] {
        let (client, log) = transport(|_, seen| token_registry(seen));
        let client = client.layer(&layer(me()));
        let statuses = join_all((0..number).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await;
        assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
        assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (1 + number, 1));
    }
}

#[tokio::test]
async fn what_one_learns_serves_other_scopes_too() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(me()));
    let scopes = ["repository:a:pull", "repository:b:pull"];
    join_all((0..16).map(|at| status(&client, get("/v2/app/blobs/x", scopes[at % 2])))).await;
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (17, 2));
}

/// As in Amazon's public registry: tokens are good for what its challenge names, and for nothing else.
#[tokio::test]
async fn a_scope_that_only_the_challenge_knows_is_learned_by_all() {
    let (client, log) = transport(|_, seen| match seen.host() {
        "r.example" if seen.authorization().is_none() => {
            answer(401, &[("www-authenticate", &format!("{CHALLENGE},scope=\"aws\""))], "")
        }
        "auth.example" if !seen.query().contains(&("scope".to_owned(), "aws".to_owned())) => {
            answer(200, &[], r#"{"token":"bad"}"#)
        }
        _ => token_registry(seen),
    });
    let client = client.layer(&layer(me()));
    assert_eq!(join_all((0..16).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await, [200; 16]);
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (17, 1));
}

#[tokio::test]
async fn a_registry_without_authentication_gets_each_request_once() {
    for number in [1, 16, 200] {
        let (client, log) = transport(|_, _| answer(200, &[], ""));
        let client = client.layer(&layer(me()));
        join_all((0..number).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await;
        assert_eq!(log.all().len(), number);
    }
}

#[tokio::test]
async fn a_basic_registry_challenges_one_of_many() {
    let (client, log) = transport(|_, seen| match seen.authorization() {
        Some(ME) => answer(200, &[], ""),
        _ => answer(401, &[("www-authenticate", "Basic realm=r")], ""),
    });
    let client = client.layer(&layer(me()));
    join_all((0..200).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await;
    assert_eq!(log.all().len(), 201);
}

#[tokio::test]
async fn many_cold_uploads_ask_once_before_their_bodies() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(me()));
    let uploads = (0..16).map(|_| async {
        let request = put(Blob::from_stream(Some(5), stream::iter([Ok(Bytes::from_static(b"large"))])));
        status(&client, request).await
    });
    assert_eq!(join_all(uploads).await, [200; 16]);
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (17, 1));
    assert!(log.to("r.example").iter().filter(|seen| !seen.body.is_empty()).all(|seen| seen.authorization().is_some()));
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_a_slow_answer() {
    let client = over(|at| {
        Box::pin(async move {
            tokio::time::sleep(Duration::from_secs(if at == 0 { 50 } else { 0 })).await;
            Ok(answer(200, &[], ""))
        })
    });
    let (start, slow) = (Instant::now(), status(&client, get("/v2/", "")));
    let others = async {
        tokio::task::yield_now().await;
        join_all((0..5).map(|_| status(&client, get("/v2/", "")))).await;
        start.elapsed()
    };
    let (_, waited) = tokio::join!(slow, others);
    assert!(waited <= Duration::from_secs(3), "{waited:?}");
    assert_eq!(start.elapsed().as_secs(), 50, "the slow one is not asked again");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_rests_while_its_owner_awaits_another_one_is_no_deadlock() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(me()));
    let mut rests = Box::pin(status(&client, get("/v2/app/blobs/x", PULL)));
    assert!(rests.as_mut().now_or_never().is_none());
    assert_eq!(status(&client, get("/v2/app/blobs/y", PULL)).await, 200);
    assert_eq!(rests.await, 200);
    assert!(log.to("r.example").len() <= 4);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_leaves_its_duty_to_the_next() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(me()));
    let mut dropped = Box::pin(status(&client, get("/v2/app/blobs/x", PULL)));
    assert!(dropped.as_mut().now_or_never().is_none());
    let others = (0..16).map(|_| status(&client, get("/v2/app/blobs/x", PULL)));
    let mut others = Box::pin(join_all(others));
    assert!(others.as_mut().now_or_never().is_none());
    let start = Instant::now();
    drop(dropped);
    assert_eq!(others.await, [200; 16]);
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody waits for what was dropped");
    // One that was dropped, one that was challenged, and all.
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (18, 1));
}

#[tokio::test(start_paused = true)]
async fn a_registry_that_cannot_be_reached_fails_all_at_once() {
    let client = over(|_| {
        Box::pin(async {
            tokio::time::sleep(Duration::from_secs(1)).await;
            Err(Error::new(ErrorKind::Io, "no connection"))
        })
    });
    let start = Instant::now();
    let all = join_all((0..16).map(|_| client.send(get("/v2/", "")))).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(start.elapsed().as_secs(), 2, "one goes ahead, and the others do not queue behind each other");
}

#[tokio::test(start_paused = true)]
async fn a_cold_upload_may_be_fed_by_a_cold_download_of_the_same_registry() {
    let service = tower::service_fn(|request: Request| async move {
        let known = request.headers().contains_key("authorization");
        http_body_util::BodyExt::collect(request.into_body()).await?;
        Ok::<_, Error>(match known {
            true => answer(200, &[], "fed"),
            false => answer(401, &[("www-authenticate", "Basic realm=r")], ""),
        })
    });
    let limits = HostLimits::new().with_concurrency(1);
    let client = HttpClient::builder().with_host_limits(limits).build_over(service);
    let client = client.layer(&layer(Credential::password("me", "pw")));
    let start = Instant::now();
    let copies = (0..8).map(|_| {
        let source = client.clone();
        let feed =
            stream::once(async move { source.send(get("/v2/app/blobs/x", PULL)).await?.into_body().bytes(9).await });
        status(&client, put(Blob::from_stream(Some(3), feed)))
    });
    assert_eq!(join_all(copies).await, [200; 8]);
    assert_eq!(start.elapsed(), Duration::ZERO, "nobody had to lose patience");
}
