use std::{
    num::NonZeroU64,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll},
    time::Duration,
};

use tokio::time::{Instant, Sleep, sleep_until};

/// A rate that many share: whoever takes something learns when the next may be taken.
#[derive(Debug)]
pub(crate) struct Rate {
    per_second: NonZeroU64,
    next: Mutex<Option<Instant>>,
}

impl Rate {
    pub(crate) fn new(per_second: NonZeroU64) -> Self {
        Self { per_second, next: Mutex::default() }
    }

    /// Takes `amount`; the instant is when everything taken so far is paid for.
    pub(crate) fn take(&self, amount: u64) -> Instant {
        let cost = Duration::from_nanos(amount.saturating_mul(1_000_000_000) / self.per_second);
        let mut next = self.next.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let paid = next.map_or(now, |next| next.max(now)) + cost;
        *next = Some(paid);
        paid
    }

    /// Takes one, and waits for its turn.
    pub(crate) async fn turn(&self) {
        let cost = Duration::from_nanos(1_000_000_000 / self.per_second);
        sleep_until(self.take(1) - cost).await;
    }
}

/// Keeps one stream of bytes within a [`Rate`].
#[derive(Debug)]
pub(crate) struct Pace {
    rate: Arc<Rate>,
    wait: Option<Pin<Box<Sleep>>>,
}

impl Pace {
    pub(crate) fn new(rate: Arc<Rate>) -> Self {
        Self { rate, wait: None }
    }

    pub(crate) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if let Some(wait) = &mut self.wait {
            std::task::ready!(wait.as_mut().poll(cx));
            self.wait = None;
        }
        Poll::Ready(())
    }

    pub(crate) fn took(&mut self, bytes: usize) {
        self.wait = Some(Box::pin(sleep_until(self.rate.take(bytes as u64))));
    }
}
