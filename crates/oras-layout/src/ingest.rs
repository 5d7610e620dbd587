//! Content on its way in: written into `ingest/`, verified there, and renamed into `blobs/`.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use bytes::Bytes;
use futures_util::FutureExt as _;
use oras_content::{
    Blob, Error, ErrorKind, Result,
    fs::{FileSink, blocking, failed, fill, lock_abandoned, write_and_hash},
};
use oras_descriptor::{Algorithm, Descriptor, Digest, MediaType, Verifier};

use crate::blobs::{BlobDir, is_missing};

/// Content up to this size is gathered in memory and written at once: a file that small is not worth continuing.
const SMALL: u64 = 64 * 1024;

/// How much is hashed at once.
const VERIFY_SIZE: usize = 256 * 1024;

/// How often a partial file is looked for again when it was renamed or removed in the moment before it was locked.
const MAX_CLAIMS: u32 = 8;

/// A file in `ingest/` that this process alone writes.
struct Part {
    path: PathBuf,
    /// Shares its lock with the handles that are written through, and holds it until this is dropped.
    file: File,
    keep: bool,
}

impl Drop for Part {
    fn drop(&mut self) {
        if !self.keep {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Stores the content of a descriptor, unless it is here. A partial file of an earlier attempt is continued.
pub(crate) async fn push(dir: &BlobDir, desc: &Descriptor, content: Blob) -> Result<()> {
    let (blobs, wanted) = (dir.clone(), desc.plain());
    if content.is_in_memory() && desc.size <= SMALL {
        return dir
            .lane
            .run(move || {
                check_new(&blobs, &wanted)?;
                store_new(&blobs, &wanted, &at_hand(content, &wanted)?)
            })
            .await;
    }
    let (looked, sought) = (dir.clone(), desc.plain());
    dir.lane.run(move || check_new(&looked, &sought)).await?;
    if desc.size <= SMALL {
        let bytes = content.bytes(desc.size).await?;
        return dir
            .lane
            .run(move || {
                check_new(&blobs, &wanted)?;
                store_new(&blobs, &wanted, &bytes)
            })
            .await;
    }
    let part = blocking(move || claim(&blobs, &wanted)).await?;
    let (dir, part, desc) = (dir.clone(), receive(part, desc, content).await?, desc.plain());
    blocking(move || commit(&dir, part, &desc)).await
}

/// Writes content into a part. What broke off is kept for the next attempt; what is wrong or empty is not.
async fn receive(mut part: Part, desc: &Descriptor, content: Blob) -> Result<Part> {
    if let Err(error) = fill(&part.file, &part.path, desc, content).await {
        let is_empty = part.file.metadata().is_ok_and(|metadata| metadata.len() == 0);
        part.keep &= error.kind() != ErrorKind::Corrupt && !is_empty;
        return Err(error);
    }
    Ok(part)
}

fn check_new(dir: &BlobDir, desc: &Descriptor) -> Result<()> {
    if dir.holds(desc)? { Err(Error::already_exists(desc)) } else { Ok(()) }
}

/// The bytes of content in memory, verified: each visit to a blocking thread costs more than a small file.
pub(crate) fn at_hand(content: Blob, desc: &Descriptor) -> Result<Bytes> {
    let bytes = content.verify(desc).bytes(desc.size).now_or_never();
    bytes.unwrap_or_else(|| Err(Error::new(ErrorKind::Other, "content in memory was waited for").with_descriptor(desc)))
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
    let (digest, size) = receive_new(&part, algorithm, content).await?;
    let media_type = if media_type.is_empty() { MediaType::OCTET_STREAM } else { media_type.clone() };
    let desc = Descriptor::new(media_type, digest, size);
    let (dir, plain) = (dir.clone(), desc.plain());
    match blocking(move || commit(&dir, part, &plain)).await {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(desc),
    }
}

async fn receive_new(part: &Part, algorithm: Algorithm, content: Blob) -> Result<(Digest, u64)> {
    let file = part.file.try_clone().map_err(|error| failed("open", &part.path, error))?;
    let (_, digest, size) = write_and_hash(content, FileSink::new(file, &part.path), algorithm).await?;
    Ok((digest, size))
}

/// Writes verified bytes that the caller has just not found here. Whoever is first within the microseconds of such a write
/// is replaced by the same bytes.
pub(crate) fn store_new(dir: &BlobDir, desc: &Descriptor, bytes: &Bytes) -> Result<()> {
    let mut part = scratch(&dir.ingest_dir(), desc.digest.encoded())?;
    (&part.file).write_all(bytes).map_err(|error| failed("write", &part.path, error))?;
    finish(dir, &mut part)?;
    publish(dir, part, desc)
}

/// Takes a blob from another layout, if it is there and right: by a hard link, or by a copy that the file system makes
/// without moving bytes where it can.
pub(crate) fn link(dir: &BlobDir, desc: &Descriptor, source: &Path) -> Result<bool> {
    let is_candidate = fs::symlink_metadata(source).is_ok_and(|found| found.is_file() && found.len() == desc.size);
    if !is_candidate {
        return Ok(false);
    }
    let mut part = scratch(&dir.ingest_dir(), desc.digest.encoded())?;
    let take = |path: &Path| {
        fs::remove_file(path)?;
        fs::hard_link(source, path).or_else(|_| fs::copy(source, path).map(|_| ()))?;
        File::open(path)
    };
    let Ok(file) = take(&part.path) else { return Ok(false) };
    part.file = file;
    // What is verified is what was linked, whatever happens to the source.
    if !is_right(&part.file, desc).map_err(|error| failed("read", source, error))? {
        return Ok(false);
    }
    match commit(dir, part, desc) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(error),
        Err(_) => Ok(false),
    }
}

fn is_right(mut file: &File, desc: &Descriptor) -> std::io::Result<bool> {
    let (mut verifier, mut buffer) = (Verifier::new(desc).map_err(Error::from)?, vec![0; VERIFY_SIZE]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(verifier.finish().is_ok()),
            len => {
                if verifier.update(buffer.get(..len).unwrap_or_default()).is_err() {
                    return Ok(false);
                }
            }
        }
    }
}

/// The partial file of a digest, or, while another one writes that, a file of a random name.
fn claim(dir: &BlobDir, desc: &Descriptor) -> Result<Part> {
    let (ingest, digest) = (dir.ingest_dir(), &desc.digest);
    let path = ingest.join(format!("{}-{}.part", digest.algorithm(), digest.encoded()));
    fs::create_dir_all(&ingest).map_err(|error| failed("create", &ingest, error))?;
    for _ in 0..MAX_CLAIMS {
        let opened = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
        let file = opened.map_err(|error| failed("open", &path, error))?;
        if !lock_abandoned(&file) {
            break;
        }
        // Before it was locked, the file may have become a blob, or have been collected.
        if still_there(&file, &path)? {
            let mut part = Part { path, file, keep: true };
            if dir.holds(desc)? {
                part.keep = false;
                return Err(Error::already_exists(desc));
            }
            return Ok(part);
        }
    }
    scratch(&ingest, digest.encoded())
}

/// Whether an open file is still the one at `path`.
fn still_there(file: &File, path: &Path) -> Result<bool> {
    let Ok(found) = fs::metadata(path) else {
        return Ok(false);
    };
    let ours = file.metadata().map_err(|error| failed("look at", path, error))?;
    Ok(same_file(&ours, &found))
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
        let temp = tempfile::Builder::new().prefix(stem).suffix(".tmp").rand_bytes(8).tempfile_in(ingest)?;
        let (file, path) = temp.keep().map_err(|error| error.error)?;
        Ok(Part { path, file, keep: false })
    };
    let created = match create() {
        Err(error) if is_missing(&error) => fs::create_dir_all(ingest).and_then(|()| create()),
        created => created,
    };
    let part = created.map_err(|error| failed("create a file in", ingest, error))?;
    match part.file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            Err(Error::new(ErrorKind::Other, format!("{} was locked by another", part.path.display())))
        }
        // Without locks, a file is safe for as long as its lease lasts.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(part),
    }
}

