use std::{
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, OnceLock, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use http_body::{Body, Frame, SizeHint};
use oras_content::{Blob, Error, Result};

use super::progress::{Progress, Reporter};
use crate::stack::Pace;

/// The body of a request: nothing, bytes in memory, or a [`Blob`].
///
/// Whatever sends a request may have to send it again: after a challenge, a redirect, a reset. So a body knows how to give
/// itself [again](Self::replay). A blob that can be read only once can still be sent again as long as nobody has read any
/// of it.
///
/// An error of the blob comes back to the sender of the request as it was.
pub struct HttpBody {
    inner: Option<Box<Inner>>,
}

/// A body with bytes. Every step that a request goes holds a body, so it stands in a box.
struct Inner {
    content: Content,
    remaining: Option<u64>,
    reporter: Option<Reporter>,
    pace: Option<Pace>,
}

enum Content {
    Bytes {
        whole: Bytes,
        is_read: bool,
    },
    /// What is sent, and what replays are made of.
    Replayable {
        blob: Box<Blob>,
        again: OnceLock<Option<Again>>,
    },
    /// A replay, as long as nobody reads it.
    Again(Again),
    /// Read once, and not read yet: whichever body is polled first takes the blob.
    Shared(Arc<Mutex<Option<Box<Blob>>>>),
    Taken(Box<Blob>),
    Spent,
}

/// A blob that can be given again. Every step that a request goes keeps the body to send it again, and seldom does.
type Again = Arc<Mutex<Blob>>;

impl HttpBody {
    /// No body.
    pub fn empty() -> Self {
        Self { inner: None }
    }

    /// Bytes in memory.
    pub fn from_bytes(bytes: Bytes) -> Self {
        if bytes.is_empty() {
            return Self::empty();
        }
        let remaining = Some(bytes.len() as u64);
        Self::new(Content::Bytes { whole: bytes, is_read: false }, remaining)
    }

    /// The content of a blob; where its size is known, it is sent as `Content-Length`.
    ///
    /// A blob of size 0 must have been [started](Blob::start), else nothing checks it: a body without bytes is not polled.
    pub fn from_blob(blob: Blob) -> Self {
        let remaining = remaining(&blob);
        let blob = Box::new(blob);
        let content = if blob.is_replayable() {
            Content::Replayable { blob, again: OnceLock::new() }
        } else {
            Content::Shared(Arc::new(Mutex::new(Some(blob))))
        };
        Self::new(content, remaining)
    }

    fn new(content: Content, remaining: Option<u64>) -> Self {
        Self { inner: Some(Box::new(Inner { content, remaining, reporter: None, pace: None })) }
    }

    fn again(again: &Again) -> Self {
        let remaining = remaining(&again.lock().unwrap_or_else(PoisonError::into_inner));
        Self::new(Content::Again(Arc::clone(again)), remaining)
    }

    fn content(&self) -> Option<&Content> {
        Some(&self.inner.as_ref()?.content)
    }

    fn remaining(&self) -> Option<u64> {
        self.inner.as_ref().map_or(Some(0), |inner| inner.remaining)
    }

    /// Whether the body can be given again however much of it was read.
    pub fn is_replayable(&self) -> bool {
        matches!(self.content(), None | Some(Content::Bytes { .. } | Content::Replayable { .. } | Content::Again(_)))
    }

    /// Whether the body comes out of a [`Blob`], and so perhaps out of another request.
    pub fn is_streamed(&self) -> bool {
        !matches!(self.content(), None | Some(Content::Bytes { .. }))
    }

    /// The same body from its start; none when it can be read only once and somebody began to read it.
    pub fn replay(&self) -> Option<Self> {
        match self.content() {
            None => Some(Self::empty()),
            Some(Content::Bytes { whole, .. }) => Some(Self::from_bytes(whole.clone())),
            Some(Content::Replayable { blob, again }) => {
                let again = again.get_or_init(|| blob.replay().map(|again| Arc::new(Mutex::new(again))));
                again.as_ref().map(Self::again)
            }
            Some(Content::Again(again)) => Some(Self::again(again)),
            Some(Content::Shared(shared)) => {
                let is_unread = shared.lock().unwrap_or_else(PoisonError::into_inner).is_some();
                is_unread.then(|| Self::new(Content::Shared(Arc::clone(shared)), self.remaining()))
            }
            Some(Content::Taken(_) | Content::Spent) => None,
        }
    }

    /// Lets somebody watch how far the body is.
    pub(crate) fn observe(&mut self) -> Arc<Progress> {
        let is_empty = self.is_end_stream();
        let mut none = None;
        let reporter = self.inner.as_mut().map_or(&mut none, |inner| &mut inner.reporter);
        let reporter = reporter.get_or_insert_with(Reporter::new);
        if is_empty {
            reporter.ended();
        }
        reporter.progress()
    }

    /// Keeps the body within a rate.
    pub(crate) fn pace(&mut self, pace: Pace) {
        if let Some(inner) = &mut self.inner {
            inner.pace = Some(pace);
        }
    }
}

impl Inner {
    fn report(&self, item: &Poll<Option<Result<Bytes>>>) {
        let Some(reporter) = &self.reporter else { return };
        match item {
            Poll::Pending => reporter.reading(),
            Poll::Ready(Some(Ok(_))) if self.remaining != Some(0) => reporter.gave(),
            Poll::Ready(Some(Err(error))) => reporter.failed(error),
            Poll::Ready(_) => reporter.ended(),
        }
    }

    fn poll_content(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if let Content::Shared(shared) = &self.content {
            let taken = shared.lock().unwrap_or_else(PoisonError::into_inner).take();
            self.content = taken.map_or(Content::Spent, Content::Taken);
            if matches!(self.content, Content::Spent) {
                return Poll::Ready(Some(Err(not_replayable())));
            }
        }
        if let Content::Again(again) = &self.content {
            let replay = again.lock().unwrap_or_else(PoisonError::into_inner).replay();
            let Some(blob) = replay.map(Box::new) else {
                self.content = Content::Spent;
                return Poll::Ready(Some(Err(not_replayable())));
            };
            self.content = Content::Replayable { blob, again: OnceLock::from(Some(Arc::clone(again))) };
        }
        match &mut self.content {
            Content::Bytes { whole, is_read } => {
                let is_over = std::mem::replace(is_read, true);
                Poll::Ready((!is_over).then(|| Ok(whole.clone())))
            }
            Content::Replayable { blob, .. } | Content::Taken(blob) => blob.poll_next_unpin(cx),
            Content::Again(_) | Content::Shared(_) | Content::Spent => Poll::Ready(None),
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        if let Some(pace) = &mut self.pace {
            ready!(pace.poll_turn(cx));
        }
        let item = self.poll_content(cx);
        if let Poll::Ready(Some(Ok(chunk))) = &item {
            let len = chunk.len();
            self.remaining = self.remaining.map(|remaining| remaining.saturating_sub(len as u64));
            if let Some(pace) = &mut self.pace {
                pace.took(len);
            }
        }
        self.report(&item);
        item
    }
}

fn remaining(blob: &Blob) -> Option<u64> {
    blob.size().map(|size| size.saturating_sub(blob.position()))
}

/// What becomes of a request that would have to be sent again and cannot be.
pub(crate) fn not_replayable() -> Error {
    Error::unsupported("sending a body again that can be read only once")
}

impl Body for HttpBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let Some(inner) = &mut self.inner else { return Poll::Ready(None) };
        inner.poll_bytes(cx).map_ok(Frame::data)
    }

    fn is_end_stream(&self) -> bool {
        self.remaining() == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.remaining().map_or_else(SizeHint::default, SizeHint::with_exact)
    }
}

impl Default for HttpBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for HttpBody {
    fn from(bytes: Bytes) -> Self {
        Self::from_bytes(bytes)
    }
}

impl From<Blob> for HttpBody {
    fn from(blob: Blob) -> Self {
        Self::from_blob(blob)
    }
}

impl fmt::Debug for HttpBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpBody")
            .field("remaining", &self.remaining())
            .field("replayable", &self.is_replayable())
            .finish_non_exhaustive()
    }
}
