use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use futures_util::StreamExt as _;
use http_body::{Body, Frame, SizeHint};
use http_body_util::{BodyExt as _, Full, StreamBody, combinators::UnsyncBoxBody};
use oras_content::{Error, ErrorKind, Result};

/// Reading more of a response that nobody needs costs more than a new connection.
const DISCARD_LIMIT: usize = 16 * 1024;
const DISCARD_TIME: Duration = Duration::from_millis(500);

/// The body of a response: a stream of bytes as they come off the wire.
///
/// # Cancel safety
///
/// Dropping it closes the connection, or resets the stream, unless it was read to its end.
pub struct ResponseBody(UnsyncBoxBody<Bytes, Error>);

impl ResponseBody {
    /// Any body whose errors are ours.
    pub fn new(body: impl Body<Data = Bytes, Error = Error> + Send + 'static) -> Self {
        Self(body.boxed_unsync())
    }

    /// No body.
    pub fn empty() -> Self {
        Self::from_bytes(Bytes::new())
    }

    /// Bytes in memory.
    pub fn from_bytes(bytes: Bytes) -> Self {
        Self::new(Full::new(bytes).map_err(|never| match never {}))
    }

    /// The items of a stream, of unknown size.
    pub fn from_stream(stream: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::new(StreamBody::new(stream.map(|chunk| chunk.map(Frame::data))))
    }

    /// All bytes.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::SizeExceedsLimit`] when there are more than `limit`; else what reading gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the connection, or resets the stream.
    pub async fn bytes(mut self, limit: u64) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while let Some(chunk) = self.next().await.transpose()? {
            if (all.len() + chunk.len()) as u64 > limit {
                let message = format!("the response is larger than the limit of {limit} bytes");
                return Err(Error::new(ErrorKind::SizeExceedsLimit, message));
            }
            all.extend_from_slice(&chunk);
        }
        Ok(all.freeze())
    }

    /// At most `limit` bytes; the rest is not read. For error documents, which may be anything.
    ///
    /// # Errors
    ///
    /// What reading gives.
    ///
    /// # Cancel safety
    ///
    /// As [`bytes`](Self::bytes).
    pub async fn excerpt(mut self, limit: usize) -> Result<Bytes> {
        let mut all = BytesMut::new();
        while all.len() < limit
            && let Some(chunk) = self.next().await.transpose()?
        {
            all.extend_from_slice(&chunk);
        }
        all.truncate(limit);
        Ok(all.freeze())
    }

    /// Reads what little is left, so that the connection can serve another request; gives up where there is more, or it
    /// does not come at once.
    ///
    /// # Cancel safety
    ///
    /// As [`bytes`](Self::bytes).
    pub async fn discard(self) {
        let reading = std::pin::pin!(self.excerpt(DISCARD_LIMIT));
        let late = std::pin::pin!(tokio::time::sleep(DISCARD_TIME));
        futures_util::future::select(reading, late).await;
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        Pin::new(&mut self.0).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

impl Stream for ResponseBody {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            match ready!(Pin::new(&mut self.0).poll_frame(cx)) {
                Some(Ok(frame)) => match frame.into_data() {
                    Ok(data) => return Poll::Ready(Some(Ok(data))),
                    // Trailers say nothing about content.
                    Err(_trailers) => {}
                },
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            }
        }
    }
}

impl Default for ResponseBody {
    fn default() -> Self {
        Self::empty()
    }
}

impl From<Bytes> for ResponseBody {
    fn from(bytes: Bytes) -> Self {
        Self::from_bytes(bytes)
    }
}

impl fmt::Debug for ResponseBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseBody").field("size", &self.0.size_hint().exact()).finish_non_exhaustive()
    }
}
