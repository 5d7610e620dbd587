use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt as _};
use tokio::sync::Notify;

use crate::body::{ByteStream, Upload};

/// A connection, as far as faults need to reach it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Link(Arc<State>);

#[derive(Debug, Default)]
struct State {
    is_awaited: AtomicBool,
    flushed: Notify,
    reset: AtomicBool,
    is_unread: AtomicBool,
}

impl Link {
    /// Waits until everything that was handed out has been given to the network.
    pub(crate) async fn flushed(&self) {
        self.0.is_awaited.store(true, Ordering::Release);
        self.0.flushed.notified().await;
    }

    /// The connection has nothing left to write.
    pub(super) fn set_flushed(&self) {
        if self.0.is_awaited.swap(false, Ordering::AcqRel) {
            self.0.flushed.notify_one();
        }
    }

    /// Ends the connection with a reset, once it is dropped.
    pub(crate) fn reset(&self) {
        self.0.reset.store(true, Ordering::Release);
    }

    pub(super) fn is_reset(&self) -> bool {
        self.0.reset.load(Ordering::Acquire)
    }

    /// Notes when a body is given up before its end.
    pub(super) fn watch(&self, body: Upload) -> Upload {
        if body.size() == Some(0) {
            return body;
        }
        let link = self.clone();
        body.map(|stream| Watched { stream, link, is_read: false }.boxed())
    }

    /// Whether bytes may still come that nobody will read.
    pub(super) fn is_unread(&self) -> bool {
        self.0.is_unread.load(Ordering::Acquire)
    }
}

/// A body that tells when it is dropped before its end.
struct Watched {
    stream: ByteStream,
    link: Link,
    is_read: bool,
}

impl Stream for Watched {
    type Item = io::Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let next = ready!(self.stream.poll_next_unpin(cx));
        self.is_read |= next.is_none();
        Poll::Ready(next)
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if !self.is_read {
            self.link.0.is_unread.store(true, Ordering::Release);
        }
    }
}
