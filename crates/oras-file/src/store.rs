use std::{
    collections::HashMap,
    fmt, fs,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use oras_content::{
    Error, ErrorKind, LimitedStorage, Result,
    fs::{FileSink, FileSource, Lane, Stamp, blocking, failed},
};
use oras_descriptor::{
    Algorithm, Descriptor, Digest, MediaType,
    annotation::{CONTENT_DIGEST, CONTENT_UNPACK, TITLE},
};
use oras_memory::{MemoryStore, PredecessorGraph, TagIndex};
use tempfile::TempDir;

use crate::{
    name::{NameError, check_portable_name},
    options::FileOptions,
    pack,
    sink::{self, Hashed},
};

/// The largest content without a name that the default fallback storage takes, in bytes: it is kept in memory, and
/// manifests and configurations are what it is for.
pub const DEFAULT_FALLBACK_LIMIT: u64 = 4 << 20;

/// Named files and directories as content: what has a title lives in a directory under that name, and what has none goes
/// to a fallback storage.
///
/// Which content is which file is known in memory alone, so a store cannot be opened again. Clones share everything.
/// Files that are [added](Self::add) are not copied; they must not change as long as they are fetched.
pub struct FileStore<F = LimitedStorage<MemoryStore>> {
    pub(crate) inner: Arc<Inner<F>>,
}

pub(crate) struct Inner<F> {
    pub(crate) root: PathBuf,
    pub(crate) options: FileOptions,
    pub(crate) fallback: F,
    state: Mutex<State>,
    /// For files that are written at once.
    pub(crate) lane: Lane,
    temp: Mutex<Option<TempDir>>,
    closed: AtomicBool,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    /// Names in use; those of pushes that have not ended are not done.
    pub(crate) names: HashMap<String, Named>,
    /// Where the content of a digest can be read.
    pub(crate) paths: HashMap<Digest, Held>,
    /// Manifests and named content, for references that are digests.
    pub(crate) known: HashMap<Digest, Descriptor>,
    pub(crate) tags: TagIndex,
    pub(crate) graph: PredecessorGraph,
    /// What the manifests in the graph point to under names.
    pub(crate) named_links: HashMap<Digest, Vec<Descriptor>>,
}

/// Where content can be read.
#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) path: PathBuf,
    /// What the file bore when it was hashed, and bears as long as it stays the same.
    pub(crate) stamp: Option<Stamp>,
}

impl Held {
    /// The file, which need not be hashed again while it is unchanged.
    pub(crate) fn source(self, digest: &Digest) -> FileSource {
        let source = FileSource::new(self.path);
        match self.stamp {
            Some(stamp) => source.known(stamp, digest.clone()),
            None => source,
        }
    }
}

impl From<PathBuf> for Held {
    fn from(path: PathBuf) -> Self {
        Self { path, stamp: None }
    }
}

#[derive(Debug)]
pub(crate) enum Named {
    Claimed,
    Done(Digest),
}

impl FileStore {
    /// A store of the files in a directory, which is created with the first file; what has no name is kept in memory, up
    /// to [`DEFAULT_FALLBACK_LIMIT`] each.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the current directory, to which a relative path belongs, is not known.
    pub fn new(root: impl AsRef<Path>) -> Result<Self> {
        Self::with_options(root, FileOptions::new())
    }

    /// The same with options.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_options(root: impl AsRef<Path>, options: FileOptions) -> Result<Self> {
        Self::with_fallback_limit(root, options, DEFAULT_FALLBACK_LIMIT)
    }

    /// The same with another limit, in bytes, for each content without a name.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new).
    pub fn with_fallback_limit(root: impl AsRef<Path>, options: FileOptions, limit: u64) -> Result<Self> {
        Self::with_fallback(root, options, LimitedStorage::new(MemoryStore::new(), limit))
    }
}

impl<F> FileStore<F> {
    /// A store that keeps what has no name in another storage.
    ///
    /// # Errors
    ///
    /// As [`new`](FileStore::new).
    pub fn with_fallback(root: impl AsRef<Path>, options: FileOptions, fallback: F) -> Result<Self> {
        let root = root.as_ref();
        let root = std::path::absolute(root).map_err(|error| failed("find", root, error))?;
        let (state, temp, closed) = (Mutex::default(), Mutex::default(), AtomicBool::new(false));
        Ok(Self { inner: Arc::new(Inner { root, options, fallback, state, lane: Lane::new(), temp, closed }) })
    }

