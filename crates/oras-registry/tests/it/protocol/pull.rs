use oras_descriptor::{Algorithm, Digest};

use super::setup::{plain, sparse};
use crate::client::manifest;

#[tokio::test]
async fn answers_the_probe() {
    let client = plain().await;
    for path in ["/v2/", "/v2"] {
        let answer = client.get(path).await;
        assert_eq!((answer.status.as_u16(), answer.text()), (200, "{}"));
        assert_eq!(answer.header("docker-distribution-api-version"), "registry/2.0");
    }
    assert_eq!(client.get("/v2/_oci/ext/discover").await.text(), r#"{"extensions":[]}"#);
}

#[tokio::test]
async fn gives_blobs_as_they_were_pushed() {
    let client = plain().await;
    let content = vec![7; 300_000];
    let digest = client.push_blob("a/b", content.clone()).await;
    let path = format!("/v2/a/b/blobs/{digest}");
    let get = client.send("GET", &path, &[("accept-encoding", "gzip")], "").await;
    assert_eq!((get.status.as_u16(), get.body.as_ref()), (200, content.as_slice()));
    let head = client.head(&path).await;
    assert!(head.body.is_empty());
    for answer in [get, head] {
        assert_eq!(answer.header("content-length"), "300000");
        assert_eq!(answer.header("content-type"), "application/octet-stream");
        assert_eq!(answer.header("docker-content-digest"), digest.as_str());
        assert_eq!(answer.header("accept-ranges"), "bytes");
        assert_eq!(answer.header("etag"), format!("\"{digest}\""));
        assert_eq!(answer.header("content-encoding"), "");
    }
}

#[tokio::test]
async fn gives_parts_of_blobs() {
    let client = plain().await;
    let digest = client.push_blob("a", "0123456789").await;
    let path = format!("/v2/a/blobs/{digest}");
    let cases = [
        ("bytes=2-5", 206, "2345", "bytes 2-5/10"),
        ("bytes=8-", 206, "89", "bytes 8-9/10"),
        ("bytes=-3", 206, "789", "bytes 7-9/10"),
        ("bytes=8-99", 206, "89", "bytes 8-9/10"),
        ("bytes=0-1,4-5", 200, "0123456789", ""),
        ("bytes=10-", 416, "", "bytes */10"),
        ("bytes=5-0", 416, "", "bytes */10"),
    ];
    for (range, status, body, content_range) in cases {
        let answer = client.send("GET", &path, &[("range", range)], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("content-range")), (status, content_range), "{range}");
        if status < 400 {
            assert_eq!((answer.text(), answer.header("content-length")), (body, body.len().to_string().as_str()));
        }
    }
}

#[tokio::test]
async fn honours_conditions_on_blobs() {
    let client = plain().await;
    let digest = client.push_blob("a", "0123456789").await;
    let (path, tag) = (format!("/v2/a/blobs/{digest}"), format!("\"{digest}\""));
    let unchanged = client.send("GET", &path, &[("if-none-match", &tag)], "").await;
    assert_eq!((unchanged.status.as_u16(), unchanged.body.len()), (304, 0));
    let range = ("range", "bytes=0-1");
    assert_eq!(client.send("GET", &path, &[range, ("if-range", &tag)], "").await.status, 206);
    assert_eq!(client.send("GET", &path, &[range, ("if-range", "\"other\"")], "").await.status, 200);
}

#[tokio::test]
async fn gives_manifests_by_tag_and_digest() {
    let client = sparse().await;
    let document = manifest("x");
    client.push("/v2/a/manifests/v1", &document).await;
    for reference in ["v1", document.digest().as_str()] {
        let path = format!("/v2/a/manifests/{reference}");
        let get = client.get(&path).await;
        assert_eq!((get.status.as_u16(), &get.body), (200, &document.1));
        let head = client.head(&path).await;
        assert!(head.body.is_empty());
        for answer in [get, head] {
            assert_eq!(answer.header("content-type"), document.0.as_str());
            assert_eq!(answer.header("docker-content-digest"), document.digest().as_str());
            assert_eq!(answer.header("content-length"), document.1.len().to_string());
        }
        let tag = format!("W/\"{}\"", document.digest());
        assert_eq!(client.send("GET", &path, &[("if-none-match", &tag)], "").await.status, 304);
    }
}

