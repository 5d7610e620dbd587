use std::{
    collections::HashMap,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{
    Blob, BoxStream, Error, ErrorKind, Fetcher, PredecessorFinder, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver,
    Result, TagLister, Tagger, Target,
};
use oras_descriptor::{Descriptor, Digest, IndexEdit, MediaType, links};
use oras_memory::PredecessorGraph;
use tokio::{io::AsyncWrite, sync::Mutex};

use crate::{
    archive_sink::{ArchiveCompression, ArchiveSink},
    blobs::check_limit,
    entries,
    graph::list_referrers,
    index::Snapshot,
    names::INDEX_FILE,
    options::LayoutOptions,
    refs::{check_name, unknown},
    version::{VERSION_DOCUMENT, VERSION_FILE},
};

/// Content up to this size is read whole before its header is written, so that it cannot break the archive.
const SMALL: u64 = 64 * 1024;

/// A layout written as one tar archive, in one pass and to anything that takes bytes.
///
/// Content is written as it is pushed, one blob after the other, with headers that say the same each time; `oci-layout`
/// comes first, and [`finish`](Self::finish) writes `index.json` last. Content that was written cannot be fetched again,
/// but for manifests, which are kept in memory. Clones share everything.
///
/// A blob is opened before its header is written, so that one that is not there does no harm. When one fails later, or
/// its push is dropped, the archive is broken: every further call fails, and `finish` does too.
pub struct LayoutArchive {
    shared: Arc<Shared>,
}

struct Shared {
    sink: Mutex<Option<ArchiveSink>>,
    state: StdMutex<State>,
    metadata_limit: u64,
}

#[derive(Default)]
struct State {
    written: HashMap<Digest, u64>,
    manifests: HashMap<Digest, (Descriptor, Bytes)>,
    graph: PredecessorGraph,
    index: IndexEdit,
    is_broken: bool,
}

impl LayoutArchive {
    /// An archive that goes into `writer`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the first entry cannot be written.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the writer, with perhaps a part of the first entry in it.
    pub async fn new(writer: impl AsyncWrite + Send + Unpin + 'static) -> Result<Self> {
        Self::with_compression(writer, ArchiveCompression::None).await
    }

    /// A compressed archive that goes into `writer`.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    ///
    /// # Cancel safety
    ///
    /// As [`new`](Self::new).
    pub async fn with_compression(
        writer: impl AsyncWrite + Send + Unpin + 'static,
        compression: ArchiveCompression,
    ) -> Result<Self> {
        let mut sink = ArchiveSink::new(Box::new(writer), compression);
        sink.file(VERSION_FILE, Bytes::from_static(VERSION_DOCUMENT)).await?;
        let metadata_limit = LayoutOptions::new().metadata_limit;
        let shared = Shared { sink: Mutex::new(Some(sink)), state: StdMutex::default(), metadata_limit };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Writes the index and the end of the archive, and closes the writer.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when writing fails; [`ErrorKind::Other`] when the archive is broken or was finished before.
    ///
    /// # Cancel safety
    ///
    /// An archive whose finishing was dropped is broken.
    pub async fn finish(&self) -> Result<()> {
        let mut guard = self.shared.sink.lock().await;
        self.check_whole()?;
        let mut sink = guard.take().ok_or_else(finished)?;
        let index = self.state().index.to_bytes();
        sink.file(INDEX_FILE, index).await?;
        sink.finish().await
    }

    // A panic is not possible halfway through a change of the state, so a poisoned one is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn check_whole(&self) -> Result<()> {
        if self.state().is_broken {
            return Err(Error::new(ErrorKind::Other, "the archive is broken: a push did not come to its end"));
        }
        Ok(())
    }

    fn refuse_known(&self, desc: &Descriptor) -> Result<()> {
        match self.state().written.get(&desc.digest) {
            None => Ok(()),
            Some(size) if *size == desc.size => Err(Error::already_exists(desc)),
            Some(size) => {
                let message = format!("{} has {size} bytes, not {}", desc.digest, desc.size);
                Err(Error::new(ErrorKind::Corrupt, message).with_descriptor(desc))
            }
        }
    }

    async fn write(&self, desc: &Descriptor, mut content: Blob) -> Result<()> {
        let mut guard = self.shared.sink.lock().await;
        self.check_whole()?;
        let sink = guard.as_mut().ok_or_else(finished)?;
        self.refuse_known(desc)?;
        if desc.size <= SMALL {
            content = Blob::from_bytes(content.bytes(desc.size).await?);
        }
        content.start().await?;
        // Until all of it is written the archive is broken, whatever ends this.
        self.state().is_broken = true;
        sink.blob(desc, content).await?;
        let mut state = self.state();
        state.is_broken = false;
        state.written.insert(desc.digest.clone(), desc.size);
        Ok(())
    }

    async fn write_manifest(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        check_limit(desc, self.shared.metadata_limit)?;
        let bytes = content.bytes(desc.size).await?;
        let links = links(&desc.media_type, &bytes).map_err(|error| Error::from(error).with_descriptor(desc))?;
        let written = self.write(desc, Blob::from_bytes(bytes.clone()).verify(desc)).await;
        // Bytes that came as a layer become a manifest when they come as one.
        if written.as_ref().err().is_none_or(|error| error.kind() == ErrorKind::AlreadyExists) {
            let mut state = self.state();
            state.graph.insert(desc, links);
            state.manifests.insert(desc.digest.clone(), (desc.plain(), bytes));
            entries::list(&mut state.index, std::slice::from_ref(desc));
        }
        written
    }

    fn snapshot(&self) -> Result<Snapshot> {
        Snapshot::parse(self.state().index.to_bytes())
    }
}

fn finished() -> Error {
    Error::new(ErrorKind::Other, "the archive is finished")
}

impl Fetcher for LayoutArchive {
    /// Manifests only: what is written is gone.
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        let state = self.state();
        if let Some((kept, bytes)) = state.manifests.get(&desc.digest)
            && kept.size == desc.size
        {
            return Ok(Blob::from_bytes(bytes.clone()).verify(desc));
        }
        match state.written.get(&desc.digest) {
            Some(size) if *size == desc.size => Err(Error::unsupported("reading from an archive that is written")),
            _ => Err(Error::not_found(desc)),
        }
    }
}

