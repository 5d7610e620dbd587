use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use oras_content::{
    Error, ErrorKind, Result,
    fs::{blocking, failed},
};
use oras_descriptor::{Descriptor, Digest, IndexEdit, Links};

use crate::{
    blobs::{BlobDir, is_missing},
    entries,
    graph::Graph,
    index::{Snapshot, write_whole},
    lock::LayoutLock,
    names::INDEX_FILE,
    options::LayoutOptions,
    recent::Recent,
    version,
};

/// Of how many manifests a handle that was not asked for links yet keeps those that it stored itself, which is a MiB or
/// two. The first question then reads what others listed, and not again what this handle wrote.
const UNASKED: usize = 1024;

/// An image layout in a directory: content by digest, and an index of manifests and their tags.
///
/// Clones share everything. Several handles, in several processes, may use one directory at once: the index is changed
/// under a lock and replaced in one step, and readers need no lock. Content appears whole or not at all.
///
/// A tag is any name that a registry takes as a tag, or that the image specification allows as a reference name.
#[derive(Clone)]
pub struct OciLayout {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) blobs: BlobDir,
    state: Mutex<State>,
    graph: Mutex<KnownGraph>,
    pub(crate) recent: Recent,
    /// Updates of one process wait here, and not on blocking threads in front of the lock file.
    turn: Arc<tokio::sync::Mutex<()>>,
}

struct State {
    snapshot: Arc<Snapshot>,
    /// Manifests that are here and wait to be listed, in the order in which they came.
    pending: Vec<Descriptor>,
}

#[derive(Default)]
struct KnownGraph {
    graph: Graph,
    /// The snapshot that the graph agrees with, together with the pending manifests.
    agrees_with: Option<u64>,
}

/// What a change of the index means for the graph.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    /// The graph knows all that is listed afterwards.
    Same,
    Changed,
}

impl OciLayout {
    /// Opens the layout in a directory, and makes the directory one where it is none yet.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::UnsupportedVersion`] when the layout has another version than 1.0;
    /// [`ErrorKind::Corrupt`] when its documents cannot be read; [`ErrorKind::Io`].
    ///
    /// # Cancel safety
    ///
    /// The thread that makes the layout ends by itself, and leaves a whole one.
    pub async fn create(root: impl Into<PathBuf>) -> Result<Self> {
        Self::create_with(root, LayoutOptions::new()).await
    }

    /// As [`create`](Self::create), with options.
    ///
    /// # Errors
    ///
    /// As [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// As [`create`](Self::create).
    pub async fn create_with(root: impl Into<PathBuf>, options: LayoutOptions) -> Result<Self> {
        let root = root.into();
        blocking(move || {
            let blobs = blobs_at(&root, options)?;
            create_missing(&blobs)?;
            Self::open_blobs(blobs)
        })
        .await
    }

    /// Opens the layout in a directory. No content is looked at before it is asked for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when the directory is no layout; else as [`create`](Self::create).
    ///
    /// # Cancel safety
    ///
    /// The thread that reads the layout ends by itself; nothing changes.
    pub async fn open(root: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(root, LayoutOptions::new()).await
    }

    /// As [`open`](Self::open), with options.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(root: impl Into<PathBuf>, options: LayoutOptions) -> Result<Self> {
        let root = root.into();
        blocking(move || Self::open_blobs(blobs_at(&root, options)?)).await
    }

    fn open_blobs(blobs: BlobDir) -> Result<Self> {
        let snapshot = read_layout(blobs.root())?;
        let state = Mutex::new(State { snapshot, pending: Vec::new() });
        let inner = Inner { blobs, state, graph: Mutex::default(), recent: Recent::default(), turn: Arc::default() };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The directory, as an absolute path.
    pub fn root(&self) -> &Path {
        self.inner.blobs.root()
    }

    /// The blobs without the index.
    pub fn blobs(&self) -> &BlobDir {
        &self.inner.blobs
    }

    /// Runs blocking work on the layout.
    pub(crate) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        blocking(move || work(&inner)).await
    }

    /// Runs short blocking work on the layout, which waits for no other.
    pub(crate) async fn visit<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let inner = Arc::clone(&self.inner);
        self.inner.blobs.lane.run(move || work(&inner)).await
    }

    /// Runs blocking work that changes the layout, while no other does. Once begun, it ends even if nobody waits for it.
    pub(crate) async fn run_locked<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Inner) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let turn = Arc::clone(&self.inner.turn).lock_owned().await;
        self.run(move |inner| {
            let _turn = turn;
            let _lock = LayoutLock::acquire(&inner.blobs.ingest_dir())?;
            work(inner)
        })
        .await
    }

    /// Changes the index.
    pub(crate) async fn update<T: Send + 'static>(
        &self,
        reach: Reach,
        change: impl FnOnce(&mut IndexEdit) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run_locked(move |inner| inner.update(reach, change)).await
    }
}

