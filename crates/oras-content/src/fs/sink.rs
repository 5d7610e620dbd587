use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write},
    path::PathBuf,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join};
use oras_descriptor::{Algorithm, Descriptor, Digest, Hasher, Verifier};
use tokio::{
    sync::{mpsc, oneshot},
    task::JoinHandle,
};

use super::{blocking, failed, joined};
use crate::{
    blob::{Blob, RawStream},
    error::{Error, ErrorKind, Result},
};

/// How many chunks wait for a sink's thread: frames of a registry have up to 1 MiB, so more would only cost memory.
const SINK_DEPTH: usize = 2;

/// How much of a partial file is read at once when it is hashed again.
const REHASH_SIZE: usize = 256 * 1024;

/// How much is written at once. The kernel may look for one piece of memory for all of a write: beyond this that costs more
/// than calling it again.
const WRITE_SIZE: usize = 256 * 1024;

/// Content up to this size is gathered first: threads that hand chunks to each other would cost more than they save.
const SMALL: u64 = 64 * 1024;

/// A file on its way to its content, and the path by which people know it, which is what errors name.
///
/// A mere [`File`] is one too; its errors have the words of the system alone.
#[derive(Debug)]
pub struct FileSink {
    file: File,
    path: Option<PathBuf>,
}

impl FileSink {
    /// A file that errors call `path`: where it is, or where it will be.
    pub fn new(file: File, path: impl Into<PathBuf>) -> Self {
        Self { file, path: Some(path.into()) }
    }

    fn failed(&self, verb: &str, error: io::Error) -> Error {
        match &self.path {
            Some(path) => failed(verb, path, error),
            None => error.into(),
        }
    }
}

impl Write for FileSink {
    /// An error has that of ours inside which names the file.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes).map_err(|error| match &self.path {
            // What is interrupted is tried again by who knows it for that.
            Some(path) if error.kind() != io::ErrorKind::Interrupted => failed("write", path, error).into(),
            _ => error,
        })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl From<File> for FileSink {
    fn from(file: File) -> Self {
        Self { file, path: None }
    }
}

/// Writes what is left of a blob into a file at its cursor, and gives the file back when the blob has been verified.
///
/// Hashing and writing happen on a blocking thread each, while the caller's task reads: neither waits for the other.
/// Nothing is synced or renamed: that is for whoever makes the file visible.
///
/// # Errors
///
/// What the blob gives, marked as its own; [`ErrorKind::Io`](crate::ErrorKind::Io) that names the file when writing fails.
/// The file holds the bytes so far.
///
/// # Cancel safety
///
/// After a drop the threads end within one chunk and leave the file with the bytes so far.
pub async fn write_blob(blob: Blob, file: impl Into<FileSink>) -> Result<File> {
    let mut sink = file.into();
    if let Some(size) = blob.size().filter(|size| *size <= SMALL) {
        let bytes = blob.bytes(size).await?;
        return blocking(move || {
            sink.write_all(&bytes)?;
            Ok(sink.file)
        })
        .await;
    }
    let (stream, verifier) = blob.into_parts();
    let hashing = verifier.map(|verifier| Worker::start(|chunks| hash(chunks, Some(verifier), None)));
    feed(stream, hashing, Worker::start(|chunks| write(chunks, sink))).await.map(|(_, written)| written.file)
}

/// Writes a blob that is not described yet into a file at its cursor, and gives the file back with the digest and the
/// size of what was written.
///
/// # Errors
///
/// As [`write_blob`].
///
/// # Cancel safety
///
/// As [`write_blob`].
pub async fn write_and_hash(
    blob: Blob,
    file: impl Into<FileSink>,
    algorithm: Algorithm,
) -> Result<(File, Digest, u64)> {
    let sink = file.into();
    let (stream, verifier) = blob.into_parts();
    let hasher = algorithm.hasher();
    let hashing = Worker::start(move |chunks| hash(chunks, verifier, Some(hasher)));
    let (hasher, written) = feed(stream, Some(hashing), Worker::start(|chunks| write(chunks, sink))).await?;
    let hasher = hasher.unwrap_or_else(|| algorithm.hasher());
    Ok((written.file, hasher.finish(), written.size))
}

