use std::{
    collections::VecDeque,
    fmt,
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Descriptor, Error, ErrorKind, Result};
use tokio::sync::Notify;

mod builder;

pub use builder::FaultySourceBuilder;

/// A [`BlobSource`] that misbehaves as told, and counts what is asked of it. Clones share faults and counts.
///
/// ```
/// use oras_content::Descriptor;
/// use oras_testing::FaultySource;
///
/// # fn main() -> oras_content::Result<()> {
/// # futures_util::FutureExt::now_or_never(async {
/// let source = FaultySource::builder("hello".into()).reset_at(3).build();
/// let blob = source.blob(&Descriptor::of("text/plain", b"hello"));
/// assert_eq!(blob.bytes(5).await?, "hello");
/// assert_eq!(source.opens(), [0, 3]);
/// # Ok(()) }).expect("nothing waits")
/// # }
/// ```
#[derive(Clone)]
pub struct FaultySource(Arc<Inner>);

struct Inner {
    content: Bytes,
    chunk: NonZeroUsize,
    reset_every: Option<u64>,
    state: Mutex<State>,
    stalled: Notify,
}

#[derive(Default)]
struct State {
    faults: Vec<Fault>,
    refusals: VecDeque<Option<Error>>,
    opens: Vec<u64>,
    given: u64,
    live: usize,
}

#[derive(Clone)]
struct Fault {
    at: u64,
    once: bool,
    action: Action,
}

#[derive(Clone)]
enum Action {
    Fail(Error),
    End,
    Stall,
}

/// What a stream does next.
enum Step {
    Give(Bytes),
    Act(Action),
}

impl FaultySource {
    /// A source of `content` without faults yet.
    pub fn builder(content: Bytes) -> FaultySourceBuilder {
        FaultySourceBuilder::new(content)
    }

    /// A replayable blob of this source, checked against `desc`.
    pub fn blob(&self, desc: &Descriptor) -> Blob {
        Blob::from_source(None, Arc::new(self.clone())).verify(desc)
    }

    /// One stream, not counted as an opening, for a blob that can be read once.
    pub fn stream(&self) -> ByteStream {
        self.stream_at(0)
    }

    /// The offsets at which the source was opened, refused openings included.
    pub fn opens(&self) -> Vec<u64> {
        self.0.state().opens.clone()
    }

    /// How many bytes all streams have given.
    pub fn bytes_given(&self) -> u64 {
        self.0.state().given
    }

    /// How many streams have not been dropped yet.
    pub fn open_streams(&self) -> usize {
        self.0.state().live
    }

    /// Waits until a stream stands still; each standstill wakes one who waits.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses no standstill.
    pub async fn stalled(&self) {
        self.0.stalled.notified().await;
    }

    fn stream_at(&self, position: u64) -> ByteStream {
        let stream = Stream { inner: Live::new(&self.0), position, given: 0, ended: false };
        stream::unfold(stream, Stream::next).boxed()
    }
}

impl BlobSource for FaultySource {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        Box::pin(async move {
            let refusal = {
                let mut state = self.0.state();
                state.opens.push(offset);
                state.refusals.pop_front().flatten()
            };
            if let Some(error) = refusal {
                return Err(error);
            }
            let len = self.0.content.len() as u64;
            if offset > len {
                return Err(Error::new(ErrorKind::Corrupt, format!("offset {offset} is past the end of {len} bytes")));
            }
            Ok(self.stream_at(offset))
        })
    }
}

impl fmt::Debug for FaultySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.0.state();
        f.debug_struct("FaultySource")
            .field("size", &self.0.content.len())
            .field("opens", &state.opens)
            .field("given", &state.given)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a stream does at `position` after it gave `given` bytes; nothing at the end of the content.
    fn step(&self, position: u64, given: u64) -> Option<Step> {
        let mut state = self.state();
        if let Some(found) = state.faults.iter().position(|fault| fault.at == position) {
            let fault = if state.faults.get(found)?.once {
                state.faults.remove(found)
            } else {
                state.faults.get(found)?.clone()
            };
            return Some(Step::Act(fault.action));
        }
        let until_reset = self.reset_every.map_or(u64::MAX, |every| every.saturating_sub(given));
        let start = usize::try_from(position).ok()?;
        let left = self.content.len().checked_sub(start).filter(|left| *left > 0)?;
        if until_reset == 0 {
            return Some(Step::Act(Action::Fail(reset())));
        }
        let until_fault =
            state.faults.iter().filter(|fault| fault.at > position).map(|fault| fault.at - position).min();
        let bound = until_fault.unwrap_or(u64::MAX).min(until_reset);
        let len = left.min(self.chunk.get()).min(usize::try_from(bound).unwrap_or(usize::MAX));
        state.given += len as u64;
        Some(Step::Give(self.content.slice(start..start + len)))
    }
}

fn reset() -> Error {
    Error::new(ErrorKind::Io, "connection reset").with_retryable(true)
}

struct Stream {
    inner: Live,
    position: u64,
    given: u64,
    ended: bool,
}

impl Stream {
    async fn next(mut self) -> Option<(Result<Bytes>, Self)> {
        if self.ended {
            return None;
        }
        match self.inner.0.step(self.position, self.given)? {
            Step::Give(chunk) => {
                self.position += chunk.len() as u64;
                self.given += chunk.len() as u64;
                Some((Ok(chunk), self))
            }
            Step::Act(Action::Fail(error)) => {
                self.ended = true;
                Some((Err(error), self))
            }
            Step::Act(Action::End) => None,
            Step::Act(Action::Stall) => {
                self.inner.0.stalled.notify_one();
                std::future::pending().await
            }
        }
    }
}

/// Counts a stream for as long as it lives.
struct Live(Arc<Inner>);

impl Live {
    fn new(inner: &Arc<Inner>) -> Self {
        inner.state().live += 1;
        Self(Arc::clone(inner))
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.0.state().live -= 1;
    }
}
