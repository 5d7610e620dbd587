//! Content that the rules push, and ways to look at a store.

use bytes::Bytes;
use oras_content::{Blob, Descriptor, ErrorKind, MediaType, PredecessorFinder, Pusher, ReadOnlyStorage, Result};
use oras_descriptor::{Index, Manifest, canonical};

use super::verdict::{Verdict, Violation, ensure, fails};

/// Content with its descriptor.
pub(super) struct Sample {
    pub(super) desc: Descriptor,
    pub(super) bytes: Bytes,
}

impl Sample {
    pub(super) fn blob_of(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self { desc: Descriptor::of(MediaType::OCTET_STREAM, &bytes), bytes }
    }

    pub(super) fn manifest_of(manifest: &Manifest) -> Self {
        let bytes = canonical(manifest);
        Self { desc: Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes }
    }

    pub(super) fn index_of(children: Vec<Descriptor>) -> Self {
        let bytes = canonical(&Index::new(children));
        Self { desc: Descriptor::of(MediaType::OCI_INDEX, &bytes), bytes }
    }

    pub(super) fn blob(&self) -> Blob {
        Blob::from_bytes(self.bytes.clone())
    }

    pub(super) async fn push<T: Pusher>(&self, store: &T) -> Result<()> {
        store.push(&self.desc, self.blob()).await
    }
}

/// A manifest and what it points to, of which nothing is pushed yet.
pub(super) struct Image {
    pub(super) config: Sample,
    pub(super) layer: Sample,
    pub(super) manifest: Sample,
}

impl Image {
    pub(super) fn new(name: &str) -> Self {
        Self::change(name, |manifest| manifest)
    }

    pub(super) fn change(name: &str, change: impl FnOnce(Manifest) -> Manifest) -> Self {
        let bytes = Bytes::from(format!(r#"{{"name":"{name}"}}"#));
        let desc = Descriptor::of("application/vnd.oras.contract.config.v1+json", &bytes);
        let config = Sample { desc, bytes };
        let layer = Sample::blob_of(format!("layer of {name}"));
        let manifest = Manifest::new(config.desc.clone(), vec![layer.desc.clone()]);
        Self { manifest: Sample::manifest_of(&change(manifest)), config, layer }
    }

    pub(super) async fn push<T: Pusher>(&self, store: &T) -> Result<()> {
        self.push_blobs(store).await?;
        self.manifest.push(store).await
    }

    pub(super) async fn push_blobs<T: Pusher>(&self, store: &T) -> Result<()> {
        self.config.push(store).await?;
        self.layer.push(store).await
    }
}

/// Without a check of its own: what a store gives checks itself.
pub(super) async fn read<T: ReadOnlyStorage>(store: &T, desc: &Descriptor) -> Result<Bytes> {
    store.fetch(desc).await?.bytes(u64::MAX).await
}

pub(super) async fn is_there<T: ReadOnlyStorage>(store: &T, sample: &Sample) -> Verdict {
    ensure!(store.exists(&sample.desc).await?, "{} does not exist after it was pushed", sample.desc.digest);
    let bytes = read(store, &sample.desc).await?;
    ensure!(bytes == sample.bytes, "{} came back with other bytes", sample.desc.digest);
    Ok(())
}

pub(super) async fn is_absent<T: ReadOnlyStorage>(store: &T, desc: &Descriptor) -> Verdict {
    ensure!(!store.exists(desc).await?, "{} exists and should not", desc.digest);
    fails("fetching what is not there", read(store, desc).await, ErrorKind::NotFound)?;
    Ok(())
}

/// Nothing of content can be seen: not it, and not what it would point to.
pub(super) async fn left_no_trace<T: ReadOnlyStorage + PredecessorFinder>(
    store: &T,
    desc: &Descriptor,
    child: &Descriptor,
) -> std::result::Result<(), Violation> {
    is_absent(store, desc).await?;
    match store.predecessors(child).await {
        Err(error) if error.kind() == ErrorKind::Unsupported => Ok(()),
        Err(error) => Err(error.into()),
        Ok(found) => {
            ensure!(found.is_empty(), "{} is a predecessor though it was not stored", desc.digest);
            Ok(())
        }
    }
}
