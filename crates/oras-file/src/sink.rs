//! Named content on its way into a file: written beside its place, verified there, and renamed.

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, UNIX_EPOCH},
};

use oras_content::{
    Blob, Error, ErrorKind, Result,
    fs::{Stamp, blocking, failed, fill},
};
use oras_descriptor::{Algorithm, Descriptor, Digest};

use crate::{
    modes,
    name::NameError,
    options::FileOptions,
    place::{self, Beside, Missing, Place},
    store::Inner,
};

/// The annotation of a single file that keeps its mode, in octal.
pub const FILE_MODE: &str = "land.oras.file.mode";
/// The annotation of a single file that keeps the time of its last change, in seconds since 1970.
pub const FILE_MTIME: &str = "land.oras.file.mtime";

/// How much is hashed at once.
const READ_SIZE: usize = 256 * 1024;
/// And at least: files of the system may say that they are empty.
const MIN_READ_SIZE: usize = 4 * 1024;

/// Content up to this size is gathered in memory, and written in one short visit: more of them would cost more than the
/// writing.
const SMALL: u64 = 64 * 1024;

/// Writes the content of a descriptor into the file of a name, and gives its path.
pub(crate) async fn write_file<F>(inner: &Inner<F>, name: &str, desc: &Descriptor, content: Blob) -> Result<PathBuf> {
    let Inner { root, options, lane, .. } = inner;
    if desc.size <= SMALL && !options.resume {
        let bytes = content.verify(desc).bytes(desc.size).await?;
        let (root, options, name, desc) = (root.clone(), options.clone(), name.to_owned(), desc.clone());
        return lane.run(move || write_whole(&root, &options, &name, &desc, &bytes)).await;
    }
    let (root, opening, name, digest) = (root.clone(), options.clone(), name.to_owned(), desc.digest.clone());
    let (place, beside) = blocking(move || {
        let place = Arc::new(place::find(&root, &opening, &name, Missing::Create)?);
        check_free(&place, &opening, &name)?;
        let beside = if opening.resume { place.open_part(&digest)? } else { place.create_beside()? };
        Ok((place, beside))
    })
    .await?;
    let beside = receive(&place, beside, desc, content).await?;
    let (options, desc) = (options.clone(), desc.clone());
    blocking(move || finish(&place, beside, &options, &desc)).await
}

/// Writes content into a file beside its place. What broke off may be continued; what is wrong may not.
async fn receive(place: &Place, mut beside: Beside, desc: &Descriptor, content: Blob) -> Result<Beside> {
    if let Err(error) = fill(&beside.file, &place.path, desc, content).await {
        beside.keep &= error.kind() != ErrorKind::Corrupt;
        return Err(error);
    }
    Ok(beside)
}

fn write_whole(root: &Path, options: &FileOptions, name: &str, desc: &Descriptor, bytes: &[u8]) -> Result<PathBuf> {
    let place = Arc::new(place::find(root, options, name, Missing::Create)?);
    check_free(&place, options, name)?;
    let mut beside = place.create_beside()?;
    beside.file.write_all(bytes).map_err(|error| failed("write", &place.path, error))?;
    finish(&place, beside, options, desc)
}

fn check_free(place: &Place, options: &FileOptions, name: &str) -> Result<()> {
    match place.dir.symlink_metadata(&place.name) {
        Ok(found) if found.is_dir() => {
            Err(Error::new(ErrorKind::Denied, format!("the name {name:?} is that of a directory")))
        }
        Ok(_) if options.keep_existing => Err(NameError::Exists { name: name.to_owned() }.into()),
        // A link is replaced, not followed.
        Ok(_) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(failed("look at", &place.path, error)),
    }
}

/// Lets a file take its place when nothing is missing.
fn finish(place: &Place, beside: Beside, options: &FileOptions, desc: &Descriptor) -> Result<PathBuf> {
    dress(&beside, options, desc).map_err(|error| failed("finish", &place.path, error))?;
    beside.persist()?;
    Ok(place.path.clone())
}

