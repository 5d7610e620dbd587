use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http_body::{Body, Frame, SizeHint};
use oras_content::{Error, ErrorKind, Result};
use tokio::time::{Instant, Sleep, sleep_until};

use super::{Head, Next};
use crate::{
    body::{HttpBody, Phase, Progress, ResponseBody},
    client::Response,
    headers::redacted,
    options::RequestOptions,
};

/// How long each step of a request may take. There is no limit on a whole transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Timeouts {
    /// To a connection that is ready to use: name, TCP, proxy and TLS together.
    pub connect: Duration,
    /// From the end of the request's body to the head of the response.
    pub header: Duration,
    /// Without a byte of a response's body, while somebody waits for one; and without the peer taking a byte of a request's
    /// body.
    pub idle: Duration,
}

impl Default for Timeouts {
    /// 30 s to connect, 60 s for the head of the response, 60 s without a byte.
    fn default() -> Self {
        Self { connect: Duration::from_secs(30), header: Duration::from_secs(60), idle: Duration::from_secs(60) }
    }
}

/// Ends what does not move any more.
pub(crate) struct Timed<N> {
    next: N,
    timeouts: Timeouts,
}

impl<N> Timed<N> {
    pub(crate) fn new(next: N, timeouts: Timeouts) -> Self {
        Self { next, timeouts }
    }
}

impl<N: Next> Next for Timed<N> {
    async fn send(&self, head: Head, mut body: HttpBody) -> Result<Response> {
        let options = head.extensions().get::<RequestOptions>().copied().unwrap_or_default();
        let header = options.header_timeout().unwrap_or(self.timeouts.header);
        let progress = body.observe();
        let sending = std::pin::pin!(self.next.send(Arc::clone(&head), body));
        let late = std::pin::pin!(self.watch(&progress, header));
        let response = match select(sending, late).await {
            Either::Left((response, _)) => response,
            Either::Right((what, _)) => {
                let message = format!("no answer from {}: {what}", redacted(head.uri()));
                Err(Error::new(ErrorKind::Timeout, message).with_retryable(true))
            }
        };
        let idle = self.timeouts.idle;
        match response {
            Ok(response) => {
                let progress = Arc::clone(&progress);
                Ok(response.map(|body| ResponseBody::new(Watched { body, progress, idle, timer: None, armed: false })))
            }
            // What the body failed with is the cause, whatever the layers below made of it.
            Err(error) => Err(progress.failure().unwrap_or(error)),
        }
    }
}

impl<N> Timed<N> {
    /// Returns when the request is late, and says how.
    async fn watch(&self, progress: &Progress, header: Duration) -> String {
        // Before the body is first asked for, a connection may have to be made.
        let limit = self.timeouts.idle + self.timeouts.connect;
        loop {
            let next = match progress.phase() {
                Phase::Ended(at) => {
                    sleep_until(at + header).await;
                    return format!("nothing within {} s after the request", header.as_secs_f64());
                }
                Phase::Waiting(since) if since + limit <= Instant::now() => {
                    return format!("it took no byte of the request for {} s", limit.as_secs_f64());
                }
                Phase::Waiting(since) => since + limit,
                Phase::Reading => Instant::now() + limit,
            };
            select(std::pin::pin!(progress.ended()), std::pin::pin!(sleep_until(next))).await;
        }
    }
}

/// Fails when nothing arrives while somebody waits.
struct Watched {
    body: ResponseBody,
    /// The request's body, which may still be on its way, and whose failure is the cause of the response's.
    progress: Arc<Progress>,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
    armed: bool,
}

/// A timer that is seen this much later than it fired was not waited for: nobody polled in between.
const TOLERANCE: Duration = Duration::from_secs(1);

impl Watched {
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = Instant::now() + self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(deadline)));
        if !self.armed {
            timer.as_mut().reset(deadline);
            self.armed = true;
        }
        while timer.as_mut().poll(cx).is_ready() {
            if timer.deadline() + TOLERANCE > Instant::now() {
                return Poll::Ready(());
            }
            timer.as_mut().reset(deadline);
        }
        Poll::Pending
    }
}

impl Body for Watched {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx) {
            self.armed = false;
            let cause = |error| self.progress.failure().unwrap_or(error);
            return Poll::Ready(frame.map(|frame| frame.map_err(cause)));
        }
        std::task::ready!(self.poll_idle(cx));
        let message = format!("the response stopped: no byte for {} s", self.idle.as_secs_f64());
        Poll::Ready(Some(Err(Error::new(ErrorKind::Timeout, message).with_retryable(true))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
