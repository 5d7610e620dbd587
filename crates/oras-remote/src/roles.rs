//! The repository in the roles of a store.

use futures_core::stream::BoxStream;
use futures_util::TryStreamExt as _;
use oras_content::{
    Blob, BoxFuture, Deleter, Descriptor, Error, ErrorKind, Fetcher, Location, MediaType, MountOutcome,
    PredecessorFinder, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Result, TagLister, Tagger, Target, Untagger,
};
use oras_descriptor::Algorithm;

use crate::repository::Repository;

impl Fetcher for Repository {
    /// A blob is opened by its first poll; a manifest is read at once.
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        if self.is_manifest(&desc.media_type) { self.fetch_manifest(desc).await } else { Ok(self.fetch_blob(desc)) }
    }

    fn location(&self) -> Option<Location> {
        Some(self.location_here())
    }
}

impl ReadOnlyStorage for Repository {
    /// Asked of the registry itself, never of a mirror. A registry that does not tell who may not read is taken to have
    /// nothing, so that whoever may write can.
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let found = if self.is_manifest(&desc.media_type) {
            self.has_manifest(&desc.digest, self.pull()).await
        } else if self.take_present(desc) {
            Ok(true)
        } else {
            let found = self.find_blob(&desc.digest).await.map(|found| found.is_some());
            found.inspect(|is_there| self.learn(desc, *is_there))
        };
        match found {
            Ok(true) => Ok(true),
            Ok(false) => {
                self.note_absent(desc);
                Ok(false)
            }
            Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
            Err(error) => Err(error.with_descriptor(desc)),
        }
    }
}

impl Resolver for Repository {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.resolve_manifest(&self.parse_reference(reference)?).await
    }
}

impl ReadOnlyTarget for Repository {
    async fn fetch_reference(&self, reference: &str) -> Result<(Descriptor, Blob)> {
        let fetched = self.fetch_manifest_reference(&self.parse_reference(reference)?).await?;
        Ok((fetched.desc.clone(), Blob::from_bytes(fetched.bytes).verify(&fetched.desc)))
    }
}

impl Repository {
    /// Not async itself: what it is given goes into the box at once, so that the future of a push is small.
    fn store<'a>(&'a self, desc: &'a Descriptor, content: Blob, deferred: bool) -> BoxFuture<'a, Result<()>> {
        if self.is_manifest(&desc.media_type) {
            return Box::pin(self.push_manifest(desc, content, deferred));
        }
        Box::pin(self.upload(desc, content).send())
    }
}

impl Pusher for Repository {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.store(desc, content, false).await
    }

    /// On a registry without the referrers API, the index that lists a manifest with a subject waits for
    /// [`flush`](Pusher::flush).
    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.store(desc, content, true).await
    }

    /// Small blobs, where the last ones that were asked for were all absent; every sixteenth is asked for all the same.
    fn presumes_absent(&self, desc: &Descriptor) -> bool {
        !self.is_manifest(&desc.media_type) && self.presume_absent(desc)
    }

    async fn flush(&self) -> Result<()> {
        self.flush_indexes().await
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        if !self.is_manifest(media_type) {
            return self.ingest_blob(media_type, algorithm, content).await;
        }
        let bytes = content.bytes(self.metadata_limit()).await?;
        let desc = Descriptor::of_with(algorithm, media_type.clone(), &bytes);
        match self.push_manifest(&desc, Blob::from_bytes(bytes), false).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(desc),
            pushed => pushed.map(|()| desc),
        }
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        if self.is_manifest(&desc.media_type) {
            return self.push(desc, content).await.map(|()| MountOutcome::Pushed);
        }
        self.mount_blob(desc, from, content).await
    }
}

impl Deleter for Repository {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        if !self.is_manifest(&desc.media_type) {
            return self.delete_blob(desc).await;
        }
        let deleted = async {
            self.deleting(desc).await?;
            self.delete_manifest(&desc.digest).await
        };
        deleted.await.map_err(|error: Error| error.with_descriptor(desc))
    }
}

impl Tagger for Repository {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.tag_manifest(desc, reference).await
    }
}

impl Untagger for Repository {
    async fn untag(&self, reference: &str) -> Result<()> {
        self.delete_tag(reference).await
    }
}

impl TagLister for Repository {
    /// A page is read when its first tag is asked for.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        self.list_tags(last)
    }
}

impl Target for Repository {
    /// One request stores the manifest and sets the tag.
    async fn push_reference(&self, desc: &Descriptor, content: Blob, reference: &str) -> Result<()> {
        let parsed = self.parse_reference(reference)?;
        if !self.is_manifest(&desc.media_type) {
            let what = format!("tagging {}, which is no manifest but a {},", desc.digest, desc.media_type);
            return Err(Error::unsupported(what).with_descriptor(desc));
        }
        match (parsed.tag(), parsed.digest()) {
            (Some(tag), None) => Box::pin(self.push_tagged(desc, content, tag)).await,
            (_, Some(digest)) if *digest == desc.digest => match self.push(desc, content).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
                pushed => pushed,
            },
            _ => {
                let message = format!("{parsed} cannot stand for {}", desc.digest);
                Err(Error::new(ErrorKind::InvalidReference, message).with_descriptor(desc))
            }
        }
    }
}

impl PredecessorFinder for Repository {
    /// A registry knows of referrers alone: those whose subject is the node. A blob has none.
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        if !self.is_manifest(&desc.media_type) {
            return Ok(Vec::new());
        }
        self.referrers_stream(desc, None).try_collect().await
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        self.referrers_stream(desc, artifact_type).try_collect().await
    }
}
