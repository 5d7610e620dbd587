use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use oras_content::Error;
use tokio::{
    sync::{Notify, futures::Notified},
    time::Instant,
};

/// How far a request's body is, as seen by whoever waits for the response.
#[derive(Debug)]
pub(crate) struct Progress {
    state: Mutex<State>,
    ended: Notify,
}

#[derive(Debug)]
struct State {
    phase: Phase,
    failure: Option<Error>,
}

/// Who has to move next.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Phase {
    /// The source: it was asked for bytes and has none yet.
    Reading,
    /// The peer, since an instant: it has not asked for more.
    Waiting(Instant),
    /// The peer, since an instant: it has the whole body.
    Ended(Instant),
}

impl Progress {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// What the body failed with.
    pub(crate) fn failure(&self) -> Option<Error> {
        self.state().failure.clone()
    }

    /// Completes when the body has ended.
    pub(crate) fn ended(&self) -> Notified<'_> {
        self.ended.notified()
    }
}

/// Writes the progress of one body; its drop is the end of the body.
#[derive(Debug)]
pub(super) struct Reporter(Arc<Progress>);

impl Reporter {
    pub(super) fn new() -> Self {
        let state = State { phase: Phase::Waiting(Instant::now()), failure: None };
        Self(Arc::new(Progress { state: Mutex::new(state), ended: Notify::new() }))
    }

    pub(super) fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.0)
    }

    pub(super) fn reading(&self) {
        self.0.state().phase = Phase::Reading;
    }

    pub(super) fn gave(&self) {
        self.0.state().phase = Phase::Waiting(Instant::now());
    }

    pub(super) fn failed(&self, error: &Error) {
        self.0.state().failure = Some(error.clone());
    }

    pub(super) fn ended(&self) {
        let mut state = self.0.state();
        if !matches!(state.phase, Phase::Ended(_)) {
            state.phase = Phase::Ended(Instant::now());
            self.0.ended.notify_one();
        }
    }
}

impl Drop for Reporter {
    fn drop(&mut self) {
        self.ended();
    }
}
