use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, ReadBuf};

use super::Blob;
use crate::error::Error;

/// A [`Blob`] as a reader. Errors of the blob travel inside [`io::Error`]; `oras_content::Error::from` takes them out.
///
/// Once it has failed it goes on failing, so that a broken blob never looks like one that has ended.
#[derive(Debug)]
pub struct BlobReader {
    blob: Blob,
    chunk: Bytes,
    failed: Option<Error>,
}

impl BlobReader {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob, chunk: Bytes::new(), failed: None }
    }
}

impl AsyncRead for BlobReader {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if let Some(error) = &self.failed {
            return Poll::Ready(Err(error.clone().into()));
        }
        if self.chunk.is_empty() {
            match ready!(self.blob.poll_next_unpin(cx)) {
                Some(Ok(chunk)) => self.chunk = chunk,
                Some(Err(error)) => {
                    self.failed = Some(error.clone());
                    return Poll::Ready(Err(error.into()));
                }
                None => return Poll::Ready(Ok(())),
            }
        }
        let len = self.chunk.len().min(buf.remaining());
        buf.put_slice(self.chunk.get(..len).unwrap_or_default());
        self.chunk.advance(len);
        Poll::Ready(Ok(()))
    }
}
