//! Bad days of a registry: everything gets done, and with few requests.

use std::time::Duration;

use futures_util::{StreamExt as _, TryStreamExt as _, future::join_all, stream};
use http::StatusCode;
use oras_auth::{AuthLayer, Credential, StaticCredential};
use oras_content::{Fetcher as _, MediaType, Resolver as _};
use oras_registry::{Action, AuthScheme, Behaviour, Clock, Fault, RequestKind, Server};
use oras_remote::{RegistryOptions, Repository};

use crate::{
    contract::{as_alice, guarded},
    support::{blob, builder, image, in_time, plain, push, random_bytes, repository, repository_with, requests},
};

const OPERATIONS: u64 = 200;

/// Pushes and fetches so many blobs, all at once.
async fn push_and_fetch(repo: &Repository, size: usize) {
    let work = stream::iter(0..OPERATIONS).map(|seed| async move {
        let bytes = random_bytes(size, seed);
        let desc = push(repo, &MediaType::OCI_LAYER, &bytes).await;
        let fetched = repo.fetch(&desc).await?.bytes(desc.size).await?;
        assert_eq!(fetched, bytes);
        Ok::<_, oras_content::Error>(())
    });
    let all = work.buffer_unordered(200).try_collect::<()>();
    in_time("a storm", all).await.unwrap();
}

/// Each blob costs a HEAD, a POST, a PUT and a GET.
const LEAST: u64 = 4 * OPERATIONS;

/// A repository whose client has been there before.
async fn warm(server: &Server) -> Repository {
    let repo = repository_with(server, "storm", as_alice(&server.host(), plain()));
    image(&repo, 0, 0, 0).await;
    repo
}

/// A repository whose client goes by the clock of the server.
async fn timed(server: &Server, clock: &Clock) -> Repository {
    let provider = StaticCredential::new(server.host(), Credential::password("alice", "secret"));
    let now = clock.clone();
    let auth = AuthLayer::builder(provider).with_clock(move || now.now()).build();
    let options = RegistryOptions::new().with_plain_http(true).with_client(builder().build().layer(&auth));
    let repo = repository_with(server, "storm", options);
    image(&repo, 0, 0, 0).await;
    repo
}

/// Lets an hour go by now and then while something is done.
async fn while_hours_go_by(clock: &Clock, pause: Duration, work: impl Future<Output = ()>) {
    let hours = async {
        loop {
            tokio::time::sleep(pause).await;
            clock.advance(Duration::from_secs(3600));
        }
    };
    tokio::select! {
        () = work => {}
        () = hours => {}
    }
}

#[tokio::test]
async fn tokens_that_end_all_the_time_stop_nobody() {
    let clock = Clock::manual();
    let server = guarded(AuthScheme::Token).with_clock(clock.clone()).start().await.unwrap();
    let repo = timed(&server, &clock).await;
    while_hours_go_by(&clock, Duration::from_millis(50), push_and_fetch(&repo, 1000)).await;
    let tokens = requests(&server, &[RequestKind::Token]);
    assert!(tokens >= 3, "tokens ended: {tokens}");
    // Those under way when a token ends are sent twice, and no more than the cap of a host are under way.
    let asked = server.counters().total();
    assert!(asked <= LEAST + tokens * (1 + 16 + 1), "{asked} requests, {tokens} tokens");
}

/// The clock of the server jumps, and the client knows nothing of it: by its own, no token ends.
#[tokio::test]
async fn tokens_that_end_before_their_server_said_so_stop_nobody() {
    let clock = Clock::manual();
    let server = guarded(AuthScheme::Token).with_clock(clock.clone()).start().await.unwrap();
    let repo = warm(&server).await;
    let (rounds, before) = (4_u64, server.counters().total());
    let work = async {
        for round in 0..rounds {
            push_and_fetch(&repo, 1000 + usize::try_from(round).unwrap()).await;
            // Whoever comes next finds a token that has ended meanwhile.
            clock.advance(Duration::from_secs(3600));
        }
    };
    while_hours_go_by(&clock, Duration::from_secs(1), work).await;
    let (tokens, asked) = (requests(&server, &[RequestKind::Token]), server.counters().total() - before);
    // That of the first round, and one for each hour between two rounds.
    assert!(tokens >= rounds, "tokens ended: {tokens}");
    // Looks and starts of uploads keep to the cap of a host; bodies do not, and each may be under way.
    let again = tokens * (1 + 16) + 200 * rounds;
    assert!(asked <= 4 * OPERATIONS * rounds + again, "{asked} requests, {tokens} tokens");
}

#[tokio::test]
async fn a_registry_that_asks_to_wait_is_left_alone_by_everyone() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    let repo = warm(&server).await;
    let before = server.counters().total();
    let wait = Action::Status(StatusCode::TOO_MANY_REQUESTS, Some("1".into()));
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.faults.push(Fault::new(wait.clone()).after(100).times(10));
    }));
    push_and_fetch(&repo, 1000).await;
    // Every refused request once more, and one token to fetch with.
    let asked = server.counters().total() - before;
    assert!((LEAST + 10..=LEAST + 10 + 1).contains(&asked), "{asked} requests");
}

