//! A layout in one file: a tar archive whose entries are found once and then read where they are.

use std::{
    cell::Cell,
    collections::HashMap,
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

use bytes::Bytes;
use oras_content::{
    Blob, BlobSource, BoxFuture, ByteStream, Error, ErrorKind, Fetcher, ReadOnlyStorage, Result, Sum,
    fs::{FileSource, blocking, failed},
};
use oras_descriptor::{Descriptor, Digest};
use tempfile::TempPath;

#[cfg(feature = "gzip")]
use crate::inflate::inflate;
use crate::{
    blobs::{check_limit, verify},
    graph::ManifestReader,
    names::INDEX_FILE,
    options::TarOptions,
    version::VERSION_FILE,
};

/// The blobs of a layout in a tar archive, plain or compressed with gzip, without its index.
///
/// The archive is read once when it is opened, and blobs are then read from where they are in it; a compressed one is
/// unpacked into a temporary file first. Entries may come in any order, and of two with one name the last counts. What
/// a layout does not know is passed over.
#[derive(Clone, Debug)]
pub struct TarBlobs {
    archive: Arc<Archive>,
    metadata_limit: u64,
}

#[derive(Debug)]
struct Archive {
    path: PathBuf,
    entries: HashMap<String, Place>,
    /// The unpacked archive, if it was compressed; it goes with the last blob.
    _unpacked: Option<TempPath>,
}

/// Where an entry's content is; nothing for an entry that has none of its own, such as a link.
type Place = Option<Section>;

#[derive(Clone, Copy, Debug)]
struct Section {
    start: u64,
    len: u64,
}

impl TarBlobs {
    /// Opens an archive.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such file; [`ErrorKind::Corrupt`] when it is no tar archive, or has
    /// entries with absolute names or names that lead upwards; [`ErrorKind::SizeExceedsLimit`] when it is compressed and
    /// unpacks to more than 256 GiB, or to more than 16 MiB and 100 times its size, or when an entry has headers of more
    /// than 1 MiB; [`ErrorKind::Unsupported`] when it is compressed and the feature `gzip` is off.
    ///
    /// # Cancel safety
    ///
    /// The thread that reads the archive ends by itself; nothing changes.
    pub async fn open(path: impl Into<PathBuf>) -> Result<Self> {
        Self::open_with(path, TarOptions::new()).await
    }

    /// As [`open`](Self::open), with options.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open), with the limits of the options.
    ///
    /// # Cancel safety
    ///
    /// As [`open`](Self::open).
    pub async fn open_with(path: impl Into<PathBuf>, options: TarOptions) -> Result<Self> {
        let path = path.into();
        blocking(move || {
            let path = std::path::absolute(&path).map_err(|error| failed("find", &path, error))?;
            Ok(Self { archive: Arc::new(Archive::open(path, &options)?), metadata_limit: options.metadata_limit })
        })
        .await
    }

    /// A document of the layout, such as its index; nothing when it is not there.
    pub(crate) fn document(&self, name: &str) -> Result<Option<Bytes>> {
        match self.archive.entries.get(name) {
            None => Ok(None),
            Some(None) => Err(no_file(name)),
            Some(Some(section)) if section.len > MAX_DOCUMENT_SIZE => {
                let message = format!("{name} has {} bytes, more than the limit of {MAX_DOCUMENT_SIZE}", section.len);
                Err(Error::new(ErrorKind::SizeExceedsLimit, message))
            }
            Some(Some(section)) => self.archive.read(*section).map(Some),
        }
    }

    pub(crate) fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        Ok(self.section(digest)?.map(|section| section.len))
    }

    fn section(&self, digest: &Digest) -> Result<Place> {
        let name = format!("blobs/{}/{}", digest.algorithm(), digest.encoded());
        match self.archive.entries.get(&name) {
            Some(None) => Err(no_file(&name)),
            Some(section) => Ok(*section),
            None => Ok(None),
        }
    }
}

/// An index of a million manifests has about this size; what is larger is none.
const MAX_DOCUMENT_SIZE: u64 = 256 << 20;

fn no_file(name: &str) -> Error {
    Error::unsupported(format_args!("the entry {name:?}, which is no regular file,"))
}

impl Archive {
    fn open(path: PathBuf, options: &TarOptions) -> Result<Self> {
        let open = |path: &Path| File::open(path).map_err(|error| failed("open", path, error));
        let mut file = open(&path)?;
        let mut magic = [0; 2];
        let is_gzip = file.read_exact(&mut magic).is_ok() && magic == [0x1f, 0x8b];
        file.rewind().map_err(|error| failed("read", &path, error))?;
        if !is_gzip {
            let entries = entries(file, &path)?;
            return Ok(Self { path, entries, _unpacked: None });
        }
        let unpacked = inflate(file, &path, options)?;
        let entries = entries(open(&unpacked)?, &path)?;
        Ok(Self { path: unpacked.to_path_buf(), entries, _unpacked: Some(unpacked) })
    }

