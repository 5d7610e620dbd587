use std::{
    io::{self, SeekFrom},
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_util::StreamExt as _;
use oras_content::{Blob, Descriptor};
use tokio::io::{AsyncRead, AsyncSeek, ReadBuf};

use crate::repository::Repository;

/// How far ahead bytes are skipped rather than asked for anew: a request costs a round trip, in which as much arrives.
const SKIP_LIMIT: u64 = 256 << 10;

/// A blob in a registry as something to read and to seek in, such as an archive with an index at its end.
///
/// Read from start to end it verifies, as any blob. After a seek nothing does: a digest is over the whole. A seek sends
/// nothing; the next read asks for what follows, unless it is near enough ahead in the connection that is open.
#[derive(Debug)]
pub struct SeekableBlob {
    repository: Repository,
    desc: Descriptor,
    position: u64,
    open: Option<Open>,
    /// Whether every byte up to here was read in order.
    in_order: bool,
}

#[derive(Debug)]
struct Open {
    blob: Blob,
    /// The offset in the whole of the next byte of `chunk`, then of `blob`.
    position: u64,
    chunk: Bytes,
}

impl Repository {
    /// A reader of a blob that can seek. Nothing is sent before the first read.
    pub fn open_seekable(&self, desc: &Descriptor) -> SeekableBlob {
        SeekableBlob { repository: self.clone(), desc: desc.clone(), position: 0, open: None, in_order: true }
    }
}

impl SeekableBlob {
    /// The size in bytes.
    pub fn size(&self) -> u64 {
        self.desc.size
    }

    fn reopen(&self) -> Open {
        let blob = if self.in_order && self.position == 0 {
            self.repository.fetch_blob(&self.desc)
        } else {
            self.repository.part(&self.desc, self.position, self.desc.size)
        };
        Open { blob, position: self.position, chunk: Bytes::new() }
    }

    fn can_reach(&self, open: &Open) -> bool {
        self.position.checked_sub(open.position).is_some_and(|ahead| ahead <= SKIP_LIMIT.max(open.chunk.len() as u64))
    }
}

impl Open {
    /// The next bytes at or behind `position`; none at the end.
    fn poll_at(&mut self, cx: &mut Context<'_>, position: u64) -> Poll<io::Result<Option<&mut Bytes>>> {
        loop {
            let ahead = position.saturating_sub(self.position).min(self.chunk.len() as u64);
            self.chunk.advance(usize::try_from(ahead).unwrap_or_default());
            self.position += ahead;
            if !self.chunk.is_empty() {
                return Poll::Ready(Ok(Some(&mut self.chunk)));
            }
            match ready!(self.blob.poll_next_unpin(cx)) {
                Some(chunk) => self.chunk = chunk?,
                None => return Poll::Ready(Ok(None)),
            }
        }
    }
}

impl AsyncRead for SeekableBlob {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        if buf.remaining() == 0 || (this.position >= this.desc.size && this.desc.size > 0) {
            // The end of a blob that was read in order is its verdict.
            let verdict = this.open.as_mut().filter(|_| this.in_order && buf.remaining() > 0);
            return match verdict {
                Some(open) => open.poll_at(cx, this.position).map_ok(|_| ()),
                None => Poll::Ready(Ok(())),
            };
        }
        let open = match this.open.take() {
            Some(open) if this.can_reach(&open) => open,
            _ => this.reopen(),
        };
        let open = this.open.insert(open);
        let polled = ready!(open.poll_at(cx, this.position));
        let Some(chunk) = polled.inspect_err(|_| this.in_order = false)? else {
            return Poll::Ready(Ok(()));
        };
        let len = chunk.len().min(buf.remaining());
        buf.put_slice(chunk.get(..len).unwrap_or_default());
        chunk.advance(len);
        open.position += len as u64;
        this.position += len as u64;
        Poll::Ready(Ok(()))
    }
}

impl AsyncSeek for SeekableBlob {
    fn start_seek(mut self: Pin<&mut Self>, to: SeekFrom) -> io::Result<()> {
        let position = match to {
            SeekFrom::Start(offset) => Some(offset),
            SeekFrom::End(offset) => self.desc.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        let Some(position) = position else {
            let message = format!("cannot seek to {to:?} in {} bytes", self.desc.size);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        };
        self.in_order &= position == self.position;
        self.position = position;
        Ok(())
    }

    fn poll_complete(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<u64>> {
        Poll::Ready(Ok(self.position))
    }
}
