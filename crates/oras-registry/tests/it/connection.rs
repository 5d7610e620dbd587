use std::time::Duration;

use oras_registry::{Accounts, AuthScheme, Limits, RequestKind, Server};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::client::{raw, request};

#[tokio::test]
async fn serves_until_it_is_shut_down() {
    let server = Server::builder().start().await.unwrap();
    let addr = server.addr();
    assert_eq!(server.url(), format!("http://localhost:{}", addr.port()));
    assert_eq!(raw(addr, &request("GET", "/v2/")).await.body(), b"{}");
    assert_eq!((server.counters().requests(RequestKind::Ping), server.counters().connections()), (1, 1));
    server.shutdown().await;
    assert!(TcpStream::connect(addr).await.is_err());
}

#[tokio::test]
async fn more_connections_than_allowed_wait() {
    let limits = Limits::with(|limits| limits.connections = 1);
    let server = Server::builder().with_limits(limits).start().await.unwrap();
    let mut first = TcpStream::connect(server.addr()).await.unwrap();
    first.write_all(b"GET /v2/ HTTP/1.1\r\nhost: h\r\n\r\n").await.unwrap();
    first.read_exact(&mut [0; 15]).await.unwrap();
    let get = request("GET", "/v2/");
    let mut second = std::pin::pin!(raw(server.addr(), &get));
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut second).await.is_err());
    drop(first);
    assert_eq!(second.await.body(), b"{}");
}

#[tokio::test]
async fn an_answer_that_is_on_its_way_survives_a_shutdown() {
    let server = Server::builder().start().await.unwrap();
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let location = {
        let opened = raw(server.addr(), &request("POST", "/v2/a/blobs/uploads/")).await.head();
        opened.lines().find_map(|line| line.strip_prefix("location: ")).unwrap().to_owned()
    };
    stream
        .write_all(format!("PATCH {location} HTTP/1.1\r\nhost: h\r\ncontent-length: 2\r\n\r\nx").as_bytes())
        .await
        .unwrap();
    while server.counters().requests(RequestKind::UploadChunk) == 0 {
        tokio::task::yield_now().await;
    }
    let addr = server.addr();
    let shutdown = tokio::task::spawn(server.shutdown());
    while TcpStream::connect(addr).await.is_ok() {
        tokio::task::yield_now().await;
    }
    stream.write_all(b"y").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 202"));
    shutdown.await.unwrap();
}

#[tokio::test]
async fn a_shutdown_does_not_wait_for_ever() {
    let limits = Limits::with(|limits| limits.shutdown = Duration::from_millis(50));
    let server = Server::builder().with_limits(limits).start().await.unwrap();
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(b"GET /v2/ HTT").await.unwrap();
    let shutdown = tokio::time::timeout(Duration::from_secs(20), server.shutdown());
    shutdown.await.unwrap();
    let mut rest = Vec::new();
    // Closed or reset: either way it is over.
    let _ = stream.read_to_end(&mut rest).await;
}

#[tokio::test]
async fn a_client_reads_the_refusal_of_a_large_body() {
    let server = Server::builder().with_auth(AuthScheme::Basic, Accounts::new()).start().await.unwrap();
    let size = 20_000_000;
    let mut push = format!("POST /v2/a/blobs/uploads/?digest=x HTTP/1.1\r\nhost: h\r\ncontent-length: {size}\r\n\r\n")
        .into_bytes();
    push.resize(push.len() + size, 7);
    let answer = raw(server.addr(), &push).await;
    assert!(answer.head().starts_with("http/1.1 401"), "{}", answer.head());
    assert_eq!(answer.error, None);
}

#[tokio::test]
async fn a_client_that_stops_sending_is_given_up() {
    let limits = Limits::with(|limits| limits.idle = Duration::from_millis(100));
    let server = Server::builder().with_limits(limits).start().await.unwrap();
    let opened = raw(server.addr(), &request("POST", "/v2/a/blobs/uploads/")).await.head();
    let location = opened.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!("PATCH {location} HTTP/1.1\r\nhost: h\r\ncontent-length: 5\r\n\r\nabc");
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with(b"HTTP/1.1 408"), "{}", String::from_utf8_lossy(&answer));
    let status = raw(server.addr(), &request("GET", location)).await.head();
    assert!(status.contains("range: 0-2\r\n"), "what came is kept: {status}");
}

#[tokio::test]
async fn a_client_that_comes_back_need_not_wait_for_its_old_connection() {
    let server = Server::builder().start().await.unwrap();
    let opened = raw(server.addr(), &request("POST", "/v2/a/blobs/uploads/")).await.head();
    let location = opened.lines().find_map(|line| line.strip_prefix("location: ")).unwrap();
    let mut old = TcpStream::connect(server.addr()).await.unwrap();
    let head = format!("PATCH {location} HTTP/1.1\r\nhost: h\r\ncontent-length: 10\r\n\r\n0123");
    old.write_all(head.as_bytes()).await.unwrap();
    while server.counters().bytes_received() < 4 {
        tokio::task::yield_now().await;
    }
    let resumed = format!(
        "PATCH {location} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-range: 4-9\r\ncontent-length: 6\r\n\r\n456789"
    );
    let answer = raw(server.addr(), resumed.as_bytes()).await.head();
    assert!(answer.starts_with("http/1.1 202") && answer.contains("range: 0-9\r\n"), "{answer}");
    let mut refused = Vec::new();
    old.read_to_end(&mut refused).await.unwrap();
    assert!(refused.starts_with(b"HTTP/1.1 409"));
}

#[tokio::test]
async fn a_client_that_does_not_read_is_given_up() {
    let limits = Limits::with(|limits| limits.idle = Duration::from_millis(100));
    let server = Server::builder().with_limits(limits).start().await.unwrap();
    let size = 64 * 1024 * 1024;
    let content = vec![7; size];
    let digest = oras_descriptor::Digest::of(&content);
    let mut push =
        format!("POST /v2/a/blobs/uploads/?digest={digest} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {size}\r\n\r\n")
            .into_bytes();
    push.extend(content);
    assert!(raw(server.addr(), &push).await.head().starts_with("http/1.1 201"));
    let mut stream = TcpStream::connect(server.addr()).await.unwrap();
    stream.write_all(&request("GET", &format!("/v2/a/blobs/{digest}"))).await.unwrap();
    // The socket fills up, and the server lets go of it: its shutdown has nothing to wait for.
    while server.counters().requests(RequestKind::BlobGet) == 0 {
        tokio::task::yield_now().await;
    }
    let shutdown = tokio::time::timeout(Duration::from_secs(5), server.shutdown());
    shutdown.await.unwrap();
}
