use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Bytes, BytesMut};
use futures_core::{Stream, future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt as _, stream};
use tokio::io::{AsyncRead, ReadBuf};

use super::sum::Sum;
use crate::error::{Error, ErrorKind, Result};

/// A stream of bytes that owns what it needs.
pub type ByteStream = BoxStream<'static, Result<Bytes>>;

/// What can give the bytes of a blob again, from any offset: bytes in memory, a file, a ranged request.
pub trait BlobSource: Send + Sync + 'static {
    /// Opens the content at `offset`.
    ///
    /// Waiting, budgets and `Retry-After` live in here: an error of this call is final for the blob. An error of the
    /// stream that [may pass](Error::is_retryable) makes the blob open its source again where the stream broke.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no such content; [`ErrorKind::Corrupt`] when `offset` is past its end.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the attempt; the source can be opened again.
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>>;

    /// Whether the bytes are in memory, so that opening and reading never wait; not unless it is said.
    fn is_in_memory(&self) -> bool {
        false
    }

    /// The same for a source whose bytes come from a thread of their own: there each chunk is [added](Sum::add) to `sum`
    /// before it is given. The answer says whether that is done; by default it is not, and the blob adds the chunks where
    /// it is polled.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends the attempt; `sum` may hold chunks of it by then, and is not to be used any more.
    fn open_summed<'a>(&'a self, offset: u64, sum: &'a Sum) -> BoxFuture<'a, Result<(ByteStream, bool)>> {
        let _ = sum;
        Box::pin(async move { Ok((self.open(offset).await?, false)) })
    }
}

impl BlobSource for Bytes {
    fn is_in_memory(&self) -> bool {
        true
    }

    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        let tail = usize::try_from(offset).ok().filter(|offset| *offset <= self.len());
        let opened = match tail {
            Some(offset) => Ok(stream::iter([Ok(self.slice(offset..))]).boxed()),
            None => {
                let message = format!("offset {offset} is past the end of {} bytes", self.len());
                Err(Error::new(ErrorKind::Corrupt, message))
            }
        };
        Box::pin(std::future::ready(opened))
    }
}

/// How much is read from a reader at once: the default of 4 KiB elsewhere is many times slower.
const READ_SIZE: usize = 64 * 1024;

pub(super) struct ReaderStream {
    reader: Option<Pin<Box<dyn AsyncRead + Send>>>,
    buffer: BytesMut,
}

impl ReaderStream {
    pub(super) fn new(reader: impl AsyncRead + Send + 'static) -> Self {
        Self { reader: Some(Box::pin(reader)), buffer: BytesMut::new() }
    }
}

impl Stream for ReaderStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        let Some(reader) = &mut this.reader else {
            return Poll::Ready(None);
        };
        this.buffer.resize(READ_SIZE, 0);
        let mut read = ReadBuf::new(&mut this.buffer);
        let result = ready!(reader.as_mut().poll_read(cx, &mut read));
        let filled = read.filled().len();
        let item = match result {
            Ok(()) if filled > 0 => return Poll::Ready(Some(Ok(this.buffer.split_to(filled).freeze()))),
            Ok(()) => None,
            Err(error) => Some(Err(error.into())),
        };
        this.reader = None;
        Poll::Ready(item)
    }
}