/// Gives a file the mode and the time of its annotations, and puts it on the disk, where the options say so.
fn dress(beside: &Beside, options: &FileOptions, desc: &Descriptor) -> std::io::Result<()> {
    if options.keep_metadata {
        if let Some(mode) = desc.annotations.get(FILE_MODE).and_then(|mode| u32::from_str_radix(mode, 8).ok()) {
            modes::set(&beside.file, mode & 0o777)?;
        }
        if let Some(seconds) = desc.annotations.get(FILE_MTIME).and_then(|seconds| seconds.parse().ok()) {
            beside.file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds))?;
        }
    }
    if options.sync { beside.file.sync_all() } else { Ok(()) }
}

/// Keeps mode and time of a file in annotations.
pub(crate) fn annotate(desc: &mut Descriptor, metadata: &fs::Metadata) {
    if let Some(mode) = mode_of(metadata) {
        desc.annotations.insert(FILE_MODE.into(), format!("{mode:04o}"));
    }
    let modified = metadata.modified().ok().and_then(|modified| modified.duration_since(UNIX_EPOCH).ok());
    if let Some(since) = modified {
        desc.annotations.insert(FILE_MTIME.into(), since.as_secs().to_string());
    }
}

#[cfg(unix)]
fn mode_of(metadata: &fs::Metadata) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt as _;
    Some(metadata.permissions().mode() & 0o777)
}

#[cfg(not(unix))]
fn mode_of(_: &fs::Metadata) -> Option<u32> {
    None
}

/// The path of the file of a name, if the content of a descriptor is there already.
pub(crate) fn find_identical(
    root: &Path,
    options: &FileOptions,
    name: &str,
    desc: &Descriptor,
    cancelled: &AtomicBool,
) -> Result<Option<PathBuf>> {
    let place = match place::find(root, options, name, Missing::Refuse) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        place => place?,
    };
    let is_candidate =
        place.dir.symlink_metadata(&place.name).is_ok_and(|found| found.is_file() && found.len() == desc.size);
    if !is_candidate {
        return Ok(None);
    }
    let hashed = hash_file(&place.path, desc.algorithm()?, cancelled)?;
    Ok((hashed.digest == desc.digest).then_some(place.path))
}

/// What a file held when it was hashed.
pub(crate) struct Hashed {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// What it bears for as long as it holds that.
    pub(crate) stamp: Option<Stamp>,
}

/// The digest and the size of a file.
pub(crate) fn hash_file(path: &Path, algorithm: Algorithm, cancelled: &AtomicBool) -> Result<Hashed> {
    let failed = |error| failed("read", path, error);
    let mut file = File::open(path).map_err(failed)?;
    let found = file.metadata().map_err(failed)?;
    let (stamp, len) = (Stamp::of(&found), found.len());
    // For many small files, clearing a buffer would cost more than reading into it.
    let buffer_size = usize::try_from(len).unwrap_or(READ_SIZE).clamp(MIN_READ_SIZE, READ_SIZE);
    let (mut hasher, mut buffer, mut size) = (algorithm.hasher(), vec![0; buffer_size], 0);
    loop {
        if cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Other, "hashing a file was given up"));
        }
        match file.read(&mut buffer).map_err(failed)? {
            0 => break,
            len => {
                hasher.update(buffer.get(..len).unwrap_or_default());
                size += len as u64;
            }
        }
    }
    Ok(Hashed { digest: hasher.finish(), size, stamp })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::error::Error as _;

    use super::*;

    #[tokio::test]
    async fn a_file_that_finds_no_space_is_named_by_its_final_path() {
        let (dir, options, bytes) = (tempfile::tempdir().unwrap(), FileOptions::new(), vec![1; 1 << 20]);
        let place = Arc::new(place::find(dir.path(), &options, "a/model", Missing::Create).unwrap());
        let mut beside = place.create_beside().unwrap();
        beside.file = File::options().read(true).write(true).open("/dev/full").unwrap();
        let desc = Descriptor::of("a/b", &bytes);
        let error = receive(&place, beside, &desc, Blob::from_bytes(bytes.into())).await.unwrap_err();
        let cause = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
        assert_eq!(error.to_string(), format!("cannot write {}", dir.path().join("a/model").display()));
        assert_eq!(cause.map(std::io::Error::kind), Some(std::io::ErrorKind::StorageFull));
        assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Io, false));
        assert_eq!(fs::read_dir(dir.path().join("a")).unwrap().count(), 0, "nothing is left");
    }
}
