use std::time::Duration;

use bytes::Bytes;
use oras_descriptor::{Algorithm, Digest};
use oras_registry::{Clock, Limits, Server};

use super::setup::{client, plain};
use crate::client::{Answer, Client};

fn chunk(range: &str) -> [(&str, &str); 1] {
    [("content-range", range)]
}

fn with_digest(location: &str, digest: &Digest) -> String {
    format!("{location}?digest={digest}")
}

fn assert_created(answer: &Answer, name: &str, digest: &Digest) {
    assert_eq!(answer.status, 201, "{}", answer.text());
    assert_eq!(answer.header("location"), format!("/v2/{name}/blobs/{digest}"));
    assert_eq!(answer.header("docker-content-digest"), digest.as_str());
}

async fn assert_stored(client: &Client, name: &str, content: &[u8]) {
    let answer = client.get(&format!("/v2/{name}/blobs/{}", Digest::of(content))).await;
    assert_eq!((answer.status.as_u16(), answer.body.as_ref()), (200, content));
}

#[tokio::test]
async fn takes_a_blob_by_post_and_put() {
    let client = plain().await;
    for content in ["", "{}", "hello"] {
        let digest = Digest::of(content.as_bytes());
        let location = client.open("a").await;
        assert!(location.starts_with("/v2/a/blobs/uploads/"), "{location}");
        let answer = client.send("PUT", &with_digest(&location, &digest), &[], content).await;
        assert_created(&answer, "a", &digest);
        assert_stored(&client, "a", content.as_bytes()).await;
        assert_eq!(client.get(&location).await.code(), "BLOB_UPLOAD_UNKNOWN");
    }
}

#[tokio::test]
async fn takes_a_blob_in_a_single_post() {
    let client = plain().await;
    let digest = Digest::of(b"hello");
    let answer = client.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], "hello").await;
    assert_created(&answer, "a", &digest);
    assert_stored(&client, "a", b"hello").await;
}

#[tokio::test]
async fn takes_a_blob_in_chunks() {
    let client = plain().await;
    let location = client.open("a").await;
    for (range, body, reached) in [("0-3", "0123", "0-3"), ("4-6", "456", "0-6")] {
        let answer = client.send("PATCH", &location, &chunk(range), body).await;
        assert_eq!((answer.status.as_u16(), answer.header("range")), (202, reached));
        assert_eq!(answer.header("location"), location);
        let status = client.get(&location).await;
        assert_eq!((status.status.as_u16(), status.header("range"), status.body.len()), (204, reached, 0));
        assert!(!status.headers.contains_key("content-length"));
    }
    let digest = Digest::of(b"0123456789");
    let last = client.send("PUT", &with_digest(&location, &digest), &chunk("7-9"), "789").await;
    assert_created(&last, "a", &digest);
    assert_stored(&client, "a", b"0123456789").await;
}

#[tokio::test]
async fn takes_a_stream_of_unknown_length() {
    let client = plain().await;
    let location = client.open("a").await;
    let chunks = vec![Bytes::from(vec![1; 100_000]), Bytes::new(), Bytes::from_static(b"end")];
    let content: Vec<u8> = chunks.concat();
    let answer = client.stream("PATCH", &location, chunks).await;
    assert_eq!((answer.status.as_u16(), answer.header("range")), (202, "0-100002"));
    let digest = Digest::of(&content);
    assert_created(&client.send("PUT", &with_digest(&location, &digest), &[], "").await, "a", &digest);
    assert_stored(&client, "a", &content).await;
}

#[tokio::test]
async fn chunks_out_of_order_change_nothing() {
    let client = plain().await;
    let location = client.open("a").await;
    let early = client.send("PATCH", &location, &chunk("5-9"), "56789").await;
    assert_eq!((early.status.as_u16(), early.header("range")), (416, "0-0"));
    client.send("PATCH", &location, &chunk("0-4"), "01234").await;
    let replayed = client.send("PATCH", &location, &chunk("0-4"), "01234").await;
    assert_eq!((replayed.status.as_u16(), replayed.header("range")), (416, "0-4"));
    assert_eq!((replayed.header("location"), replayed.code().as_str()), (location.as_str(), "BLOB_UPLOAD_INVALID"));
    let digest = Digest::of(b"0123456789");
    let closing = client.send("PUT", &with_digest(&location, &digest), &chunk("7-9"), "789").await;
    assert_eq!(closing.status, 416);
    let closing = client.send("PUT", &with_digest(&location, &digest), &chunk("5-9"), "56789").await;
    assert_created(&closing, "a", &digest);
}

