//! Faults of the network, at exact places.

use std::{io::ErrorKind, time::Duration};

use http::StatusCode;
use oras_descriptor::Digest;
use oras_registry::{Action, Behaviour, Fault, Redirect, RequestKind, Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::Instant,
};

use crate::client::{raw, request};
use crate::memory::setup::plain;

const SIZE: usize = 1_000_000;

fn content() -> Vec<u8> {
    (0..SIZE).map(|n| u8::try_from(n % 251).unwrap()).collect()
}

/// A server with a blob, and the target to get it.
async fn server(action: Action) -> (Server, String) {
    let server = Server::builder().start().await.unwrap();
    let digest = Digest::of(&content());
    let mut push = format!(
        "POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {SIZE}\r\n\r\n"
    )
    .into_bytes();
    push.extend(content());
    assert!(raw(server.addr(), &push).await.head().starts_with("http/1.1 201"));
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.faults.push(Fault::new(action).on(RequestKind::BlobGet).times(1));
    }));
    (server, format!("/v2/a/blobs/{digest}"))
}

#[tokio::test]
async fn an_answer_is_cut_at_the_exact_byte() {
    for cut in [0, 1, 65_536, 65_537, 999_999] {
        let (server, target) = server(Action::CloseAnswer(cut as u64)).await;
        let cut_short = raw(server.addr(), &request("GET", &target)).await;
        assert_eq!(cut_short.body().len(), cut);
        assert_eq!((cut_short.body(), cut_short.error), (&content()[..cut], None));
        let whole = raw(server.addr(), &request("GET", &target)).await;
        assert_eq!(whole.body(), content());
    }
}

#[tokio::test]
async fn an_answer_ends_by_reset() {
    for cut in [0, 1, 30_000, 999_999] {
        let (server, target) = server(Action::ResetAnswer(cut as u64)).await;
        let reset = raw(server.addr(), &request("GET", &target)).await;
        assert_eq!(reset.error, Some(ErrorKind::ConnectionReset));
        let got = reset.body().len();
        assert!(got == cut || (got < cut && cut > 30_000), "{got} of {cut}");
        assert_eq!(reset.body(), &content()[..got]);
    }
}

#[tokio::test]
async fn an_answer_can_stall() {
    let (server, target) = server(Action::StallAnswer(10)).await;
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(&request("GET", &target)).await.unwrap();
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(Duration::from_millis(300), stream.read_to_end(&mut bytes)).await;
    assert!(read.is_err(), "the connection stays open");
    assert!(bytes.ends_with(&content()[..10]));
}

#[tokio::test]
async fn an_answer_can_stay_out() {
    let (server, target) = server(Action::StallHead).await;
    let get = request("GET", &target);
    let stalled = raw(server.addr(), &get);
    assert!(tokio::time::timeout(Duration::from_millis(300), stalled).await.is_err());
}

#[tokio::test]
async fn a_request_can_be_cut() {
    let server = Server::builder().with_recorded_requests(10).start().await.unwrap();
    let opened = raw(server.addr(), &request("POST", "/v2/a/blobs/uploads/")).await;
    let head = opened.head();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.faults.push(Fault::new(Action::ResetRequest(100)).on(RequestKind::UploadChunk));
    }));
    let mut patch = format!("PATCH {location} HTTP/1.1\r\nhost: h\r\ncontent-length: 1000\r\n\r\n").into_bytes();
    patch.extend([7; 1000]);
    let cut = raw(server.addr(), &patch).await;
    assert!(cut.bytes.is_empty());
    let status = raw(server.addr(), &request("GET", location)).await.head();
    assert!(status.contains("range: 0-99\r\n"), "{status}");
    let records = server.requests();
    assert_eq!(records[1].status, None, "nobody saw an answer");
    assert_eq!(records[2].status, Some(StatusCode::NO_CONTENT));
}

#[tokio::test]
async fn an_answer_can_get_lost_after_the_work_is_done() {
    let (server, target) = server(Action::LoseAnswer).await;
    let digest = target.rsplit('/').next().unwrap();
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.faults.push(Fault::new(Action::LoseAnswer).on(RequestKind::BlobDelete).times(1));
    }));
    let path = format!("/v2/a/blobs/{digest}");
    let lost = raw(server.addr(), &request("DELETE", &path)).await;
    assert!(lost.bytes.is_empty());
    assert!(raw(server.addr(), &request("HEAD", &path)).await.head().starts_with("http/1.1 404"));
}

