//! Unpacking a verified archive into the directory of its name.

use std::{
    cell::Cell,
    fs::File,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io::{self, Read},
    path::{Path, PathBuf},
    rc::Rc,
    sync::atomic::{AtomicBool, Ordering},
};

use cap_std::fs::Dir;
use oras_content::{Digest, Error, ErrorKind, Result, fs::failed};
use oras_descriptor::Hasher;

use crate::{
    ahead::Ahead,
    compress::decompress,
    extract::{Bounds, Extractor},
    name::{NameError, Target, follow},
    options::FileOptions,
    place::{self, Missing, Place},
    policy::{LinkPolicy, RATIO_FLOOR, UnpackPolicy},
};

/// What is to be unpacked.
pub(crate) struct Job<'a> {
    /// The name under which the archive was packed: the first part of each path in it.
    pub(crate) title: &'a str,
    /// The name of the directory to unpack into.
    pub(crate) name: &'a str,
    /// The digest of the archive before compression, if it is known.
    pub(crate) expected: Option<&'a Digest>,
    pub(crate) cancelled: &'a AtomicBool,
}

/// Unpacks an archive below `root`; for blocking threads only.
///
/// A directory that is not there yet appears when all of it is.
pub(crate) fn unpack(root: &Path, options: &FileOptions, archive: &Path, job: &Job<'_>) -> Result<()> {
    if follow(root, job.name) == Target::Inside(Vec::new()) {
        let bounds = Bounds { dir: place::open_root(root)?, base: PathBuf::new(), shown: root.to_owned() };
        return run(bounds, options, archive, job);
    }
    let place = place::find(root, options, job.name, Missing::Create)?;
    match place.dir.symlink_metadata(&place.name) {
        Ok(_) if options.keep_existing => Err(NameError::Exists { name: job.name.to_owned() }.into()),
        Ok(found) if found.is_dir() => run(bounds(root, options, &place, &place.name)?, options, archive, job),
        Ok(_) => Err(Error::new(ErrorKind::Denied, format!("{} is no directory", place.path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => unpack_new(root, options, &place, archive, job),
        Err(error) => Err(failed("look at", &place.path, error)),
    }
}

fn unpack_new(root: &Path, options: &FileOptions, place: &Place, archive: &Path, job: &Job<'_>) -> Result<()> {
    let hidden = format!(".oras-{:016x}.tmp", RandomState::new().build_hasher().finish());
    place.dir.create_dir(&hidden).map_err(|error| failed("create", &place.path, error))?;
    let unpacked = bounds(root, options, place, &hidden).and_then(|bounds| run(bounds, options, archive, job));
    let renamed = unpacked.and_then(|()| {
        let renamed = place.dir.rename(&hidden, &place.dir, &place.name);
        renamed.map_err(|error| failed("create", &place.path, error))
    });
    renamed.inspect_err(|_| {
        let _ = place.dir.remove_dir_all(&hidden);
    })
}

/// What the links of an archive may reach: the directory that is unpacked, or the whole store.
fn bounds(root: &Path, options: &FileOptions, place: &Place, name: &str) -> Result<Bounds> {
    let shown = place.path.clone();
    let below_root = place.path.parent().and_then(|parent| parent.strip_prefix(root).ok());
    match below_root.filter(|_| options.unpack.links == LinkPolicy::InsideStore) {
        Some(parent) => {
            let dir = place::open_root(root)?;
            // Links on the way to the directory are gone from the path that is counted from here on.
            let parent = place::without_links(&dir, parent).map_err(|error| failed("open", &shown, error))?;
            let base = parent.join(name);
            Ok(Bounds { dir, base, shown })
        }
        None => {
            let dir: Dir = place.dir.open_dir(name).map_err(|error| failed("open", &shown, error))?;
            Ok(Bounds { dir, base: PathBuf::new(), shown })
        }
    }
}

fn run(bounds: Bounds, options: &FileOptions, archive: &Path, job: &Job<'_>) -> Result<()> {
    let file = File::open(archive).map_err(|error| failed("open", archive, error))?;
    let packed_size = file.metadata()?.len();
    let hasher = job.expected.and_then(|digest| digest.known_algorithm().ok()).map(|algorithm| algorithm.hasher());
    let meter = Meter::new(&options.unpack, packed_size, job.cancelled);
    let mut input = Metered { inner: Ahead::new(decompress(file)?)?, hasher, meter, headers: HeaderLimit::default() };
    Extractor::new(bounds, options, job.title).extract(&mut input)?;
    // What follows the last entry belongs to the digest too.
    io::copy(&mut input, &mut io::sink())?;
    match (input.hasher.map(Hasher::finish), job.expected) {
        (Some(actual), Some(expected)) if actual != *expected => {
            let message = format!("wrong content of an archive: expected {expected}, found {actual}");
            Err(Error::new(ErrorKind::Corrupt, message))
        }
        _ => Ok(()),
    }
}

/// Counts what comes out of an archive, and stops it where the policy says.
#[derive(Clone)]
pub(crate) struct Meter<'a> {
    max: u64,
    max_by_ratio: u64,
    seen: u64,
    cancelled: &'a AtomicBool,
}

impl<'a> Meter<'a> {
    fn new(policy: &UnpackPolicy, packed_size: u64, cancelled: &'a AtomicBool) -> Self {
        let max_by_ratio = packed_size.saturating_mul(policy.max_ratio).max(RATIO_FLOOR);
        Self { max: policy.max_size, max_by_ratio, seen: 0, cancelled }
    }

    pub(crate) fn add(&mut self, len: u64) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Other, "unpacking was given up"));
        }
        self.seen = self.seen.saturating_add(len);
        let message = if self.seen > self.max {
            format!("an archive holds more than {} bytes", self.max)
        } else if self.seen > self.max_by_ratio {
            format!("an archive holds more than {} bytes, too much for its size", self.max_by_ratio)
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::SizeExceedsLimit, message))
    }
}

/// How much of an archive may come before the content of one entry: its headers, which are held in memory. Names and
/// links have 4 KiB at most on any system, and the rest is for attributes.
const MAX_HEADER_SIZE: u64 = 1 << 20;

/// How much is left for the headers of an entry, while they are read.
#[derive(Clone, Default)]
pub(crate) struct HeaderLimit(Rc<Cell<Option<u64>>>);

impl HeaderLimit {
    /// From here on headers are read.
    pub(crate) fn begin(&self) {
        self.0.set(Some(MAX_HEADER_SIZE));
    }

    /// From here on it is content.
    pub(crate) fn end(&self) {
        self.0.set(None);
    }

    fn take(&self, len: u64) -> Result<()> {
        let Some(left) = self.0.get() else { return Ok(()) };
        let left = left.checked_sub(len).ok_or_else(|| {
            let message = format!("an archive has headers of more than {MAX_HEADER_SIZE} bytes for one entry");
            Error::new(ErrorKind::SizeExceedsLimit, message)
        })?;
        self.0.set(Some(left));
        Ok(())
    }
}

/// The bytes of an archive, counted and hashed.
pub(crate) struct Metered<'a, R> {
    inner: R,
    hasher: Option<Hasher>,
    pub(crate) meter: Meter<'a>,
    pub(crate) headers: HeaderLimit,
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(buffer)?;
        self.meter.add(len as u64)?;
        self.headers.take(len as u64)?;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buffer.get(..len).unwrap_or_default());
        }
        Ok(len)
    }
}
