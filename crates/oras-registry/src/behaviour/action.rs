use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    body::{Body, ByteStream, Upload},
    error::{ApiError, Code},
    server::Link,
};

/// Throttled answers are cut to pieces of this size, so that a slow one flows evenly.
const THROTTLE_PIECE: usize = 4 * 1024;

/// One thing that goes wrong. Numbers of bytes count the body, headers apart.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Action {
    /// The connection is reset when so many bytes of the request's body have been read; the server keeps what it read.
    ResetRequest(u64),
    /// The request is carried out, and the connection is reset in place of an answer.
    LoseAnswer,
    /// The connection is closed in good order after so many bytes of the answer: a short body.
    CloseAnswer(u64),
    /// The connection is reset after so many bytes of the answer. What does not fit into the client's receive buffer by
    /// then is lost, so a slow client gets less; [`CloseAnswer`](Self::CloseAnswer) is exact at any size.
    ResetAnswer(u64),
    /// The answer stops after so many bytes, and the connection stays open.
    StallAnswer(u64),
    /// No answer at all, and the connection stays open.
    StallHead,
    /// The answer comes later.
    Delay(Duration),
    /// The body of the answer comes with so many bytes a second.
    Throttle(u64),
    /// One byte of the answer's body is another one.
    FlipByte(u64),
    /// The body of the answer is short by so many bytes, and `Content-Length` agrees with it.
    Truncate(u64),
    /// The body of the answer is long by so many bytes, and `Content-Length` agrees with it.
    Extend(u64),
    /// The request is not carried out, and answered by this status; with the value for `Retry-After`, if there is one.
    Status(StatusCode, Option<String>),
    /// The request is not carried out, and answered by this status and a message, such as GHCR's
    /// `retry-after: 880.092µs` with 429.
    Message(StatusCode, String),
    /// The request is not carried out, and answered by this status and a page for people, as proxies do.
    Html(StatusCode),
}

/// What is to go wrong with one request.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    action: Option<Action>,
    lost: Arc<AtomicBool>,
}

impl Plan {
    pub(crate) fn new(action: Option<Action>) -> Self {
        Self { action, lost: Arc::default() }
    }

    #[cfg(test)]
    pub(crate) fn is_struck(&self) -> bool {
        self.action.is_some()
    }

    /// Strikes before the request is carried out; an answer from here is the answer.
    pub(crate) async fn before(&self) -> Option<Response<Body>> {
        match &self.action {
            Some(Action::Delay(time)) => {
                tokio::time::sleep(*time).await;
                None
            }
            Some(Action::StallHead) => std::future::pending().await,
            Some(Action::Status(status, after)) => Some(refusal(*status, "refused on demand", after.as_deref())),
            Some(Action::Message(status, message)) => Some(refusal(*status, message, None)),
            Some(Action::Html(status)) => Some(page(*status)),
            _ => None,
        }
    }

    /// Strikes while the request is read.
    pub(crate) fn upload(&self, upload: Upload) -> Upload {
        let Some(Action::ResetRequest(bytes)) = self.action else {
            return upload;
        };
        let lost = Arc::clone(&self.lost);
        let end = move || {
            lost.store(true, Ordering::Relaxed);
            Err(io::ErrorKind::ConnectionReset.into())
        };
        upload.map(|body| first(body, bytes).chain(stream::once(async move { end() })).boxed())
    }

