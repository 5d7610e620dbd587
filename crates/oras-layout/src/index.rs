//! `index.json`: read as a snapshot, changed under the lock, replaced in one step.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::Write as _,
    path::Path,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicU64, Ordering},
    },
    time::SystemTime,
};

use bytes::Bytes;
use oras_content::{Result, fs::failed};
use oras_descriptor::{Descriptor, Digest, IndexEdit, Platform};
use oras_memory::TagIndex;

use crate::{
    entries::{name, nameless},
    ingest,
    names::{INDEX_FILE, INGEST},
};

/// The index as it was at one time.
#[derive(Debug)]
pub(crate) struct Snapshot {
    /// Unique in this process.
    pub(crate) id: u64,
    pub(crate) edit: IndexEdit,
    bytes: Bytes,
    lookup: OnceLock<Lookup>,
    stamp: Option<Stamp>,
}

/// What of an index is looked up: built once, on the first look.
#[derive(Debug)]
struct Lookup {
    tags: TagIndex,
    listed: HashSet<Digest>,
}

/// What tells one version of the file from the next. The open file keeps its inode from being used again.
#[derive(Debug)]
struct Stamp {
    file: File,
    len: u64,
    modified: Option<SystemTime>,
}

impl Stamp {
    fn of(file: File) -> Option<Self> {
        let metadata = file.metadata().ok()?;
        Some(Self { len: metadata.len(), modified: metadata.modified().ok(), file })
    }

    fn agrees(&self, found: &fs::Metadata) -> bool {
        let same_file = || self.file.metadata().is_ok_and(|ours| ingest::same_file(&ours, found));
        self.len == found.len() && self.modified.is_some() && self.modified == found.modified().ok() && same_file()
    }
}

static NEXT_ID: AtomicU64 = AtomicU64::new(0);

impl Snapshot {
    /// Reads an index.
    pub(crate) fn parse(bytes: Bytes) -> Result<Self> {
        let edit = IndexEdit::from_slice(&bytes)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(Self { id, edit, bytes, lookup: OnceLock::new(), stamp: None })
    }

    /// Reads the file, or takes the snapshot of before when nothing happened since.
    pub(crate) fn load(path: &Path, before: Option<&Arc<Self>>) -> Result<Arc<Self>> {
        if let Some(before) = before
            && let Some(stamp) = &before.stamp
            && fs::metadata(path).is_ok_and(|found| stamp.agrees(&found))
        {
            return Ok(Arc::clone(before));
        }
        let unread = |error| failed("read", path, error);
        let mut file = File::open(path).map_err(unread)?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut bytes).map_err(unread)?;
        let mut snapshot = Self::parse(bytes.into())?;
        snapshot.stamp = Stamp::of(file);
        Ok(Arc::new(snapshot))
    }

    /// Replaces the file by an edited index, if the edit changed anything. Under the lock only.
    pub(crate) fn replace(self: Arc<Self>, root: &Path, edit: IndexEdit, sync: bool) -> Result<Arc<Self>> {
        let bytes = edit.to_bytes();
        if bytes == self.bytes {
            return Ok(self);
        }
        let file = write_whole(&root.join(INGEST), &root.join(INDEX_FILE), &bytes, sync)?;
        let id = NEXT_ID.fetch_add(1, Ordering::Relaxed);
        Ok(Arc::new(Self { id, edit, bytes, lookup: OnceLock::new(), stamp: Stamp::of(file) }))
    }

    fn lookup(&self) -> &Lookup {
        self.lookup.get_or_init(|| {
            let mut lookup = Lookup { tags: TagIndex::new(), listed: HashSet::new() };
            for entry in self.edit.entries() {
                lookup.add(entry);
            }
            lookup
        })
    }

    pub(crate) fn is_listed(&self, digest: &Digest) -> bool {
        self.lookup().listed.contains(digest)
    }

    /// What a tag stands for: the entry's descriptor without the name, which belongs to the layout alone.
    pub(crate) fn tagged(&self, tag: &str) -> Option<&Descriptor> {
        self.lookup().tags.get(tag)
    }

    /// The tags, sorted; with `last`, only those behind it. A name that is a digest is no tag.
    pub(crate) fn tags(&self, last: Option<&str>) -> Vec<String> {
        let tags = self.lookup().tags.after(last).map(|(tag, _)| tag);
        tags.filter(|tag| tag.parse::<Digest>().is_err()).map(ToOwned::to_owned).collect()
    }

    /// What a tag stands for on a platform.
    pub(crate) fn tagged_for(&self, tag: &str, wanted: &Platform) -> Option<Descriptor> {
        let serves = |entry: &&Descriptor| {
            name(entry) == Some(tag) && entry.platform.as_ref().is_some_and(|platform| platform.satisfies(wanted))
        };
        self.edit.entries().find(serves).map(nameless)
    }

    /// The plain descriptor of an entry.
    pub(crate) fn entry(&self, digest: &Digest) -> Option<Descriptor> {
        self.edit.entries().find(|entry| entry.digest == *digest).map(Descriptor::plain)
    }
}

impl Lookup {
    /// Of entries with one name the last counts; of those that a platform tells apart, the first.
    fn add(&mut self, entry: &Descriptor) {
        self.listed.insert(entry.digest.clone());
        let Some(tag) = name(entry) else { return };
        let is_variant = entry.platform.is_some() && self.tags.get(tag).is_some_and(|found| found.platform.is_some());
        if !is_variant {
            self.tags.insert(tag, nameless(entry));
        }
    }
}

/// Writes a file in `ingest`, and renames it: a reader sees the old or the new one.
pub(crate) fn write_whole(ingest: &Path, path: &Path, bytes: &[u8], sync: bool) -> Result<File> {
    let write = || {
        fs::create_dir_all(ingest)?;
        let mut builder = tempfile::Builder::new();
        for_everybody(builder.prefix("document-").suffix(".tmp"));
        let mut temp = builder.tempfile_in(ingest)?;
        temp.write_all(bytes)?;
        if sync {
            temp.as_file().sync_all()?;
        }
        temp.persist(path).map_err(|error| error.error)
    };
    let file = write().map_err(|error| failed("write", path, error))?;
    if sync {
        ingest::sync_parent(path)?;
    }
    Ok(file)
}

/// Temporary files are for their owner alone; documents are for whom the process's mask says.
#[cfg(unix)]
fn for_everybody(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn for_everybody(_: &mut tempfile::Builder<'_, '_>) {}
