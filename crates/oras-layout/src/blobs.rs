//! Blobs by digest, without an index: `blobs/<algorithm>/<encoded>` below a directory.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use bytes::Bytes;
use oras_content::{
    Blob, Deleter, Error, ErrorKind, Fetcher, Location, MountOutcome, Pusher, ReadOnlyStorage, Result,
    fs::{FileSource, Lane, blocking, failed},
};
use oras_descriptor::{Algorithm, Descriptor, Digest, MediaType, Verifier};

use crate::{ingest, names::INGEST, options::LayoutOptions};

/// Stands for a registry in the location of a layout; no registry can be called so.
const LAYOUT_LOCATION: &str = "oci-layout:";

/// Content by digest in a directory, as a layout keeps it, but with neither index nor tags.
///
/// Several processes may share the directory: a blob is seen whole or not at all.
#[derive(Clone, Debug)]
pub struct BlobDir {
    root: Arc<Path>,
    pub(crate) options: LayoutOptions,
    /// For looks, and for files that are written at once.
    pub(crate) lane: Lane,
}

impl BlobDir {
    /// The blobs of the directory `root`, which is created with the first push.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self::with_options(root, LayoutOptions::new())
    }

    /// The same with options.
    pub fn with_options(root: impl Into<PathBuf>, options: LayoutOptions) -> Self {
        Self { root: root.into().into(), options, lane: Lane::new() }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Where the content of a digest is kept, if it is. A digest's grammar has neither `/` nor `..`.
    pub(crate) fn path(&self, digest: &Digest) -> PathBuf {
        self.root.join("blobs").join(digest.algorithm()).join(digest.encoded())
    }

    pub(crate) fn ingest_dir(&self) -> PathBuf {
        self.root.join(INGEST)
    }

    /// The size of the content, if it is there. Asking renews its lease, as whoever asks is about to count on it.
    pub(crate) fn size(&self, digest: &Digest) -> Result<Option<u64>> {
        let path = self.path(digest);
        match fs::metadata(&path) {
            Ok(metadata) if metadata.is_file() => {
                self.renew(&path, &metadata);
                Ok(Some(metadata.len()))
            }
            Ok(_) => Ok(None),
            Err(error) if is_missing(&error) => Ok(None),
            Err(error) => Err(failed("look at", &path, error)),
        }
    }

    pub(crate) fn holds(&self, desc: &Descriptor) -> Result<bool> {
        Ok(self.size(&desc.digest)? == Some(desc.size))
    }

    /// The same where the lease needs no renewal, so that nothing is written.
    pub(crate) fn holds_leased(&self, desc: &Descriptor) -> bool {
        fs::metadata(self.path(&desc.digest))
            .is_ok_and(|found| found.is_file() && found.len() == desc.size && !self.is_aging(&found))
    }

    /// Whether half the lease of a blob has passed.
    fn is_aging(&self, metadata: &fs::Metadata) -> bool {
        let age = metadata.modified().ok().and_then(|modified| modified.elapsed().ok()).unwrap_or_default();
        age > self.options.lease / 2
    }

    /// Makes a blob young again when half its lease has passed. Failure only means that it may be collected earlier.
    fn renew(&self, path: &Path, metadata: &fs::Metadata) {
        if self.is_aging(metadata) {
            let _ = File::open(path).and_then(|file| file.set_modified(SystemTime::now()));
        }
    }

    /// A manifest, verified; nothing when it is not there.
    pub(crate) fn read_manifest(&self, desc: &Descriptor) -> Result<Option<Bytes>> {
        check_limit(desc, self.options.metadata_limit)?;
        let path = self.path(&desc.digest);
        let bytes: Bytes = match read_up_to(&path, desc.size) {
            Ok(bytes) => bytes.into(),
            Err(error) if is_missing(&error) => return Ok(None),
            Err(error) => return Err(failed("read", &path, error).with_descriptor(desc)),
        };
        verify(desc, &bytes)?;
        Ok(Some(bytes))
    }

    pub(crate) fn remove(&self, digest: &Digest) -> Result<bool> {
        let path = self.path(digest);
        match fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(failed("remove", &path, error)),
        }
    }
}

/// How much room is made for a manifest before any of it is read: more than most have, and little for a size that lies.
const MAX_RESERVE: u64 = 64 * 1024;

/// The bytes of a file, and of one that is larger than it should be only one more, which tells.
fn read_up_to(path: &Path, size: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(usize::try_from(size.min(MAX_RESERVE)).unwrap_or_default() + 1);
    File::open(path)?.take(size.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(bytes)
}

pub(crate) fn check_limit(desc: &Descriptor, limit: u64) -> Result<()> {
    if desc.size <= limit {
        return Ok(());
    }
    let message = format!("manifest {} has {} bytes, more than the limit of {limit}", desc.digest, desc.size);
    Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc))
}

pub(crate) fn verify(desc: &Descriptor, bytes: &[u8]) -> Result<()> {
    let check = || {
        let mut verifier = Verifier::new(desc)?;
        verifier.update(bytes)?;
        verifier.finish()
    };
    check().map_err(|error| Error::from(error).with_descriptor(desc))
}

/// Whether there is nothing at a path; a file where a directory should be leads to nothing too.
pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

impl Fetcher for BlobDir {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        let (dir, digest) = (self.clone(), desc.digest.clone());
        let Some(_) = self.lane.run(move || dir.size(&digest)).await? else {
            return Err(Error::not_found(desc));
        };
        Ok(FileSource::new(self.path(&desc.digest)).in_lane(self.lane.clone()).into_blob(Some(desc.size)).verify(desc))
    }

    fn location(&self) -> Option<Location> {
        self.root.to_str().map(|root| Location::new(LAYOUT_LOCATION, root))
    }
}

impl ReadOnlyStorage for BlobDir {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let (dir, desc) = (self.clone(), desc.plain());
        self.lane.run(move || dir.holds(&desc)).await
    }
}

impl Pusher for BlobDir {
    /// A file of another size under the digest is broken, and gets replaced.
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        desc.algorithm().map_err(|error| Error::from(error).with_descriptor(desc))?;
        ingest::push(self, desc, content.verify(desc)).await
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        ingest::describe(self, media_type, algorithm, content).await
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        desc.algorithm().map_err(|error| Error::from(error).with_descriptor(desc))?;
        if self.exists(desc).await? {
            return Err(Error::already_exists(desc));
        }
        for location in from.iter().filter(|location| location.registry() == LAYOUT_LOCATION) {
            let (dir, wanted) = (self.clone(), desc.plain());
            let source = Self::new(location.repository()).path(&desc.digest);
            if blocking(move || ingest::link(&dir, &wanted, &source)).await? {
                return Ok(MountOutcome::Mounted);
            }
        }
        self.push(desc, content).await.map(|()| MountOutcome::Pushed)
    }
}

impl Deleter for BlobDir {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        let (dir, digest) = (self.clone(), desc.digest.clone());
        if blocking(move || dir.remove(&digest)).await? { Ok(()) } else { Err(Error::not_found(desc)) }
    }
}
