use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{
    Blob, BoxStream, Deleter, Error, ErrorKind, Fetcher, PredecessorFinder, Pusher, ReadOnlyStorage, ReadOnlyTarget,
    Resolver, Result, TagLister, Tagger, Target, Untagger,
};
use oras_descriptor::{Algorithm, Descriptor, Digest, MediaType, links};

use crate::{graph::PredecessorGraph, tags::TagIndex};

/// Content up to this size is copied when it is stored: small pieces are often slices of a large buffer, such as that of
/// a connection, which they would keep alive as a whole.
const MAX_COPIED: usize = 64 * 1024;

/// A content store in memory, with every role.
///
/// Content is known by its digest alone: the same bytes under a second media type are the same content, and a
/// descriptor with another size describes other content, which is not here. Clones share everything.
///
/// # Errors
///
/// Besides what each role says: a manifest that cannot be read is [`ErrorKind::Corrupt`] when it is pushed; a digest
/// stands for its own content only, so letting it stand for other content is [`ErrorKind::InvalidReference`].
#[derive(Clone, Default)]
pub struct MemoryStore {
    state: Arc<RwLock<State>>,
}

#[derive(Default)]
struct State {
    content: HashMap<Digest, Entry>,
    tags: TagIndex,
    graph: PredecessorGraph,
}

struct Entry {
    desc: Descriptor,
    bytes: Bytes,
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    // A panic under the lock is not possible halfway through a change, so a poisoned state is still whole.
    fn read(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn entry(&self, desc: &Descriptor) -> Result<&Entry> {
        self.content
            .get(&desc.digest)
            .filter(|entry| entry.desc.size == desc.size)
            .ok_or_else(|| Error::not_found(desc))
    }

    /// Adds verified content. Bytes that are here as a mere blob become a manifest when they come as one.
    fn insert(&mut self, desc: &Descriptor, bytes: Bytes) -> Result<()> {
        if self.content.contains_key(&desc.digest) && !self.is_new_manifest(desc) {
            return Ok(());
        }
        if desc.media_type.is_manifest() {
            let links = links(&desc.media_type, &bytes).map_err(|error| Error::from(error).with_descriptor(desc))?;
            self.graph.insert(desc, links);
        }
        let bytes = if bytes.len() <= MAX_COPIED { Bytes::copy_from_slice(&bytes) } else { bytes };
        self.content.insert(desc.digest.clone(), Entry { desc: desc.plain(), bytes });
        Ok(())
    }

    fn is_new_manifest(&self, desc: &Descriptor) -> bool {
        desc.media_type.is_manifest() && !self.graph.contains(&desc.digest)
    }

    /// The error of a push of content that is here.
    fn refuse_known(&mut self, desc: &Descriptor) -> Result<()> {
        let Some(entry) = self.content.get(&desc.digest) else {
            return Ok(());
        };
        if entry.desc.size != desc.size {
            let message = format!("{} has {} bytes, not {}", desc.digest, entry.desc.size, desc.size);
            return Err(Error::new(ErrorKind::Corrupt, message).with_descriptor(desc));
        }
        let bytes = entry.bytes.clone();
        self.insert(desc, bytes)?;
        Err(Error::already_exists(desc))
    }
}

impl Fetcher for MemoryStore {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        let bytes = self.read().entry(desc)?.bytes.clone();
        Ok(Blob::from_bytes(bytes).verify(desc))
    }
}

impl ReadOnlyStorage for MemoryStore {
    /// A manifest is there only if it came as one: bytes that came as the layer of another manifest say nothing about what
    /// they would point to.
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let state = self.read();
        Ok(state.entry(desc).is_ok() && !state.is_new_manifest(desc))
    }
}

impl Pusher for MemoryStore {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.write().refuse_known(desc)?;
        let bytes = content.verify(desc).bytes(desc.size).await?;
        self.write().insert(desc, bytes)
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        let bytes = content.bytes(u64::MAX).await?;
        let desc = Descriptor::of_with(algorithm, media_type.clone(), &bytes);
        self.write().insert(&desc, bytes)?;
        Ok(desc)
    }
}

impl Deleter for MemoryStore {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        let mut state = self.write();
        state.entry(desc)?;
        state.content.remove(&desc.digest);
        state.graph.remove(&desc.digest);
        state.tags.remove_content(&desc.digest);
        Ok(())
    }
}

impl Resolver for MemoryStore {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let state = self.read();
        let by_tag = state.tags.get(reference);
        let by_digest =
            || reference.parse::<Digest>().ok().and_then(|digest| state.content.get(&digest)).map(|entry| &entry.desc);
        by_tag.or_else(by_digest).cloned().ok_or_else(|| unknown(reference))
    }
}

impl Tagger for MemoryStore {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        if reference.is_empty() {
            return Err(Error::new(ErrorKind::MissingReference, "a tag needs a name").with_descriptor(desc));
        }
        let mut state = self.write();
        state.entry(desc)?;
        match reference.parse::<Digest>() {
            // A digest stands for its content without being told so.
            Ok(digest) if digest == desc.digest => {}
            Ok(digest) => {
                let message = format!("{digest} cannot stand for {}", desc.digest);
                return Err(Error::new(ErrorKind::InvalidReference, message).with_descriptor(desc));
            }
            Err(_) => {
                state.tags.insert(reference, desc.clone());
            }
        }
        Ok(())
    }
}

impl Untagger for MemoryStore {
    async fn untag(&self, reference: &str) -> Result<()> {
        if reference.parse::<Digest>().is_ok() {
            return Err(Error::new(ErrorKind::InvalidReference, format!("{reference} is a digest, not a tag")));
        }
        self.write().tags.remove(reference).map(|_| ()).ok_or_else(|| unknown(reference))
    }
}

impl TagLister for MemoryStore {
    /// In ascending order.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let tags: Vec<_> = self.read().tags.after(last).map(|(tag, _)| Ok(tag.to_owned())).collect();
        stream::iter(tags).boxed()
    }
}

impl ReadOnlyTarget for MemoryStore {}

impl Target for MemoryStore {}

impl PredecessorFinder for MemoryStore {
    /// In ascending order of their digests.
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        Ok(self.read().graph.predecessors(&desc.digest).cloned().collect())
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        if !desc.media_type.is_manifest() {
            return Err(Error::unsupported(format_args!("listing referrers of a {}", desc.media_type)));
        }
        Ok(self.read().graph.referrers(&desc.digest, artifact_type).collect())
    }
}

fn unknown(reference: &str) -> Error {
    Error::new(ErrorKind::NotFound, format!("reference {reference:?} not found"))
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.read();
        f.debug_struct("MemoryStore").field("content", &state.content.len()).field("tags", &state.tags.len()).finish()
    }
}