#[tokio::test]
async fn resets_cost_one_request_each() {
    let server = guarded(AuthScheme::Basic).start().await.unwrap();
    let repo = warm(&server).await;
    let before = server.counters().total();
    let (faults, repeats) = (60, 60 * 4);
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.seed = 7;
        let chance = |action, kind| Fault::new(action).on(kind).with_chance(0.15).times(faults / 4);
        behaviour.faults.push(chance(Action::ResetRequest(3000), RequestKind::UploadFinish));
        behaviour.faults.push(chance(Action::ResetAnswer(5000), RequestKind::BlobGet));
        behaviour.faults.push(chance(Action::LoseAnswer, RequestKind::UploadStart));
        behaviour.faults.push(chance(Action::CloseAnswer(1), RequestKind::BlobGet));
    }));
    push_and_fetch(&repo, 10_000).await;
    let asked = server.counters().total() - before;
    // A reset upload costs a word of its end, a look, a session and the request itself; all else the request itself.
    assert!(asked > LEAST && asked <= LEAST + repeats, "{asked} requests, {LEAST} without faults");
}

#[tokio::test]
async fn everything_at_once_stops_nobody() {
    let clock = Clock::manual();
    let server = guarded(AuthScheme::Token).with_clock(clock.clone()).with_second_origin();
    let server = server.start().await.unwrap();
    let repo = timed(&server, &clock).await;
    let busy = |status, wait: &str| Action::Status(status, Some(wait.to_owned()));
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.blobs.redirect = oras_registry::Redirect::SecondOrigin;
        behaviour.faults.push(Fault::new(busy(StatusCode::TOO_MANY_REQUESTS, "0")).with_chance(0.05).times(40));
        behaviour.faults.push(Fault::new(busy(StatusCode::SERVICE_UNAVAILABLE, "0")).with_chance(0.05).times(40));
        behaviour.faults.push(Fault::new(Action::LoseAnswer).with_chance(0.05).times(40));
        behaviour
            .faults
            .push(Fault::new(Action::ResetRequest(500)).on(RequestKind::UploadFinish).with_chance(0.1).times(20));
        behaviour
            .faults
            .push(Fault::new(Action::ResetAnswer(500)).on(RequestKind::SecondOrigin).with_chance(0.1).times(20));
    }));
    // Answers are lost and come late here: a token has to live long enough for one of them.
    while_hours_go_by(&clock, Duration::from_millis(300), push_and_fetch(&repo, 1000)).await;
    let (tokens, asked) = (requests(&server, &[RequestKind::Token]), server.counters().total());
    let least = LEAST + OPERATIONS;
    assert!(asked <= least + 160 * 4 + tokens * (1 + 16 + 1), "{asked} requests, {tokens} tokens");
}

#[tokio::test]
async fn a_cold_client_spends_no_request_that_the_work_does_not_need() {
    let server = guarded(AuthScheme::Token).with_recorded_requests(100).start().await.unwrap();
    let repo = repository_with(&server, "cold", as_alice(&server.host(), plain()));
    image(&repo, 1, 100, 1).await;
    let kinds: Vec<_> = server.requests().iter().map(|request| request.kind).collect();
    use RequestKind as K;
    let blob = [K::BlobHead, K::UploadStart, K::UploadFinish];
    let expected = [K::BlobHead, K::Token].into_iter().chain(blob).chain(blob).chain([K::ManifestHead, K::ManifestPut]);
    assert_eq!(kinds, expected.collect::<Vec<_>>());
}

#[tokio::test]
async fn a_cold_client_without_credentials_asks_once() {
    let server = Server::builder().start().await.unwrap();
    let desc = image(&repository(&server, "a"), 0, 0, 1).await;
    let before = server.counters().total();
    repository(&server, "a").resolve(desc.digest.as_str()).await.unwrap();
    assert_eq!(server.counters().total() - before, 1);
}

#[tokio::test]
async fn cold_requests_at_once_cost_one_challenge_and_one_token() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    let desc = image(&warm(&server).await, 0, 0, 1).await;
    for number in [16, 200] {
        let cold = repository_with(&server, "storm", as_alice(&server.host(), plain()));
        let (tokens, before) = (requests(&server, &[RequestKind::Token]), server.counters().total());
        let found = join_all((0..number).map(|_| cold.resolve(desc.digest.as_str()))).await;
        assert!(found.into_iter().all(|found| found.is_ok()));
        assert_eq!(requests(&server, &[RequestKind::Token]) - tokens, 1);
        assert_eq!(server.counters().total() - before, number + 1 + 1, "one challenge, one token, and each once");
        let (other, _) = blob(10, 1);
        assert!(cold.fetch(&other).await.unwrap().bytes(10).await.is_err());
        assert_eq!(requests(&server, &[RequestKind::Token]) - tokens, 1, "one token serves the same access");
    }
}

#[tokio::test]
async fn cold_requests_at_once_to_an_open_registry_are_each_sent_once() {
    let server = Server::builder().start().await.unwrap();
    let desc = image(&repository(&server, "a"), 0, 0, 1).await;
    let (cold, before) = (repository(&server, "a"), server.counters().total());
    let found = join_all((0..200).map(|_| cold.resolve(desc.digest.as_str()))).await;
    assert!(found.into_iter().all(|found| found.is_ok()));
    assert_eq!(server.counters().total() - before, 200);
}
