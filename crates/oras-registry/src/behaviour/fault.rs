use std::sync::atomic::{AtomicU64, Ordering};

use super::Action;
use crate::RequestKind;

/// What goes wrong, and for which requests.
#[derive(Clone, Debug)]
pub struct Fault {
    action: Action,
    kinds: Vec<RequestKind>,
    repository: Option<String>,
    skip: u64,
    times: Option<u64>,
    chance: f64,
}

impl Fault {
    /// A fault that strikes every request.
    pub const fn new(action: Action) -> Self {
        Self { action, kinds: Vec::new(), repository: None, skip: 0, times: None, chance: 1.0 }
    }

    /// Only requests of this kind; given several times, of any of them.
    #[must_use]
    pub fn on(mut self, kind: RequestKind) -> Self {
        self.kinds.push(kind);
        self
    }

    /// Only requests to this repository.
    #[must_use]
    pub fn in_repository(mut self, name: impl Into<String>) -> Self {
        self.repository = Some(name.into());
        self
    }

    /// Lets the first requests that would be struck pass.
    #[must_use]
    pub const fn after(mut self, requests: u64) -> Self {
        self.skip = requests;
        self
    }

    /// Strikes at most so many times.
    #[must_use]
    pub const fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Strikes by chance, from 0 to 1, drawn from the [seed](super::Behaviour::seed).
    #[must_use]
    pub const fn with_chance(mut self, chance: f64) -> Self {
        self.chance = chance;
        self
    }

    pub(super) const fn action(&self) -> &Action {
        &self.action
    }

    pub(super) fn strikes(
        &self,
        kind: RequestKind,
        name: &str,
        hits: &AtomicU64,
        chance: &mut impl FnMut() -> f64,
    ) -> bool {
        let fits = (self.kinds.is_empty() || self.kinds.contains(&kind))
            && self.repository.as_ref().is_none_or(|repository| repository == name);
        if !fits || (self.chance < 1.0 && chance() >= self.chance) {
            return false;
        }
        let hit = hits.fetch_add(1, Ordering::Relaxed);
        hit >= self.skip && self.times.is_none_or(|times| hit - self.skip < times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::behaviour::{Behaviour, Installed};

    fn struck(fault: Fault, requests: &[(RequestKind, &str)]) -> Vec<bool> {
        let installed = Installed::new(Behaviour::with(|behaviour| behaviour.faults.push(fault)));
        requests.iter().map(|(kind, name)| installed.plan(*kind, name).is_struck()).collect()
    }

    #[test]
    fn strikes_the_requests_that_it_names() {
        let fault = Fault::new(Action::StallHead).on(RequestKind::BlobGet).in_repository("a").after(1).times(2);
        let get = (RequestKind::BlobGet, "a");
        let requests = [get, (RequestKind::BlobHead, "a"), (RequestKind::BlobGet, "b"), get, get, get];
        assert_eq!(struck(fault, &requests), [false, false, false, true, true, false]);
    }

    #[test]
    fn a_seed_gives_the_same_faults_again() {
        let requests = [(RequestKind::Ping, ""); 100];
        let run = || struck(Fault::new(Action::StallHead).with_chance(0.5), &requests);
        let hits = run().into_iter().filter(|hit| *hit).count();
        assert!((20..80).contains(&hits), "{hits} of 100");
        assert_eq!(run(), run());
    }
}
