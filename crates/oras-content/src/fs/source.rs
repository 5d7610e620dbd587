use std::{
    collections::VecDeque,
    fs::{File, Metadata},
    io::{Read as _, Seek as _, SeekFrom},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::{Bytes, BytesMut};
use futures_core::future::BoxFuture;
use futures_util::{StreamExt as _, stream};
use oras_descriptor::Digest;
use tokio::sync::mpsc;

use super::{CHANNEL_DEPTH, Lane, blocking, stamp::Stamp};
use crate::{
    blob::{Blob, BlobSource, ByteStream, Sum},
    error::{Error, ErrorKind, Result},
};

/// How much is read at once. Larger reads gain nothing measurable, smaller ones cost system calls.
const READ_SIZE: usize = 256 * 1024;

/// A file that was hashed, and so read, not long ago is read where the blob is polled up to this size: the system has it in
/// memory, and to hand it over from another thread would take several times as long.
const AT_HAND: u64 = 64 * 1024;

/// A file, or a section of one, as the source of a blob.
#[derive(Clone, Debug)]
pub struct FileSource {
    path: PathBuf,
    start: u64,
    len: Option<u64>,
    known: Option<(Stamp, Digest)>,
    lane: Option<Lane>,
}

impl FileSource {
    /// The file at `path`; it is opened when the blob is.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), start: 0, len: None, known: None, lane: None }
    }

    /// The `len` bytes from `start` on, such as an entry of an archive.
    #[must_use]
    pub fn section(mut self, start: u64, len: u64) -> Self {
        self.start = start;
        self.len = Some(len);
        self
    }

    /// Says which digest the whole file had under a stamp: as long as it bears that stamp, it is not hashed again.
    #[must_use]
    pub fn known(mut self, stamp: Stamp, digest: Digest) -> Self {
        self.known = Some((stamp, digest));
        self
    }

    /// Opens the file, and reads a small one, among the visits of a lane, as is good for one of many.
    #[must_use]
    pub fn in_lane(mut self, lane: Lane) -> Self {
        self.lane = Some(lane);
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
        Box::pin(source.stream(offset, None))
    }

    /// The bytes are added on the thread that reads them.
    fn open_summed<'a>(&'a self, offset: u64, sum: &'a Sum) -> BoxFuture<'a, Result<(ByteStream, bool)>> {
        let (source, sum) = (self.clone(), sum.clone());
        Box::pin(async move { Ok((source.stream(offset, Some(sum)).await?, true)) })
    }
}

/// What a file gives when it is opened.
enum Beginning {
    /// All that there is: another visit to a blocking thread would cost more than reading it.
    Whole(Bytes),
    /// The part from the first byte that is wanted.
    Opened(Part),
}

/// An open file on its way into a stream.
struct Part {
    file: File,
    /// How many bytes there are behind its cursor.
    left: u64,
    sum: Option<Sum>,
    /// The stamp that the file must bear at its end as at its beginning, where it is not hashed for its sake.
    stamp: Option<Stamp>,
}

impl FileSource {
    async fn stream(self, offset: u64, sum: Option<Sum>) -> Result<ByteStream> {
        let is_at_hand = self.known.as_ref().is_some_and(|(stamp, _)| stamp.size() <= AT_HAND);
        let lane = self.lane.clone();
        let begin = move || self.begin(offset, sum);
        let beginning = match lane {
            _ if is_at_hand => begin(),
            Some(lane) => lane.run(begin).await,
            None => blocking(begin).await,
        };
        let part = match beginning? {
            Beginning::Whole(bytes) => return Ok(stream::iter([Ok(bytes)]).boxed()),
            Beginning::Opened(part) => part,
        };
        let (sender, receiver) = mpsc::channel(CHANNEL_DEPTH);
        tokio::task::spawn_blocking(move || part.send(&sender));
        let chunks = stream::unfold(receiver, |mut receiver| async move {
            let chunk = receiver.recv().await?;
            Some((chunk, receiver))
        });
        Ok(chunks.boxed())
    }

    fn begin(&self, offset: u64, sum: Option<Sum>) -> Result<Beginning> {
        let (file, found, left) = self.open_at(offset)?;
        let stamp = self.unchanged(&found, sum.as_ref());
        let part = Part { file, left, sum, stamp };
        if left > READ_SIZE as u64 { Ok(Beginning::Opened(part)) } else { part.whole().map(Beginning::Whole) }
    }

    /// The stamp of a file that is known to be what the sum expects.
    fn unchanged(&self, found: &Metadata, sum: Option<&Sum>) -> Option<Stamp> {
        let (known, digest) = self.known.as_ref()?;
        let is_same = Stamp::of(found).as_ref() == Some(known);
        (is_same && sum?.vouch(digest)).then(|| known.clone())
    }

    /// The file with its cursor at an offset of the content, what it is, and how many bytes are left there.
    fn open_at(&self, offset: u64) -> Result<(File, Metadata, u64)> {
        let failed = |error: std::io::Error| {
            let kind = match error.kind() {
                std::io::ErrorKind::NotFound => ErrorKind::NotFound,
                _ => ErrorKind::Io,
            };
            Error::new(kind, format!("cannot open {}", self.path.display())).with_source(error)
        };
        let mut file = File::open(&self.path).map_err(failed)?;
        let found = file.metadata().map_err(failed)?;
        let behind = found.len().saturating_sub(self.start);
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
        Ok((file, found, left))
    }
}

impl Part {
    fn whole(mut self) -> Result<Bytes> {
        let mut bytes = Vec::with_capacity(usize::try_from(self.left).unwrap_or_default());
        (&mut self.file).take(self.left).read_to_end(&mut bytes)?;
        self.add(&bytes)?;
        self.end()?;
        Ok(bytes.into())
    }

    fn send(mut self, sender: &mpsc::Sender<Result<Bytes>>) {
        let mut lent = VecDeque::with_capacity(CHANNEL_DEPTH + 2);
        loop {
            let chunk = match self.next(&mut lent) {
                Ok(Some(chunk)) => Ok(chunk),
                Ok(None) => return,
                Err(error) => Err(error),
            };
            let is_end = chunk.is_err();
            if sender.blocking_send(chunk).is_err() || is_end {
                return;
            }
        }
    }

    /// The next chunk, added to the sum.
    fn next(&mut self, lent: &mut VecDeque<Bytes>) -> Result<Option<Bytes>> {
        if self.left == 0 {
            return self.end().map(|()| None);
        }
        let mut buffer = reclaim(lent);
        let wanted = usize::try_from(self.left).unwrap_or(READ_SIZE).min(READ_SIZE);
        let len = loop {
            match self.file.read(buffer.get_mut(..wanted).unwrap_or_default()) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        if len == 0 {
            self.end()?;
            return Ok(None);
        }
        self.left = self.left.saturating_sub(len as u64);
        let whole = buffer.freeze();
        lent.push_back(whole.clone());
        let chunk = whole.slice(..len);
        self.add(&chunk)?;
        Ok(Some(chunk))
    }

    fn add(&self, chunk: &[u8]) -> Result<()> {
        self.sum.as_ref().map_or(Ok(()), |sum| sum.add(chunk))
    }

    /// Who did not hash a file because it was known must see that it stayed the same.
    fn end(&self) -> Result<()> {
        match &self.stamp {
            Some(stamp) if Stamp::of(&self.file.metadata()?).as_ref() != Some(stamp) => {
                Err(Error::new(ErrorKind::Corrupt, "the file changed while it was read"))
            }
            _ => Ok(()),
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
