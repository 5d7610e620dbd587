use std::{
    collections::HashMap,
    num::NonZeroU64,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http_body::{Body, Frame, SizeHint};
use oras_content::{Error, ErrorKind, Result};
use tokio::{
    sync::{Semaphore, SemaphorePermit},
    time::{Instant, sleep_until},
};

use super::{
    Head, Next,
    pace::{Pace, Rate},
};
use crate::{
    authorize::Authorizer,
    body::{HttpBody, ResponseBody},
    client::Response,
    headers::RateLimit,
    options::RequestOptions,
    origin::Origin,
};

/// How many requests of one client wait for the head of their response from one host at a time. Registries and proxies
/// begin to refuse connections somewhat above it.
const DEFAULT_CONCURRENCY: usize = 16;

/// How often a request in a queue gets a new token. One whose tokens end before their turn each time is sent at last with
/// the one it has, and learns from the registry.
const MAX_RENEWALS: u32 = 8;

/// What one client may ask of each host.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct HostLimits {
    concurrency: usize,
    requests_per_second: Option<NonZeroU64>,
    bytes_per_second: Option<NonZeroU64>,
}

impl Default for HostLimits {
    /// 16 requests at a time, at any rate.
    fn default() -> Self {
        Self { concurrency: DEFAULT_CONCURRENCY, requests_per_second: None, bytes_per_second: None }
    }
}

impl HostLimits {
    /// The default limits.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many requests may wait for the head of their response at a time; at least one.
    #[must_use]
    pub fn with_concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.clamp(1, Semaphore::MAX_PERMITS);
        self
    }

    /// How many requests are started in a second.
    #[must_use]
    pub fn with_requests_per_second(mut self, requests: NonZeroU64) -> Self {
        self.requests_per_second = Some(requests);
        self
    }

    /// How many bytes of bodies, sent and received together, move in a second.
    #[must_use]
    pub fn with_bytes_per_second(mut self, bytes: NonZeroU64) -> Self {
        self.bytes_per_second = Some(bytes);
        self
    }
}

/// What is known about each host, shared by all requests of a client.
#[derive(Debug, Default)]
pub(crate) struct Hosts {
    limits: HostLimits,
    known: Mutex<HashMap<Origin, Arc<Host>>>,
}

impl Hosts {
    pub(crate) fn new(limits: HostLimits) -> Self {
        Self { limits, known: Mutex::default() }
    }

    fn host(&self, origin: Origin) -> Arc<Host> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let host = known.entry(origin).or_insert_with(|| Arc::new(Host::new(&self.limits)));
        Arc::clone(host)
    }

    /// Lets nobody ask the host before `until`.
    pub(crate) fn pause(&self, origin: &Origin, until: Instant) {
        let host = self.host(origin.clone());
        let mut state = host.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused_until = state.paused_until.max(Some(until));
    }

    pub(crate) fn rate_limit(&self, origin: &Origin) -> Option<RateLimit> {
        self.host(origin.clone()).state.lock().unwrap_or_else(PoisonError::into_inner).rate_limit
    }
}

#[derive(Debug)]
struct Host {
    permits: Semaphore,
    requests: Option<Rate>,
    bytes: Option<Arc<Rate>>,
    state: Mutex<HostState>,
}

#[derive(Debug, Default)]
struct HostState {
    paused_until: Option<Instant>,
    rate_limit: Option<RateLimit>,
}

impl Host {
    fn new(limits: &HostLimits) -> Self {
        Self {
            permits: Semaphore::new(limits.concurrency),
            requests: limits.requests_per_second.map(Rate::new),
            bytes: limits.bytes_per_second.map(|bytes| Arc::new(Rate::new(bytes))),
            state: Mutex::default(),
        }
    }

    fn pause(&self) -> Option<Instant> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.paused_until.filter(|until| *until > Instant::now())
    }

    /// Waits while the host is paused. Nobody holds a permit meanwhile.
    async fn wait(&self) {
        while let Some(until) = self.pause() {
            sleep_until(until).await;
        }
    }

    /// Returns when the request may leave: while the host is not paused, within the cap and the rate, and with what it says
    /// about who asks still being good.
    async fn admit(&self, head: &mut Head, is_streamed: bool) -> Result<Option<SemaphorePermit<'_>>> {
        // A body out of another request must not wait for a permit that the other one holds.
        let takes_permit = !is_streamed && head.extensions().get().is_none_or(RequestOptions::takes_permit);
        let authorizer = head.extensions().get::<Authorizer>().cloned();
        let mut renewed = 0;
        let mut had_turn = false;
        loop {
            self.wait().await;
            // A semaphore that is never closed always gives a permit.
            let permit = if takes_permit { self.permits.acquire().await.ok() } else { None };
            if let Some(rate) = self.requests.as_ref().filter(|_| !had_turn) {
                rate.turn().await;
                had_turn = true;
            }
            if self.pause().is_some() {
                continue;
            }
            let Some(authorizer) = &authorizer else { return Ok(permit) };
            let current = authorizer.current();
            if current.is_some() || renewed == MAX_RENEWALS {
                if let Some(value) = current.filter(|value| head.headers().get(AUTHORIZATION) != Some(value)) {
                    Arc::make_mut(head).headers_mut().insert(AUTHORIZATION, value);
                }
                return Ok(permit);
            }
            // Whoever gives a new one may need the permit.
            drop(permit);
            let value = authorizer.renew().await?;
            Arc::make_mut(head).headers_mut().insert(AUTHORIZATION, value);
            renewed += 1;
        }
    }

    fn learn(&self, response: &Response) {
        if let Some(found) = RateLimit::from_headers(response.headers()) {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).rate_limit = Some(found);
        }
    }
}

/// Lets a request go to its host: not while the host is paused, not more at a time than the cap, not faster than the
/// rates.
pub(crate) struct Admission<N> {
    next: N,
    hosts: Arc<Hosts>,
}

impl<N> Admission<N> {
    pub(crate) fn new(next: N, hosts: Arc<Hosts>) -> Self {
        Self { next, hosts }
    }
}

impl<N: Next> Next for Admission<N> {
    async fn send(&self, mut head: Head, mut body: HttpBody) -> Result<Response> {
        let Some(origin) = Origin::of(head.uri()) else {
            let message = format!("{} is no absolute http or https URL", crate::headers::redacted(head.uri()));
            return Err(Error::new(ErrorKind::Unsupported, message));
        };
        let host = self.hosts.host(origin);
        let _permit = host.admit(&mut head, body.is_streamed()).await?;
        if let Some(rate) = &host.bytes {
            body.pace(Pace::new(Arc::clone(rate)));
        }
        let response = self.next.send(head, body).await?;
        host.learn(&response);
        Ok(match &host.bytes {
            Some(rate) => response.map(|body| ResponseBody::new(Paced { body, pace: Pace::new(Arc::clone(rate)) })),
            None => response,
        })
    }
}

struct Paced {
    body: ResponseBody,
    pace: Pace,
}

impl Body for Paced {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        ready!(self.pace.poll_turn(cx));
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if let Some(Ok(frame)) = &frame {
            self.pace.took(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