    /// Strikes what is answered; an error is a connection that is reset.
    pub(crate) fn after(&self, response: Response<Body>, link: Option<Link>) -> io::Result<Response<Body>> {
        if self.lost.load(Ordering::Relaxed) || matches!(self.action, Some(Action::LoseAnswer)) {
            if let Some(link) = link {
                link.reset();
            }
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let Some(action) = &self.action else {
            return Ok(response);
        };
        let (mut head, body) = response.into_parts();
        if body.is_empty() {
            return Ok(Response::from_parts(head, body));
        }
        let (len, body) = (body.len(), body.into_stream());
        let (len, body) = match *action {
            Action::CloseAnswer(bytes) => (len, first(body, bytes).chain(hang_up(link, false)).boxed()),
            Action::ResetAnswer(bytes) => (len, first(body, bytes).chain(hang_up(link, true)).boxed()),
            Action::StallAnswer(bytes) => (len, first(body, bytes).chain(stream::pending()).boxed()),
            Action::Throttle(rate) => (len, throttle(body, rate)),
            Action::FlipByte(at) => (len, flip(body, at)),
            Action::Truncate(by) => (len.saturating_sub(by), first(body, len.saturating_sub(by))),
            Action::Extend(by) => (len.saturating_add(by), body.chain(filler(by)).boxed()),
            _ => (len, body),
        };
        head.headers.insert(header::CONTENT_LENGTH, len.into());
        Ok(Response::from_parts(head, Body::stream(len, body)))
    }
}

fn refusal(status: StatusCode, message: &str, retry_after: Option<&str>) -> Response<Body> {
    let code = match status {
        StatusCode::TOO_MANY_REQUESTS => Code::TooManyRequests,
        StatusCode::UNAUTHORIZED => Code::Unauthorized,
        StatusCode::FORBIDDEN => Code::Denied,
        StatusCode::METHOD_NOT_ALLOWED => Code::Unsupported,
        _ => Code::Unknown,
    };
    let mut error = ApiError::new(status, code, message);
    if let Some(value) = retry_after.and_then(|text| HeaderValue::from_str(text).ok()) {
        error = error.with_header(header::RETRY_AFTER, value);
    }
    error.into_response()
}

/// An answer that is meant for people.
pub(crate) fn page(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::from(format!("<html><body><h1>{status}</h1></body></html>\n")));
    *response.status_mut() = status;
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// The first bytes of a stream.
fn first(body: ByteStream, bytes: u64) -> ByteStream {
    let cut = stream::try_unfold((body, bytes), |(mut body, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let Some(mut chunk) = body.next().await.transpose()? else {
            return Ok(None);
        };
        let keep = usize::try_from(left).unwrap_or(usize::MAX).min(chunk.len());
        let chunk = chunk.split_to(keep);
        let left = left - keep as u64;
        Ok(Some((chunk, (body, left))))
    });
    cut.boxed()
}

/// Ends the connection once everything before has been handed to the network.
fn hang_up(link: Option<Link>, reset: bool) -> ByteStream {
    let end = async move {
        if let Some(link) = link {
            link.flushed().await;
            if reset {
                link.reset();
            }
        }
        Err(io::ErrorKind::ConnectionReset.into())
    };
    stream::once(end).boxed()
}

fn throttle(body: ByteStream, rate: u64) -> ByteStream {
    let piece = usize::try_from(rate / 10).unwrap_or(THROTTLE_PIECE).clamp(1, THROTTLE_PIECE);
    let pieces = body.flat_map(move |chunk| match chunk {
        Ok(chunk) => stream::iter(split(&chunk, piece)),
        Err(error) => stream::iter(vec![Err(error)]),
    });
    let paced = pieces.then(move |piece| async move {
        let bytes = piece.as_ref().map_or(0, |bytes| bytes.len() as u64);
        tokio::time::sleep(Duration::from_micros(bytes.saturating_mul(1_000_000) / rate.max(1))).await;
        piece
    });
    paced.boxed()
}

fn split(chunk: &Bytes, piece: usize) -> Vec<io::Result<Bytes>> {
    let ends = (0..chunk.len()).step_by(piece);
    ends.map(|at| Ok(chunk.slice(at..chunk.len().min(at + piece)))).collect()
}

fn flip(body: ByteStream, at: u64) -> ByteStream {
    let flipped = stream::try_unfold((body, at), |(mut body, left)| async move {
        let Some(chunk) = body.next().await.transpose()? else {
            return Ok(None);
        };
        let place = usize::try_from(left).ok().filter(|place| *place < chunk.len());
        let left = left.saturating_sub(chunk.len() as u64);
        let Some(place) = place else {
            return Ok(Some((chunk, (body, left))));
        };
        let mut changed = chunk.to_vec();
        if let Some(byte) = changed.get_mut(place) {
            *byte ^= 1;
        }
        Ok(Some((changed.into(), (body, u64::MAX))))
    });
    flipped.boxed()
}

/// So many bytes of nothing.
fn filler(bytes: u64) -> ByteStream {
    first(stream::repeat_with(|| Ok(Bytes::from_static(&[b'x'; 1024]))).boxed(), bytes)
}
