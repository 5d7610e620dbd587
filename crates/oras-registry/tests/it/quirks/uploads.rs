use http::StatusCode;
use oras_descriptor::Digest;
use oras_registry::{EmptyRange, LocationStyle, ReachedRange};

use super::odd;
use crate::client::manifest;

#[tokio::test]
async fn chunks_that_are_too_large_are_refused() {
    let client = odd(|behaviour| behaviour.uploads.max_chunk = Some(4)).await;
    let location = client.open("a").await;
    assert_eq!(client.send("PATCH", &location, &[("content-range", "0-4")], "01234").await.status, 416);
    assert_eq!(client.send("PATCH", &location, &[("content-range", "0-3")], "0123").await.status, 202);
}

#[tokio::test]
async fn chunks_can_be_refused_altogether() {
    let client = odd(|behaviour| behaviour.uploads.refuse_chunks = true).await;
    let location = client.open("a").await;
    assert_eq!(client.send("PATCH", &location, &[], "x").await.status, 405);
    assert_eq!(client.send("PUT", &format!("{location}?digest={}", Digest::of(b"x")), &[], "x").await.status, 201);
}

#[tokio::test]
async fn a_closing_request_can_be_too_large() {
    let client = odd(|behaviour| behaviour.uploads.max_put = Some(4)).await;
    let (location, digest) = (client.open("a").await, Digest::of(b"01234"));
    let target = format!("{location}?digest={digest}");
    assert_eq!(client.send("PUT", &target, &[], "01234").await.status, 413);
    client.send("PATCH", &location, &[], "01234").await;
    assert_eq!(client.send("PUT", &target, &[], "").await.status, 201);
}

#[tokio::test]
async fn locations_come_in_every_style() {
    let styles = [
        (LocationStyle::Absolute, "http://h:1/v2/a/blobs/uploads/"),
        (LocationStyle::Rotating, "/v2/a/blobs/uploads/"),
        (LocationStyle::QueryOnly, "?_session="),
        (LocationStyle::OutsideV2, "/artifacts-uploads/a/"),
        (LocationStyle::OtherScheme, "https://h:1/v2/a/blobs/uploads/"),
    ];
    for (style, start) in styles {
        let client = odd(|behaviour| behaviour.uploads.location = style).await;
        let location = client.open("a").await;
        assert!(location.starts_with(start), "{location}");
        let resolve = |location: &str| match location.strip_prefix('?') {
            Some(query) => format!("/v2/a/blobs/uploads/?{query}"),
            None => location.split_once("://h:1").map_or(location, |(_, path)| path).to_owned(),
        };
        let chunk = client.send("PATCH", &resolve(&location), &[("content-range", "0-0")], "x").await;
        assert_eq!(chunk.status, 202, "{style:?}");
        let next = resolve(chunk.header("location"));
        let separator = if next.contains('?') { '&' } else { '?' };
        let target = format!("{next}{separator}digest={}", Digest::of(b"x"));
        assert_eq!(client.send("PUT", &target, &[], "").await.status, 201, "{style:?}");
    }
}

#[tokio::test]
async fn an_old_or_changed_location_may_not_write() {
    let client = odd(|behaviour| behaviour.uploads.location = LocationStyle::Rotating).await;
    let old = client.open("a").await;
    assert_eq!(client.get(&old).await.status, 204);
    assert_eq!(client.send("PATCH", &old, &[], "x").await.status, 416);
    let client = odd(|behaviour| behaviour.uploads.location = LocationStyle::Absolute).await;
    let location = client.open("a").await.replace("http://h:1", "");
    assert!(location.ends_with("?_state=a%2Fb%3D&x"));
    assert_eq!(client.send("PATCH", &location.replace("%2F", "/"), &[], "x").await.status, 416);
    assert_eq!(client.send("PATCH", &location, &[], "x").await.status, 202);
}

