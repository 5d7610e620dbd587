//! What the registry leaves on the disk, and what it finds there.

use std::{fs, path::Path};

use oras_descriptor::{Descriptor, Digest, Index, IndexEdit, MediaType, annotation::REF_NAME, canonical};
use oras_registry::Server;
use serde_json::{Value, json};

use crate::client::{Client, Document, manifest, referrer};

async fn open(root: &Path) -> Client {
    Client(Server::builder().with_sparse(true).with_root(root).service().await.unwrap(), None)
}

fn blob_path(root: &Path, name: &str, digest: &Digest) -> std::path::PathBuf {
    root.join(name).join("_oci/blobs").join(digest.algorithm()).join(digest.encoded())
}

fn read_json(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

#[tokio::test]
async fn a_repository_is_an_ordinary_layout() {
    let client = crate::disk::setup::sparse().await;
    let root = client.1.as_ref().unwrap().path();
    let (blob, document) = (client.push_blob("a/b", "content").await, manifest("x"));
    client.push("/v2/a/b/manifests/v1", &document).await;
    let layout = root.join("a/b/_oci");
    assert_eq!(read_json(&layout.join("oci-layout")), json!({"imageLayoutVersion": "1.0.0"}));
    let mut entry = document.desc();
    entry.annotations.insert(REF_NAME.into(), "v1".into());
    assert_eq!(fs::read(layout.join("index.json")).unwrap(), canonical(&Index::new(vec![entry])));
    assert_eq!(fs::read(blob_path(root, "a/b", &blob)).unwrap(), b"content");
    assert_eq!(fs::read(blob_path(root, "a/b", &document.digest())).unwrap(), document.1);
    assert_eq!(fs::read_dir(root.join("_uploads")).unwrap().count(), 0, "no session is left");
}

#[tokio::test]
async fn a_restart_finds_everything() {
    let dir = tempfile::tempdir().unwrap();
    let subject = manifest("x");
    let sbom = referrer(subject.desc(), "t/t", "note");
    let before = open(dir.path()).await;
    let blob = before.push_blob("a/b", "content").await;
    before.push("/v2/a/b/manifests/v1", &subject).await;
    before.push("/v2/a/b/manifests/v2", &subject).await;
    before.push(&format!("/v2/a/b/manifests/{}", sbom.digest()), &sbom).await;
    drop(before);
    let after = open(dir.path()).await;
    assert_eq!(after.get("/v2/_catalog").await.json(), json!({"repositories": ["a/b"]}));
    assert_eq!(after.get("/v2/a/b/tags/list").await.json()["tags"], json!(["v1", "v2"]));
    assert_eq!(after.get("/v2/a/b/manifests/v1").await.body, subject.1);
    assert_eq!(after.get(&format!("/v2/a/b/blobs/{blob}")).await.text(), "content");
    let referrers = after.get(&format!("/v2/a/b/referrers/{}", subject.digest())).await.json();
    assert_eq!(referrers["manifests"][0]["annotations"], json!({"note": "note"}));
}

#[tokio::test]
async fn a_session_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let before = open(dir.path()).await;
    let location = before.open("a").await;
    before.send("PATCH", &location, &[("content-range", "0-4")], "01234").await;
    drop(before);
    fs::create_dir(dir.path().join("_uploads/broken")).unwrap();
    let after = open(dir.path()).await;
    assert!(!dir.path().join("_uploads/broken").exists());
    assert_eq!(after.get(&location).await.header("range"), "0-4");
    assert_eq!(after.send("PATCH", &location, &[("content-range", "5-9")], "56789").await.status, 202);
    let digest = Digest::of(b"0123456789");
    assert_eq!(after.send("PUT", &format!("{location}?digest={digest}"), &[], "").await.status, 201);
    assert_eq!(after.get(&format!("/v2/a/blobs/{digest}")).await.text(), "0123456789");
}

#[cfg(unix)]
#[tokio::test]
async fn a_mounted_blob_is_a_link() {
    use std::os::unix::fs::MetadataExt as _;

    let client = crate::disk::setup::sparse().await;
    let root = client.1.as_ref().unwrap().path();
    let digest = client.push_blob("a", "content").await;
    assert_eq!(client.post(&format!("/v2/b/c/blobs/uploads/?mount={digest}&from=a")).await.status, 201);
    let inode = |name| fs::metadata(blob_path(root, name, &digest)).unwrap().ino();
    assert_eq!(inode("a"), inode("b/c"));
    client.delete(&format!("/v2/a/blobs/{digest}")).await;
    assert_eq!(client.get(&format!("/v2/b/c/blobs/{digest}")).await.text(), "content");
}

