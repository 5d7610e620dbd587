use oras_content::{
    Blob, Deleter, Descriptor, Digest, Error, ErrorKind, Fetcher, Location, Pusher, ReadOnlyStorage, ReadOnlyTarget,
    Resolver, Result,
};

use crate::repository::Repository;

/// The blobs of a repository: content of any type is fetched and pushed as a blob, and a digest stands for a blob.
#[derive(Clone, Debug)]
pub struct Blobs(Repository);

/// The manifests of a repository: content of any type is fetched and pushed as a manifest.
#[derive(Clone, Debug)]
pub struct Manifests(Repository);

impl Repository {
    /// The repository's blobs, whatever their type.
    pub fn blobs(&self) -> Blobs {
        Blobs(self.clone())
    }

    /// The repository's manifests, whatever their type.
    pub fn manifests(&self) -> Manifests {
        Manifests(self.clone())
    }
}

impl Fetcher for Blobs {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        Ok(self.0.fetch_blob(desc))
    }

    fn location(&self) -> Option<Location> {
        self.0.location()
    }
}

impl ReadOnlyStorage for Blobs {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        Ok(self.0.find_blob(&desc.digest).await?.is_some())
    }
}

impl Resolver for Blobs {
    /// A blob has no tag, so the reference has to be a digest.
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve_blob(&self.digest(reference)?).await
    }
}

impl ReadOnlyTarget for Blobs {}

impl Pusher for Blobs {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.0.upload(desc, content).send().await
    }
}

impl Deleter for Blobs {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        self.0.delete_blob(desc).await
    }
}

impl Blobs {
    fn digest(&self, reference: &str) -> Result<Digest> {
        let reference = self.0.parse_reference(reference)?;
        reference.digest().cloned().ok_or_else(|| {
            let message = format!("{reference} cannot stand for a blob: expected a digest");
            Error::new(ErrorKind::InvalidReference, message)
        })
    }
}

impl Fetcher for Manifests {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.0.fetch_manifest(desc).await
    }

    fn location(&self) -> Option<Location> {
        self.0.location()
    }
}

impl ReadOnlyStorage for Manifests {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.0.has_manifest(&desc.digest, self.0.pull()).await
    }
}

impl Resolver for Manifests {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.0.resolve(reference).await
    }
}

impl ReadOnlyTarget for Manifests {
    async fn fetch_reference(&self, reference: &str) -> Result<(Descriptor, Blob)> {
        self.0.fetch_reference(reference).await
    }
}

impl Pusher for Manifests {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.0.push_manifest(desc, content, false).await
    }
}

impl Deleter for Manifests {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        self.0.deleting(desc).await?;
        self.0.delete_manifest(&desc.digest).await.map_err(|error| error.with_descriptor(desc))
    }
}
