use std::{
    collections::{HashSet, VecDeque},
    fs::{self, File, Metadata, OpenOptions},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use bytes::Bytes;
use oras_descriptor::{Descriptor, Digest, IndexEdit, links};
use oras_reference::validate_tag;

use super::{
    entries,
    files::{self, Durability},
};
use crate::storage::{Change, Outcome, Repository, RepositoryIndex, index::Put};

/// What `oci-layout` says.
const VERSION: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

/// A larger document is no manifest of ours, and is not read when a layout of others is scanned.
const MAX_MANIFEST: u64 = 32 * 1024 * 1024;

/// A larger `index.json` is not read: it would have some million entries.
const MAX_INDEX: u64 = 1024 * 1024 * 1024;

/// One repository: an image layout.
///
/// Other programs may use the layout at the same time. Whoever changes `index.json` holds the lock `ingest/.lock`, and
/// what others changed is seen by the next request.
#[derive(Debug)]
pub(in crate::storage) struct Layout {
    dir: PathBuf,
    sync: Durability,
    repository: Arc<Repository>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    edit: IndexEdit,
    stamp: Option<Stamp>,
    /// Manifests that were also pushed as blobs.
    blobs: HashSet<Digest>,
}

/// What tells one version of the index from the next. The open file keeps its inode from being used again.
#[derive(Debug)]
struct Stamp {
    file: File,
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn agrees(&self, found: &Metadata) -> bool {
        self.len == found.len()
            && self.modified == found.modified().ok()
            && self.file.metadata().is_ok_and(|ours| is_same_file(&ours, found))
    }
}

#[cfg(unix)]
fn is_same_file(a: &Metadata, b: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn is_same_file(a: &Metadata, b: &Metadata) -> bool {
    a.created().ok() == b.created().ok()
}

impl Layout {
    /// Opens a layout, if there is one.
    pub(in crate::storage) fn open(dir: PathBuf, name: &str, sync: Durability) -> io::Result<Option<Self>> {
        if !dir.join("oci-layout").is_file() {
            return Ok(None);
        }
        let repository = Repository::new(name, RepositoryIndex::default());
        let layout = Self { dir, sync, repository, state: Mutex::default() };
        layout.refresh(&mut layout.state())?;
        Ok(Some(layout))
    }

    /// Makes an empty layout.
    pub(super) fn create(dir: &Path, sync: Durability) -> io::Result<()> {
        fs::create_dir_all(dir.join("blobs"))?;
        let _lock = lock(dir)?;
        if !dir.join("index.json").is_file() {
            files::write_whole(&dir.join("index.json"), &scratch(dir), &IndexEdit::new().to_bytes(), sync)?;
        }
        files::write_whole(&dir.join("oci-layout"), &scratch(dir), VERSION, sync)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The repository as it is now. While somebody changes it, it is as it was before: nobody waits for a disk to look.
    pub(in crate::storage) fn repository(&self) -> io::Result<Arc<Repository>> {
        if let Ok(mut state) = self.state.try_lock() {
            self.refresh(&mut state)?;
        }
        Ok(Arc::clone(&self.repository))
    }

    pub(in crate::storage) fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join("blobs").join(digest.algorithm()).join(digest.encoded())
    }

    pub(in crate::storage) fn manifest(&self, digest: &Digest) -> io::Result<Option<Bytes>> {
        Ok(files::absent_is_none(fs::read(self.path(digest)))?.map(Bytes::from))
    }

    pub(super) fn scratch(&self) -> PathBuf {
        scratch(&self.dir)
    }

    /// The size of a blob. The bytes of a manifest are one only when they were pushed as one.
    pub(in crate::storage) fn blob_size(&self, digest: &Digest) -> io::Result<Option<u64>> {
        let Some(size) = files::size(&self.path(digest))? else { return Ok(None) };
        let is_manifest = self.repository.read().contains(digest);
        let is_blob = !is_manifest || self.state().blobs.contains(digest);
        Ok(is_blob.then_some(size))
    }

    /// Makes a blob appear, by whatever brings its bytes into place.
    pub(super) fn add_blob(&self, digest: &Digest, place: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
        let mut state = self.state();
        place(&self.path(digest))?;
        if self.repository.read().contains(digest) && !state.blobs.contains(digest) {
            self.edit(&mut state, |edit| entries::mark_blob(edit, digest, true))?;
            state.blobs.insert(digest.clone());
        }
        Ok(())
    }

    /// Removes a blob, and says whether it was there. The bytes of a manifest stay.
    pub(super) fn delete_blob(&self, digest: &Digest) -> io::Result<bool> {
        let mut state = self.state();
        if !self.repository.read().contains(digest) {
            return files::remove(&self.path(digest));
        }
        if !state.blobs.remove(digest) {
            return Ok(false);
        }
        self.edit(&mut state, |edit| entries::mark_blob(edit, digest, false))?;
        Ok(true)
    }

    /// Changes manifests and tags, as one step for everyone who looks.
    pub(super) fn change(&self, change: Change) -> io::Result<Outcome> {
        let mut state = self.state();
        let _lock = lock(&self.dir)?;
        self.refresh(&mut state)?;
        let outcome = self.repository.read().judge(&change);
        if outcome != Outcome::Done {
            return Ok(outcome);
        }
        match &change {
            Change::Put(put) => self.put(&mut state, put)?,
            Change::DeleteTag(tag) => self.write(&mut state, |edit| entries::untag(edit, tag))?,
            Change::DeleteManifest(digest) => {
                self.write(&mut state, |edit| entries::remove(edit, digest))?;
                if !state.blobs.remove(digest) {
                    files::remove(&self.path(digest))?;
                }
            }
        }
        self.repository.write().apply(change);
        Ok(Outcome::Done)
    }

    fn put(&self, state: &mut State, put: &Put) -> io::Result<()> {
        let (digest, path) = (&put.desc.digest, self.path(&put.desc.digest));
        let is_blob = !self.repository.read().contains(digest) && files::size(&path)?.is_some();
        if files::size(&path)? != Some(put.desc.size) {
            files::write_whole(&path, &self.scratch(), &put.bytes, self.sync)?;
        }
        self.write(state, |edit| {
            entries::list(edit, &put.desc);
            for tag in &put.tags {
                entries::tag(edit, &put.desc, tag);
            }
            if is_blob {
                entries::mark_blob(edit, digest, true);
            }
        })?;
        if is_blob {
            state.blobs.insert(digest.clone());
        }
        Ok(())
    }

    /// Takes the lock and changes the index.
    fn edit(&self, state: &mut State, change: impl FnOnce(&mut IndexEdit)) -> io::Result<()> {
        let _lock = lock(&self.dir)?;
        self.refresh(state)?;
        self.write(state, change)
    }

    /// Changes the index; under the lock only.
    fn write(&self, state: &mut State, change: impl FnOnce(&mut IndexEdit)) -> io::Result<()> {
        let mut edit = state.edit.clone();
        change(&mut edit);
        if !edit.is_changed() {
            return Ok(());
        }
        let bytes = edit.to_bytes();
        files::write_whole(&self.dir.join("index.json"), &self.scratch(), &bytes, self.sync)?;
        // Read back from the bytes, so that the edit is what a fresh reader sees.
        state.edit = IndexEdit::from_slice(&bytes).map_err(io::Error::other)?;
        state.stamp = stamp(File::open(self.dir.join("index.json"))?);
        Ok(())
    }

    /// Reads the index again if somebody else has changed it.
    fn refresh(&self, state: &mut State) -> io::Result<()> {
        let path = self.dir.join("index.json");
        let found = fs::metadata(&path)?;
        if state.stamp.as_ref().is_some_and(|stamp| stamp.agrees(&found)) {
            return Ok(());
        }
        let file = File::open(&path)?;
        let mut bytes = Vec::new();
        (&file).take(MAX_INDEX).read_to_end(&mut bytes)?;
        state.edit = IndexEdit::from_slice(&bytes).map_err(io::Error::other)?;
        state.blobs = state
            .edit
            .entries()
            .filter(|entry| entries::is_also_blob(entry))
            .map(|entry| entry.digest.clone())
            .collect();
        *self.repository.write() = self.scan(&state.edit)?;
        state.stamp = stamp(file);
        Ok(())
    }

    /// Finds all manifests: those that are listed, and those that an index points to. Referrers that another tool keeps
    /// in an index under a `sha256-…` tag are among them.
    fn scan(&self, edit: &IndexEdit) -> io::Result<RepositoryIndex> {
        let mut index = RepositoryIndex::default();
        let mut left: VecDeque<Descriptor> = edit.entries().map(Descriptor::plain).collect();
        while let Some(desc) = left.pop_front() {
            let is_new = desc.media_type.is_manifest() && !index.contains(&desc.digest) && desc.size <= MAX_MANIFEST;
            if !is_new || files::size(&self.path(&desc.digest))? != Some(desc.size) {
                continue;
            }
            let bytes = fs::read(self.path(&desc.digest))?;
            let Ok(links) = links(&desc.media_type, &bytes) else {
                tracing::warn!(digest = %desc.digest, "a manifest in the layout cannot be read");
                continue;
            };
            left.extend(links.children.iter().map(Descriptor::plain));
            index.insert(&desc, links);
        }
        for entry in edit.entries() {
            let tag = entries::name(entry).filter(|name| validate_tag(name).is_ok());
            if let Some(tag) = tag.filter(|_| index.contains(&entry.digest)) {
                index.tag(tag, &entry.plain());
            }
        }
        Ok(index)
    }
}

fn stamp(file: File) -> Option<Stamp> {
    let metadata = file.metadata().ok()?;
    Some(Stamp { len: metadata.len(), modified: metadata.modified().ok(), file })
}

fn scratch(dir: &Path) -> PathBuf {
    dir.join("ingest")
}

/// The lock under which the index is changed, by one process at a time. Closing the file frees it.
fn lock(dir: &Path) -> io::Result<File> {
    fs::create_dir_all(scratch(dir))?;
    let path = scratch(dir).join(".lock");
    let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
    file.lock()?;
    Ok(file)
}