#[tokio::test]
async fn content_ranges_must_agree_with_their_bodies() {
    let client = plain().await;
    let location = client.open("a").await;
    for (range, body, code) in [
        ("0-9", "01234", "SIZE_INVALID"),
        ("0-3", "01234", "SIZE_INVALID"),
        ("bytes 0-4", "01234", "BLOB_UPLOAD_INVALID"),
        ("4-0", "01234", "BLOB_UPLOAD_INVALID"),
        ("0-4/5", "01234", "BLOB_UPLOAD_INVALID"),
        ("x", "01234", "BLOB_UPLOAD_INVALID"),
    ] {
        let answer = client.send("PATCH", &location, &chunk(range), body).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{range}");
    }
    assert_eq!(client.get(&location).await.header("range"), "0-0");
}

#[tokio::test]
async fn a_wrong_digest_leaves_nothing_behind() {
    let client = plain().await;
    let (right, wrong) = (Digest::of(b"hello"), Digest::of(b"hallo"));
    for digest in [wrong.as_str(), "sha256:x", "md5:5d41402abc4b2a76b9719d911017c592", "", "sha256"] {
        let location = client.open("a").await;
        let closing = client.send("PUT", &format!("{location}?digest={digest}"), &[], "hello").await;
        assert_eq!((closing.status.as_u16(), closing.code().as_str()), (400, "DIGEST_INVALID"), "{digest}");
        let single = client.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], "hello").await;
        assert_eq!((single.status.as_u16(), single.code().as_str()), (400, "DIGEST_INVALID"), "{digest}");
    }
    for digest in [right, wrong] {
        assert_eq!(client.get(&format!("/v2/a/blobs/{digest}")).await.status, 404);
    }
}

#[tokio::test]
async fn hashes_again_for_an_algorithm_that_was_not_announced() {
    let client = plain().await;
    for (parameter, algorithm) in [
        ("", Algorithm::Sha512),
        ("?digest-algorithm=sha512", Algorithm::Sha512),
        ("?digest-algorithm=sha512", Algorithm::Sha256),
    ] {
        let location = client.post(&format!("/v2/a/blobs/uploads/{parameter}")).await.header("location").to_owned();
        client.send("PATCH", &location, &chunk("0-4"), "hello").await;
        let digest = algorithm.digest(b"hello");
        let answer = client.send("PUT", &with_digest(&location, &digest), &[], "").await;
        assert_created(&answer, "a", &digest);
    }
    let unknown = client.post("/v2/a/blobs/uploads/?digest-algorithm=md5").await;
    assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (400, "DIGEST_INVALID"));
}

#[tokio::test]
async fn a_cancelled_session_is_gone() {
    let client = plain().await;
    let location = client.open("a").await;
    let cancelled = client.delete(&location).await;
    assert_eq!((cancelled.status.as_u16(), cancelled.body.len()), (204, 0));
    for method in ["GET", "PATCH", "DELETE"] {
        let answer = client.send(method, &location, &[], "x").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, "BLOB_UPLOAD_UNKNOWN"), "{method}");
    }
    let closing = client.send("PUT", &with_digest(&location, &Digest::of(b"x")), &[], "x").await;
    assert_eq!(closing.code(), "BLOB_UPLOAD_UNKNOWN");
}

#[tokio::test]
async fn a_session_belongs_to_its_repository() {
    let client = plain().await;
    let location = client.open("a").await;
    assert_eq!(client.get(&location.replace("/a/", "/b/")).await.status, 404);
    assert_eq!(client.get(&location).await.status, 204);
}

#[tokio::test]
async fn idle_sessions_are_dropped() {
    let clock = Clock::manual();
    let limits = Limits::with(|limits| limits.session_idle = Duration::from_secs(60));
    let client = client(Server::builder().with_clock(clock.clone()).with_limits(limits)).await;
    let location = client.open("a").await;
    clock.advance(Duration::from_secs(50));
    assert_eq!(client.get(&location).await.status, 204);
    clock.advance(Duration::from_secs(50));
    assert_eq!(client.get(&location).await.status, 204, "each request counts anew");
    clock.advance(Duration::from_secs(61));
    assert_eq!(client.get(&location).await.status, 404);
}

