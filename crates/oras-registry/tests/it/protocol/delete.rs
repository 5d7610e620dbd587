use oras_descriptor::{Descriptor, MediaType};
use oras_registry::Server;
use serde_json::json;

use super::setup::{client, sparse};
use crate::client::{manifest, referrer};

#[tokio::test]
async fn a_deleted_tag_leaves_the_manifest() {
    let client = sparse().await;
    let document = manifest("x");
    client.push("/v2/a/manifests/one", &document).await;
    client.push("/v2/a/manifests/two", &document).await;
    assert_eq!(client.delete("/v2/a/manifests/one").await.status, 202);
    assert_eq!(client.get("/v2/a/manifests/one").await.status, 404);
    assert_eq!(client.get("/v2/a/manifests/two").await.status, 200);
    assert_eq!(client.get(&format!("/v2/a/manifests/{}", document.digest())).await.status, 200);
    assert_eq!(client.delete("/v2/a/manifests/one").await.code(), "MANIFEST_UNKNOWN");
    assert_eq!(client.delete("/v2/b/manifests/one").await.code(), "NAME_UNKNOWN");
}

#[tokio::test]
async fn a_deleted_manifest_takes_tags_and_reference_along() {
    let client = sparse().await;
    let subject = manifest("subject");
    let document = referrer(subject.desc(), "t/t", "");
    client.push("/v2/a/manifests/subject", &subject).await;
    client.push("/v2/a/manifests/sbom", &document).await;
    let path = format!("/v2/a/manifests/{}", document.digest());
    assert_eq!(client.delete(&path).await.status, 202);
    assert_eq!(client.delete(&path).await.status, 404);
    assert_eq!(client.get("/v2/a/manifests/sbom").await.status, 404);
    assert_eq!(client.get("/v2/a/tags/list").await.json()["tags"], json!(["subject"]));
    let referrers = client.get(&format!("/v2/a/referrers/{}", subject.digest())).await;
    assert_eq!(referrers.json()["manifests"], json!([]));
}

#[tokio::test]
async fn referrers_of_a_deleted_subject_stay() {
    let client = sparse().await;
    let subject = manifest("subject");
    client.push("/v2/a/manifests/subject", &subject).await;
    client.push("/v2/a/manifests/sbom", &referrer(subject.desc(), "t/t", "")).await;
    client.delete(&format!("/v2/a/manifests/{}", subject.digest())).await;
    let referrers = client.get(&format!("/v2/a/referrers/{}", subject.digest())).await;
    assert_eq!(referrers.json()["manifests"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn a_deleted_blob_stays_in_other_repositories() {
    let client = sparse().await;
    let digest = client.push_blob("a", "x").await;
    client.push_blob("b", "x").await;
    let path = format!("/v2/a/blobs/{digest}");
    assert_eq!(client.delete(&path).await.status, 202);
    assert_eq!(client.head(&path).await.status, 404);
    assert_eq!(client.delete(&path).await.code(), "BLOB_UNKNOWN");
    assert_eq!(client.get(&format!("/v2/b/blobs/{digest}")).await.text(), "x");
}

#[tokio::test]
async fn a_blob_can_go_before_its_manifest() {
    let client = sparse().await;
    let digest = client.push_blob("a", "x").await;
    client.push("/v2/a/manifests/x", &manifest("x")).await;
    assert_eq!(client.delete(&format!("/v2/a/blobs/{digest}")).await.status, 202);
    assert_eq!(client.delete("/v2/a/manifests/x").await.status, 202);
}

#[tokio::test]
async fn deleting_can_be_switched_off() {
    let client = client(Server::builder().with_sparse(true).with_deletes(false)).await;
    let digest = client.push_blob("a", "x").await;
    client.push("/v2/a/manifests/x", &manifest("x")).await;
    for path in [format!("/v2/a/blobs/{digest}"), "/v2/a/manifests/x".into()] {
        let answer = client.delete(&path).await;
        assert_eq!((answer.status.as_u16(), answer.code().as_str()), (405, "UNSUPPORTED"));
        assert_eq!(client.get(&path).await.status, 200);
    }
    let location = client.open("a").await;
    assert_eq!(client.delete(&location).await.status, 204, "a session can always be given up");
}

#[tokio::test]
async fn a_read_only_registry_takes_nothing() {
    let client = client(Server::builder().with_read_only(true)).await;
    let digest = Descriptor::of(MediaType::OCTET_STREAM, b"x").digest;
    for (method, path) in [
        ("POST", "/v2/a/blobs/uploads/".to_owned()),
        ("PUT", "/v2/a/manifests/x".to_owned()),
        ("DELETE", "/v2/a/manifests/x".to_owned()),
        ("DELETE", format!("/v2/a/blobs/{digest}")),
        ("PATCH", "/v2/a/blobs/uploads/17".to_owned()),
    ] {
        let answer = client.send(method, &path, &[], "x").await;
        assert_eq!((answer.status.as_u16(), answer.header("allow")), (405, "GET, HEAD"), "{method} {path}");
    }
    assert_eq!(client.get("/v2/").await.status, 200);
}
