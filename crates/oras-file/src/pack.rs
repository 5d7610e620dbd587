//! A directory as one archive, written in one pass.

use std::{
    io::{self, BufWriter, Read as _, Write},
    path::Path,
    sync::atomic::{AtomicBool, Ordering},
    time::{SystemTime, UNIX_EPOCH},
};

use cap_std::fs::{Dir, Metadata};
use oras_content::{Error, ErrorKind, MediaType, Result, fs::FileSink};
use oras_descriptor::{Algorithm, Digest, Hasher};

use crate::{
    compress::{Compression, Compressor},
    tar_header::{self, Entry, Kind},
};

/// How much of a file is read at once.
const READ_SIZE: usize = 256 * 1024;

/// Directories deeper than this are refused: each level holds a handle.
const MAX_DEPTH: usize = 512;

/// What is written as the time of each entry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PackTimes {
    /// The beginning of 1970: what the archive holds depends on names, modes and content alone.
    #[default]
    Zero,
    /// The time of the file, but none later than this, in seconds since 1970.
    Clamp(u64),
    /// The time of the file.
    Keep,
}

impl PackTimes {
    /// [`Clamp`](Self::Clamp) with the value of `SOURCE_DATE_EPOCH`, else [`Zero`](Self::Zero).
    ///
    /// Source: "SOURCE_DATE_EPOCH specification", reproducible-builds.org.
    pub fn from_env() -> Self {
        let epoch = std::env::var("SOURCE_DATE_EPOCH").ok().and_then(|text| text.parse().ok());
        epoch.map_or(Self::Zero, Self::Clamp)
    }

    fn of(self, metadata: &Metadata) -> u64 {
        let modified = || metadata.modified().map_or(UNIX_EPOCH, cap_std::time::SystemTime::into_std);
        let seconds = || SystemTime::duration_since(&modified(), UNIX_EPOCH).map_or(0, |since| since.as_secs());
        match self {
            Self::Zero => 0,
            Self::Clamp(latest) => seconds().min(latest),
            Self::Keep => seconds(),
        }
    }
}

/// How a directory is packed: sorted, without owners, and by default so that the same tree gives the same bytes.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PackOptions {
    pub(crate) times: PackTimes,
    pub(crate) compression: Compression,
}

impl PackOptions {
    /// The defaults: no times, gzip.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets what is written as times.
    #[must_use]
    pub const fn with_times(mut self, times: PackTimes) -> Self {
        self.times = times;
        self
    }

    /// Sets how the archive is compressed.
    #[must_use]
    pub const fn with_compression(mut self, compression: Compression) -> Self {
        self.compression = compression;
        self
    }

    pub(crate) fn media_type(&self) -> MediaType {
        self.compression.media_type()
    }
}

/// An archive that was written.
#[derive(Debug)]
pub(crate) struct Packed {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    /// The digest of the archive before compression.
    pub(crate) tar_digest: Digest,
}

/// Packs the directory at `root` under the name `title`; for blocking threads only.
pub(crate) fn pack(
    root: &Path,
    title: &str,
    options: &PackOptions,
    out: FileSink,
    cancelled: &AtomicBool,
) -> Result<Packed> {
    let dir = Dir::open_ambient_dir(root, cap_std::ambient_authority()).map_err(|error| unreadable(root, error))?;
    let metadata = dir.dir_metadata().map_err(|error| unreadable(root, error))?;
    let compressed = Hashing::new(BufWriter::with_capacity(READ_SIZE, out));
    let compressor = Compressor::new(options.compression, compressed)?;
    let mut packer =
        Packer { out: Hashing::new(compressor), times: options.times, cancelled, buffer: vec![0; READ_SIZE] };
    let title = clean(title);
    let name = if title.is_empty() { b"." } else { title.as_slice() };
    packer.header(root, &Entry { kind: Kind::Directory, path: name, ..packer.entry(&metadata) })?;
    packer.children(&dir, root, &title, 0)?;
    tar_header::end(&mut packer.out)?;
    let (compressor, tar_digest, _) = packer.out.finish();
    let (mut file, digest, size) = compressor.finish()?.finish();
    file.flush()?;
    Ok(Packed { digest, size, tar_digest })
}

/// The title as a path: without empty parts, dots, and whatever they undo.
pub(crate) fn clean(title: &str) -> Vec<u8> {
    let mut parts: Vec<&str> = Vec::new();
    for part in title.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    let root = if title.starts_with('/') { "/" } else { "" };
    format!("{root}{}", parts.join("/")).into_bytes()
}

struct Packer<'a, W> {
    out: Hashing<W>,
    times: PackTimes,
    cancelled: &'a AtomicBool,
    buffer: Vec<u8>,
}

