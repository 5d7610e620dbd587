use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use futures_util::future::join_all;
use oras_auth::{AuthLayer, StaticCredential};
use oras_content::{Error, ErrorKind};
use oras_transport::HttpClient;

use crate::support::{CHALLENGE, answer, get, me, status, token_registry, transport};

const PULL: &str = "repository:app:pull";

fn clock() -> (Arc<AtomicU64>, impl Fn() -> SystemTime + Send + Sync + 'static) {
    let seconds = Arc::new(AtomicU64::new(1_000_000));
    let read = Arc::clone(&seconds);
    (seconds, move || SystemTime::UNIX_EPOCH + Duration::from_secs(read.load(Ordering::Relaxed)))
}

#[tokio::test]
async fn a_token_is_renewed_before_it_ends_and_a_silent_server_s_after_a_minute() {
    for (body, life) in [(r#"{"token":"good"}"#, 60), (r#"{"token":"good","expires_in":300}"#, 300)] {
        let (client, log) = transport(move |_, seen| match seen.host() {
            "auth.example" => answer(200, &[], body),
            _ => token_registry(seen),
        });
        let (seconds, clock) = clock();
        let provider = StaticCredential::new("r.example", me());
        let client = client.layer(&AuthLayer::builder(provider).with_clock(clock).build());
        for (after, tokens) in [(0, 1), (life - 11, 1), (2, 2)] {
            seconds.fetch_add(after, Ordering::Relaxed);
            assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
            assert_eq!(log.to("auth.example").len(), tokens);
        }
        // The renewals cost no refusal.
        assert_eq!(log.to("r.example").len(), 4);
    }
}

#[tokio::test]
async fn tokens_that_end_every_second_serve_200_operations() {
    let (seconds, clock) = clock();
    let now = Arc::clone(&seconds);
    let (client, log) = transport(move |at, seen| {
        // Time goes on with the traffic: a second for every 100 requests.
        let now = now.fetch_max(1_000_000 + at as u64 / 100, Ordering::Relaxed).max(1_000_000 + at as u64 / 100);
        if seen.host() == "auth.example" {
            let body: &'static str = Box::leak(format!(r#"{{"token":"{now}","expires_in":1}}"#).into_boxed_str());
            return answer(200, &[], body);
        }
        let token = seen.authorization().and_then(|value| value.strip_prefix("Bearer ")?.parse::<u64>().ok());
        match token {
            Some(token) if now <= token + 1 => answer(200, &[], ""),
            _ => answer(401, &[("www-authenticate", CHALLENGE)], ""),
        }
    });
    let client = client.layer(&AuthLayer::builder(StaticCredential::new("r.example", me())).with_clock(clock).build());
    let statuses = join_all((0..200).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let (requests, tokens) = (log.to("r.example").len(), log.to("auth.example").len());
    assert!(requests <= 1500 && tokens <= 30, "{requests} requests, {tokens} tokens");
}

#[tokio::test(start_paused = true)]
async fn short_tokens_429_storms_and_resets_at_once_are_survived_by_200_operations() {
    let start = tokio::time::Instant::now();
    let wall = move || SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + start.elapsed();
    let attempts: Arc<Mutex<HashMap<String, usize>>> = Arc::default();
    let requests = Arc::new(AtomicU64::new(0));
    let count = Arc::clone(&requests);
    let service = tower::service_fn(move |request: oras_transport::Request| {
        count.fetch_add(1, Ordering::Relaxed);
        let now = start.elapsed().as_millis();
        let token =
            request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let is_valid = token.and_then(|token| token.parse().ok()).is_some_and(|issued: u128| now <= issued + 1000);
        let answer = match request.uri().host() {
            // A token server has its bad moments too.
            Some("auth.example") if now.is_multiple_of(7) => {
                Err(Error::new(ErrorKind::Io, "reset").with_retryable(true))
            }
            Some("auth.example") => {
                let body: &'static str = Box::leak(format!(r#"{{"token":"{now}","expires_in":1}}"#).into_boxed_str());
                Ok(answer(200, &[], body))
            }
            _ if !is_valid => Ok(answer(401, &[("www-authenticate", CHALLENGE)], "")),
            _ => {
                let mut attempts = attempts.lock().unwrap();
                let attempt = attempts.entry(request.uri().path().to_owned()).or_default();
                *attempt += 1;
                match *attempt {
                    1 => Ok(answer(429, &[("retry-after", "2")], "")),
                    2 => Err(Error::new(ErrorKind::Io, "reset").with_retryable(true)),
                    _ => Ok(answer(200, &[], "")),
                }
            }
        };
        async move {
            tokio::time::sleep(Duration::from_millis(10)).await;
            answer
        }
    });
    let layer = AuthLayer::builder(StaticCredential::new("r.example", me())).with_clock(wall).build();
    let client = HttpClient::builder().build_over(service).layer(&layer);
    let paths: Vec<String> = (0..200).map(|at| format!("/v2/app/blobs/{at}")).collect();
    let statuses = join_all(paths.iter().map(|path| status(&client, get(path, PULL)))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    // Challenge, 429, reset and success for each, and for each of those perhaps a token that had ended.
    let requests = requests.load(Ordering::Relaxed);
    assert!(requests <= 200 * 8 + 100, "{requests}");
}

/// A token server that says an hour, and whose tokens live for a second.
#[tokio::test(start_paused = true)]
async fn tokens_that_end_before_their_server_said_so_stop_none_of_200_operations() {
    let start = tokio::time::Instant::now();
    let wall = move || SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + start.elapsed();
    let counts: Arc<[AtomicU64; 2]> = Arc::default();
    let count = Arc::clone(&counts);
    let service = tower::service_fn(move |request: oras_transport::Request| {
        let now = start.elapsed().as_millis();
        let is_token = request.uri().host() == Some("auth.example");
        count[usize::from(is_token)].fetch_add(1, Ordering::Relaxed);
        let shown =
            request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let lives = shown.and_then(|shown| shown.parse().ok()).is_some_and(|issued: u128| now < issued + 1000);
        let answer = match (is_token, lives) {
            (true, _) => {
                let body = format!(r#"{{"token":"{now}","expires_in":3600}}"#);
                answer(200, &[], Box::leak(body.into_boxed_str()))
            }
            (false, true) => answer(200, &[], ""),
            (false, false) => answer(401, &[("www-authenticate", CHALLENGE)], ""),
        };
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok::<_, Error>(answer)
        }
    });
    let layer = AuthLayer::builder(StaticCredential::new("r.example", me())).with_clock(wall).build();
    let client = HttpClient::builder().build_over(service).layer(&layer);
    let statuses = join_all((0..200).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await;
    assert!(statuses.iter().all(|status| *status == 200), "{statuses:?}");
    let [requests, tokens] = [&counts[0], &counts[1]].map(|count| count.load(Ordering::Relaxed));
    let seconds = start.elapsed().as_secs();
    // Those under way when a token ends are sent twice, and no more than the cap of a host are under way; whoever still
    // waits takes the new one.
    assert!((4..=8).contains(&seconds) && (4..=6).contains(&tokens), "{tokens} tokens in {seconds} s");
    assert!(requests <= 1 + 200 + (tokens - 1) * 16, "{requests} requests, {tokens} tokens");
}

/// A token that was made for the second attempt ends while that one waits for its turn.
#[tokio::test(start_paused = true)]
async fn a_second_attempt_that_waits_too_long_is_followed_by_a_third() {
    let start = tokio::time::Instant::now();
    let wall = move || SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000) + start.elapsed();
    let service = tower::service_fn(move |request: oras_transport::Request| {
        let now = start.elapsed().as_millis();
        let shown =
            request.headers().get("authorization").and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let lives = shown.and_then(|shown| shown.parse().ok()).is_some_and(|issued: u128| now < issued + 1000);
        let path = request.uri().path().to_owned();
        async move {
            tokio::time::sleep(Duration::from_millis(if path == "/slow" { 3000 } else { 10 })).await;
            let body = format!(r#"{{"token":"{now}","expires_in":3600}}"#);
            Ok::<_, Error>(match path.as_str() {
                "/token" => answer(200, &[], Box::leak(body.into_boxed_str())),
                "/slow" => answer(200, &[], ""),
                _ if lives => answer(200, &[], ""),
                _ => answer(401, &[("www-authenticate", CHALLENGE)], ""),
            })
        }
    });
    let limits = oras_transport::HostLimits::new().with_concurrency(1);
    let layer = AuthLayer::builder(StaticCredential::new("r.example", me())).with_clock(wall).build();
    let client = HttpClient::builder().with_host_limits(limits).build_over(service).layer(&layer);
    assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    tokio::time::sleep(Duration::from_secs(5)).await;
    let mut slow = get("/slow", "");
    slow.headers_mut().insert("authorization", "Bearer mine".parse().unwrap());
    let (first, slow) = tokio::join!(status(&client, get("/v2/app/blobs/x", PULL)), status(&client, slow));
    assert_eq!((first, slow), (200, 200));
}

/// Two tokens serve a request, and the registry has forgotten both: the second one is younger than any token can end.
#[tokio::test]
async fn a_stale_token_of_the_cache_does_not_make_a_refusal_final() {
    let (client, log) = transport(|at, seen| match (seen.host(), seen.authorization()) {
        ("auth.example", _) => {
            let body = format!(r#"{{"token":"{at}","expires_in":3600}}"#);
            answer(200, &[], Box::leak(body.into_boxed_str()))
        }
        // From the sixth request on, only what is made then counts.
        (_, Some(token)) if at < 5 || token.len() > "Bearer 1".len() || token > "Bearer 5" => answer(200, &[], ""),
        _ => answer(401, &[("www-authenticate", CHALLENGE)], ""),
    });
    let client = client.layer(&AuthLayer::new(StaticCredential::new("r.example", me())));
    for scopes in [PULL, "repository:app:pull,push"] {
        assert_eq!(status(&client, get("/v2/app/blobs/x", scopes)).await, 200);
    }
    assert_eq!(log.all().len(), 5, "{:?}", log.lines());
    assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    let said: Vec<_> = log.to("r.example").iter().map(|seen| seen.authorization().unwrap_or("-").to_owned()).collect();
    assert_eq!(said, ["-", "Bearer 1", "Bearer 3", "Bearer 1", "Bearer 3", "Bearer 7"]);
}

#[tokio::test]
async fn tokens_of_a_server_whose_clock_is_behind_are_kept() {
    let (client, log) = transport(|_, seen| match seen.host() {
        "auth.example" => answer(200, &[], r#"{"token":"good","expires_in":300,"issued_at":"1970-01-01T00:00:00Z"}"#),
        _ => token_registry(seen),
    });
    let client = client.layer(&AuthLayer::new(StaticCredential::new("r.example", me())));
    for _ in 0..3 {
        assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    }
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (4, 1));
}
