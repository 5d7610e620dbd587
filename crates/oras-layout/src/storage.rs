//! Content of a layout: giving and taking it.

use bytes::Bytes;
use oras_content::{Blob, Error, ErrorKind, Fetcher, Location, MountOutcome, Pusher, ReadOnlyStorage, Result};
use oras_descriptor::{Algorithm, Descriptor, Digest, Links, MediaType};

use crate::{
    blobs::check_limit,
    ingest,
    layout::{Inner, OciLayout, Reach},
};

impl Fetcher for OciLayout {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.inner.blobs.fetch(desc).await
    }

    /// The directory: another layout on the same file system takes content from there without copying it.
    fn location(&self) -> Option<Location> {
        self.inner.blobs.location()
    }
}

impl ReadOnlyStorage for OciLayout {
    /// A manifest exists when the index leads to it, or will with the next change: what it points to came before it.
    ///
    /// A file of its digest alone says nothing of that. It may have come as the layer of another manifest, or be left
    /// from a push that was cut off; pushing the manifest lists it then, without writing it again.
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        if self.inner.is_still_here(desc) {
            return Ok(true);
        }
        let desc = desc.clone();
        self.visit(move |inner| inner.exists(&desc)).await
    }
}

impl Pusher for OciLayout {
    /// A manifest is listed in the index, with or without a tag.
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        let pushed = self.push_deferred(desc, content).await;
        if desc.media_type.is_manifest() {
            self.flush().await?;
        }
        pushed
    }

    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        desc.algorithm().map_err(|error| Error::from(error).with_descriptor(desc))?;
        if !desc.media_type.is_manifest() {
            return self.inner.blobs.push(desc, content).await;
        }
        check_limit(desc, self.inner.blobs.options.metadata_limit)?;
        let (desc, wanted) = (desc.clone(), desc.clone());
        if content.is_in_memory() {
            let store = move |inner: &Inner| {
                inner.check_new_manifest(&desc)?;
                inner.store_manifest(&desc, &ingest::at_hand(content, &desc)?)
            };
            return self.visit(store).await;
        }
        self.visit(move |inner| inner.check_new_manifest(&wanted)).await?;
        let bytes = content.verify(&desc).bytes(desc.size).await?;
        self.visit(move |inner| {
            inner.check_new_manifest(&desc)?;
            inner.store_manifest(&desc, &bytes)
        })
        .await
    }

    async fn flush(&self) -> Result<()> {
        if self.inner.has_pending() { self.update(Reach::Same, |_| Ok(())).await } else { Ok(()) }
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        if !media_type.is_manifest() {
            return self.inner.blobs.ingest(media_type, algorithm, content).await;
        }
        let bytes = content.bytes(self.inner.blobs.options.metadata_limit).await?;
        let desc = Descriptor::of_with(algorithm, media_type.clone(), &bytes);
        match self.push(&desc, Blob::from_bytes(bytes)).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            _ => Ok(desc),
        }
    }

    /// Blobs of another layout come by hard link, or by a copy inside the file system where that cannot be; they are
    /// read once all the same, to be verified.
    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        if desc.media_type.is_manifest() {
            return self.push(desc, content).await.map(|()| MountOutcome::Pushed);
        }
        self.inner.blobs.mount(desc, from, content).await
    }
}

impl Inner {
    fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let exists = self.blobs.holds(desc)? && self.is_manifest_if_called_so(desc)?;
        if exists && !desc.media_type.is_manifest() {
            self.recent.note(&desc.digest, &self.blobs.path(&desc.digest));
        }
        Ok(exists)
    }

    /// Whether content that was found a moment ago is here with most of its lease before it, by a look that waits for no
    /// disk. When it says no, that is not known.
    fn is_still_here(&self, desc: &Descriptor) -> bool {
        let is_fresh = !desc.media_type.is_manifest() && self.recent.has(&desc.digest);
        let is_here = is_fresh && self.blobs.holds_leased(desc);
        if is_here {
            self.recent.renew(&desc.digest);
        }
        is_here
    }

    /// Refuses a manifest that is here; then it is listed or waits to be.
    fn check_new_manifest(&self, desc: &Descriptor) -> Result<()> {
        if !self.blobs.holds(desc)? {
            return Ok(());
        }
        self.adopt_unlisted(desc)?;
        Err(Error::already_exists(desc))
    }

    /// Stores a manifest that was just not found here.
    fn store_manifest(&self, desc: &Descriptor, bytes: &Bytes) -> Result<()> {
        // A manifest that cannot be read would make every walk fail.
        let links = links_of(desc, bytes)?;
        match ingest::store_new(&self.blobs, &desc.plain(), bytes) {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            stored => {
                self.adopt(desc, links);
                stored
            }
        }
    }

    /// Whether content that is here came as a manifest, where it is asked for as one.
    fn is_manifest_if_called_so(&self, desc: &Descriptor) -> Result<bool> {
        if !desc.media_type.is_manifest() || self.is_listed(&desc.digest)? {
            return Ok(true);
        }
        // A walk that fails says nothing of this one; whoever copies looks below it instead.
        Ok(self.with_graph(|graph| graph.node(&desc.digest).is_some()).unwrap_or_default())
    }

    /// Whether content is listed in the index, or waits to be.
    fn is_listed(&self, digest: &Digest) -> Result<bool> {
        Ok(self.pending(digest).is_some() || self.snapshot()?.is_listed(digest))
    }

    /// Lets a manifest that is here and not listed wait to be.
    pub(crate) fn adopt_unlisted(&self, desc: &Descriptor) -> Result<()> {
        if !desc.media_type.is_manifest() || self.is_listed(&desc.digest)? {
            return Ok(());
        }
        if let Some(bytes) = self.blobs.read_manifest(desc)? {
            self.adopt(desc, links_of(desc, &bytes)?);
        }
        Ok(())
    }
}

fn links_of(desc: &Descriptor, bytes: &[u8]) -> Result<Links> {
    oras_descriptor::links(&desc.media_type, bytes).map_err(|error| Error::from(error).with_descriptor(desc))
}