#[tokio::test]
async fn bodies_can_be_wrong() {
    let client = plain().await;
    let digest = client.push_blob("a", "0123456789").await;
    let path = format!("/v2/a/blobs/{digest}");
    for (action, expected) in [
        (Action::FlipByte(3), "0122456789"),
        (Action::FlipByte(99), "0123456789"),
        (Action::Truncate(3), "0123456"),
        (Action::Truncate(99), ""),
        (Action::Extend(2), "0123456789xx"),
    ] {
        client.0.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(Fault::new(action.clone()))));
        let answer = client.get(&path).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, expected), "{action:?}");
        assert_eq!(answer.header("content-length"), expected.len().to_string(), "{action:?}");
    }
}

#[tokio::test]
async fn requests_can_be_refused_for_a_while() {
    let client = plain().await;
    client.0.set_behaviour(Behaviour::with(|behaviour| {
        let storm = Action::Status(StatusCode::TOO_MANY_REQUESTS, Some("1".into()));
        behaviour.faults.push(Fault::new(storm).times(2));
        let message = Action::Message(StatusCode::TOO_MANY_REQUESTS, "retry-after: 880.092µs".into());
        behaviour.faults.push(Fault::new(message).times(1));
        behaviour.faults.push(Fault::new(Action::Html(StatusCode::BAD_GATEWAY)).times(1));
    }));
    for _ in 0..2 {
        let refused = client.get("/v2/").await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "TOOMANYREQUESTS"));
        assert_eq!(refused.header("retry-after"), "1");
    }
    let told = client.get("/v2/").await;
    assert_eq!((told.header("retry-after"), told.text().contains("880.092µs")), ("", true));
    let page = client.get("/v2/").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (502, "text/html; charset=utf-8"));
    assert_eq!(client.get("/v2/").await.status, 200);
    assert_eq!((client.0.counters().client_errors(), client.0.counters().server_errors()), (3, 1));
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_slow() {
    let client = plain().await;
    let digest = client.push_blob("a", vec![0; 10_000]).await;
    let path = format!("/v2/a/blobs/{digest}");
    for (action, at_least) in [(Action::Delay(Duration::from_secs(7)), 7), (Action::Throttle(1000), 10)] {
        client.0.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(Fault::new(action.clone()))));
        let start = Instant::now();
        assert_eq!(client.get(&path).await.body.len(), 10_000);
        let elapsed = start.elapsed().as_secs();
        assert!((at_least..=at_least + 2).contains(&elapsed), "{action:?}: {elapsed} s");
    }
}

#[tokio::test]
async fn the_second_origin_takes_no_credentials() {
    let server = Server::builder().with_second_origin().start().await.unwrap();
    let digest = Digest::of(b"x");
    let mut push =
        format!("POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: 1\r\n\r\n")
            .into_bytes();
    push.push(b'x');
    raw(server.addr(), &push).await;
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.blobs.redirect_uses = Some(1);
    }));
    let path = format!("/v2/a/blobs/{digest}");
    let head = raw(server.addr(), &request("GET", &path)).await.head();
    assert!(head.starts_with("http/1.1 307"));
    let second = server.second_addr().unwrap();
    let location = head.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let target = location.strip_prefix(&format!("http://{second}")).unwrap();
    let with_credentials =
        format!("GET {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\nauthorization: Bearer x\r\n\r\n");
    assert!(raw(second, with_credentials.as_bytes()).await.head().starts_with("http/1.1 400"));
    assert!(raw(second, &request("HEAD", target)).await.head().starts_with("http/1.1 403"));
    assert_eq!(raw(second, &request("GET", target)).await.body(), b"x");
    assert!(raw(second, &request("GET", target)).await.head().starts_with("http/1.1 403"), "the signature has expired");
    assert!(raw(second, &request("GET", "/storage/x?signature=guess")).await.head().starts_with("http/1.1 403"));
    assert_eq!(server.counters().requests(RequestKind::SecondOrigin), 5);
}