    /// The directory, as an absolute path.
    pub fn root(&self) -> &Path {
        &self.inner.root
    }

    /// Where the content of a descriptor can be read, if it has a name here.
    pub fn path_of(&self, desc: &Descriptor) -> Option<PathBuf> {
        self.inner.state().paths.get(&desc.digest).map(|held| held.path.clone())
    }

    /// Removes the archives of directories that were packed and unpacked. Named files stay; the store gives and takes
    /// nothing any more. Closing again does nothing.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when they cannot be removed.
    ///
    /// # Cancel safety
    ///
    /// The store is closed at once; the archives are removed on a thread that ends by itself.
    pub async fn close(&self) -> Result<()> {
        self.inner.closed.store(true, Ordering::Relaxed);
        let temp = self.inner.temp.lock().unwrap_or_else(PoisonError::into_inner).take();
        match temp {
            Some(temp) => blocking(move || temp.close().map_err(Error::from)).await,
            None => Ok(()),
        }
    }
}

impl<F: Send + Sync + 'static> FileStore<F> {
    /// Adds a file or a directory under a name, and describes it; an empty path is the name itself, and a relative one
    /// belongs to the store's directory. Nothing is copied, but a directory is packed into a temporary archive.
    ///
    /// Without a media type, a file is an OCI layer, and a directory one of the kind that it is packed as.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::MissingReference`] without a name; [`ErrorKind::Denied`] when the name is taken;
    /// [`ErrorKind::NotFound`] when nothing is there; [`ErrorKind::Corrupt`] when a file changes while it is packed;
    /// [`ErrorKind::Unsupported`] when a directory holds anything but files, directories and links.
    ///
    /// # Cancel safety
    ///
    /// A dropped future adds nothing; its thread ends with the chunk it is at.
    pub async fn add(&self, name: &str, media_type: Option<MediaType>, path: impl AsRef<Path>) -> Result<Descriptor> {
        let added = self.add_all([(name, media_type, path.as_ref())]).await?;
        added.into_iter().next().ok_or_else(|| Error::new(ErrorKind::Other, "a file was not added"))
    }

    /// Adds many, all or none, each a name with a media type and a path as [`add`](Self::add) takes them: for small files
    /// that is much less work than one by one.
    ///
    /// # Errors
    ///
    /// As [`add`](Self::add).
    ///
    /// # Cancel safety
    ///
    /// As [`add`](Self::add).
    pub async fn add_all<N: Into<String>, P: AsRef<Path>>(
        &self,
        files: impl IntoIterator<Item = (N, Option<MediaType>, P)>,
    ) -> Result<Vec<Descriptor>> {
        let (mut claims, mut jobs) = (Vec::new(), Vec::new());
        for (name, media_type, path) in files {
            let name = name.into();
            let (claim, path) = self.inner.begin(&name, path.as_ref())?;
            claims.push(claim);
            jobs.push((name, media_type, path));
        }
        let giving_up = GiveUp::default();
        let (cancelled, inner) = (Arc::clone(&giving_up.0), Arc::clone(&self.inner));
        let describe =
            move |(name, media_type, path): (String, _, _)| inner.describe(&name, media_type, path, &cancelled);
        let described = blocking(move || jobs.into_iter().map(describe).collect::<Result<Vec<_>>>()).await?;
        let kept = claims.into_iter().zip(described).map(|(claim, (desc, held))| {
            claim.keep(&desc, held);
            desc
        });
        Ok(kept.collect())
    }
}

/// Tells a thread that nobody waits for it any more.
#[derive(Default)]
pub(crate) struct GiveUp(pub(crate) Arc<AtomicBool>);

