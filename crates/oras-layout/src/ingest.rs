//! Content on its way in: written into `ingest/`, verified there, and renamed into `blobs/`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Seek as _, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use oras_content::{
    Blob, Error, ErrorKind, Result,
    fs::{blocking, rehash, write_and_hash, write_blob},
};
use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::{blobs::BlobDir, failed};

/// Content up to this size is gathered in memory and written at once: a file that small is not worth continuing.
const SMALL: u64 = 64 * 1024;

/// How often a partial file is looked for again when it was renamed or removed in the moment before it was locked.
const MAX_CLAIMS: u32 = 8;

/// A file in `ingest/` that this process alone writes.
struct Part {
    path: PathBuf,
    /// Shares its lock with the handle that is written through, and holds it until this is dropped.
    file: File,
    len: u64,
    keep: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Stores the content of a descriptor. A partial file of an earlier attempt is continued.
pub(crate) async fn push(dir: &BlobDir, desc: &Descriptor, content: Blob) -> Result<()> {
    if desc.size <= SMALL {
        return dir.store(desc, content.bytes(desc.size).await?).await;
    }
    let (blobs, wanted) = (dir.clone(), desc.plain());
    let mut part = blocking(move || claim(&blobs, &wanted)).await?;
    match write(&mut part, desc, content).await {
        Ok(()) => {
            let (dir, desc) = (dir.clone(), desc.plain());
            blocking(move || commit(&dir, part, &desc)).await
        }
        Err(error) => {
            // What broke off is kept for the next attempt; what is wrong or empty is not.
            let is_empty = part.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
            part.keep &= error.kind() != ErrorKind::Corrupt && !is_empty;
            Err(error)
        }
    }
}

async fn write(part: &mut Part, desc: &Descriptor, content: Blob) -> Result<()> {
    if part.len == 0 || part.len > desc.size {
        return write_blob(content, part.truncated()?).await.map(|_| ());
    }
    // Replayed, because content that was started cannot be resumed.
    let (Some(rest), Some(whole)) = (content.replay(), content.replay()) else {
        return write_blob(content, part.truncated()?).await.map(|_| ());
    };
    let (file, verifier) = rehash(part.handle()?, desc).await?;
    match write_blob(rest.resume(verifier)?, file).await {
        // The earlier attempt had left wrong bytes: the source is not to blame yet.
        Err(error) if error.kind() == ErrorKind::Corrupt => {}
        written => return written.map(|_| ()),
    }
    write_blob(whole, part.truncated()?).await.map(|_| ())
}

impl Part {
    fn handle(&self) -> Result<File> {
        self.file.try_clone().map_err(|error| failed("open", &self.path, error))
    }

    fn truncated(&mut self) -> Result<File> {
        let truncate = || {
            self.file.set_len(0)?;
            (&self.file).rewind()
        };
        truncate().map_err(|error| failed("truncate", &self.path, error))?;
        self.handle()
    }
}

/// Stores content that is not described yet.
pub(crate) async fn describe(
    dir: &BlobDir,
    media_type: &MediaType,
    algorithm: Algorithm,
    content: Blob,
) -> Result<Descriptor> {
    let ingest = dir.ingest_dir();
    let part = blocking(move || scratch(&ingest, "new")).await?;
    let (_, digest, size) = write_and_hash(content, part.handle()?, algorithm).await?;
    let media_type = if media_type.is_empty() { MediaType::OCTET_STREAM } else { media_type.clone() };
    let desc = Descriptor::new(media_type, digest, size);
    let (dir, plain) = (dir.clone(), desc.plain());
    match blocking(move || commit(&dir, part, &plain)).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(desc),
    }
}

/// Writes verified bytes.
pub(crate) fn store(dir: &BlobDir, desc: &Descriptor, bytes: &Bytes) -> Result<()> {
    let part = scratch(&dir.ingest_dir(), desc.digest.encoded())?;
    (&part.file).write_all(bytes).map_err(|error| failed("write", &part.path, error))?;
    commit(dir, part, desc)
}

