use std::{
    fmt, io,
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    stream::{self, BoxStream},
};
use http_body::{Frame, SizeHint};
use http_body_util::BodyExt as _;

/// Bytes of a request or an answer, as they come.
pub(crate) type ByteStream = BoxStream<'static, io::Result<Bytes>>;

/// The body of an answer; its size is always known.
pub struct Body {
    kind: Kind,
    left: u64,
}

enum Kind {
    Empty,
    Bytes(Bytes),
    Stream(ByteStream),
}

impl Body {
    /// A body without bytes.
    pub const fn empty() -> Self {
        Self { kind: Kind::Empty, left: 0 }
    }

    pub(crate) fn stream(len: u64, stream: ByteStream) -> Self {
        Self { kind: Kind::Stream(stream), left: len }
    }

    /// The number of bytes that are still to come.
    pub fn len(&self) -> u64 {
        self.left
    }

    /// Whether no byte is to come.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }

    /// Tells how many bytes are handed out, as they are.
    pub(crate) fn inspect(self, mut told: impl FnMut(u64) + Send + 'static) -> Self {
        match self.kind {
            Kind::Empty => self,
            Kind::Bytes(_) => {
                told(self.left);
                self
            }
            Kind::Stream(stream) => {
                let inspected = stream.inspect(move |chunk| told(chunk.as_ref().map_or(0, Bytes::len) as u64));
                Self { kind: Kind::Stream(inspected.boxed()), left: self.left }
            }
        }
    }

    pub(crate) fn into_stream(self) -> ByteStream {
        match self.kind {
            Kind::Empty => stream::empty().boxed(),
            Kind::Bytes(bytes) => stream::iter([Ok(bytes)]).boxed(),
            Kind::Stream(stream) => stream,
        }
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self { left: bytes.len() as u64, kind: Kind::Bytes(bytes) }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Bytes::from(text).into()
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        let this = &mut *self;
        let next = match &mut this.kind {
            Kind::Empty => Poll::Ready(None),
            Kind::Bytes(bytes) => Poll::Ready(Some(Ok(std::mem::take(bytes)))),
            Kind::Stream(stream) => stream.poll_next_unpin(cx),
        };
        if matches!(this.kind, Kind::Bytes(_)) {
            this.kind = Kind::Empty;
        }
        next.map_ok(|bytes| {
            this.left = this.left.saturating_sub(bytes.len() as u64);
            Frame::data(bytes)
        })
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0 && !matches!(self.kind, Kind::Stream(_))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Body").field("left", &self.left).finish_non_exhaustive()
    }
}

/// The body of a request, as far as it has not been read.
pub(crate) struct Upload {
    stream: ByteStream,
    size: Option<u64>,
}

impl Upload {
    pub(crate) fn new<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let size = body.size_hint().exact();
        let stream = body.into_data_stream().map(|chunk| chunk.map_err(io::Error::other)).boxed();
        Self { stream, size }
    }

    /// The size in bytes, where the request tells it.
    pub(crate) fn size(&self) -> Option<u64> {
        self.size
    }

    pub(crate) fn map(self, wrap: impl FnOnce(ByteStream) -> ByteStream) -> Self {
        Self { stream: wrap(self.stream), size: self.size }
    }

    pub(crate) async fn next(&mut self) -> Option<io::Result<Bytes>> {
        self.stream.next().await
    }
}