impl ReadOnlyStorage for LayoutArchive {
    /// A manifest is there only if it came as one: as the layer of another it says nothing of what it points to.
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let state = self.state();
        let is_unknown_manifest = desc.media_type.is_manifest() && !state.manifests.contains_key(&desc.digest);
        Ok(!is_unknown_manifest && state.written.get(&desc.digest) == Some(&desc.size))
    }
}

impl Pusher for LayoutArchive {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        desc.algorithm().map_err(|error| Error::from(error).with_descriptor(desc))?;
        let content = content.verify(desc);
        if desc.media_type.is_manifest() && !self.state().manifests.contains_key(&desc.digest) {
            return self.write_manifest(desc, content).await;
        }
        self.refuse_known(desc)?;
        self.write(desc, content).await
    }

    /// One: an archive is written from its beginning to its end.
    fn max_concurrency(&self) -> Option<NonZeroUsize> {
        NonZeroUsize::new(1)
    }
}

impl Resolver for LayoutArchive {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        if let Some(desc) = self.snapshot()?.tagged(reference) {
            return Ok(desc.clone());
        }
        let state = self.state();
        let Ok(digest) = reference.parse::<Digest>() else {
            return Err(unknown(reference, "the archive"));
        };
        let manifest = state.manifests.get(&digest).map(|(desc, _)| desc.clone());
        let blob =
            || state.written.get(&digest).map(|size| Descriptor::new(MediaType::OCTET_STREAM, digest.clone(), *size));
        manifest.or_else(blob).ok_or_else(|| unknown(reference, "the archive"))
    }
}

impl Tagger for LayoutArchive {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        check_name(desc, reference)?;
        if !self.exists(desc).await? {
            return Err(Error::not_found(desc));
        }
        let guard = self.shared.sink.lock().await;
        self.check_whole()?;
        // A name that comes behind the index would be lost.
        guard.as_ref().ok_or_else(finished)?;
        let mut state = self.state();
        if reference.parse::<Digest>().is_ok() {
            entries::list(&mut state.index, std::slice::from_ref(desc));
        } else {
            entries::tag(&mut state.index, desc, reference);
        }
        Ok(())
    }
}

impl TagLister for LayoutArchive {
    /// In ascending order.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let tags = self.snapshot().map(|snapshot| snapshot.tags(last));
        let tags: Vec<_> = match tags {
            Ok(tags) => tags.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(tags).boxed()
    }
}

impl ReadOnlyTarget for LayoutArchive {}

impl Target for LayoutArchive {}

impl PredecessorFinder for LayoutArchive {
    /// In ascending order of their digests.
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        Ok(self.state().graph.predecessors(&desc.digest).cloned().collect())
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        list_referrers(&self.state().graph, desc, artifact_type)
    }
}

impl Clone for LayoutArchive {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl fmt::Debug for LayoutArchive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.state();
        f.debug_struct("LayoutArchive")
            .field("written", &state.written.len())
            .field("is_broken", &state.is_broken)
            .finish_non_exhaustive()
    }
}