/// Makes a part visible, unless the content came here while it was written.
fn commit(dir: &BlobDir, mut part: Part, desc: &Descriptor) -> Result<()> {
    finish(dir, &mut part)?;
    check_new(dir, desc)?;
    publish(dir, part, desc)
}

/// Makes a part what a blob is. Nobody goes on with it afterwards.
fn finish(dir: &BlobDir, part: &mut Part) -> Result<()> {
    let finish = || {
        part.file.set_modified(SystemTime::now())?;
        make_read_only(&part.file)?;
        if dir.options.sync_blobs { part.file.sync_all() } else { Ok(()) }
    };
    finish().map_err(|error| failed("finish", &part.path, error))?;
    part.keep = false;
    Ok(())
}

/// Gives a part the name of its content.
fn publish(dir: &BlobDir, mut part: Part, desc: &Descriptor) -> Result<()> {
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[tokio::test]
    async fn a_blob_that_finds_no_space_names_its_file() {
        let (path, bytes) = (PathBuf::from("/layout/ingest/sha256-00.part"), Bytes::from(vec![1; 1 << 20]));
        let (desc, blob) = (Descriptor::of("a/b", &bytes), || Blob::from_bytes(bytes.clone()));
        let full = || OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
        let part = || Part { path: path.clone(), file: full(), keep: true };
        let pushed = receive(part(), &desc, blob()).await.map(|_| ()).unwrap_err();
        let ingested = receive_new(&part(), Algorithm::Sha256, blob()).await.unwrap_err();
        for error in [pushed, ingested] {
            let cause = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
            assert_eq!(error.to_string(), format!("cannot write {}", path.display()));
            assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::StorageFull));
            assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Io, false));
        }
    }
}
