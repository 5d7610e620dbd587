use http::StatusCode;
use oras_descriptor::{Algorithm, Descriptor, Digest, Index, MediaType, canonical};
use oras_registry::{Behaviour, DigestHeader, RangeQuirk, Redirect};

use super::odd;
use crate::client::{Document, manifest, referrer};

#[tokio::test]
async fn digest_headers_can_be_wrong() {
    let content = manifest("x");
    let (sha256, sha512) = (content.digest().to_string(), Algorithm::Sha512.digest(&content.1).to_string());
    let wrong = Digest::of(b"something else").to_string();
    let cases = [
        (DigestHeader::Absent, ""),
        (DigestHeader::Sha256, sha256.as_str()),
        (DigestHeader::Sha512, sha512.as_str()),
        (DigestHeader::Wrong, wrong.as_str()),
    ];
    for (quirk, expected) in cases {
        let client = odd(|behaviour| {
            behaviour.blobs.digest = quirk;
            behaviour.manifests.digest = quirk;
        })
        .await;
        let push = client.push("/v2/a/manifests/x", &content).await;
        assert_eq!(push.header("docker-content-digest"), expected);
        let digest = client.push_blob("a", content.1.clone()).await;
        for path in ["/v2/a/manifests/x".to_owned(), format!("/v2/a/blobs/{digest}")] {
            assert_eq!(client.head(&path).await.header("docker-content-digest"), expected, "{path}");
        }
    }
}

#[tokio::test]
async fn ranges_can_go_wrong() {
    let cases = [
        (RangeQuirk::Ignored, "bytes=2-3", 200, "0123456789", ""),
        (RangeQuirk::Refused, "bytes=2-3", 416, "", "bytes */10"),
        (RangeQuirk::ClosedOnly, "bytes=2-3", 206, "23", "bytes 2-3/10"),
        (RangeQuirk::ClosedOnly, "bytes=2-", 416, "", "bytes */10"),
        (RangeQuirk::ClosedOnly, "bytes=-2", 416, "", "bytes */10"),
        (RangeQuirk::Early, "bytes=2-3", 206, "12", "bytes 1-2/10"),
        (RangeQuirk::EarlyUnsaid, "bytes=2-3", 206, "12", "bytes 2-3/10"),
    ];
    for (quirk, range, status, body, content_range) in cases {
        let client = odd(|behaviour| behaviour.blobs.ranges = quirk).await;
        let digest = client.push_blob("a", "0123456789").await;
        let answer = client.send("GET", &format!("/v2/a/blobs/{digest}"), &[("range", range)], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-range")), (status, content_range), "{quirk:?}");
        assert!(status >= 400 || answer.text() == body, "{quirk:?}: {}", answer.text());
    }
}

#[tokio::test]
async fn blobs_can_be_redirected_within_the_origin() {
    let client = odd(|behaviour| behaviour.blobs.redirect = Redirect::SameOrigin).await;
    let digest = client.push_blob("a/b", "x").await;
    let path = format!("/v2/a/b/blobs/{digest}");
    let answer = client.get(&path).await;
    assert_eq!(
        (answer.status.as_u16(), answer.header("location")),
        (307, format!("/artifacts-downloads/a/b/{digest}").as_str())
    );
    assert_eq!(client.get(answer.header("location")).await.text(), "x");
    assert_eq!(client.head(&path).await.status, 200);
    client.0.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.blobs.redirect = Redirect::SameOrigin;
        behaviour.blobs.redirect_head = true;
    }));
    assert_eq!(client.head(&path).await.status, 307);
}

#[tokio::test]
async fn heads_can_say_less_or_nothing() {
    let client = odd(|behaviour| {
        behaviour.blobs.head_without_length = true;
        behaviour.manifests.head_without_headers = true;
    })
    .await;
    let digest = client.push_blob("a", "x").await;
    client.push("/v2/a/manifests/x", &manifest("x")).await;
    let blob = client.head(&format!("/v2/a/blobs/{digest}")).await;
    assert_eq!((blob.status.as_u16(), blob.header("content-length")), (200, ""));
    let found = client.head("/v2/a/manifests/x").await;
    assert_eq!((found.header("content-length"), found.header("content-type")), ("", ""));
    client.0.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.blobs.head_status = Some(StatusCode::FORBIDDEN);
        behaviour.manifests.head_status = Some(StatusCode::METHOD_NOT_ALLOWED);
    }));
    assert_eq!(client.head(&format!("/v2/a/blobs/{digest}")).await.status, 403);
    assert_eq!(client.head("/v2/a/manifests/x").await.status, 405);
}

#[tokio::test]
async fn heads_and_gets_can_disagree() {
    let client = odd(|behaviour| {
        behaviour.blobs.head_length = Some(7);
        behaviour.manifests.head_length = Some(8);
    })
    .await;
    let digest = client.push_blob("a", "x").await;
    client.push("/v2/a/manifests/x", &manifest("x")).await;
    let path = format!("/v2/a/blobs/{digest}");
    assert_eq!((client.head(&path).await.header("content-length"), client.get(&path).await.text()), ("7", "x"));
    assert_eq!(client.head("/v2/a/manifests/x").await.header("content-length"), "8");
}