/// Gives each chunk to both threads, and waits for both whatever happens: nobody writes once this has returned.
async fn feed(
    mut stream: RawStream,
    hashing: Option<Worker<Option<Hasher>>>,
    writing: Worker<Written>,
) -> Result<(Option<Hasher>, Written)> {
    let mut broken = None;
    while let Some(chunk) = stream.next().await {
        match chunk {
            Ok(chunk) => {
                let is_hashed = match &hashing {
                    Some(hashing) => hashing.give(chunk.clone()).await,
                    None => true,
                };
                if !is_hashed || !writing.give(chunk).await {
                    break;
                }
            }
            Err(error) => {
                broken = Some(error);
                break;
            }
        }
    }
    let hashing = async {
        match hashing {
            Some(hashing) => hashing.end().await,
            None => Ok(None),
        }
    };
    let (hashed, written) = join(hashing, writing.end()).await;
    // A hash of what came before another failure is wrong, and not the cause.
    match broken {
        Some(error) => Err(error),
        None => written.and_then(|written| Ok((hashed?, written))),
    }
}

/// A blocking thread that takes chunks; it ends within one of them when this is dropped.
struct Worker<T> {
    chunks: mpsc::Sender<Bytes>,
    task: JoinHandle<Result<T>>,
}

impl<T: Send + 'static> Worker<T> {
    fn start(work: impl FnOnce(mpsc::Receiver<Bytes>) -> Result<T> + Send + 'static) -> Self {
        let (chunks, receiver) = mpsc::channel(SINK_DEPTH);
        Self { chunks, task: tokio::task::spawn_blocking(move || work(receiver)) }
    }

    /// Whether the thread goes on; when it has given up, its end tells why.
    async fn give(&self, chunk: Bytes) -> bool {
        self.chunks.send(chunk).await.is_ok()
    }

    /// What it came to, with all the chunks that it was given.
    async fn end(self) -> Result<T> {
        drop(self.chunks);
        joined(self.task).await
    }
}

fn hash(
    mut chunks: mpsc::Receiver<Bytes>,
    mut verifier: Option<Verifier>,
    mut hasher: Option<Hasher>,
) -> Result<Option<Hasher>> {
    let blame = |error| Error::from(error).out_of_blob();
    while let Some(chunk) = chunks.blocking_recv() {
        if let Some(verifier) = &mut verifier {
            verifier.update(&chunk).map_err(blame)?;
        }
        if let Some(hasher) = &mut hasher {
            hasher.update(&chunk);
        }
    }
    verifier.map_or(Ok(()), Verifier::finish).map_err(blame)?;
    Ok(hasher)
}

struct Written {
    file: File,
    size: u64,
}

fn write(mut chunks: mpsc::Receiver<Bytes>, mut sink: FileSink) -> Result<Written> {
    let mut size = 0;
    while let Some(chunk) = chunks.blocking_recv() {
        for piece in chunk.chunks(WRITE_SIZE) {
            sink.write_all(piece)?;
        }
        size += chunk.len() as u64;
    }
    Ok(Written { file: sink.file, size })
}

/// Hashes what a partial file holds, from its start, and leaves its cursor behind the last byte.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`](crate::ErrorKind::Corrupt) when the file holds more than the descriptor says;
/// [`ErrorKind::Io`](crate::ErrorKind::Io) that names the file when reading fails.
///
/// # Cancel safety
///
/// After a drop the thread ends within one chunk.
pub async fn rehash(file: impl Into<FileSink>, desc: &Descriptor) -> Result<(File, Verifier)> {
    let mut sink = file.into();
    let mut verifier = Verifier::new(desc)?;
    // The receiver goes with this future.
    let (waited_for, _waiting) = oneshot::channel::<()>();
    blocking(move || {
        sink.file.rewind().map_err(|error| sink.failed("read", error))?;
        let mut buffer = vec![0; REHASH_SIZE];
        loop {
            if waited_for.is_closed() {
                return Err(Error::new(ErrorKind::Other, "hashing a partial file was given up"));
            }
            match sink.file.read(&mut buffer) {
                Ok(0) => return Ok((sink.file, verifier)),
                Ok(len) => verifier.update(buffer.get(..len).unwrap_or_default())?,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(sink.failed("read", error)),
            }
        }
    })
    .await
}
