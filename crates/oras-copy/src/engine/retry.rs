use std::{
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use oras_content::Descriptor;

use super::Context;
use crate::{
    error::{CopyError, CopyOrigin},
    event::CopyEvent,
};

/// How long to wait before the first repetition; each next one waits twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait; what needs longer says so below, in the client.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// The repetitions that are left for a whole copy.
pub(crate) struct Budget(AtomicU32);

impl Budget {
    pub(crate) fn new(repetitions: u32) -> Self {
        Self(AtomicU32::new(repetitions))
    }

    fn spend(&self) -> bool {
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1)).is_ok()
    }
}

/// The attempts at one thing to do with one node.
#[derive(Default)]
pub(crate) struct Attempts {
    made: u32,
    /// Repetitions, with those that were made below.
    spent: u32,
}

impl Attempts {
    /// Waits until the next attempt, if there is to be one; else gives the error back.
    pub(crate) async fn again<S, D>(
        &mut self,
        ctx: &Context<'_, S, D>,
        desc: &Descriptor,
        error: CopyError,
    ) -> Result<(), CopyError> {
        self.made += 1;
        self.spent = self.spent.saturating_add(error.error().retries()).saturating_add(1);
        let may_pass = error.is_retryable() && error.origin() != CopyOrigin::Hook;
        if !may_pass || self.spent > ctx.options.retries.per_node || !ctx.budget.spend() {
            return Err(error);
        }
        ctx.tell(&CopyEvent::Retried { desc, attempts: self.made, error: error.error() });
        let doublings = self.made.saturating_sub(1).min(8);
        tokio::time::sleep(LONGEST_WAIT.min(FIRST_WAIT * (1 << doublings))).await;
        Ok(())
    }
}
