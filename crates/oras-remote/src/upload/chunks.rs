use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use oras_content::{Blob, Error, ErrorKind, Result};

/// A blob cut into chunks. The blob checks itself while it is read, so the last chunk is not given before all of it is
/// known to be right.
pub(super) struct Chunks {
    blob: Blob,
    spare: VecDeque<Bytes>,
    position: u64,
}

impl Chunks {
    pub(super) fn new(blob: Blob) -> Self {
        Self { blob, spare: VecDeque::new(), position: 0 }
    }

    /// The offset of the next chunk.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// The next `size` bytes, or fewer at the end; none behind it.
    pub(super) async fn next(&mut self, size: u64) -> Result<Option<Bytes>> {
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let mut chunk = BytesMut::new();
        while chunk.len() < size {
            let Some(mut bytes) = self.read().await? else { break };
            if chunk.is_empty() && bytes.len() >= size {
                // No copy where the source's own chunks are larger.
                let head = bytes.split_to(size);
                self.keep(bytes);
                self.position += size as u64;
                return Ok(Some(head));
            }
            let head = bytes.split_to(bytes.len().min(size - chunk.len()));
            chunk.extend_from_slice(&head);
            self.keep(bytes);
        }
        self.position += chunk.len() as u64;
        Ok(Some(chunk.freeze()).filter(|chunk| !chunk.is_empty()))
    }

    /// Reads up to an offset without giving anything: what the registry has already.
    pub(super) async fn skip_to(&mut self, offset: u64) -> Result<()> {
        while self.position < offset {
            let Some(mut bytes) = self.read().await? else {
                let message =
                    format!("content ended at {}, before the {offset} bytes that were uploaded", self.position);
                return Err(Error::new(ErrorKind::Corrupt, message));
            };
            let wanted = usize::try_from(offset - self.position).unwrap_or(usize::MAX);
            let skipped = bytes.split_to(bytes.len().min(wanted));
            self.position += skipped.len() as u64;
            self.keep(bytes);
        }
        Ok(())
    }

    /// Takes the last chunk back, to cut it anew.
    pub(super) fn take_back(&mut self, chunk: Bytes) {
        self.position = self.position.saturating_sub(chunk.len() as u64);
        self.keep(chunk);
    }

    /// All that follows, as one stream.
    pub(super) fn into_rest(self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::iter(self.spare.into_iter().map(Ok)).chain(self.blob)
    }

    async fn read(&mut self) -> Result<Option<Bytes>> {
        match self.spare.pop_front() {
            Some(bytes) => Ok(Some(bytes)),
            None => self.blob.next().await.transpose(),
        }
    }

    fn keep(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.spare.push_front(bytes);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(parts: &'static [&'static [u8]]) -> Chunks {
        let parts = parts.iter().map(|part| Ok(Bytes::from_static(part)));
        Chunks::new(Blob::from_stream(None, stream::iter(parts)))
    }

    async fn all(mut chunks: Chunks, size: u64) -> Vec<Bytes> {
        let mut all = Vec::new();
        while let Some(chunk) = chunks.next(size).await.unwrap() {
            all.push(chunk);
        }
        all
    }

    #[tokio::test]
    async fn cuts_any_stream_into_chunks_of_one_size() {
        for size in 1..10 {
            let cut = all(chunks(&[b"a", b"bcd", b"efghij", b"k"]), size).await;
            assert_eq!(cut.concat(), b"abcdefghijk");
            assert!(cut.iter().rev().skip(1).all(|chunk| chunk.len() as u64 == size), "{size}: {cut:?}");
        }
    }

    #[tokio::test]
    async fn skips_what_is_there_already() {
        let mut chunks = chunks(&[b"abc", b"defg"]);
        chunks.skip_to(5).await.unwrap();
        assert_eq!(chunks.position(), 5);
        assert_eq!(all(chunks, 10).await, [&b"fg"[..]]);
    }

    #[tokio::test]
    async fn content_shorter_than_what_is_there_is_corrupt() {
        let mut chunks = chunks(&[b"abc"]);
        assert_eq!(chunks.skip_to(5).await.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}
