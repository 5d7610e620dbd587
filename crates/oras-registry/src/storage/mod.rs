//! Where content lives. The protocol is the same over every storage.

mod disk;
mod free;
mod index;
mod memory;

use std::{io, ops::Range, sync::Arc};

use bytes::Bytes;
use futures_util::future::BoxFuture;
use oras_descriptor::{Algorithm, Digest};

use crate::body::ByteStream;

pub(crate) use disk::{Disk, Durability};
pub(crate) use free::Free;
pub(crate) use index::{Change, Condition, Outcome, Put, Reference, Repository, RepositoryIndex};
pub(crate) use memory::Memory;

pub(crate) type Answer<'a, T> = BoxFuture<'a, io::Result<T>>;

/// Content by repository. Names and digests have been checked by the caller, so that they are safe as parts of a path.
pub(crate) trait Storage: Send + Sync + 'static {
    /// The names of all repositories, in ascending order.
    fn repositories(&self) -> Answer<'_, Vec<String>>;

    /// A repository, if anything has ever been stored in it.
    fn repository<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Arc<Repository>>>;

    /// Changes manifests and tags of a repository, as one step.
    fn change<'a>(&'a self, name: &'a str, change: Change) -> Answer<'a, Outcome>;

    /// The bytes of a manifest that the index knows.
    fn manifest<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<Bytes>>;

    /// The size of a blob, if it is there.
    fn blob_size<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<u64>>;

    /// A part of a blob; nothing when the blob has gone.
    fn read_blob<'a>(&'a self, name: &'a str, digest: &'a Digest, range: Range<u64>) -> Answer<'a, Option<ByteStream>>;

    /// Removes a blob, and says whether it was there.
    fn delete_blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, bool>;

    /// Makes a blob of one repository a blob of another one, and says whether it was there.
    fn mount<'a>(&'a self, from: &'a str, to: &'a str, digest: &'a Digest) -> Answer<'a, bool>;

    /// Opens a place for bytes that are on their way.
    fn begin<'a>(&'a self, id: &'a str, name: &'a str, algorithm: Algorithm) -> Answer<'a, Box<dyn Writer>>;

    /// The sessions that an earlier run left behind.
    fn left_over(&self) -> Answer<'_, Vec<LeftOver>> {
        Box::pin(std::future::ready(Ok(Vec::new())))
    }
}

/// A session of an earlier run.
pub(crate) struct LeftOver {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) writer: Box<dyn Writer>,
}

/// Bytes of an upload, in their order.
pub(crate) trait Writer: Send + 'static {
    /// Whether the other methods may block, so that they belong on a thread of their own.
    fn is_blocking(&self) -> bool;

    /// How many bytes there are.
    fn position(&self) -> u64;

    /// Adds bytes.
    fn write(&mut self, chunk: &Bytes) -> io::Result<()>;

    /// The digest of the bytes. One that is of another algorithm than announced takes a second reading.
    fn digest(&mut self, algorithm: Algorithm) -> io::Result<Digest>;

    /// Makes the bytes a blob of the repository; false when they do not have that digest.
    fn finish(&mut self, digest: &Digest, algorithm: Algorithm) -> io::Result<bool>;

    /// Forgets the bytes.
    fn discard(&mut self) -> io::Result<()>;
}