#[tokio::test]
async fn sessions_and_blobs_are_limited() {
    let limits = Limits::with(|limits| {
        limits.sessions = 1;
        limits.blob = Some(4);
    });
    let client = client(Server::builder().with_limits(limits)).await;
    let location = client.open("a").await;
    let refused = client.post("/v2/a/blobs/uploads/").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (429, "TOOMANYREQUESTS"));
    assert_eq!(refused.header("retry-after"), "60");
    let large = client.send("PATCH", &location, &[], "12345").await;
    assert_eq!((large.status.as_u16(), large.code().as_str()), (413, "SIZE_INVALID"));
    let target = format!("/v2/a/blobs/uploads/?digest={}", Digest::of(b"12345"));
    assert_eq!(client.send("POST", &target, &[], "12345").await.status, 413);
}

#[tokio::test]
async fn only_the_last_chunk_may_be_small() {
    let limits = Limits::with(|limits| limits.min_chunk = Some(4));
    let client = client(Server::builder().with_limits(limits)).await;
    let opened = client.post("/v2/a/blobs/uploads/").await;
    assert_eq!(opened.header("oci-chunk-min-length"), "4");
    let location = opened.header("location");
    assert_eq!(client.send("PATCH", location, &chunk("0-3"), "0123").await.status, 202);
    assert_eq!(client.send("PATCH", location, &chunk("4-5"), "45").await.status, 202);
    let behind = client.send("PATCH", location, &chunk("6-9"), "6789").await;
    assert_eq!((behind.status.as_u16(), behind.code().as_str()), (400, "SIZE_INVALID"));
    let digest = Digest::of(b"012345");
    assert_created(&client.send("PUT", &with_digest(location, &digest), &[], "").await, "a", &digest);
}

#[tokio::test]
async fn mounts_what_is_there() {
    let client = plain().await;
    let digest = client.push_blob("source", "hello").await;
    for (target, from) in [("one", "&from=source"), ("two", "")] {
        let answer = client.post(&format!("/v2/{target}/blobs/uploads/?mount={digest}{from}")).await;
        assert_created(&answer, target, &digest);
        assert_stored(&client, target, b"hello").await;
    }
    assert_eq!(client.0.counters().mounts(), 2);
    client.delete(&format!("/v2/source/blobs/{digest}")).await;
    assert_stored(&client, "one", b"hello").await;
}

#[tokio::test]
async fn a_mount_that_is_not_possible_is_an_upload() {
    let client = plain().await;
    let digest = Digest::of(b"hello");
    client.push_blob("source", "other").await;
    for from in ["&from=source", "&from=nowhere", ""] {
        let answer = client.post(&format!("/v2/a/blobs/uploads/?mount={digest}{from}")).await;
        assert_eq!(answer.status, 202, "{from}");
        let location = answer.header("location");
        assert!(location.starts_with("/v2/a/blobs/uploads/"));
        assert_created(&client.send("PUT", &with_digest(location, &digest), &[], "hello").await, "a", &digest);
        client.delete(&format!("/v2/a/blobs/{digest}")).await;
    }
    for bad in ["mount=x", "mount=sha256:x&from=a"] {
        assert_eq!(client.post(&format!("/v2/a/blobs/uploads/?{bad}")).await.code(), "DIGEST_INVALID");
    }
    let bad = client.post(&format!("/v2/a/blobs/uploads/?mount={digest}&from=../a")).await;
    assert_eq!((bad.status.as_u16(), bad.code().as_str()), (400, "NAME_INVALID"));
}

#[tokio::test]
async fn mounts_need_their_source_when_the_search_is_off() {
    let client = client(Server::builder().with_automatic_mount(false)).await;
    let digest = client.push_blob("a", "hello").await;
    assert_eq!(client.post(&format!("/v2/a/blobs/uploads/?mount={digest}")).await.status, 202);
    assert_eq!(client.post(&format!("/v2/b/blobs/uploads/?mount={digest}&from=a")).await.status, 201);
}

#[tokio::test]
async fn two_uploads_of_one_blob_both_succeed() {
    let client = plain().await;
    let (one, two) = (client.open("a").await, client.open("a").await);
    assert_ne!(one, two);
    let digest = Digest::of(b"hello");
    for location in [one, two] {
        assert_created(&client.send("PUT", &with_digest(&location, &digest), &[], "hello").await, "a", &digest);
    }
}
