use std::{
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use oras_content::{Blob, Pusher, Result, TagLister};
use oras_descriptor::{Descriptor, Index, Manifest, MediaType, canonical};
use oras_layout::OciLayout;
use tempfile::TempDir;

pub(crate) async fn fresh() -> (TempDir, OciLayout) {
    let dir = tempfile::tempdir().unwrap();
    let layout = OciLayout::create(dir.path().join("layout")).await.unwrap();
    (dir, layout)
}

pub(crate) fn content(text: &str) -> (Descriptor, Bytes) {
    (Descriptor::of("application/x-test", text.as_bytes()), Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) async fn push(layout: &impl Pusher, (desc, bytes): (Descriptor, Bytes)) -> Result<Descriptor> {
    layout.push(&desc, Blob::from_bytes(bytes)).await.map(|()| desc)
}

pub(crate) fn manifest(name: &str, layers: Vec<Descriptor>, subject: Option<&Descriptor>) -> (Descriptor, Bytes) {
    let mut manifest = Manifest::new(Descriptor::empty().plain(), layers).with_artifact_type("application/x-artifact");
    manifest.annotations.insert("name".into(), name.into());
    manifest.subject = subject.cloned();
    let bytes = canonical(&manifest);
    (Descriptor::of(MediaType::OCI_MANIFEST, &bytes).with_artifact_type("application/x-artifact"), bytes)
}

/// A manifest with one layer, all pushed.
pub(crate) async fn artifact(layout: &OciLayout, name: &str, subject: Option<&Descriptor>) -> Descriptor {
    let layer = content(&format!("layer of {name}"));
    for blob in [layer.clone(), (Descriptor::empty().plain(), Bytes::from_static(b"{}"))] {
        let _ = push(layout, blob).await;
    }
    push(layout, manifest(name, vec![layer.0], subject)).await.unwrap()
}

pub(crate) async fn tags(layout: &impl TagLister) -> Vec<String> {
    layout.tags(None).try_collect().await.unwrap()
}

/// Pushes an index of manifests.
pub(crate) async fn index_of(layout: &OciLayout, manifests: Vec<Descriptor>) -> Descriptor {
    let bytes = canonical(&Index::new(manifests));
    push(layout, (Descriptor::of(MediaType::OCI_INDEX, &bytes), bytes)).await.unwrap()
}

/// The entries of `index.json`.
pub(crate) fn listed(root: &Path) -> Vec<serde_json::Value> {
    let index: serde_json::Value = serde_json::from_slice(&fs::read(root.join("index.json")).unwrap()).unwrap();
    index["manifests"].as_array().unwrap().clone()
}

/// Gives a layout these entries, as another program would.
pub(crate) fn list_only(layout: &OciLayout, entries: Vec<Descriptor>) {
    fs::write(layout.root().join("index.json"), canonical(&Index::new(entries))).unwrap();
}

/// Where the content of a descriptor is.
pub(crate) fn blob_path(layout: &OciLayout, desc: &Descriptor) -> PathBuf {
    layout.root().join("blobs/sha256").join(desc.digest.encoded())
}

/// Gives a blob, whose file is read-only, other bytes.
pub(crate) fn overwrite(layout: &OciLayout, desc: &Descriptor, bytes: &str) {
    let path = blob_path(layout, desc);
    fs::remove_file(&path).unwrap();
    fs::write(&path, bytes).unwrap();
}

/// The names of files left in `ingest/`, but for the lock.
pub(crate) fn leftovers(root: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(root.join("ingest")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != ".lock").collect()
}