/// The partial file of a digest, or, while another one writes that, a file of a random name.
fn claim(dir: &BlobDir, desc: &Descriptor) -> Result<Part> {
    let (ingest, digest) = (dir.ingest_dir(), &desc.digest);
    let path = ingest.join(format!("{}-{}.part", digest.algorithm(), digest.encoded()));
    fs::create_dir_all(&ingest).map_err(|error| failed("create", &ingest, error))?;
    for _ in 0..MAX_CLAIMS {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| failed("open", &path, error))?;
        // Where locks are not supported, a file of its own does as well.
        if file.try_lock().is_err() {
            break;
        }
        if dir.holds(desc)? {
            return Err(Error::already_exists(desc));
        }
        // Before it was locked, the file may have become a blob, or have been collected.
        if let Some(len) = still_there(&file, &path)? {
            return Ok(Part { path, file, len, keep: true });
        }
    }
    scratch(&ingest, digest.encoded())
}

/// The length of an open file, if it is still the one at `path`.
fn still_there(file: &File, path: &Path) -> Result<Option<u64>> {
    let Ok(found) = fs::metadata(path) else {
        return Ok(None);
    };
    let ours = file.metadata().map_err(|error| failed("look at", path, error))?;
    Ok(same_file(&ours, &found).then_some(ours.len()))
}

#[cfg(unix)]
pub(crate) fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
pub(crate) fn same_file(a: &fs::Metadata, b: &fs::Metadata) -> bool {
    a.created().ok() == b.created().ok() && a.len() == b.len()
}

/// A file of a random name, locked so that nobody collects it, and removed unless it is committed.
fn scratch(ingest: &Path, stem: &str) -> Result<Part> {
    let create = || {
        fs::create_dir_all(ingest)?;
        let temp = tempfile::Builder::new().prefix(stem).suffix(".tmp").rand_bytes(8).tempfile_in(ingest)?;
        let (file, path) = temp.keep().map_err(|error| error.error)?;
        Ok(Part { path, file, len: 0, keep: false })
    };
    let part = create().map_err(|error| failed("create a file in", ingest, error))?;
    match part.file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Other, format!("{} was locked by another", part.path.display())))
        }
        // Without locks, a file is safe for as long as its lease lasts.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(part),
    }
}

/// Makes a part visible.
fn commit(dir: &BlobDir, mut part: Part, desc: &Descriptor) -> Result<()> {
    let finish = |part: &Part| {
        part.file.set_modified(SystemTime::now())?;
        make_read_only(&part.file)?;
        if dir.options.sync_blobs { part.file.sync_all() } else { Ok(()) }
    };
    finish(&part).map_err(|error| failed("finish", &part.path, error))?;
    part.keep = false;
    if dir.holds(desc)? {
        return Err(Error::already_exists(desc));
    }
    let target = dir.path(&desc.digest);
    rename(&part.path, &target).map_err(|error| match dir.holds(desc) {
        // Where an open file cannot be replaced, another one was first.
        Ok(true) => Error::already_exists(desc),
        _ => failed("create", &target, error).with_descriptor(desc),
    })?;
    part.keep = true;
    if dir.options.sync_blobs {
        sync_parent(&target)?;
    }
    Ok(())
}

fn rename(from: &Path, to: &Path) -> std::io::Result<()> {
    match fs::rename(from, to) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            if let Some(parent) = to.parent() {
                fs::create_dir_all(parent)?;
            }
            fs::rename(from, to)
        }
        renamed => renamed,
    }
}

/// Blobs never change. On Windows a read-only file could not be removed either.
#[cfg(unix)]
fn make_read_only(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    file.set_permissions(fs::Permissions::from_mode(0o444))
}

#[cfg(not(unix))]
fn make_read_only(_: &File) -> std::io::Result<()> {
    Ok(())
}

/// Puts a rename on the disk, where directories can be synced.
pub(crate) fn sync_parent(path: &Path) -> Result<()> {
    if cfg!(unix)
        && let Some(parent) = path.parent()
    {
        let synced = File::open(parent).and_then(|dir| dir.sync_all());
        synced.map_err(|error| failed("sync", parent, error))?;
    }
    Ok(())
}
