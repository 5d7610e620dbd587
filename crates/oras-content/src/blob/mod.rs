use std::{
    fmt,
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use oras_descriptor::{Algorithm, Descriptor, Verifier};
use tokio::io::AsyncRead;

use crate::error::{Error, ErrorKind, Result};

#[cfg(feature = "fs")]
mod aside;
mod raw;
mod reader;
mod source;
mod sum;

pub use raw::RawStream;
pub use reader::BlobReader;
pub use source::{BlobSource, ByteStream};
pub use sum::Sum;

/// The largest buffer that a declared size alone may reserve; beyond it memory grows as bytes arrive.
const MAX_RESERVE: u64 = 32 << 20;

/// Content on the move: a stream of bytes that checks itself.
///
/// A blob that [verifies](Self::verify) withholds the chunk that completes its size until the stream has ended and the
/// digest agrees, so a sink fed by a wrong source never gets the whole. A blob with a [`BlobSource`] is replayable: when
/// the stream breaks with a retryable error, the source is opened again at the byte where it broke, and one hash runs
/// over all. Opening is lazy: nothing happens before the first poll or [`start`](Self::start).
///
/// # Cancel safety
///
/// Dropping a blob at any time drops its stream, and with it the request or file below. A poll that returned pending
/// loses nothing.
pub struct Blob {
    raw: RawStream,
    expected: Option<Descriptor>,
    sum: Option<Sum>,
    held: Option<Bytes>,
    trusted: bool,
}

impl Blob {
    /// A replayable blob of bytes in memory.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self::from_source(Some(bytes.len() as u64), Arc::new(bytes))
    }

    /// A blob that can be read once; `size` in bytes, where it is known.
    pub fn from_stream(size: Option<u64>, stream: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::from_raw(RawStream::once(size, stream.boxed()))
    }

    /// A blob that can be read once, from a reader; `size` in bytes, where it is known.
    pub fn from_reader(size: Option<u64>, reader: impl AsyncRead + Send + 'static) -> Self {
        Self::from_stream(size, source::ReaderStream::new(reader))
    }

    /// A replayable blob, opened lazily; `size` in bytes, where it is known.
    pub fn from_source(size: Option<u64>, source: Arc<dyn BlobSource>) -> Self {
        Self::from_raw(RawStream::replayable(size, source))
    }

    fn from_raw(raw: RawStream) -> Self {
        Self { raw, expected: None, sum: None, held: None, trusted: false }
    }

    /// Checks the content against a descriptor.
    ///
    /// With the digest and size that are already checked this changes nothing; with others the blob fails with
    /// [`ErrorKind::Corrupt`]. A digest that cannot be computed makes the blob fail with [`ErrorKind::Unsupported`].
    #[must_use]
    pub fn verify(mut self, desc: &Descriptor) -> Self {
        if let Err(error) = self.expect(desc) {
            self.raw.refuse(error.with_descriptor(desc));
        }
        self
    }

    fn expect(&mut self, desc: &Descriptor) -> Result<()> {
        if let Some(expected) = &self.expected {
            if expected.digest == desc.digest && expected.size == desc.size {
                return Ok(());
            }
            let message = format!("a blob of {} was taken for {}", expected.digest, desc.digest);
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        if self.raw.position() > 0 {
            return Err(Error::new(ErrorKind::Corrupt, "a blob that was read in part cannot be verified"));
        }
        self.raw.set_size(desc.size, &desc.digest)?;
        if !self.trusted {
            self.set_sum(Sum::of(Verifier::new(desc)?));
        }
        self.expected = Some(desc.plain());
        Ok(())
    }

    /// Goes on where `verifier` stands: a sink that holds the first part feeds those bytes to a verifier, and nothing
    /// before its position is asked from the source.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the blob cannot start at an offset or was read already; [`ErrorKind::Corrupt`]
    /// when `verifier` checks other content.
    pub fn resume(mut self, verifier: Verifier) -> Result<Self> {
        if !self.raw.is_replayable() || self.raw.is_started() {
            return Err(Error::unsupported("resuming a blob that cannot start at an offset"));
        }
        if self.expected.as_ref().is_some_and(|expected| !verifier.checks(expected)) {
            let message = format!("a partial blob of {} was resumed as another one", verifier.digest());
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        self.raw.set_size(verifier.size(), verifier.digest())?;
        self.raw.seek(verifier.position());
        let digest = verifier.digest().clone();
        self.expected.get_or_insert_with(|| Descriptor::new("", digest, verifier.size()));
        self.set_sum(Sum::of(verifier));
        Ok(self)
    }

    /// Switches the check of the digest off, for content from a source that the caller trusts; the size is still
    /// checked, and a later [`verify`](Self::verify) does not switch the hash on again.
    #[must_use]
    pub fn trusted(mut self) -> Self {
        self.trusted = true;
        self.sum = None;
        self.raw.offer(None);
        self
    }

    /// Hashes what is read, for content that is not described yet; once the blob has ended, the sum says
    /// [what it was](Sum::described). A blob that is [replayed](Self::replay) is not added to it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the blob was read already.
    pub fn summed(mut self, algorithm: Algorithm) -> Result<(Self, Sum)> {
        if self.raw.position() > 0 || self.raw.is_summed() {
            return Err(Error::unsupported("hashing a blob that was read in part"));
        }
        let sum = self.sum.take().unwrap_or_default();
        sum.also_hash(algorithm);
        self.set_sum(sum.clone());
        Ok((self, sum))
    }

    fn set_sum(&mut self, sum: Sum) {
        self.raw.offer(Some(sum.clone()));
        self.sum = Some(sum);
    }

    /// Has `observer` told the position behind each chunk that comes from the source, for those who show progress.
    ///
    /// It is called wherever the blob is polled, and must be quick. A [replay](Self::replay) tells it too, from the
    /// start again. Those who observed before are told too.
    #[must_use]
    pub fn observed(mut self, observer: impl Fn(u64) + Send + Sync + 'static) -> Self {
        self.raw.observe(Arc::new(observer));
        self
    }

    /// Parts the stream, which goes on reopening itself, from the check, for a sink that hashes on a thread of its own.
    ///
    /// Whoever takes the parts must show nothing of the content before [`Verifier::finish`] agrees. Take them before
    /// the first poll; [`start`](Self::start) may have been called.
    pub fn into_parts(mut self) -> (RawStream, Option<Verifier>) {
        if self.held.is_some() {
            // The verifier has seen the chunk that is kept back, and the stream will not give it again.
            self.raw.refuse(Error::new(ErrorKind::Corrupt, "a blob that was read in part was parted from its check"));
        }
        if self.raw.is_summed() {
            // The source checks what it gives, on a thread of its own.
            return (self.raw, None);
        }
        self.raw.offer(None);
        (self.raw, self.sum.and_then(|sum| sum.take_verifier()))
    }

    /// Opens the source, so that [`ErrorKind::NotFound`] is known before anything is sent elsewhere; a blob of size 0 is
    /// read and checked whole.
    ///
    /// # Errors
    ///
    /// Whatever opening gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: the blob goes on opening where it was when it is asked again.
    pub async fn start(&mut self) -> Result<()> {
        poll_fn(|cx| self.raw.poll_open(cx)).await?;
        if self.raw.size() != Some(0) {
            return Ok(());
        }
        match poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await {
            Some(Err(error)) => Err(error),
            Some(Ok(_)) | None => Ok(()),
        }
    }

    /// All bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SizeExceedsLimit`] when there are more than `limit`; else what reading gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the blob and the bytes read so far.
    pub async fn bytes(mut self, limit: u64) -> Result<Bytes> {
        let too_large = || {
            let message = format!("content is larger than the limit of {limit} bytes");
            Error::new(ErrorKind::SizeExceedsLimit, message)
        };
        if self.size().is_some_and(|size| size > limit) {
            return Err(self.describe(too_large()));
        }
        let Some(first) = self.next().await.transpose()? else {
            return Ok(Bytes::new());
        };
        let Some(second) = self.next().await.transpose()? else {
            return if first.len() as u64 > limit { Err(self.describe(too_large())) } else { Ok(first) };
        };
        let reserve = self.size().unwrap_or_default().min(MAX_RESERVE);
        let mut all = BytesMut::with_capacity(usize::try_from(reserve).unwrap_or_default());
        all.extend_from_slice(&first);
        let mut next = Some(second);
        while let Some(chunk) = next {
            if (all.len() + chunk.len()) as u64 > limit {
                return Err(self.describe(too_large()));
            }
            all.extend_from_slice(&chunk);
            next = self.next().await.transpose()?;
        }
        Ok(all.freeze())
    }

    /// The content as a reader.
    pub fn into_reader(self) -> BlobReader {
        BlobReader::new(self)
    }

    /// The same content from the start, if it can be given again.
    pub fn replay(&self) -> Option<Self> {
        let mut fresh = Self::from_raw(self.raw.replay()?);
        fresh.trusted = self.trusted;
        Some(match &self.expected {
            Some(expected) => fresh.verify(expected),
            None => fresh,
        })
    }

    /// The size in bytes of the whole content, where it is known.
    pub fn size(&self) -> Option<u64> {
        self.raw.size()
    }

    /// The offset of the next byte that is asked from the source.
    pub fn position(&self) -> u64 {
        self.raw.position()
    }

    /// Whether the content can be given again, from any offset.
    pub fn is_replayable(&self) -> bool {
        self.raw.is_replayable()
    }

    /// Whether the content is in memory: then no poll waits, and a sink may read it on a blocking thread.
    pub fn is_in_memory(&self) -> bool {
        self.raw.is_in_memory()
    }

    fn describe(&self, error: Error) -> Error {
        match &self.expected {
            Some(expected) => error.with_descriptor(expected),
            None => error,
        }
    }

    fn fail(&mut self, error: Error) -> Error {
        self.held = None;
        self.sum = None;
        self.raw.end();
        self.describe(error.out_of_blob())
    }

    /// Adds a chunk to the check. The one that completes the size is kept back.
    fn check(&mut self, chunk: Bytes) -> Result<Option<Bytes>> {
        let Some(sum) = self.sum.as_ref().filter(|_| !self.raw.is_summed()) else {
            return Ok(Some(chunk));
        };
        sum.add(&chunk)?;
        if sum.is_complete() {
            self.held = Some(chunk);
            return Ok(None);
        }
        Ok(Some(chunk))
    }
}

impl Stream for Blob {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let item = match ready!(self.raw.poll_next_unpin(cx)) {
                Some(chunk) => chunk.and_then(|chunk| self.check(chunk)),
                None => match self.sum.take().map_or(Ok(()), |sum| sum.finish()) {
                    Ok(()) => return Poll::Ready(self.held.take().map(Ok)),
                    Err(error) => Err(error),
                },
            };
            match item {
                Ok(Some(chunk)) => return Poll::Ready(Some(Ok(chunk))),
                Ok(None) => {}
                Err(error) => return Poll::Ready(Some(Err(self.fail(error)))),
            }
        }
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Blob")
            .field("digest", &self.expected.as_ref().map(|desc| &desc.digest))
            .field("size", &self.raw.size())
            .field("position", &self.raw.position())
            .field("replayable", &self.raw.is_replayable())
            .field("trusted", &self.trusted)
            .finish()
    }
}
