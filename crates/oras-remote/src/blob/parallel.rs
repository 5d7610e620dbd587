use std::num::NonZeroUsize;

use futures_util::{StreamExt as _, stream};
use oras_content::{BlobSource, BoxFuture, ByteStream, Descriptor, Result};
use oras_transport::RequestOptions;

use super::download::{Opened, Wanted};
use crate::repository::Repository;

/// The size of a range unless a caller says otherwise: long enough that asking for it costs little beside it.
const DEFAULT_WINDOW: u64 = 8 << 20;

/// The largest range: each is held in memory as a whole.
const MAX_WINDOW: u64 = 256 << 20;

/// Several ranges of one blob at once, handed out in order.
///
/// It pays on links with a high latency or a limit for each connection. At most `connections` ranges of `window` bytes are
/// in memory for each blob. A registry that knows no ranges sends one stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct ParallelRanges {
    connections: NonZeroUsize,
    window: u64,
}

impl ParallelRanges {
    /// So many ranges of 8 MiB at once.
    pub const fn new(connections: NonZeroUsize) -> Self {
        Self { connections, window: DEFAULT_WINDOW }
    }

    /// Sets the size of a range in bytes, between 1 byte and 256 MiB. Blobs that are not larger are read as one stream.
    #[must_use]
    pub const fn with_window(mut self, window: u64) -> Self {
        self.window = match window {
            0 => 1,
            window if window > MAX_WINDOW => MAX_WINDOW,
            window => window,
        };
        self
    }

    pub(crate) const fn window(&self) -> u64 {
        self.window
    }

    pub(super) fn source(self, repository: Repository, desc: &Descriptor) -> impl BlobSource {
        ParallelBlob { ranges: self, repository, desc: desc.clone() }
    }
}

struct ParallelBlob {
    ranges: ParallelRanges,
    repository: Repository,
    desc: Descriptor,
}

impl BlobSource for ParallelBlob {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        Box::pin(async move {
            let end = self.desc.size.min(offset.saturating_add(self.ranges.window));
            let wanted = Wanted { desc: self.desc.plain(), first: offset, end };
            let options = RequestOptions::new().without_permit();
            let Opened { stream, is_partial } = self.repository.open(&wanted, options).await?;
            if !is_partial {
                drop(stream);
                let rest = Wanted::from(&self.desc, offset);
                return Ok(self.repository.open(&rest, options).await?.stream);
            }
            Ok(stream.chain(self.ranges_from(end)).boxed())
        })
    }
}

impl ParallelBlob {
    /// The ranges behind the first one, each read ahead as a whole.
    fn ranges_from(&self, first: u64) -> ByteStream {
        let Self { ranges, repository, desc } = self;
        let (repository, desc, window) = (repository.clone(), desc.plain(), ranges.window);
        let starts = stream::iter((first..desc.size).step_by(usize::try_from(window).unwrap_or(usize::MAX)));
        let parts = starts.map(move |start| {
            let part = repository.part(&desc, start, desc.size.min(start.saturating_add(window)));
            part.bytes(window)
        });
        parts.buffered(ranges.connections.get()).boxed()
    }
}
