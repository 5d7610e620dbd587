//! Each deviation of a real registry, seen from the outside.

use http::StatusCode;
use oras_descriptor::{Algorithm, Descriptor, Digest, Index, MediaType, canonical};
use oras_registry::{
    Behaviour, DigestHeader, EmptyRange, LocationStyle, RangeQuirk, ReachedRange, Redirect, ReferrersQuirk,
};
use serde_json::json;

use crate::client::{Client, Document, manifest, referrer};
use crate::memory::setup::sparse;

async fn odd(change: impl FnOnce(&mut Behaviour)) -> Client {
    let client = sparse().await;
    client.0.set_behaviour(Behaviour::with(change));
    client
}

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

#[tokio::test]
async fn referrers_can_be_missing() {
    for (quirk, status) in [
        (ReferrersQuirk::Status(StatusCode::NOT_FOUND), 404),
        (ReferrersQuirk::Status(StatusCode::NOT_ACCEPTABLE), 406),
        (ReferrersQuirk::Page, 200),
    ] {
        let client = odd(|behaviour| behaviour.lists.referrers = quirk).await;
        let subject = manifest("x");
        let pushed = client.push("/v2/a/manifests/x", &referrer(subject.desc(), "t/t", "")).await;
        assert_eq!((pushed.status.as_u16(), pushed.header("oci-subject")), (201, ""));
        let answer = client.get(&format!("/v2/a/referrers/{}", subject.digest())).await;
        assert_eq!(answer.status, status);
        assert_ne!(answer.header("content-type"), MediaType::OCI_INDEX.as_str());
    }
}

#[tokio::test]
async fn referrers_come_unfiltered_and_bare() {
    let client = odd(|behaviour| {
        behaviour.lists.ignore_filter = true;
        behaviour.lists.bare_referrers = true;
    })
    .await;
    let subject = manifest("x");
    client.push("/v2/a/manifests/x", &referrer(subject.desc(), "t/t", "")).await;
    let answer = client.get(&format!("/v2/a/referrers/{}?artifactType=other/type", subject.digest())).await;
    assert_eq!(answer.header("oci-filters-applied"), "");
    let entries = answer.json()["manifests"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].get("artifactType").is_none() && entries[0].get("annotations").is_none());
}

#[tokio::test]
async fn lists_of_tags_can_be_odd() {
    let client = sparse().await;
    for tag in ["a", "b", "c"] {
        client.push(&format!("/v2/x/manifests/{tag}"), &manifest("x")).await;
    }
    let list = |query: &'static str, change: fn(&mut Behaviour)| {
        client.0.set_behaviour(Behaviour::with(change));
        let client = client.clone();
        async move { client.get(&format!("/v2/x/tags/list{query}")).await }
    };
    let answer = list("?n=3", |behaviour| behaviour.lists.page_size = Some(2)).await;
    assert_eq!((answer.json()["tags"].clone(), answer.header("link").is_empty()), (json!(["a", "b"]), false));
    assert_eq!(list("?n=1001", |behaviour| behaviour.lists.max_n = Some(1000)).await.status, 405);
    assert_eq!(list("?last=z", |behaviour| behaviour.lists.tags_null = true).await.json()["tags"], json!(null));
    assert_eq!(list("?last=a", |behaviour| behaviour.lists.opaque_cursor = true).await.status, 405);
    let opaque = list("?n=1", |behaviour| behaviour.lists.opaque_cursor = true).await;
    assert_eq!(opaque.header("link"), "</v2/x/tags/list?n=1&last=~a>; rel=\"next\"");
    assert_eq!(client.get("/v2/x/tags/list?n=1&last=~a").await.json()["tags"], json!(["b"]));
    assert_eq!(list("", |behaviour| behaviour.lists.unsorted = true).await.json()["tags"], json!(["c", "b", "a"]));
    assert_eq!(list("?n=1", |behaviour| behaviour.lists.omit_link = true).await.header("link"), "");
    assert_eq!(list("?n=1", |behaviour| behaviour.lists.ignore_n = true).await.json()["tags"], json!(["a", "b", "c"]));
    let absolute = list("?n=1", |behaviour| behaviour.lists.absolute_link = true).await;
    assert_eq!(absolute.header("link"), "<http://h:1/v2/x/tags/list?n=1&last=a>; rel=\"next\"");
    let looping = list("?n=1&last=a", |behaviour| behaviour.lists.looping_link = true).await;
    assert_eq!(looping.header("link"), "</v2/x/tags/list?n=1&last=a>; rel=\"next\"");
}

#[tokio::test]
async fn warnings_are_quoted_and_limited() {
    let client = odd(|behaviour| {
        behaviour.warnings = vec!["so \"old\"".into(), "x".repeat(4090), "second".into()];
        behaviour.headers.push((http::HeaderName::from_static("ratelimit-limit"), "100;w=21600".parse().unwrap()));
    })
    .await;
    let answer = client.get("/v2/").await;
    let warnings: Vec<_> = answer.headers.get_all("warning").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(warnings, [r#"299 - "so \"old\"""#]);
    assert_eq!(answer.header("ratelimit-limit"), "100;w=21600");
}