impl<W: Write> Packer<'_, W> {
    fn entry(&self, metadata: &Metadata) -> Entry<'static> {
        let mtime = self.times.of(metadata);
        Entry { kind: Kind::File, path: b"", link: b"", mode: mode_of(metadata), size: 0, mtime }
    }

    fn header(&mut self, shown: &Path, entry: &Entry<'_>) -> Result<()> {
        if self.cancelled.load(Ordering::Relaxed) {
            return Err(Error::new(ErrorKind::Other, "packing was given up"));
        }
        tar_header::write(&mut self.out, entry).map_err(|error| failed("pack", shown, error))
    }

    /// Packs what is in a directory, in ascending order of the names' bytes.
    fn children(&mut self, dir: &Dir, shown: &Path, path: &[u8], depth: usize) -> Result<()> {
        if depth > MAX_DEPTH {
            let message = format!("{} is deeper than {MAX_DEPTH} directories", shown.display());
            return Err(Error::new(ErrorKind::SizeExceedsLimit, message));
        }
        let list = || dir.entries()?.map(|entry| entry.map(|entry| entry.file_name())).collect::<io::Result<Vec<_>>>();
        let mut names = list().map_err(|error| unreadable(shown, error))?;
        names.sort_by(|a, b| a.as_encoded_bytes().cmp(b.as_encoded_bytes()));
        for name in names {
            let shown = shown.join(&name);
            let path = match path {
                [] => name.as_encoded_bytes().to_vec(),
                _ => [path, b"/", name.as_encoded_bytes()].concat(),
            };
            let metadata = dir.symlink_metadata(&name).map_err(|error| unreadable(&shown, error))?;
            let entry = Entry { path: &path, ..self.entry(&metadata) };
            if metadata.is_dir() {
                self.header(&shown, &Entry { kind: Kind::Directory, ..entry })?;
                let child = dir.open_dir(&name).map_err(|error| unreadable(&shown, error))?;
                self.children(&child, &shown, &path, depth + 1)?;
            } else if metadata.is_symlink() {
                let link = dir.read_link_contents(&name).map_err(|error| unreadable(&shown, error))?;
                let link = slashed(link.as_os_str().as_encoded_bytes());
                self.header(&shown, &Entry { kind: Kind::Symlink, link: &link, mode: 0o777, ..entry })?;
            } else if metadata.is_file() {
                let mut file = dir.open(&name).map_err(|error| unreadable(&shown, error))?;
                self.file(&mut file, &shown, entry)?;
            } else {
                let message = format!("{} is neither a file nor a directory nor a link", shown.display());
                return Err(Error::new(ErrorKind::Unsupported, message));
            }
        }
        Ok(())
    }

    fn file(&mut self, file: &mut cap_std::fs::File, shown: &Path, entry: Entry<'_>) -> Result<()> {
        let before = file.metadata().map_err(|error| unreadable(shown, error))?;
        let size = before.len();
        self.header(shown, &Entry { size, ..entry })?;
        let mut buffer = std::mem::take(&mut self.buffer);
        let written = self.content(file, &mut buffer, size, shown);
        self.buffer = buffer;
        written?;
        let after = file.metadata().map_err(|error| unreadable(shown, error))?;
        if after.len() != size || after.modified().ok() != before.modified().ok() {
            return Err(changed(shown));
        }
        tar_header::pad(&mut self.out, size).map_err(|error| failed("pack", shown, error))
    }

    fn content(&mut self, file: &mut cap_std::fs::File, buffer: &mut [u8], size: u64, shown: &Path) -> Result<()> {
        let mut left = size;
        loop {
            if self.cancelled.load(Ordering::Relaxed) {
                return Err(Error::new(ErrorKind::Other, "packing was given up"));
            }
            match file.read(buffer) {
                Ok(0) if left == 0 => return Ok(()),
                Ok(0) => return Err(changed(shown)),
                Ok(len) => {
                    left = left.checked_sub(len as u64).ok_or_else(|| changed(shown))?;
                    let chunk = buffer.get(..len).unwrap_or_default();
                    self.out.write_all(chunk).map_err(|error| failed("pack", shown, error))?;
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(unreadable(shown, error)),
            }
        }
    }
}

fn slashed(link: &[u8]) -> Vec<u8> {
    link.iter().map(|byte| if cfg!(windows) && *byte == b'\\' { b'/' } else { *byte }).collect()
}

fn changed(path: &Path) -> Error {
    Error::new(ErrorKind::Corrupt, format!("{} changed while it was read", path.display()))
}

fn unreadable(path: &Path, error: io::Error) -> Error {
    failed("read", path, error)
}

fn failed(verb: &str, path: &Path, error: io::Error) -> Error {
    oras_content::fs::failed(verb, path, error)
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> u32 {
    use cap_std::fs::MetadataExt as _;
    metadata.mode() & 0o7777
}

#[cfg(not(unix))]
fn mode_of(metadata: &Metadata) -> u32 {
    if metadata.is_dir() { 0o755 } else { 0o644 }
}

/// Hashes and counts what goes through.
pub(crate) struct Hashing<W> {
    inner: W,
    hasher: Hasher,
    size: u64,
}

impl<W> Hashing<W> {
    fn new(inner: W) -> Self {
        Self { inner, hasher: Algorithm::Sha256.hasher(), size: 0 }
    }

    fn finish(self) -> (W, Digest, u64) {
        (self.inner, self.hasher.finish(), self.size)
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..len).unwrap_or_default());
        self.size += len as u64;
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{error::Error as _, fs, num::NonZeroUsize};

    use super::*;

    #[test]
    fn an_archive_that_finds_no_space_is_named_and_not_what_went_into_it() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("large"), vec![7; 1 << 20]).unwrap();
        let kinds = [
            Compression::None,
            Compression::Gzip(1),
            Compression::ParallelGzip { level: 1, threads: NonZeroUsize::MIN },
            #[cfg(feature = "zstd")]
            Compression::Zstd(1),
        ];
        for compression in kinds {
            let options = PackOptions::new().with_compression(compression);
            let full = fs::File::options().write(true).open("/dev/full").unwrap();
            let out = FileSink::new(full, "/temp/packed-1");
            let error = pack(dir.path(), "d", &options, out, &AtomicBool::new(false)).unwrap_err();
            let cause = error.source().and_then(|source| source.downcast_ref::<io::Error>());
            assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Io, "cannot write /temp/packed-1"));
            assert_eq!(cause.map(io::Error::kind), Some(io::ErrorKind::StorageFull), "{compression:?}");
        }
    }
}