impl Drop for GiveUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl<F> Inner<F> {
    // A panic is not possible halfway through a change of the state, so a poisoned one is whole.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn check_open(&self) -> Result<()> {
        if self.closed.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Other, "the file store is closed"));
        }
        Ok(())
    }

    /// Takes the name of what is to be added, and finds its path.
    pub(crate) fn begin(&self, name: &str, path: &Path) -> Result<(Claim<'_, F>, PathBuf)> {
        self.check_open()?;
        if self.options.portable_names {
            check_portable_name(name)?;
        }
        let claim = self.claim(name, None)?;
        let path = if path.as_os_str().is_empty() { Path::new(name) } else { path };
        Ok((claim, self.root.join(path)))
    }

    /// Takes a name for as long as the claim lives, and for good when it is done.
    pub(crate) fn claim(&self, name: &str, digest: Option<&Digest>) -> Result<Claim<'_, F>> {
        if name.is_empty() {
            return Err(NameError::Missing.into());
        }
        let mut state = self.state();
        match state.names.get(name) {
            None => {
                state.names.insert(name.to_owned(), Named::Claimed);
                Ok(Claim { inner: self, name: name.to_owned(), is_done: false })
            }
            Some(taken) => {
                let duplicate = NameError::Duplicate { name: name.to_owned() };
                Err(match (taken, digest) {
                    (Named::Done(here), Some(digest)) if here == digest => {
                        Error::new(ErrorKind::AlreadyExists, duplicate.to_string()).with_source(duplicate)
                    }
                    _ => duplicate.into(),
                })
            }
        }
    }

    /// A directory for archives, which goes with the store.
    pub(crate) fn temp_dir(&self) -> Result<PathBuf> {
        let mut temp = self.temp.lock().unwrap_or_else(PoisonError::into_inner);
        self.check_open()?;
        if let Some(dir) = &*temp {
            return Ok(dir.path().to_owned());
        }
        let parent = self.options.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
        let dir = tempfile::Builder::new().prefix("oras_file_").tempdir_in(&parent);
        let dir = dir.map_err(|error| failed("create a directory in", &parent, error))?;
        Ok(temp.insert(dir).path().to_owned())
    }

    /// Describes what is at a path, and says where its content can be read.
    fn describe(
        &self,
        name: &str,
        media_type: Option<MediaType>,
        path: PathBuf,
        cancelled: &AtomicBool,
    ) -> Result<(Descriptor, Held)> {
        let metadata = fs::metadata(&path).map_err(|error| failed("read", &path, error))?;
        if metadata.is_dir() {
            let options = &self.options.pack;
            let dir = self.temp_dir()?;
            let temp = tempfile::Builder::new().prefix("packed-").tempfile_in(&dir);
            let temp = temp.map_err(|error| failed("create a file in", &dir, error))?;
            let (file, archive) = temp.keep().map_err(|error| error.error)?;
            let out = FileSink::new(file, &archive);
            let packed = pack::pack(&path, name, options, out, cancelled).inspect_err(|_| {
                let _ = fs::remove_file(&archive);
            })?;
            let media_type = media_type.unwrap_or_else(|| options.media_type());
            let desc = Descriptor::new(media_type, packed.digest, packed.size)
                .with_annotation(TITLE, name)
                .with_annotation(CONTENT_DIGEST, packed.tar_digest.as_str())
                .with_annotation(CONTENT_UNPACK, "true");
            return Ok((desc, archive.into()));
        }
        let Hashed { digest, size, stamp } = sink::hash_file(&path, Algorithm::Sha256, cancelled)?;
        let desc = Descriptor::new(media_type.unwrap_or(MediaType::OCI_LAYER), digest, size);
        Ok((self.named(desc, name, &metadata), Held { path, stamp }))
    }

    /// The descriptor of a file under its name.
    pub(crate) fn named(&self, desc: Descriptor, name: &str, metadata: &fs::Metadata) -> Descriptor {
        let mut desc = desc.with_annotation(TITLE, name);
        if self.options.keep_metadata {
            sink::annotate(&mut desc, metadata);
        }
        desc
    }
}

/// A name that is taken, and free again if its content does not come.
pub(crate) struct Claim<'a, F> {
    inner: &'a Inner<F>,
    name: String,
    is_done: bool,
}

impl<F> Claim<'_, F> {
    pub(crate) fn done(mut self, digest: &Digest) {
        self.is_done = true;
        self.inner.state().names.insert(self.name.clone(), Named::Done(digest.clone()));
    }

    /// Remembers where the content of the name is.
    pub(crate) fn keep(self, desc: &Descriptor, held: impl Into<Held>) {
        let mut state = self.inner.state();
        state.paths.insert(desc.digest.clone(), held.into());
        state.known.insert(desc.digest.clone(), desc.plain());
        drop(state);
        self.done(&desc.digest);
    }
}

impl<F> Drop for Claim<'_, F> {
    fn drop(&mut self) {
        if !self.is_done {
            self.inner.state().names.remove(&self.name);
        }
    }
}

impl<F> Clone for FileStore<F> {
    fn clone(&self) -> Self {
        Self { inner: Arc::clone(&self.inner) }
    }
}

impl<F> fmt::Debug for FileStore<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileStore").field("root", &self.inner.root).finish_non_exhaustive()
    }
}
