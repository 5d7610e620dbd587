use std::{
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::{StreamExt as _, stream};
use oras_content::{
    Blob, BoxStream, Error, ErrorKind, Fetcher, Location, PredecessorFinder, ReadOnlyStorage, ReadOnlyTarget, Resolver,
    Result, TagLister,
    fs::{blocking, failed},
};
use oras_descriptor::{Descriptor, Digest, MediaType};

use crate::{
    blobs::BlobDir,
    graph::{Graph, list_referrers},
    index::Snapshot,
    layout::read_layout,
    names::INDEX_FILE,
    options::{LayoutOptions, TarOptions},
    refs::{resolve_in, unknown},
    tar_reader::TarBlobs,
    version::{self, VERSION_FILE},
};

/// A layout to read from, as it was when it was opened: a directory, or a tar archive.
///
/// Nothing is written, not even times. Clones share everything.
#[derive(Clone)]
pub struct ReadOnlyLayout {
    inner: Arc<Inner>,
}

struct Inner {
    source: Source,
    snapshot: Arc<Snapshot>,
    graph: Mutex<Option<Graph>>,
}

enum Source {
    Dir(BlobDir),
    Tar(TarBlobs),
}

impl ReadOnlyLayout {
    /// Opens the layout in a directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the directory is no layout, or has no index; [`ErrorKind::UnsupportedVersion`] when
    /// it has another version than 1.0; [`ErrorKind::Corrupt`] when its documents cannot be read.
    ///
    /// # Cancel safety
    ///
    /// The thread that reads the layout ends by itself; nothing changes.
    pub async fn open_dir(root: impl Into<PathBuf>) -> Result<Self> {
        let root = root.into();
        blocking(move || {
            let root = std::path::absolute(&root).map_err(|error| failed("find", &root, error))?;
            let snapshot = read_layout(&root)?;
            // What is never written has no lease to renew.
            let options = LayoutOptions::new().with_lease(Duration::MAX);
            Ok(Self::new(Source::Dir(BlobDir::with_options(root, options)), snapshot))
        })
        .await
    }

    /// Opens the layout in a tar archive, plain or compressed with gzip.
    ///
    /// # Errors
    ///
    /// As [`open_dir`](Self::open_dir) and [`TarBlobs::open`].
    ///
    /// # Cancel safety
    ///
    /// As [`open_dir`](Self::open_dir).
    pub async fn open_tar(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_tar_with(path, TarOptions::new()).await
    }

    /// As [`open_tar`](Self::open_tar), with options.
    ///
    /// # Errors
    ///
    /// As [`open_tar`](Self::open_tar), with the limits of the options.
    ///
    /// # Cancel safety
    ///
    /// As [`open_tar`](Self::open_tar).
    pub async fn open_tar_with(path: impl Into<PathBuf>, options: TarOptions) -> Result<Self> {
        let path = path.into();
        let blobs = TarBlobs::open_with(&path, options).await?;
        blocking(move || {
            let document = |name: &str| {
                blobs.document(name)?.ok_or_else(|| {
                    let message = format!("{} is no image layout: it has no {name}", path.display());
                    Error::new(ErrorKind::NotFound, message)
                })
            };
            version::check(&document(VERSION_FILE)?)?;
            let snapshot = Arc::new(Snapshot::parse(document(INDEX_FILE)?)?);
            Ok(Self::new(Source::Tar(blobs), snapshot))
        })
        .await
    }

    fn new(source: Source, snapshot: Arc<Snapshot>) -> Self {
        Self { inner: Arc::new(Inner { source, snapshot, graph: Mutex::default() }) }
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce(&Inner) -> Result<T> + Send + 'static) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }
}

impl Inner {
    fn with_graph<T>(&self, look: impl FnOnce(&Graph) -> T) -> Result<T> {
        let mut known = self.graph.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_none() {
            let mut graph = Graph::default();
            let entries = self.snapshot.edit.entries();
            match &self.source {
                Source::Dir(blobs) => graph.update(blobs, entries)?,
                Source::Tar(blobs) => graph.update(blobs, entries)?,
            }
            *known = Some(graph);
        }
        let graph = known.get_or_insert_default();
        Ok(look(graph))
    }

    /// Whether the index leads to content that is asked for as a manifest.
    fn is_led_to(&self, desc: &Descriptor) -> bool {
        let is_node = || self.with_graph(|graph| graph.node(&desc.digest).is_some()).unwrap_or_default();
        !desc.media_type.is_manifest() || self.snapshot.is_listed(&desc.digest) || is_node()
    }

    fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        match &self.source {
            Source::Dir(blobs) => blobs.size(digest),
            Source::Tar(blobs) => blobs.size(digest),
        }
    }
}

impl Fetcher for ReadOnlyLayout {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        match &self.inner.source {
            Source::Dir(blobs) => blobs.fetch(desc).await,
            Source::Tar(blobs) => blobs.fetch(desc).await,
        }
    }

    /// The directory, if it is one: a layout on the same file system takes content from there without copying it.
    fn location(&self) -> Option<Location> {
        match &self.inner.source {
            Source::Dir(blobs) => blobs.location(),
            Source::Tar(_) => None,
        }
    }
}

impl ReadOnlyStorage for ReadOnlyLayout {
    /// A manifest exists when the index leads to it, as in [`OciLayout`](crate::OciLayout).
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let desc = desc.plain();
        self.run(move |inner| Ok(inner.size(&desc.digest)? == Some(desc.size) && inner.is_led_to(&desc))).await
    }
}

impl Resolver for ReadOnlyLayout {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let reference = reference.to_owned();
        self.run(move |inner| {
            let found = resolve_in(
                &inner.snapshot,
                &reference,
                |digest| inner.size(digest),
                |digest| inner.with_graph(|graph| graph.node(digest).cloned()).unwrap_or_default(),
            )?;
            found.ok_or_else(|| unknown(&reference, "the layout"))
        })
        .await
    }
}

impl ReadOnlyTarget for ReadOnlyLayout {}

impl TagLister for ReadOnlyLayout {
    /// In ascending order.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        stream::iter(self.inner.snapshot.tags(last).into_iter().map(Ok)).boxed()
    }
}

impl PredecessorFinder for ReadOnlyLayout {
    /// In ascending order of their digests. Those that the index does not lead to are not known.
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        let digest = desc.digest.clone();
        self.run(move |inner| inner.with_graph(|graph| graph.links.predecessors(&digest).cloned().collect())).await
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        let (desc, wanted) = (desc.plain(), artifact_type.cloned());
        self.run(move |inner| inner.with_graph(|graph| list_referrers(&graph.links, &desc, wanted.as_ref()))?).await
    }
}

impl fmt::Debug for ReadOnlyLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("ReadOnlyLayout");
        match &self.inner.source {
            Source::Dir(blobs) => debug.field("dir", &blobs.root()),
            Source::Tar(blobs) => debug.field("tar", blobs),
        };
        debug.finish_non_exhaustive()
    }
}
