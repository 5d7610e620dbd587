use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::{Buf as _, Bytes};
use futures_core::Stream;
use futures_util::{StreamExt as _, stream};
use http::{Method, StatusCode, header};
use oras_content::{ByteStream, Descriptor, Error, ErrorKind, Result};
use oras_transport::{RequestOptions, ResponseBody};

use crate::{
    client::{Answer, Call},
    mirror::Route,
    range::ContentRange,
    repository::Repository,
};

/// How often a registry is asked again for a redirect, because the target of the last one refused: signed URLs expire.
const MAX_REDIRECTS_REFUSED: usize = 2;

/// Bytes `first..end` of a blob.
#[derive(Clone, Debug)]
pub(crate) struct Wanted {
    pub(crate) desc: Descriptor,
    pub(crate) first: u64,
    pub(crate) end: u64,
}

impl Wanted {
    /// Everything from an offset.
    pub(crate) fn from(desc: &Descriptor, first: u64) -> Self {
        Self { desc: desc.plain(), first, end: desc.size }
    }

    fn is_whole(&self) -> bool {
        self.first == 0 && self.end == self.desc.size
    }

    /// Closed, because not every registry knows an open range.
    fn header(&self) -> Option<String> {
        (!self.is_whole() && self.end > self.first).then(|| format!("bytes={}-{}", self.first, self.end - 1))
    }
}

/// What was opened.
pub(crate) struct Opened {
    pub(crate) stream: ByteStream,
    /// Whether no more than what was wanted comes over the wire.
    pub(crate) is_partial: bool,
}

impl Repository {
    /// Opens a blob by the first route that gives it.
    pub(crate) async fn open(&self, wanted: &Wanted, options: RequestOptions) -> Result<Opened> {
        for route in self.registry().routes(true) {
            match self.open_by(route, wanted, options).await {
                // Whatever is wrong with a mirror, there is another way.
                Err(_) if route.is_mirror() => {}
                result => return result,
            }
        }
        Err(Error::not_found(&wanted.desc))
    }

    async fn open_by(&self, route: &Route, wanted: &Wanted, options: RequestOptions) -> Result<Opened> {
        let mut range = wanted.header();
        let mut refused = 0;
        loop {
            let uri = route.read_url(self.name(), "blobs", wanted.desc.digest.as_str()).build()?;
            let mut call = Call::new(Method::GET, uri, self.pull()).options(options);
            if let Some(range) = &range {
                call = call.header(header::RANGE, range);
            }
            let answer = route.send(call).await?;
            match self.judge(answer, wanted, range.is_some())? {
                Judged::Opened(opened) => return Ok(opened),
                Judged::AskAnew(answer) if refused >= MAX_REDIRECTS_REFUSED => {
                    return Err(Box::pin(self.blob_error(answer, wanted)).await);
                }
                Judged::AskAnew(_) => refused += 1,
                Judged::WithoutRange => range = None,
                Judged::Failed(answer) => return Err(Box::pin(self.blob_error(answer, wanted)).await),
            }
        }
    }

    fn judge(&self, answer: Answer, wanted: &Wanted, ranged: bool) -> Result<Judged> {
        match answer.status().as_u16() {
            200 => {
                check_length(&answer, &wanted.desc, wanted.desc.size)?;
                answer.check_digest(&wanted.desc.digest)?;
                if ranged {
                    self.registry().memory().learn(|known| known.ranges = Some(false));
                }
                Ok(Judged::Opened(cut(answer.into_body(), wanted)))
            }
            206 if ranged => {
                check_range(&answer, wanted)?;
                self.registry().memory().learn(|known| known.ranges = Some(true));
                let stream = window(answer.into_body(), 0, wanted.end - wanted.first);
                Ok(Judged::Opened(Opened { stream, is_partial: true }))
            }
            416 if ranged => match ContentRange::of(answer.headers()) {
                Some(ContentRange::Unsatisfied { total }) if total == wanted.first => {
                    Ok(Judged::Opened(Opened { stream: stream::empty().boxed(), is_partial: true }))
                }
                _ => Ok(Judged::WithoutRange),
            },
            // Ranges break on some registries, though they may be ignored.
            400 | 406 | 500 | 501 if ranged && !answer.is_redirected() => Ok(Judged::WithoutRange),
            400 | 401 | 403 | 410 if answer.is_redirected() => Ok(Judged::AskAnew(answer)),
            _ => Ok(Judged::Failed(answer)),
        }
    }

