use oras_content::{Blob, Error, ErrorKind, Fetcher, Pusher as _, ReadOnlyStorage, ReadOnlyTarget, Resolver, Result};
use oras_descriptor::Descriptor;
use oras_file::FileStore;
use oras_memory::MemoryStore;

/// What a push copies from: files where they are, and what was made in memory.
#[derive(Debug)]
pub(super) struct Source {
    pub(super) files: FileStore,
    pub(super) memory: MemoryStore,
}

impl Source {
    /// Keeps bytes; the same ones twice are fine.
    pub(super) async fn keep(&self, desc: &Descriptor, bytes: bytes::Bytes) -> Result<()> {
        match self.memory.push(desc, Blob::from_bytes(bytes)).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
            pushed => pushed,
        }
    }
}

impl Fetcher for Source {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        match self.memory.exists(desc).await? {
            true => self.memory.fetch(desc).await,
            false => self.files.fetch(desc).await,
        }
    }
}

impl ReadOnlyStorage for Source {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        Ok(self.memory.exists(desc).await? || self.files.exists(desc).await?)
    }
}

impl Resolver for Source {
    async fn resolve(&self, reference: &str) -> Result<Descriptor, Error> {
        self.memory.resolve(reference).await
    }
}

impl ReadOnlyTarget for Source {}