#[tokio::test]
async fn the_same_bytes_are_a_manifest_and_a_blob() {
    for blob_first in [true, false] {
        let client = crate::disk::setup::sparse().await;
        let root = client.1.as_ref().unwrap().path().to_owned();
        let document = manifest("x");
        let (blob, tag) = (format!("/v2/a/blobs/{}", document.digest()), "/v2/a/manifests/v1");
        if blob_first {
            client.push_blob("a", document.1.clone()).await;
            client.push(tag, &document).await;
        } else {
            client.push(tag, &document).await;
            assert_eq!(client.get(&blob).await.status, 404, "a manifest is no blob by itself");
            client.push_blob("a", document.1.clone()).await;
        }
        let client = open(&root).await;
        assert_eq!((client.get(&blob).await.status.as_u16(), client.get(tag).await.status.as_u16()), (200, 200));
        if blob_first {
            client.delete(&blob).await;
            assert_eq!((client.get(&blob).await.status.as_u16(), client.get(tag).await.status.as_u16()), (404, 200));
        } else {
            client.delete(&format!("/v2/a/manifests/{}", document.digest())).await;
            assert_eq!((client.get(&blob).await.status.as_u16(), client.get(tag).await.status.as_u16()), (200, 404));
        }
    }
}

/// Writes a document into a layout as another tool would.
fn write_blob(root: &Path, name: &str, document: &Document) {
    let path = blob_path(root, name, &document.digest());
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, &document.1).unwrap();
}

#[tokio::test]
async fn finds_the_referrers_that_another_tool_has_listed() {
    let dir = tempfile::tempdir().unwrap();
    let subject = manifest("x");
    let sbom = referrer(subject.desc(), "t/t", "note");
    let list = Document(MediaType::OCI_INDEX, canonical(&Index::new(vec![sbom.desc()])));
    for document in [&subject, &sbom, &list] {
        write_blob(dir.path(), "a", document);
    }
    let tag = subject.digest().to_string().replace(':', "-");
    let gone = Descriptor::of(MediaType::OCI_MANIFEST, b"gone").with_annotation(REF_NAME, "gone");
    let other = Descriptor::of("application/xml", b"other").with_annotation(REF_NAME, "docker.io/library/x:1");
    let index = Index::new(vec![
        subject.desc().with_annotation(REF_NAME, "v1"),
        list.desc().with_annotation(REF_NAME, tag.clone()),
        gone,
        other,
    ]);
    fs::write(dir.path().join("a/_oci/index.json"), canonical(&index)).unwrap();
    fs::write(dir.path().join("a/_oci/oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    let client = open(dir.path()).await;
    let referrers = client.get(&format!("/v2/a/referrers/{}", subject.digest())).await.json();
    assert_eq!(referrers["manifests"][0]["digest"], sbom.digest().as_str());
    assert_eq!(client.get(&format!("/v2/a/manifests/{}", sbom.digest())).await.body, sbom.1);
    assert_eq!(client.get("/v2/a/tags/list").await.json()["tags"], json!([tag, "v1"]));
}

#[tokio::test]
async fn sees_what_another_program_changes() {
    let client = crate::disk::setup::sparse().await;
    let root = client.1.as_ref().unwrap().path();
    client.push("/v2/a/manifests/v1", &manifest("x")).await;
    let index = root.join("a/_oci/index.json");
    let other = manifest("other");
    write_blob(root, "a", &other);
    let mut edit = IndexEdit::from_slice(&fs::read(&index).unwrap()).unwrap();
    edit.push(&other.desc().with_annotation(REF_NAME, "theirs"));
    fs::write(root.join("new"), edit.to_bytes()).unwrap();
    fs::rename(root.join("new"), &index).unwrap();
    assert_eq!(client.get("/v2/a/manifests/theirs").await.body, other.1);
    client.push("/v2/a/manifests/v2", &manifest("x")).await;
    assert_eq!(client.get("/v2/a/tags/list").await.json()["tags"], json!(["theirs", "v1", "v2"]));
    let names: Vec<_> = read_json(&index)["manifests"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["annotations"][REF_NAME].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(names, ["v1", "theirs", "v2"]);
}
