use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_core::{Stream, future::BoxFuture};
use futures_util::{FutureExt as _, StreamExt as _};
use oras_descriptor::Digest;

use super::{
    source::{BlobSource, ByteStream},
    sum::Sum,
};
use crate::error::{Error, ErrorKind, Result};

/// How often a source is opened again without a single new byte before the blob gives up. Waiting happens inside
/// [`BlobSource::open`], so this bounds attempts, not time.
const MAX_BARREN_OPENINGS: u32 = 5;

/// The bytes of a blob without the check of their digest: counts them, and opens the source again where the stream broke.
///
/// Where the size is known, a stream that ends early is broken too, and one that goes on past it fails.
pub struct RawStream {
    size: Option<u64>,
    position: u64,
    source: Option<Arc<dyn BlobSource>>,
    state: State,
    barren: u32,
    refused: Option<Error>,
    observer: Option<Observer>,
    /// What the source may add its bytes to.
    offer: Option<Sum>,
    /// The same, once the source does.
    apart: Option<Sum>,
    /// The chunk that completes the size, while the source's sum is not known to be right.
    held: Option<Bytes>,
}

/// Is told the position after each chunk.
pub(super) type Observer = Arc<dyn Fn(u64) + Send + Sync>;

enum State {
    Idle,
    Opening(BoxFuture<'static, Result<(ByteStream, bool)>>),
    Open(ByteStream),
    /// There is an error to give before the end.
    Refused,
    Ended,
}

impl RawStream {
    pub(super) fn once(size: Option<u64>, stream: ByteStream) -> Self {
        Self::with_state(size, None, State::Open(stream))
    }

    pub(super) fn replayable(size: Option<u64>, source: Arc<dyn BlobSource>) -> Self {
        Self::with_state(size, Some(source), State::Idle)
    }

    fn with_state(size: Option<u64>, source: Option<Arc<dyn BlobSource>>, state: State) -> Self {
        let (refused, observer, offer, apart, held) = (None, None, None, None, None);
        Self { size, position: 0, source, state, barren: 0, refused, observer, offer, apart, held }
    }

    pub(super) fn replay(&self) -> Option<Self> {
        let mut fresh = Self::replayable(self.size, self.source.clone()?);
        fresh.observer.clone_from(&self.observer);
        if let Some(error) = &self.refused {
            fresh.refuse(error.clone());
        }
        Some(fresh)
    }

    /// Tells one more observer.
    pub(super) fn observe(&mut self, observer: Observer) {
        self.observer = Some(match self.observer.take() {
            None => observer,
            Some(first) => Arc::new(move |position| {
                first(position);
                observer(position);
            }),
        });
    }

    /// Makes the next poll fail, and that of every replay.
    pub(super) fn refuse(&mut self, error: Error) {
        self.state = State::Refused;
        self.refused.get_or_insert_with(|| error.out_of_blob());
    }

    pub(super) fn end(&mut self) {
        self.state = State::Ended;
        self.held = None;
    }

    /// Lets the source add its bytes to a sum, if it is not open yet and can; with none, nobody but the owner does.
    pub(super) fn offer(&mut self, sum: Option<Sum>) {
        self.offer = sum;
        // What is being opened may have been told of another sum.
        if matches!(self.state, State::Opening(_)) {
            self.state = State::Idle;
        }
    }

    /// Whether the source adds its bytes to the sum, and the last ones are kept back here.
    pub(super) fn is_summed(&self) -> bool {
        self.apart.is_some()
    }

    pub(super) fn seek(&mut self, position: u64) {
        self.position = position;
    }

    pub(super) fn set_size(&mut self, size: u64, digest: &Digest) -> Result<()> {
        match self.size {
            Some(known) if known != size => {
                let message = format!("content of {known} bytes was taken for {digest} of {size} bytes");
                Err(Error::new(ErrorKind::Corrupt, message))
            }
            _ => {
                self.size = Some(size);
                Ok(())
            }
        }
    }

    pub(super) fn is_started(&self) -> bool {
        !matches!(self.state, State::Idle | State::Refused) || self.position > 0
    }

    /// The size in bytes of the whole content, where it is known.
    pub fn size(&self) -> Option<u64> {
        self.size
    }

    /// The offset of the next byte.
    pub fn position(&self) -> u64 {
        self.position
    }

    /// Whether the source can be opened again.
    pub fn is_replayable(&self) -> bool {
        self.source.is_some()
    }

    pub(super) fn is_in_memory(&self) -> bool {
        self.source.as_ref().is_some_and(|source| source.is_in_memory())
    }

