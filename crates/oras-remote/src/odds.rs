use std::collections::HashSet;

use oras_content::{Descriptor, Digest};

/// Up to this size, in bytes, a blob costs about as much to store as to ask for.
const SMALL: u64 = 32 << 10;

/// So many small blobs in a row must have been absent before others are taken to be absent unasked.
const CERTAIN: u32 = 4;

/// One of so many is asked for all the same, so that a run of blobs that are there is noticed.
const SAMPLE: u32 = 16;

/// How many presumed blobs are remembered.
const MAX_PRESUMED: usize = 4096;

/// How likely it is that a repository has a small blob that is about to be pushed, judged by the last answers.
///
/// A wrong guess stores again what is there, which costs one request more than the question; a right one spares it. So at
/// most `SAMPLE` requests are lost where the answers change, and 15 of 16 are won where they do not.
#[derive(Debug, Default)]
pub(crate) struct Odds {
    absent_in_a_row: u32,
    unasked: u32,
    presumed: HashSet<Digest>,
}

impl Odds {
    /// Whether the answer about a blob says something about others.
    pub(crate) fn concern(desc: &Descriptor) -> bool {
        desc.size <= SMALL
    }

    /// Whether a blob is taken to be absent; of one blob this is said once.
    pub(crate) fn presume_absent(&mut self, desc: &Descriptor) -> bool {
        if !Self::concern(desc) || self.absent_in_a_row < CERTAIN || self.presumed.contains(&desc.digest) {
            return false;
        }
        self.unasked += 1;
        if self.unasked.is_multiple_of(SAMPLE) {
            return false;
        }
        if self.presumed.len() >= MAX_PRESUMED {
            self.presumed.clear();
        }
        self.presumed.insert(desc.digest.clone())
    }

    /// Learns from an answer about a small blob.
    pub(crate) fn learn(&mut self, is_there: bool) {
        self.absent_in_a_row = if is_there { 0 } else { self.absent_in_a_row.saturating_add(1) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(number: u32) -> Descriptor {
        Descriptor::of("text/plain", number.to_string().as_bytes())
    }

    fn certain() -> Odds {
        let mut odds = Odds::default();
        (0..CERTAIN).for_each(|_| odds.learn(false));
        odds
    }

    #[test]
    fn nothing_is_presumed_before_enough_was_absent_or_once_something_was_there() {
        let mut odds = Odds::default();
        for _ in 0..CERTAIN {
            assert!(!odds.presume_absent(&blob(0)));
            odds.learn(false);
        }
        assert!(odds.presume_absent(&blob(0)));
        odds.learn(true);
        assert!(!odds.presume_absent(&blob(1)));
        odds.learn(false);
        assert!(!odds.presume_absent(&blob(1)));
    }

    #[test]
    fn one_of_sixteen_is_asked_for() {
        let mut odds = certain();
        let presumed = (0..160).filter(|number| odds.presume_absent(&blob(*number))).count();
        assert_eq!(presumed, 150);
    }

    #[test]
    fn large_blobs_and_those_that_were_presumed_before_are_asked_for() {
        let mut odds = certain();
        assert!(!odds.presume_absent(&Descriptor::new("text/plain", blob(1).digest, SMALL + 1)));
        assert!(odds.presume_absent(&blob(1)));
        assert!(!odds.presume_absent(&blob(1)));
    }
}
