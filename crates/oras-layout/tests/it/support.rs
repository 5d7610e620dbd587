use std::path::Path;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use oras_content::{Blob, Pusher, Result, TagLister};
use oras_descriptor::{Descriptor, Manifest, MediaType, canonical};
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

/// What `index.json` says.
pub(crate) fn index(root: &Path) -> serde_json::Value {
    serde_json::from_slice(&std::fs::read(root.join("index.json")).unwrap()).unwrap()
}

/// The names of files left in `ingest/`, but for the lock.
pub(crate) fn leftovers(root: &Path) -> Vec<String> {
    let Ok(entries) = std::fs::read_dir(root.join("ingest")) else { return Vec::new() };
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name != ".lock").collect()
}

/// Bytes that remember at which offsets they were opened.
#[derive(Debug)]
pub(crate) struct Recorded {
    bytes: Bytes,
    openings: std::sync::Mutex<Vec<u64>>,
}

impl Recorded {
    pub(crate) fn new(bytes: Bytes) -> Self {
        Self { bytes, openings: std::sync::Mutex::default() }
    }

    pub(crate) fn openings(&self) -> Vec<u64> {
        self.openings.lock().unwrap().clone()
    }
}

impl oras_content::BlobSource for Recorded {
    fn open(&self, offset: u64) -> oras_content::BoxFuture<'_, Result<oras_content::ByteStream>> {
        self.openings.lock().unwrap().push(offset);
        self.bytes.open(offset)
    }
}
