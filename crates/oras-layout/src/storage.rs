//! Content of a layout: giving and taking it.

use bytes::Bytes;
use oras_content::{Blob, Error, ErrorKind, Fetcher, Location, MountOutcome, Pusher, ReadOnlyStorage, Result};
use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::{
    blobs::check_limit,
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
    /// A manifest that is here without being listed, because its push was cut off, will be listed with the next change
    /// of the index.
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let desc = desc.clone();
        self.run(move |inner| {
            let held = inner.blobs.holds(&desc)?;
            if held {
                // What cannot be read stays unlisted; whoever pushes it is told.
                let _ = inner.adopt_unlisted(&desc);
            }
            Ok(held)
        })
        .await
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
        let wanted = desc.clone();
        if self.run(move |inner| inner.holds_manifest(&wanted)).await? {
            return Err(Error::already_exists(desc));
        }
        let bytes = content.verify(desc).bytes(desc.size).await?;
        self.store_manifest(desc, bytes).await
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

impl OciLayout {
    async fn store_manifest(&self, desc: &Descriptor, bytes: Bytes) -> Result<()> {
        // A manifest that cannot be read would make every walk fail.
        oras_descriptor::links(&desc.media_type, &bytes).map_err(|error| Error::from(error).with_descriptor(desc))?;
        match self.inner.blobs.store(desc, bytes.clone()).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
            stored => {
                self.inner.adopt(desc, &bytes)?;
                stored
            }
        }
    }
}

impl Inner {
    /// Whether a manifest is here; then it is listed or waits to be.
    fn holds_manifest(&self, desc: &Descriptor) -> Result<bool> {
        let held = self.blobs.holds(desc)?;
        if held {
            self.adopt_unlisted(desc)?;
        }
        Ok(held)
    }

    /// Lets a manifest that is here and not listed wait to be.
    pub(crate) fn adopt_unlisted(&self, desc: &Descriptor) -> Result<()> {
        let is_known =
            || Ok::<_, Error>(self.pending(&desc.digest).is_some() || self.snapshot()?.is_listed(&desc.digest));
        if !desc.media_type.is_manifest() || is_known()? {
            return Ok(());
        }
        match self.blobs.read_manifest(desc)? {
            Some(bytes) => self.adopt(desc, &bytes),
            None => Ok(()),
        }
    }
}