    fn read(&self, section: Section) -> Result<Bytes> {
        let read = || {
            let mut file = File::open(&self.path)?;
            file.seek(SeekFrom::Start(section.start))?;
            let mut bytes = Vec::new();
            file.take(section.len).read_to_end(&mut bytes)?;
            Ok(bytes.into())
        };
        read().map_err(|error| failed("read", &self.path, error))
    }
}

#[cfg(not(feature = "gzip"))]
fn inflate(_: File, path: &Path, _: &TarOptions) -> Result<TempPath> {
    Err(Error::unsupported(format_args!("reading {}, which is compressed, without the feature `gzip`", path.display())))
}

/// How much may come before the content of one entry: its headers, which are held in memory. Names of a layout have 150
/// bytes at most, and what else others write there is attributes.
const MAX_HEADER_SIZE: u64 = 1 << 20;

/// A tar archive whose contents are passed over, so that what is read of it is headers.
struct Headers {
    file: File,
    /// How much of them may come before the next entry.
    left: Rc<Cell<u64>>,
}

impl Read for Headers {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let len = self.file.read(buffer)?;
        let left = self.left.get().checked_sub(len as u64).ok_or_else(|| {
            let message = format!("an entry has headers of more than {MAX_HEADER_SIZE} bytes");
            Error::new(ErrorKind::SizeExceedsLimit, message)
        })?;
        self.left.set(left);
        Ok(len)
    }
}

impl Seek for Headers {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

/// Where each entry of a layout is. Errors are about the archive at `path`.
fn entries(file: File, path: &Path) -> Result<HashMap<String, Place>> {
    let broken = |error| unreadable(path, error);
    let len = file.metadata().map_err(broken)?.len();
    let mut entries = HashMap::new();
    let left = Rc::new(Cell::new(MAX_HEADER_SIZE));
    let mut archive = tar::Archive::new(Headers { file, left: Rc::clone(&left) });
    for entry in archive.entries_with_seek().map_err(broken)? {
        let entry = entry.map_err(broken)?;
        left.set(MAX_HEADER_SIZE);
        let Some(name) = clean(&entry.path_bytes(), path)? else { continue };
        let section = Section { start: entry.raw_file_position(), len: entry.size() };
        if section.start.saturating_add(section.len) > len {
            return Err(Error::new(ErrorKind::Corrupt, format!("{name:?} is cut off in {}", path.display())));
        }
        let is_file = matches!(entry.header().entry_type(), tar::EntryType::Regular | tar::EntryType::Continuous);
        let is_layout = [INDEX_FILE, VERSION_FILE].contains(&name.as_str()) || name.starts_with("blobs/");
        if is_layout && !entry.header().entry_type().is_dir() {
            entries.insert(name, is_file.then_some(section));
        }
    }
    Ok(entries)
}

/// An error of reading an archive: the system's, or else one about what the archive holds.
pub(crate) fn unreadable(path: &Path, error: io::Error) -> Error {
    if error.raw_os_error().is_some() || Error::find_in(&error).is_some() {
        return failed("read", path, error);
    }
    Error::new(ErrorKind::Corrupt, format!("{} is no whole layout archive", path.display())).with_source(error)
}

/// The name of an entry without dots; nothing for one that is no text, which no name of a layout is.
fn clean(name: &[u8], path: &Path) -> Result<Option<String>> {
    let Ok(name) = std::str::from_utf8(name) else { return Ok(None) };
    let parts: Vec<&str> = name.split('/').filter(|part| !matches!(*part, "" | ".")).collect();
    if name.starts_with('/') || parts.contains(&"..") {
        let message = format!("the name {name:?} leads out of {}", path.display());
        return Err(Error::new(ErrorKind::Corrupt, message));
    }
    Ok(Some(parts.join("/")))
}

impl ManifestReader for TarBlobs {
    fn read_manifest(&self, desc: &Descriptor) -> Result<Option<Bytes>> {
        check_limit(desc, self.metadata_limit)?;
        let Some(section) = self.section(&desc.digest)? else {
            return Ok(None);
        };
        check_limit(&Descriptor { size: section.len, ..desc.plain() }, self.metadata_limit)?;
        let bytes = self.archive.read(section)?;
        verify(desc, &bytes)?;
        Ok(Some(bytes))
    }
}

/// A section of an archive that stays for as long as it is read.
struct EntrySource {
    source: FileSource,
    _archive: Arc<Archive>,
}

impl BlobSource for EntrySource {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        self.source.open(offset)
    }

    fn open_summed<'a>(&'a self, offset: u64, sum: &'a Sum) -> BoxFuture<'a, Result<(ByteStream, bool)>> {
        self.source.open_summed(offset, sum)
    }
}

impl Fetcher for TarBlobs {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        let section = self.section(&desc.digest)?.ok_or_else(|| Error::not_found(desc))?;
        let source = FileSource::new(&self.archive.path).section(section.start, section.len);
        let source = EntrySource { source, _archive: Arc::clone(&self.archive) };
        Ok(Blob::from_source(Some(desc.size), Arc::new(source)).verify(desc))
    }
}

impl ReadOnlyStorage for TarBlobs {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        Ok(self.size(&desc.digest)? == Some(desc.size))
    }
}
