use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use bytes::{Bytes, BytesMut};
use oras_content::Error;
use tokio::sync::Notify;

use super::{Action, Fault, FaultySource, Inner, State, reset};

/// How many bytes a chunk has unless told otherwise.
const DEFAULT_CHUNK: NonZeroUsize = NonZeroUsize::new(1024).unwrap();

/// Tells a [`FaultySource`] how to misbehave. Offsets are those of the content, the first byte is 0.
#[derive(Clone)]
pub struct FaultySourceBuilder {
    content: Bytes,
    chunk: NonZeroUsize,
    reset_every: Option<u64>,
    faults: Vec<Fault>,
    refusals: VecDeque<Option<Error>>,
}

impl FaultySourceBuilder {
    pub(super) fn new(content: Bytes) -> Self {
        Self { content, chunk: DEFAULT_CHUNK, reset_every: None, faults: Vec::new(), refusals: VecDeque::new() }
    }

    /// Gives chunks of at most `size` bytes.
    #[must_use]
    pub fn chunk_size(mut self, size: NonZeroUsize) -> Self {
        self.chunk = size;
        self
    }

    /// Breaks, once, with an error that may pass, in front of the byte at `offset`. Told twice it breaks twice.
    #[must_use]
    pub fn reset_at(self, offset: u64) -> Self {
        self.fault(offset, true, Action::Fail(reset()))
    }

    /// Breaks each stream with an error that may pass after it gave `bytes` bytes.
    #[must_use]
    pub fn reset_every(mut self, bytes: u64) -> Self {
        self.reset_every = Some(bytes);
        self
    }

    /// Breaks each stream that comes to `offset` with `error`.
    #[must_use]
    pub fn fail_at(self, offset: u64, error: Error) -> Self {
        self.fault(offset, false, Action::Fail(error))
    }

    /// Ends each stream that comes to `offset`, as if the content were short.
    #[must_use]
    pub fn end_at(self, offset: u64) -> Self {
        self.fault(offset, false, Action::End)
    }

    /// Ends, once, a stream that comes to `offset`.
    #[must_use]
    pub fn end_once_at(self, offset: u64) -> Self {
        self.fault(offset, true, Action::End)
    }

    /// Lets each stream that comes to `offset` stand still for good; see [`FaultySource::stalled`].
    #[must_use]
    pub fn stall_at(self, offset: u64) -> Self {
        self.fault(offset, false, Action::Stall)
    }

    /// Goes on with `bytes` after the content.
    #[must_use]
    pub fn append(mut self, bytes: &[u8]) -> Self {
        let mut content = BytesMut::from(&*self.content);
        content.extend_from_slice(bytes);
        self.content = content.freeze();
        self
    }

    /// Flips the bits of `mask` in the byte at `offset`, if there is one.
    #[must_use]
    pub fn flip(mut self, offset: u64, mask: u8) -> Self {
        let mut content = BytesMut::from(&*self.content);
        if let Some(byte) = usize::try_from(offset).ok().and_then(|offset| content.get_mut(offset)) {
            *byte ^= mask;
        }
        self.content = content.freeze();
        self
    }

    /// Refuses the next opening that was not spoken of yet.
    #[must_use]
    pub fn refuse_open(mut self, error: Error) -> Self {
        self.refusals.push_back(Some(error));
        self
    }

    /// Allows the next opening that was not spoken of yet; all are allowed that nobody spoke of.
    #[must_use]
    pub fn allow_open(mut self) -> Self {
        self.refusals.push_back(None);
        self
    }

    /// The source.
    pub fn build(self) -> FaultySource {
        let state = State { faults: self.faults, refusals: self.refusals, ..State::default() };
        FaultySource(Arc::new(Inner {
            content: self.content,
            chunk: self.chunk,
            reset_every: self.reset_every,
            state: Mutex::new(state),
            stalled: Notify::new(),
        }))
    }

    fn fault(mut self, at: u64, once: bool, action: Action) -> Self {
        self.faults.push(Fault { at, once, action });
        self
    }
}

impl fmt::Debug for FaultySourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultySourceBuilder")
            .field("size", &self.content.len())
            .field("faults", &self.faults.len())
            .finish_non_exhaustive()
    }
}