    fn is_whole(&self) -> bool {
        self.size == Some(self.position)
    }

    /// Opens the source, if it is not open. An error of opening is final: waiting and trying again is the source's own.
    pub(super) fn poll_open(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        loop {
            let resumed_whole = self.position > 0 && self.is_whole();
            match &mut self.state {
                // A part that was already whole when it was resumed: there is nothing left to ask for.
                State::Idle if resumed_whole => self.state = State::Ended,
                State::Idle => self.state = self.opening(),
                State::Opening(opening) => match ready!(opening.poll_unpin(cx)) {
                    Ok((stream, is_summed)) => {
                        self.apart = self.offer.clone().filter(|_| is_summed);
                        self.state = State::Open(stream);
                    }
                    Err(error) => {
                        self.state = State::Ended;
                        return Poll::Ready(Err(error.out_of_blob()));
                    }
                },
                State::Refused => {
                    self.state = State::Ended;
                    return Poll::Ready(self.refused.clone().map_or(Ok(()), Err));
                }
                State::Open(_) | State::Ended => return Poll::Ready(Ok(())),
            }
        }
    }

    fn opening(&self) -> State {
        let Some(source) = self.source.clone() else {
            return State::Ended;
        };
        let (position, offer) = (self.position, self.offer.clone());
        let opening = async move {
            match offer {
                Some(sum) => source.open_summed(position, &sum).await,
                None => Ok((source.open(position).await?, false)),
            }
        };
        State::Opening(opening.boxed())
    }

    /// What to do after the stream broke: nothing when it can be opened again, else the error.
    fn broke(&mut self, error: Error) -> Result<()> {
        self.barren += 1;
        // A thread may have summed what never came here.
        let is_ahead = self.apart.as_ref().is_some_and(|sum| sum.size() != self.position);
        if self.source.is_none() || !error.is_retryable() || self.barren > MAX_BARREN_OPENINGS || is_ahead {
            self.state = State::Ended;
            let retries = self.barren.saturating_sub(1).max(error.retries());
            return Err(error.with_retries(retries).out_of_blob());
        }
        self.state = State::Idle;
        Ok(())
    }

    fn too_short(&self, size: u64) -> Error {
        let message = format!("content ended after {} of {size} bytes", self.position);
        Error::new(ErrorKind::Corrupt, message).with_retryable(true)
    }

    /// The chunk that was kept back, if the sum of the source is right.
    fn close(&mut self) -> Option<Result<Bytes>> {
        let held = self.held.take();
        match self.apart.as_ref().map_or(Ok(()), Sum::finish) {
            Ok(()) => held.map(Ok),
            Err(error) => Some(Err(error.out_of_blob())),
        }
    }

    fn advance(&mut self, chunk: Bytes) -> Result<Bytes> {
        let position = self.position.saturating_add(chunk.len() as u64);
        if let Some(size) = self.size.filter(|size| position > *size) {
            self.state = State::Ended;
            let message = format!("content is too long: expected {size} bytes, found more");
            return Err(Error::new(ErrorKind::Corrupt, message).out_of_blob());
        }
        self.position = position;
        self.barren = 0;
        if let Some(observer) = &self.observer {
            observer(position);
        }
        Ok(chunk)
    }
}

impl Stream for RawStream {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Err(error) = ready!(self.poll_open(cx)) {
                return Poll::Ready(Some(Err(error)));
            }
            let State::Open(stream) = &mut self.state else {
                return Poll::Ready(None);
            };
            let broken = match ready!(stream.poll_next_unpin(cx)) {
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => match self.advance(chunk) {
                    Ok(chunk) if self.is_summed() && self.is_whole() => {
                        self.held = Some(chunk);
                        continue;
                    }
                    advanced => return Poll::Ready(Some(advanced)),
                },
                // Every byte is here; how the stream ends does not matter any more.
                Some(Err(error)) if error.is_retryable() && self.is_whole() => None,
                Some(Err(error)) => Some(error),
                None => self.size.filter(|size| self.position < *size).map(|size| self.too_short(size)),
            };
            let Some(error) = broken else {
                self.state = State::Ended;
                return Poll::Ready(self.close());
            };
            if let Err(error) = self.broke(error) {
                return Poll::Ready(Some(Err(error)));
            }
        }
    }
}

impl fmt::Debug for RawStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawStream")
            .field("size", &self.size)
            .field("position", &self.position)
            .field("replayable", &self.is_replayable())
            .finish()
    }
}