#[tokio::test]
async fn the_reached_range_can_be_wrong() {
    let cases = [
        (ReachedRange::Right, ["0-3", "0-5"]),
        (ReachedRange::Stuck, ["0-3", "0-3"]),
        (ReachedRange::OffByOne, ["0-4", "0-6"]),
        (ReachedRange::WithUnit, ["bytes=0-3", "bytes=0-5"]),
        (ReachedRange::OfChunk, ["0-3", "0-1"]),
        (ReachedRange::Absent, ["", ""]),
    ];
    for (quirk, expected) in cases {
        let client = odd(|behaviour| behaviour.uploads.range = quirk).await;
        let location = client.open("a").await;
        let one = client.send("PATCH", &location, &[("content-range", "0-3")], "0123").await;
        let two = client.send("PATCH", &location, &[("content-range", "4-5")], "45").await;
        assert_eq!([one.header("range"), two.header("range")], expected, "{quirk:?}");
    }
    for (quirk, expected) in [(EmptyRange::MinusOne, "0--1"), (EmptyRange::Absent, "")] {
        let client = odd(|behaviour| behaviour.uploads.empty_range = quirk).await;
        assert_eq!(client.post("/v2/a/blobs/uploads/").await.header("range"), expected);
    }
}

#[tokio::test]
async fn a_chunk_can_complete_the_blob() {
    let client = odd(|behaviour| behaviour.uploads.chunk_completes = true).await;
    let (location, digest) = (client.open("a").await, Digest::of(b"x"));
    assert_eq!(client.send("PATCH", &location, &[("content-range", "0-0")], "x").await.status, 201);
    assert_eq!(client.send("PUT", &format!("{location}?digest={digest}"), &[], "").await.status, 404);
    assert_eq!(client.get(&format!("/v2/a/blobs/{digest}")).await.text(), "x");
}

#[tokio::test]
async fn a_single_post_can_open_a_session() {
    let client = odd(|behaviour| behaviour.uploads.refuse_single_post = true).await;
    let digest = Digest::of(b"x");
    let answer = client.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], "x").await;
    assert_eq!(answer.status, 202);
    assert_eq!(client.get(&format!("/v2/a/blobs/{digest}")).await.status, 404);
    assert_eq!(
        client.send("PUT", &format!("{}?digest={digest}", answer.header("location")), &[], "x").await.status,
        201
    );
}

#[tokio::test]
async fn mounts_can_be_refused() {
    let client = odd(|behaviour| {
        behaviour.uploads.refuse_anonymous_mount = true;
        behaviour.uploads.mount_refusal = Some(StatusCode::FORBIDDEN);
        behaviour.uploads.mount_referenced_only = true;
    })
    .await;
    let digest = client.push_blob("a", "x").await;
    assert_eq!(client.post(&format!("/v2/b/blobs/uploads/?mount={digest}")).await.status, 400);
    let named = format!("/v2/b/blobs/uploads/?mount={digest}&from=a");
    assert_eq!(client.post(&named).await.status, 403, "no manifest names the blob");
    client.push("/v2/a/manifests/x", &manifest("x")).await;
    assert_eq!(client.post(&named).await.status, 201);
}

#[tokio::test]
async fn answers_to_uploads_can_say_less() {
    let client = odd(|behaviour| {
        behaviour.uploads.omit_location = true;
        behaviour.uploads.omit_digest = true;
        behaviour.uploads.closing_chunk_status = Some(StatusCode::BAD_REQUEST);
        behaviour.uploads.status_status = Some(StatusCode::NOT_FOUND);
    })
    .await;
    let (location, digest) = (client.open("a").await, Digest::of(b"x"));
    assert_eq!(client.get(&location).await.status, 404);
    let target = format!("{location}?digest={digest}");
    assert_eq!(client.send("PUT", &target, &[("content-range", "5-5")], "x").await.status, 400);
    let answer = client.send("PUT", &target, &[], "x").await;
    assert_eq!((answer.header("location"), answer.header("docker-content-digest")), ("", ""));
    assert_eq!(answer.status, 201);
}
