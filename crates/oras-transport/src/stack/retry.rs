use std::{
    fmt,
    future::Future,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::future::Either;
use http::StatusCode;
use oras_content::{Error, Result};
use tokio::time::{Instant, sleep};

use super::{FinalUri, Head, Hosts, Next};
use crate::{body::HttpBody, client::Response, headers::retry_after, options::RequestOptions, origin::Origin};

/// One answer, or its absence, as a [`RetryPolicy`] sees it.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Attempt<'a> {
    /// There was a response.
    Status(StatusCode),
    /// There was none.
    Error(&'a Error),
}

type Predicate = dyn Fn(Attempt<'_>) -> bool + Send + Sync;

/// When a request is sent again, and after which wait.
///
/// The wait is chosen at random between nothing and an exponentially growing bound; what `Retry-After` asks for comes on
/// top of the choice, never below it.
#[derive(Clone)]
#[non_exhaustive]
pub struct RetryPolicy {
    max_retries: u32,
    base: Duration,
    max_backoff: Duration,
    max_retry_after: Duration,
    budget: Duration,
    predicate: Option<Arc<Predicate>>,
}

impl Default for RetryPolicy {
    /// 5 retries; back-off bounds of 250 ms, doubled each time up to 10 s; `Retry-After` up to 5 minutes; 15 minutes of
    /// waiting in all.
    fn default() -> Self {
        Self {
            max_retries: 5,
            base: Duration::from_millis(250),
            max_backoff: Duration::from_secs(10),
            max_retry_after: Duration::from_secs(5 * 60),
            budget: Duration::from_secs(15 * 60),
            predicate: None,
        }
    }
}

impl RetryPolicy {
    /// The default policy.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sends every request once.
    pub fn none() -> Self {
        Self { max_retries: 0, ..Self::default() }
    }

    /// How many times a request is sent again.
    #[must_use]
    pub fn with_max_retries(mut self, retries: u32) -> Self {
        self.max_retries = retries;
        self
    }

    /// The bound of the first wait, and the bound that no later one exceeds.
    #[must_use]
    pub fn with_backoff(mut self, first: Duration, max: Duration) -> Self {
        self.base = first;
        self.max_backoff = max;
        self
    }

    /// The longest `Retry-After` that is waited for. A response that asks for more is returned at once: asking earlier than
    /// told would only be refused again.
    #[must_use]
    pub fn with_max_retry_after(mut self, max: Duration) -> Self {
        self.max_retry_after = max;
        self
    }

    /// How long all waits of one request may take together.
    #[must_use]
    pub fn with_budget(mut self, budget: Duration) -> Self {
        self.budget = budget;
        self
    }

    /// Decides what is worth another attempt, in place of the default: 408, 429, 5xx but for 501 and 505, and errors that
    /// [may pass](Error::is_retryable).
    #[must_use]
    pub fn with_predicate(mut self, predicate: impl Fn(Attempt<'_>) -> bool + Send + Sync + 'static) -> Self {
        self.predicate = Some(Arc::new(predicate));
        self
    }

    fn may_pass(&self, attempt: Attempt<'_>) -> bool {
        match (&self.predicate, attempt) {
            (Some(predicate), attempt) => predicate(attempt),
            (None, Attempt::Error(error)) => error.is_retryable(),
            (None, Attempt::Status(status)) => match status {
                StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS => true,
                StatusCode::NOT_IMPLEMENTED | StatusCode::HTTP_VERSION_NOT_SUPPORTED => false,
                other => other.is_server_error(),
            },
        }
    }

    fn backoff(&self, retries: u32) -> Duration {
        let bound = self.base.saturating_mul(2u32.saturating_pow(retries)).min(self.max_backoff);
        bound.mul_f64(fastrand::f64())
    }
}

impl fmt::Debug for RetryPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryPolicy")
            .field("max_retries", &self.max_retries)
            .field("base", &self.base)
            .field("max_backoff", &self.max_backoff)
            .field("max_retry_after", &self.max_retry_after)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// How many times a request was sent again before this response: an extension of responses that failed in the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Retries {
    /// The number of retries.
    pub count: u32,
    /// Whether there would have been another one, had the request's body not been read already.
    pub body_was_spent: bool,
}

/// Sends what failed for now again.
pub(crate) struct Retrying<N> {
    next: N,
    policy: Arc<RetryPolicy>,
    hosts: Arc<Hosts>,
}

impl<N> Retrying<N> {
    pub(crate) fn new(next: N, policy: RetryPolicy, hosts: Arc<Hosts>) -> Self {
        Self { next, policy: Arc::new(policy), hosts }
    }

    /// How long to wait before the next attempt; none when this result is final.
    fn wait(&self, result: &Result<Response>, retries: u32) -> Option<Duration> {
        let attempt = match result {
            // The blob has tried what could be tried.
            Err(error) if error.is_from_blob() => return None,
            Err(error) => Attempt::Error(error),
            Ok(response) => Attempt::Status(response.status()),
        };
        if retries >= self.policy.max_retries || !self.policy.may_pass(attempt) {
            return None;
        }
        let backoff = self.policy.backoff(retries);
        let Some(asked) = result.as_ref().ok().and_then(|response| retry_after(response.headers(), SystemTime::now()))
        else {
            return Some(backoff);
        };
        (asked <= self.policy.max_retry_after).then(|| asked + backoff)
    }

    /// A host that asks to be left alone is left alone by everyone.
    fn pause(&self, response: &Response) {
        if !matches!(response.status(), StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE) {
            return;
        }
        let asked = retry_after(response.headers(), SystemTime::now());
        let origin = response.extensions().get().and_then(|FinalUri(uri)| Origin::of(uri));
        if let (Some(asked), Some(origin)) = (asked.filter(|asked| *asked <= self.policy.max_retry_after), origin) {
            self.hosts.pause(&origin, Instant::now() + asked);
        }
    }
}

impl<N: Next> Retrying<N> {
    async fn attempt(&self, head: Head, body: HttpBody) -> Result<Response> {
        let result = self.next.send(head, body).await;
        if let Ok(response) = &result {
            self.pause(response);
        }
        result
    }

    async fn attempts(&self, head: Head, body: HttpBody) -> Result<Response> {
        let mut body = Some(body);
        let mut done = Retries::default();
        let mut waited = Duration::ZERO;
        loop {
            let sent = body.take().unwrap_or_default();
            let spare = sent.replay();
            let result = crate::log::attempt(done.count, self.attempt(Arc::clone(&head), sent)).await;
            let wait = self.wait(&result, done.count).filter(|wait| waited + *wait <= self.policy.budget);
            let Some(wait) = wait else { return finish(result, done) };
            // A handle on a body that was read in the meantime gives no other one.
            body = spare.as_ref().and_then(HttpBody::replay);
            if body.is_none() {
                done.body_was_spent = true;
                return finish(result, done);
            }
            crate::log::retrying(&head, &result, done.count, wait);
            if let Ok(response) = result {
                Box::pin(response.into_body().discard()).await;
            }
            sleep(wait).await;
            waited += wait;
            done.count += 1;
        }
    }
}

impl<N: Next> Next for Retrying<N> {
    fn send(&self, head: Head, body: HttpBody) -> impl Future<Output = Result<Response>> + Send {
        let may_retry = head.extensions().get().is_none_or(RequestOptions::may_retry);
        if may_retry { Either::Left(self.attempts(head, body)) } else { Either::Right(self.attempt(head, body)) }
    }
}

fn finish(result: Result<Response>, done: Retries) -> Result<Response> {
    match result {
        Ok(mut response) => {
            if done != Retries::default() {
                response.extensions_mut().insert(done);
            }
            Ok(response)
        }
        Err(error) if done.body_was_spent => {
            let message = format!("{error}; the request cannot be sent again, because its body can be read only once");
            let retryable = error.is_retryable();
            Err(Error::new(error.kind(), message).with_retryable(retryable).with_retries(done.count).with_source(error))
        }
        Err(error) if done.count > 0 => Err(error.with_retries(done.count)),
        Err(error) => Err(error),
    }
}