#[tokio::test]
async fn contents_can_be_labelled_oddly() {
    let client = odd(|behaviour| {
        behaviour.blobs.content_encoding = Some("x-gzip".into());
        behaviour.blobs.manifests_as_blobs = true;
        behaviour.manifests.content_encoding = Some("gzip".into());
        behaviour.manifests.type_parameters = true;
    })
    .await;
    let (digest, document) = (client.push_blob("a", "x").await, manifest("x"));
    client.push("/v2/a/manifests/x", &document).await;
    assert_eq!(client.get(&format!("/v2/a/blobs/{digest}")).await.header("content-encoding"), "x-gzip");
    let found = client.get("/v2/a/manifests/x").await;
    assert_eq!(found.header("content-encoding"), "gzip");
    assert_eq!(found.header("content-type"), format!("{}; charset=utf-8", document.0));
    let poisoned = client.head(&format!("/v2/a/blobs/{}", document.digest())).await;
    assert_eq!((poisoned.status.as_u16(), poisoned.header("content-type")), (200, "application/octet-stream"));
    client.0.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.content_type = Some("a/b".into())));
    assert_eq!(client.get("/v2/a/manifests/x").await.header("content-type"), "a/b");
}

#[tokio::test]
async fn manifests_can_hide_behind_accept() {
    let client = odd(|behaviour| behaviour.manifests.strict_accept = true).await;
    let document = manifest("x");
    client.push("/v2/a/manifests/x", &document).await;
    for (accept, status) in [
        ("*/*", 404),
        ("a/b", 404),
        (document.0.as_str(), 200),
        ("a/b, application/vnd.oci.image.manifest.v1+json;q=0.5", 200),
    ] {
        let answer = client.send("GET", "/v2/a/manifests/x", &[("accept", accept)], "").await;
        assert_eq!(answer.status, status, "{accept}");
    }
}

#[tokio::test]
async fn what_is_unknown_can_be_denied_or_a_page() {
    let client = odd(|behaviour| {
        behaviour.manifests.unknown_is_denied = true;
        behaviour.manifests.malformed_digest_status = Some(StatusCode::INTERNAL_SERVER_ERROR);
    })
    .await;
    assert_eq!(client.get("/v2/a/manifests/x").await.status, 403);
    assert_eq!(client.get(&format!("/v2/a/manifests/{}", Digest::of(b""))).await.status, 404);
    assert_eq!(client.get("/v2/a/manifests/sha256:x").await.status, 500);
    client.0.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.unknown_is_page = true));
    let page = client.get("/v2/a/manifests/x").await;
    assert_eq!((page.status.as_u16(), page.header("content-type")), (200, "text/html; charset=utf-8"));
}

#[tokio::test]
async fn a_tag_can_be_taken_for_a_digest() {
    let client = odd(|behaviour| behaviour.manifests.tag_is_digest = true).await;
    let document = manifest("x");
    client.push("/v2/a/manifests/x", &document).await;
    let tag = document.digest().to_string().replace(':', "-");
    assert_eq!(client.get(&format!("/v2/a/manifests/{tag}")).await.body, document.1);
    assert_eq!(client.get("/v2/a/manifests/v1-beta").await.status, 404);
}

#[tokio::test]
async fn some_manifests_can_be_refused() {
    let client = odd(|behaviour| {
        behaviour.manifests.subject_status = Some(StatusCode::METHOD_NOT_ALLOWED);
        behaviour.manifests.refuse_docker_children = true;
        behaviour.manifests.refuse_unknown_configs = true;
    })
    .await;
    let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"x");
    assert_eq!(client.push("/v2/a/manifests/x", &referrer(subject, "t/t", "")).await.status, 405);
    let child = Descriptor::of(MediaType::DOCKER_MANIFEST, b"x");
    let mixed = Document(MediaType::OCI_INDEX, canonical(&Index::new(vec![child])));
    assert_eq!(client.push("/v2/a/manifests/x", &mixed).await.code(), "MANIFEST_INVALID");
    assert_eq!(client.push("/v2/a/manifests/x", &manifest("x")).await.code(), "MANIFEST_INVALID");
}

#[tokio::test]
async fn pushes_can_do_and_say_less() {
    let client = odd(|behaviour| {
        behaviour.manifests.omit_location = true;
        behaviour.manifests.max_tag_parameters = Some(1);
        behaviour.manifests.ignore_conditions = true;
    })
    .await;
    let document = manifest("x");
    let answer = client.push(&format!("/v2/a/manifests/{}?tag=a&tag=b", document.digest()), &document).await;
    assert_eq!((answer.status.as_u16(), answer.header("location"), answer.header("etag")), (201, "", ""));
    assert_eq!((answer.header("oci-tag"), client.get("/v2/a/manifests/b").await.status.as_u16()), ("a", 404));
    let headers = [("content-type", document.0.as_str()), ("if-none-match", "*")];
    assert_eq!(client.send("PUT", "/v2/a/manifests/a", &headers, document.1.clone()).await.status, 201);
}

#[tokio::test]
async fn deleting_can_be_refused_by_kind() {
    let client = odd(|behaviour| behaviour.manifests.delete_tag_status = Some(StatusCode::BAD_REQUEST)).await;
    let (digest, document) = (client.push_blob("a", "x").await, manifest("x"));
    client.push("/v2/a/manifests/x", &document).await;
    let refused = client.delete("/v2/a/manifests/x").await;
    assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, "UNSUPPORTED"));
    assert_eq!(client.delete(&format!("/v2/a/manifests/{}", document.digest())).await.status, 202);
    client.0.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.manifests.delete_status = Some(StatusCode::METHOD_NOT_ALLOWED);
        behaviour.blobs.delete_status = Some(StatusCode::METHOD_NOT_ALLOWED);
    }));
    assert_eq!(client.delete(&format!("/v2/a/blobs/{digest}")).await.status, 405);
    assert_eq!(client.delete("/v2/a/manifests/x").await.status, 405);
}