    async fn blob_error(&self, answer: Answer, wanted: &Wanted) -> Error {
        let desc = &wanted.desc;
        if answer.status() == StatusCode::NOT_FOUND {
            let error = answer.into_response_error().await;
            return Error::not_found(desc).with_source(error);
        }
        answer.into_error(&self.describe(desc.digest.as_str())).await.with_descriptor(desc)
    }
}

enum Judged {
    Opened(Opened),
    AskAnew(Answer),
    WithoutRange,
    Failed(Answer),
}

/// A body of another length cannot be the blob. Where the registry coded it, its length says nothing.
fn check_length(answer: &Answer, desc: &Descriptor, expected: u64) -> Result<()> {
    let length = answer.content_length().filter(|_| !answer.headers().contains_key(header::CONTENT_ENCODING));
    match length {
        Some(found) if found != expected => {
            let message =
                format!("the registry sends {found} bytes for {}, the descriptor says {expected}", desc.digest);
            Err(Error::new(ErrorKind::Corrupt, message).with_descriptor(desc))
        }
        _ => Ok(()),
    }
}

fn check_range(answer: &Answer, wanted: &Wanted) -> Result<()> {
    let is_multipart = answer.media_type().is_some_and(|media_type| media_type.as_str().starts_with("multipart/"));
    let range = ContentRange::of(answer.headers()).filter(|_| !is_multipart);
    let expected = |found: &dyn std::fmt::Display| {
        let Wanted { desc, first, end } = wanted;
        let message = format!("expected bytes {first}-{} of {}, found {found}", end.saturating_sub(1), desc.size);
        answer.protocol_error(message)
    };
    match range {
        Some(ContentRange::Part { first, last, total }) => {
            if first != wanted.first || total.is_some_and(|total| total != wanted.desc.size) {
                let total = total.map_or_else(|| "*".to_owned(), |total| total.to_string());
                return Err(expected(&format_args!("bytes {first}-{last} of {total}")));
            }
            answer.check_digest(&wanted.desc.digest)?;
            Ok(())
        }
        _ => Err(expected(&"no range")),
    }
}

/// The wanted bytes of the whole body.
fn cut(body: ResponseBody, wanted: &Wanted) -> Opened {
    if wanted.end == wanted.desc.size {
        // What comes behind the end is an error, and must be seen.
        return Opened { stream: window(body, wanted.first, u64::MAX), is_partial: wanted.first == 0 };
    }
    Opened { stream: window(body, wanted.first, wanted.end - wanted.first), is_partial: false }
}

/// The body from an offset.
pub(crate) fn skip(body: ResponseBody, offset: u64) -> ByteStream {
    window(body, offset, u64::MAX)
}

fn window(body: ResponseBody, skip: u64, take: u64) -> ByteStream {
    if skip == 0 && take == u64::MAX {
        return body.boxed();
    }
    Window { body, skip, take }.boxed()
}

struct Window {
    body: ResponseBody,
    skip: u64,
    take: u64,
}

impl Stream for Window {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if self.take == 0 {
                return Poll::Ready(None);
            }
            let mut chunk = match ready!(self.body.poll_next_unpin(cx)) {
                Some(Ok(chunk)) => chunk,
                other => return Poll::Ready(other),
            };
            let skipped = self.skip.min(chunk.len() as u64);
            self.skip -= skipped;
            chunk.advance(usize::try_from(skipped).unwrap_or_default());
            if chunk.is_empty() {
                continue;
            }
            let taken = self.take.min(chunk.len() as u64);
            self.take -= taken;
            chunk.truncate(usize::try_from(taken).unwrap_or_default());
            return Poll::Ready(Some(Ok(chunk)));
        }
    }
}