#[tokio::test]
async fn a_stored_type_is_given_whatever_is_accepted() {
    let client = sparse().await;
    client.push("/v2/a/manifests/v1", &manifest("x")).await;
    let answer = client.send("GET", "/v2/a/manifests/v1", &[("accept", "text/plain")], "").await;
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn what_is_unknown_is_not_found() {
    let client = sparse().await;
    client.push("/v2/a/manifests/v1", &manifest("x")).await;
    let digest = Digest::of(b"nothing");
    let cases = [
        (format!("/v2/b/manifests/{digest}"), "NAME_UNKNOWN"),
        ("/v2/b/manifests/v1".into(), "NAME_UNKNOWN"),
        ("/v2/b/tags/list".into(), "NAME_UNKNOWN"),
        ("/v2/a/manifests/v2".into(), "MANIFEST_UNKNOWN"),
        (format!("/v2/a/manifests/{digest}"), "MANIFEST_UNKNOWN"),
        (format!("/v2/a/blobs/{digest}"), "BLOB_UNKNOWN"),
        ("/v2/a/blobs/uploads/17".into(), "BLOB_UPLOAD_UNKNOWN"),
    ];
    for (path, code) in cases {
        let answer = client.get(&path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (404, code), "{path}");
        let head = client.head(&path).await;
        assert_eq!((head.status.as_u16(), head.body.len()), (404, 0), "{path}");
    }
}

#[tokio::test]
async fn malformed_names_and_digests_are_refused() {
    let client = plain().await;
    let cases = [
        ("GET", "/v2/UPPER/manifests/v1", "NAME_INVALID"),
        ("GET", "/v2/a/manifests/sha256:totallywrong", "DIGEST_INVALID"),
        ("PUT", "/v2/a/manifests/sha256:baddigeststring", "DIGEST_INVALID"),
        ("GET", "/v2/a/blobs/sha256:x", "DIGEST_INVALID"),
        ("GET", "/v2/a/blobs/x", "DIGEST_INVALID"),
        ("GET", "/v2/a/referrers/latest", "DIGEST_INVALID"),
        ("GET", "/v2/a/referrers/sha256:x", "DIGEST_INVALID"),
    ];
    for (method, path, code) in cases {
        let answer = client.send(method, path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, code), "{method} {path}");
    }
}

#[tokio::test]
async fn methods_that_do_not_work_are_named() {
    let client = plain().await;
    for (method, path, allowed) in [
        ("POST", "/v2/a/manifests/x", "GET, HEAD, PUT, DELETE"),
        ("PUT", "/v2/a/blobs/uploads/", "POST"),
        ("PATCH", "/v2/a/tags/list", "GET, HEAD"),
        ("BREW", "/v2/", "GET, HEAD"),
    ] {
        let answer = client.send(method, path, &[], "").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, allowed), "{method} {path}");
        assert_eq!(answer.code(), "UNSUPPORTED");
    }
    assert_eq!(client.get("/nothing").await.status, 404);
}

#[tokio::test]
async fn a_blob_is_known_by_the_digest_it_was_pushed_with() {
    let client = plain().await;
    let digest = Algorithm::Sha512.digest(b"x");
    let answer = client.send("POST", &format!("/v2/a/blobs/uploads/?digest={digest}"), &[], "x").await;
    assert_eq!(answer.status, 201);
    let answer = client.get(&format!("/v2/a/blobs/{digest}")).await;
    assert_eq!((answer.text(), answer.header("docker-content-digest")), ("x", digest.as_str()));
    assert_eq!(client.get(&format!("/v2/a/blobs/{}", Digest::of(b"x"))).await.status, 404);
}
