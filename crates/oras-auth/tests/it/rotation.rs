//! Token servers that give another refresh token each time, and refuse the old one from then on.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use futures_util::{FutureExt as _, future::join_all};
use http_body_util::BodyExt as _;
use oras_auth::Credential;
use oras_content::{BoxFuture, Error};
use oras_transport::{HttpClient, Request, RetryPolicy};
use tokio::sync::Barrier;

use crate::support::{CHALLENGE, Log, Seen, answer, get, layer, status, token_registry, transport};

fn refresh_token(seen: &Seen) -> Option<String> {
    seen.form().into_iter().find_map(|(name, value)| (name == "refresh_token").then_some(value))
}

fn scopes() -> Vec<String> {
    (0..8).map(|at| format!("repository:app{at}:pull")).collect()
}

/// A registry with a token server that gives another refresh token each time, counted from `refresh 0`, and refuses `forbidden`.
fn rotating(forbidden: &'static str) -> (HttpClient, Log) {
    let current = Arc::new(Mutex::new(0));
    let (client, log) = transport(move |_, seen| {
        if seen.host() != "auth.example" {
            return token_registry(seen);
        }
        let mut current = current.lock().unwrap();
        let is_forbidden = seen.form().iter().any(|(_, value)| value == forbidden);
        if is_forbidden || refresh_token(seen) != Some(format!("refresh {current}")) {
            return answer(401, &[], "");
        }
        *current += 1;
        let body = format!(r#"{{"access_token":"good","expires_in":300,"refresh_token":"refresh {current}"}}"#);
        answer(200, &[], Box::leak(body.into_boxed_str()))
    });
    (client.layer(&layer(Credential::refresh_token("refresh 0"))), log)
}

#[tokio::test]
async fn each_refresh_token_is_shown_once_though_eight_tokens_are_wanted_at_once() {
    let ((client, log), scopes) = (rotating("nothing"), scopes());
    let statuses = join_all(scopes.iter().map(|scopes| status(&client, get("/v2/app/blobs/x", scopes)))).await;
    assert_eq!(statuses, [200; 8]);
    let shown: Vec<_> = log.to("auth.example").iter().map(refresh_token).collect();
    assert_eq!(shown, (0..8).map(|at| Some(format!("refresh {at}"))).collect::<Vec<_>>());
}

/// A client whose first token request never ends where `is_stuck`, and whose other ones wait for each other: all seven of
/// them have to be under way at once.
fn client(is_stuck: bool) -> HttpClient {
    let (together, is_first) = (Arc::new(Barrier::new(7)), Arc::new(Mutex::new(true)));
    let service = tower::service_fn(move |request: Request| {
        let (together, is_first) = (Arc::clone(&together), Arc::clone(&is_first));
        async move {
            if request.uri().host() == Some("auth.example") {
                let is_first = std::mem::take(&mut *is_first.lock().unwrap());
                if is_stuck && is_first {
                    std::future::pending::<()>().await;
                } else if !is_stuck && !is_first {
                    together.wait().await;
                }
                return Ok::<_, Error>(answer(200, &[], r#"{"access_token":"good","expires_in":300}"#));
            }
            let is_known = request.headers().get("authorization").is_some_and(|value| value == "Bearer good");
            let refused = || answer(401, &[("www-authenticate", CHALLENGE)], "");
            Ok(if is_known { answer(200, &[], "") } else { refused() })
        }
    });
    let client = HttpClient::builder().with_retry(RetryPolicy::none()).build_over(service);
    client.layer(&layer(Credential::refresh_token("refresh")))
}

#[tokio::test(start_paused = true)]
async fn a_server_that_leaves_the_refresh_token_as_it_is_is_asked_by_all_at_once() {
    let (client, scopes) = (client(false), scopes());
    let begun = tokio::time::Instant::now();
    let statuses = join_all(scopes.iter().map(|scopes| status(&client, get("/v2/app/blobs/x", scopes)))).await;
    assert_eq!(statuses, [200; 8]);
    assert!(begun.elapsed().is_zero(), "somebody lost patience");
}

/// A request that has come as far as it can.
async fn under_way<'a>(client: &'a HttpClient, scopes: &'static str) -> BoxFuture<'a, u16> {
    let mut request = status(client, get("/v2/app/blobs/x", scopes)).boxed();
    for _ in 0..10 {
        assert!(request.as_mut().now_or_never().is_none());
        tokio::task::yield_now().await;
    }
    request
}

#[tokio::test(start_paused = true)]
async fn whoever_gives_up_leaves_the_refresh_token_to_the_next() {
    let client = client(true);
    let first = under_way(&client, "repository:app0:pull").await;
    let second = under_way(&client, "repository:app1:pull").await;
    let begun = tokio::time::Instant::now();
    drop(first);
    assert_eq!(second.await, 200);
    assert!(begun.elapsed().is_zero(), "the second one lost patience");
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_one_that_never_ends_goes_on_after_a_while() {
    let client = client(true);
    let _first = under_way(&client, "repository:app0:pull").await;
    assert_eq!(status(&client, get("/v2/app/blobs/x", "repository:app1:pull")).await, 200);
}

/// A token server that thinks for a while: the eighth waits for seven, and each of them is on its way.
#[tokio::test(start_paused = true)]
async fn a_slow_server_is_shown_each_refresh_token_once_too() {
    let (current, shown) = (Arc::new(Mutex::new(0)), Arc::new(Mutex::new(Vec::new())));
    let seen = Arc::clone(&shown);
    let service = tower::service_fn(move |request: Request| {
        let (current, seen) = (Arc::clone(&current), Arc::clone(&seen));
        async move {
            if request.uri().host() != Some("auth.example") {
                let is_known = request.headers().get("authorization").is_some_and(|value| value == "Bearer good");
                let refused = || answer(401, &[("www-authenticate", CHALLENGE)], "");
                return Ok::<_, Error>(if is_known { answer(200, &[], "") } else { refused() });
            }
            let body = request.into_body().collect().await?.to_bytes();
            let shown = String::from_utf8_lossy(&body).rsplit_once('=').map(|(_, shown)| shown.to_owned());
            seen.lock().unwrap().push(shown.clone().unwrap_or_default());
            let answered = {
                let mut current = current.lock().unwrap();
                if shown == Some(format!("rt-{current}")) {
                    *current += 1;
                    let body = format!(r#"{{"access_token":"good","expires_in":300,"refresh_token":"rt-{current}"}}"#);
                    answer(200, &[], Box::leak(body.into_boxed_str()))
                } else {
                    answer(401, &[], "")
                }
            };
            tokio::time::sleep(Duration::from_secs(1)).await;
            Ok(answered)
        }
    });
    let client = HttpClient::builder().with_retry(RetryPolicy::none()).build_over(service);
    let client = client.layer(&layer(Credential::refresh_token("rt-0")));
    let scopes = scopes();
    let all = join_all(scopes.iter().map(|scopes| client.send(get("/v2/app/blobs/x", scopes)))).await;
    let failed = all.iter().filter(|result| result.is_err()).count();
    assert_eq!((failed, shown.lock().unwrap().clone()), (0, (0..8).map(|at| format!("rt-{at}")).collect()));
}

/// What the account may not do says nothing about its refresh token.
#[tokio::test]
async fn a_refused_scope_costs_no_refresh_token() {
    let (client, _) = rotating("repository:forbidden:pull");
    assert_eq!(status(&client, get("/v2/a/blobs/x", "repository:a:pull")).await, 200);
    assert!(client.send(get("/v2/forbidden/blobs/x", "repository:forbidden:pull")).await.is_err());
    assert_eq!(status(&client, get("/v2/b/blobs/x", "repository:b:pull")).await, 200);
}
