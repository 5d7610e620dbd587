use std::{
    collections::VecDeque,
    fs::File,
    io::{Read as _, Seek as _, SeekFrom, Take},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use tokio::sync::mpsc;

use super::{CHANNEL_DEPTH, blocking};
use crate::{
    blob::{Blob, BlobSource, ByteStream},
    error::{Error, ErrorKind, Result},
};

/// How much is read at once. Larger reads gain nothing measurable, smaller ones cost system calls.
const READ_SIZE: usize = 256 * 1024;

/// A file, or a section of one, as the source of a blob.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    start: u64,
    len: Option<u64>,
}

impl FileSource {
    /// The file at `path`; it is opened when the blob is.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), start: 0, len: None }
    }

    /// The `len` bytes from `start` on, such as an entry of an archive.
    #[must_use]
    pub fn section(mut self, start: u64, len: u64) -> Self {
        self.start = start;
        self.len = Some(len);
        self
    }

    /// The path.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A replayable blob of the file; `size` in bytes, where it is known.
    pub fn into_blob(self, size: Option<u64>) -> Blob {
        Blob::from_source(size, Arc::new(self))
    }
}

impl BlobSource for FileSource {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        let source = self.clone();
        Box::pin(async move {
            let (file, left) = match blocking(move || source.begin(offset)).await? {
                Beginning::Whole(bytes) => return Ok(stream::iter([Ok(bytes)]).boxed()),
                Beginning::Opened(file, left) => (file, left),
            };
            let (sender, receiver) = mpsc::channel(CHANNEL_DEPTH);
            tokio::task::spawn_blocking(move || read_chunks(file.take(left), &sender));
            let chunks = stream::unfold(receiver, |mut receiver| async move {
                let chunk = receiver.recv().await?;
                Some((chunk, receiver))
            });
            Ok(chunks.boxed())
        })
    }
}

/// What a file gives when it is opened.
enum Beginning {
    /// All that there is: another visit to a blocking thread would cost more than reading it.
    Whole(Bytes),
    /// The file with its cursor at the first byte that is wanted, and how many there are.
    Opened(File, u64),
}

impl FileSource {
    fn begin(&self, offset: u64) -> Result<Beginning> {
        let (file, left) = self.open_at(offset)?;
        if left > READ_SIZE as u64 {
            return Ok(Beginning::Opened(file, left));
        }
        let mut bytes = Vec::with_capacity(usize::try_from(left).unwrap_or_default());
        file.take(left).read_to_end(&mut bytes)?;
        Ok(Beginning::Whole(bytes.into()))
    }

    /// The file with its cursor at an offset of the content, and how many bytes are left there.
    fn open_at(&self, offset: u64) -> Result<(File, u64)> {
        let failed = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Io,
            };
            Error::new(kind, format!("cannot open {}", self.path.display())).with_source(error)
        };
        let mut file = File::open(&self.path).map_err(failed)?;
        let behind = file.metadata().map_err(failed)?.len().saturating_sub(self.start);
        let len = self.len.map_or(behind, |len| len.min(behind));
        let Some(left) = len.checked_sub(offset) else {
            let path = self.path.display();
            let message = format!("offset {offset} is past the end of {path}, which has {len} bytes");
            return Err(Error::new(ErrorKind::Corrupt, message));
        };
        let position = self.start.saturating_add(offset);
        if position > 0 {
            file.seek(SeekFrom::Start(position)).map_err(failed)?;
        }
        Ok((file, left))
    }
}

fn read_chunks(mut file: Take<File>, sender: &mpsc::Sender<Result<Bytes>>) {
    let mut lent = VecDeque::with_capacity(CHANNEL_DEPTH + 2);
    loop {
        let mut buffer = reclaim(&mut lent);
        let chunk = match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(len) => {
                let chunk = buffer.freeze();
                lent.push_back(chunk.clone());
                Ok(chunk.slice(..len))
            }
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(error) => Err(error.into()),
        };
        let is_end = chunk.is_err();
        if sender.blocking_send(chunk).is_err() || is_end {
            return;
        }
    }
}

/// A buffer that the other side has done with, or a new one.
fn reclaim(lent: &mut VecDeque<Bytes>) -> BytesMut {
    if lent.len() > CHANNEL_DEPTH + 1
        && let Some(Ok(buffer)) = lent.pop_front().map(Bytes::try_into_mut)
    {
        return buffer;
    }
    BytesMut::zeroed(READ_SIZE)
}
