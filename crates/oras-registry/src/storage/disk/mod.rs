//! Content in image layouts, one a repository: `ROOT/<name>/_oci`. Sessions are directories in `ROOT/_uploads`.

mod entries;
mod files;
mod layout;
mod read;
mod upload;

use std::{
    collections::{BTreeSet, HashMap},
    fs, io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError, RwLock},
};

use bytes::Bytes;
use oras_descriptor::{Algorithm, Digest};

pub(crate) use files::Durability;
pub(super) use layout::Layout;
pub(super) use read::read;

use super::{Answer, Change, LeftOver, Outcome, Repository, Storage, Writer};
use crate::body::ByteStream;

/// The layout of a repository. No repository can have this as a part of its name.
const LAYOUT: &str = "_oci";

/// Where sessions live.
const UPLOADS: &str = "_uploads";

/// All repositories below one directory.
#[derive(Debug)]
pub(crate) struct Disk {
    root: PathBuf,
    sync: Durability,
    names: RwLock<BTreeSet<String>>,
    open: Mutex<HashMap<String, Arc<Layout>>>,
}

/// Runs work that may block, on a thread of its own.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl Disk {
    /// Opens a directory, and makes it if it is not there.
    pub(crate) async fn open(root: &Path, sync: Durability) -> io::Result<Arc<Self>> {
        let root = root.to_owned();
        blocking(move || {
            fs::create_dir_all(&root)?;
            let names = RwLock::new(files::repositories(&root, LAYOUT)?.into_iter().collect());
            Ok(Arc::new(Self { root, sync, names, open: Mutex::default() }))
        })
        .await
    }

    fn sync(&self) -> Durability {
        self.sync
    }

    fn dir(&self, name: &str) -> PathBuf {
        self.root.join(name).join(LAYOUT)
    }

    /// The layout of a repository, if there is one.
    fn layout(&self, name: &str) -> io::Result<Option<Arc<Layout>>> {
        let known = || self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(layout) = known().get(name) {
            return Ok(Some(Arc::clone(layout)));
        }
        let Some(layout) = Layout::open(self.dir(name), name, self.sync)? else { return Ok(None) };
        self.names.write().unwrap_or_else(PoisonError::into_inner).insert(name.into());
        // Somebody else may have opened it meanwhile: one for all.
        Ok(Some(Arc::clone(known().entry(name.into()).or_insert_with(|| Arc::new(layout)))))
    }

    fn layout_or_new(&self, name: &str) -> io::Result<Arc<Layout>> {
        if let Some(layout) = self.layout(name)? {
            return Ok(layout);
        }
        Layout::create(&self.dir(name), self.sync)?;
        self.layout(name)?.ok_or_else(|| io::Error::other("a new layout has gone"))
    }

    /// Looks into a layout on a thread of its own; nothing when there is none.
    async fn with<T: Send + 'static>(
        self: &Arc<Self>,
        name: &str,
        look: impl FnOnce(&Layout) -> io::Result<T> + Send + 'static,
    ) -> io::Result<Option<T>> {
        let (disk, name) = (Arc::clone(self), name.to_owned());
        blocking(move || disk.layout(&name)?.map(|layout| look(&layout)).transpose()).await
    }
}

impl Storage for Arc<Disk> {
    fn repositories(&self) -> Answer<'_, Vec<String>> {
        let names = self.names.read().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect();
        Box::pin(std::future::ready(Ok(names)))
    }

    fn repository<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Arc<Repository>>> {
        Box::pin(self.with(name, Layout::repository))
    }

    fn change<'a>(&'a self, name: &'a str, change: Change) -> Answer<'a, Outcome> {
        let (disk, name) = (Self::clone(self), name.to_owned());
        Box::pin(blocking(move || {
            let layout = match &change {
                Change::Put(_) => Some(disk.layout_or_new(&name)?),
                Change::DeleteTag(_) | Change::DeleteManifest(_) => disk.layout(&name)?,
            };
            layout.map_or(Ok(Outcome::NotFound), |layout| layout.change(change))
        }))
    }

    fn manifest<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<Bytes>> {
        let digest = digest.clone();
        Box::pin(async move { Ok(self.with(name, move |layout| layout.manifest(&digest)).await?.flatten()) })
    }

    fn blob_size<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<u64>> {
        let digest = digest.clone();
        Box::pin(async move { Ok(self.with(name, move |layout| layout.blob_size(&digest)).await?.flatten()) })
    }

    fn read_blob<'a>(&'a self, name: &'a str, digest: &'a Digest, range: Range<u64>) -> Answer<'a, Option<ByteStream>> {
        let path = self.dir(name).join("blobs").join(digest.algorithm()).join(digest.encoded());
        Box::pin(async move { read(&path, range).await })
    }

    fn delete_blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, bool> {
        let digest = digest.clone();
        Box::pin(async move { Ok(self.with(name, move |layout| layout.delete_blob(&digest)).await?.unwrap_or(false)) })
    }

    fn mount<'a>(&'a self, from: &'a str, to: &'a str, digest: &'a Digest) -> Answer<'a, bool> {
        let (disk, from, to, digest) = (Self::clone(self), from.to_owned(), to.to_owned(), digest.clone());
        Box::pin(blocking(move || {
            let Some(source) = disk.layout(&from)? else { return Ok(false) };
            if source.blob_size(&digest)?.is_none() {
                return Ok(false);
            }
            let (target, path) = (disk.layout_or_new(&to)?, source.path(&digest));
            let linked =
                target.add_blob(&digest, |place| files::link_or_copy(&path, place, &target.scratch(), disk.sync));
            // A source that was deleted meanwhile is none.
            files::absent_is_none(linked).map(|linked| linked.is_some())
        }))
    }

    fn begin<'a>(&'a self, id: &'a str, name: &'a str, algorithm: Algorithm) -> Answer<'a, Box<dyn Writer>> {
        let (disk, dir, name) = (Self::clone(self), self.root.join(UPLOADS).join(id), name.to_owned());
        Box::pin(blocking(move || {
            let writer = upload::DiskWriter::create(disk, dir, &name, algorithm)?;
            Ok(Box::new(writer) as Box<dyn Writer>)
        }))
    }

    fn left_over(&self) -> Answer<'_, Vec<LeftOver>> {
        let disk = Self::clone(self);
        Box::pin(blocking(move || upload::left_over(&disk, &disk.root.join(UPLOADS))))
    }
}
