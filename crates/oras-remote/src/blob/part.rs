use std::{
    ops::Range,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_core::Stream;
use futures_util::StreamExt as _;
use oras_content::{Blob, BlobReader, BlobSource, BoxFuture, ByteStream, Descriptor, Error, Result};
use oras_transport::RequestOptions;

use super::download::Wanted;
use crate::repository::Repository;

/// Some bytes of a blob. They cannot be verified: a digest is over the whole.
///
/// It opens itself again where its stream breaks, and fails when there are fewer bytes than asked for.
///
/// # Cancel safety
///
/// Dropping it at any time drops the request below.
#[derive(Debug)]
pub struct BlobPart(Blob);

impl BlobPart {
    /// All bytes.
    ///
    /// # Errors
    ///
    /// [`SizeExceedsLimit`](oras_content::ErrorKind::SizeExceedsLimit) when there are more than `limit`; else what reading
    /// gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the request below.
    pub async fn bytes(self, limit: u64) -> Result<Bytes> {
        self.0.bytes(limit).await
    }

    /// The bytes as a reader.
    pub fn into_reader(self) -> BlobReader {
        self.0.into_reader()
    }

    /// How many bytes there are.
    pub fn len(&self) -> u64 {
        self.0.size().unwrap_or_default()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Stream for BlobPart {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.0.poll_next_unpin(cx)
    }
}

impl Repository {
    /// Bytes of a blob, unverified, such as the index of an archive at its end. Nothing is sent before the first poll.
    ///
    /// A registry that knows no ranges sends the whole, and what was not asked for is skipped.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](oras_content::ErrorKind::Unsupported) when the range does not lie in the blob.
    pub fn fetch_range(&self, desc: &Descriptor, range: Range<u64>) -> Result<BlobPart> {
        let Range { start, end } = range;
        if start > end || end > desc.size {
            let what = format!("reading bytes {start}..{end} of {}, which has {} bytes,", desc.digest, desc.size);
            return Err(Error::unsupported(what));
        }
        Ok(BlobPart(self.part(desc, start, end)))
    }

    pub(super) fn part(&self, desc: &Descriptor, start: u64, end: u64) -> Blob {
        if start == end {
            return Blob::from_bytes(Bytes::new());
        }
        let source = Part { repository: self.clone(), desc: desc.plain(), start, end };
        Blob::from_source(Some(end - start), Arc::new(source))
    }
}

struct Part {
    repository: Repository,
    desc: Descriptor,
    start: u64,
    end: u64,
}

impl BlobSource for Part {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        Box::pin(async move {
            let wanted = Wanted { desc: self.desc.clone(), first: self.start + offset, end: self.end };
            let opened = self.repository.open(&wanted, RequestOptions::new().without_permit()).await?;
            Ok(opened.stream)
        })
    }
}