impl Inner {
    // A panic is not possible halfway through a change of these, so what a poisoned lock guards is whole.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn known_graph(&self) -> MutexGuard<'_, KnownGraph> {
        self.graph.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The index as it is now.
    pub(crate) fn snapshot(&self) -> Result<Arc<Snapshot>> {
        let before = Arc::clone(&self.state().snapshot);
        let now = Snapshot::load(&self.blobs.root().join(INDEX_FILE), Some(&before))?;
        self.state().snapshot = Arc::clone(&now);
        Ok(now)
    }

    /// Reads the index again, adds what waits, changes it and replaces it; under the lock only.
    pub(crate) fn update<T>(&self, reach: Reach, change: impl FnOnce(&mut IndexEdit) -> Result<T>) -> Result<T> {
        let before = self.snapshot()?;
        let before_id = before.id;
        let pending = self.state().pending.clone();
        let mut edit = before.edit.clone();
        entries::list(&mut edit, &pending);
        let value = change(&mut edit)?;
        let after = before.replace(self.blobs.root(), edit, self.blobs.options.sync_index)?;
        let mut known = self.known_graph();
        if known.agrees_with == Some(before_id) {
            known.agrees_with = Some(after.id).filter(|_| reach == Reach::Same);
        }
        let mut state = self.state();
        state.snapshot = after;
        state.pending.drain(..pending.len());
        Ok(value)
    }

    pub(crate) fn has_pending(&self) -> bool {
        !self.state().pending.is_empty()
    }

    pub(crate) fn pending(&self, digest: &Digest) -> Option<Descriptor> {
        self.state().pending.iter().find(|desc| desc.digest == *digest).cloned()
    }

    pub(crate) fn all_pending(&self) -> Vec<Digest> {
        self.state().pending.iter().map(|desc| desc.digest.clone()).collect()
    }

    /// Lets a manifest that is here wait to be listed.
    pub(crate) fn adopt(&self, desc: &Descriptor, links: Links) {
        let mut known = self.known_graph();
        if known.agrees_with.is_some() || known.graph.len() < UNASKED {
            known.graph.insert(desc, links);
        }
        self.state().pending.push(entries::nameless(desc));
    }

    /// Takes content off the waiting list; under the lock only.
    pub(crate) fn forget(&self, gone: impl Fn(&Digest) -> bool) {
        self.known_graph().agrees_with = None;
        self.state().pending.retain(|desc| !gone(&desc.digest));
    }

    /// Looks into the graph, after it has been brought up to date.
    pub(crate) fn with_graph<T>(&self, look: impl FnOnce(&Graph) -> T) -> Result<T> {
        let mut known = self.known_graph();
        let snapshot = self.snapshot()?;
        if known.agrees_with != Some(snapshot.id) {
            let pending = self.state().pending.clone();
            known.agrees_with = None;
            known.graph.update(&self.blobs, snapshot.edit.entries().chain(&pending))?;
            known.agrees_with = Some(snapshot.id);
        }
        Ok(look(&known.graph))
    }
}

fn blobs_at(root: &Path, options: LayoutOptions) -> Result<BlobDir> {
    let root = std::path::absolute(root).map_err(|error| failed("find", root, error))?;
    Ok(BlobDir::with_options(root, options))
}

/// Checks the version of the layout in a directory, and reads its index.
pub(crate) fn read_layout(root: &Path) -> Result<Arc<Snapshot>> {
    let path = root.join(version::VERSION_FILE);
    let document = fs::read(&path).map_err(|error| {
        if !is_missing(&error) {
            return failed("read", &path, error);
        }
        let message = format!("{} is no image layout: it has no {}", root.display(), version::VERSION_FILE);
        Error::new(ErrorKind::NotFound, message).with_source(error)
    })?;
    version::check(&document)?;
    Snapshot::load(&root.join(INDEX_FILE), None)
}

fn create_missing(blobs: &BlobDir) -> Result<()> {
    let (root, ingest, sync) = (blobs.root(), blobs.ingest_dir(), blobs.options.sync_index);
    let dir = root.join("blobs");
    fs::create_dir_all(&dir).map_err(|error| failed("create", &dir, error))?;
    // The version comes last: whoever sees it finds the index too.
    let documents = [
        (root.join(INDEX_FILE), IndexEdit::new().to_bytes()),
        (root.join(version::VERSION_FILE), Bytes::from_static(version::VERSION_DOCUMENT)),
    ];
    if documents.iter().all(|(path, _)| path.exists()) {
        return Ok(());
    }
    let _lock = LayoutLock::acquire(&ingest)?;
    for (path, document) in documents.iter().filter(|(path, _)| !path.exists()) {
        write_whole(&ingest, path, document, sync)?;
    }
    Ok(())
}

impl fmt::Debug for OciLayout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OciLayout").field("root", &self.root()).finish_non_exhaustive()
    }
}
