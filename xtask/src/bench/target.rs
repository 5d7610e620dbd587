//! The targets, and whether they are met.

use std::fmt;

use serde_json::json;

use super::client::Client;
use super::figures::{Cost, Requests};
use super::outcome::Outcome;
use super::site::Site;

/// What medians of five pairs may be off by.
const TOLERANCE: f64 = 1.03;
/// MiB that any transfer may take, and MiB more for each that goes on at once.
const MEMORY: (f64, f64) = (16.0, 4.0);

/// A figure that can be aimed at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Figure {
    Wall,
    Cpu,
    Peak,
    Requests,
    ReferrerIndexes,
}

/// At most what.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Limit {
    /// Times what this client needs.
    Times(Client, f64),
    /// Times what we need in another case.
    TimesCase(&'static str, f64),
    /// Seconds, MiB, or a count.
    Value(f64),
    /// MiB for a transfer of any size.
    Memory,
}

/// An upper limit of one of our figures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    case: &'static str,
    site: Site,
    client: Client,
    figure: Figure,
    limit: Limit,
}

use Client::{Crane, OrasGo, Ours, OursTrusting, Regctl};
use Figure::{Cpu, Peak, ReferrerIndexes, Wall};
use Limit::{Memory, Times, TimesCase, Value};
use Site::{Distribution, Free, Local, Olareg};

/// All of them, but for memory and the count of requests, which hold everywhere.
const TARGETS: &[Target] = &[
    target("a", Distribution, Ours, Wall, Times(OrasGo, 0.73)),
    target("a", Distribution, Ours, Cpu, Times(OrasGo, 1.0)),
    target("a", Free, Ours, Wall, Times(OrasGo, 0.70)),
    target("b", Distribution, Ours, Wall, Times(OrasGo, 0.66)),
    target("b", Distribution, Ours, Cpu, Times(OrasGo, 0.80)),
    target("b", Distribution, Ours, Peak, Value(20.0)),
    target("b", Free, Ours, Wall, Times(OrasGo, 0.60)),
    target("c", Distribution, Ours, Wall, Times(OrasGo, 0.95)),
    target("c", Distribution, Ours, Cpu, Times(OrasGo, 0.60)),
    target("c", Free, Ours, Wall, Times(OrasGo, 0.65)),
    target("c", Free, Ours, Cpu, Times(OrasGo, 0.55)),
    target("d", Distribution, Ours, Wall, Times(OrasGo, 0.95)),
    target("d", Distribution, Ours, Cpu, Times(OrasGo, 0.60)),
    target("d", Free, Ours, Wall, Times(OrasGo, 0.65)),
    target("d", Free, Ours, Cpu, Times(OrasGo, 0.55)),
    target("e", Distribution, Ours, Wall, Times(OrasGo, 1.05)),
    target("e", Distribution, Ours, Cpu, Times(Crane, 0.75)),
    target("e", Distribution, Ours, Cpu, Times(Regctl, 0.75)),
    target("e", Distribution, OursTrusting, Wall, Times(OrasGo, 1.0)),
    target("e", Distribution, OursTrusting, Cpu, Times(OrasGo, 0.8)),
    target("e", Free, OursTrusting, Wall, Times(OrasGo, 0.85)),
    target("f", Distribution, Ours, Wall, Times(OrasGo, 0.75)),
    target("f", Distribution, Ours, Cpu, Times(OrasGo, 0.80)),
    target("f", Free, Ours, Wall, Times(OrasGo, 0.70)),
    target("g", Distribution, Ours, Wall, Times(OrasGo, 1.05)),
    target("g", Distribution, Ours, Cpu, Times(Crane, 0.75)),
    target("g", Distribution, Ours, Cpu, Times(Regctl, 0.75)),
    target("g", Distribution, OursTrusting, Wall, Times(OrasGo, 1.0)),
    target("g", Distribution, OursTrusting, Cpu, Times(OrasGo, 0.8)),
    target("g", Free, OursTrusting, Wall, Times(OrasGo, 0.85)),
    target("h", Distribution, Ours, Wall, Times(OrasGo, 0.90)),
    target("h", Distribution, Ours, Cpu, Times(OrasGo, 0.55)),
    target("h", Free, Ours, Wall, Times(OrasGo, 0.65)),
    target("i", Distribution, Ours, Wall, Times(OrasGo, 0.60)),
    target("i", Distribution, Ours, Figure::Requests, Value(3.0)),
    target("j", Olareg, Ours, Wall, Times(OrasGo, 0.90)),
    target("j", Olareg, Ours, Cpu, Times(OrasGo, 0.55)),
    target("j", Distribution, Ours, Wall, Times(OrasGo, 0.55)),
    target("j", Distribution, Ours, ReferrerIndexes, Value(12.0)),
    target("j", Free, Ours, Wall, Times(OrasGo, 0.65)),
    target("k", Local, Ours, Wall, Times(OrasGo, 0.35)),
    target("k10", Local, Ours, Wall, TimesCase("k", 12.0)),
    target("l", Local, Ours, Wall, Times(OrasGo, 0.55)),
    target("l", Local, Client::OursParallel, Wall, Times(OrasGo, 0.35)),
    target("m", Local, Ours, Wall, Times(OrasGo, 0.50)),
    target("s", Local, Ours, Wall, Value(0.002)),
];

const fn target(case: &'static str, site: Site, client: Client, figure: Figure, limit: Limit) -> Target {
    Target { case, site, client, figure, limit }
}

/// Under which terms a run is judged.
#[derive(Clone, Copy, Debug)]
pub(super) struct Terms {
    /// Transfers at once within a copy.
    pub(super) concurrency: usize,
    /// What clients and registries share.
    pub(super) cores: usize,
    /// Whether its times say anything.
    pub(super) time: bool,
}

/// What a wall time cannot be below on a machine of so many cores, however the work is laid out: that of all the CPU time
/// of client and registries, evenly spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Floor {
    /// In the unit of the limit.
    times: f64,
    cores: usize,
}

/// A target beside what was measured.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Verdict {
    pub(super) client: Client,
    pub(super) figure: Figure,
    pub(super) limit: Limit,
    /// What was measured, in the unit of the limit.
    pub(super) measured: f64,
    /// What it may be, in that unit.
    pub(super) at_most: f64,
    /// Of a wall time that is compared with that of another client.
    pub(super) floor: Option<Floor>,
}

impl Verdict {
    /// Whether the target is met. Counts are exact, the rest may be off a little.
    pub(super) fn is_met(&self) -> bool {
        self.measured <= self.at_most * if self.figure.is_count() { 1.0 } else { TOLERANCE }
    }
}

impl Verdict {
    pub(super) fn json(&self) -> serde_json::Value {
        json!({
            "client": self.client.name(),
            "figure": self.figure.name(),
            "of": self.limit.unit(),
            "measured": self.measured,
            "at_most": self.at_most,
            "met": self.is_met(),
            "floor": self.floor.map(|floor| floor.times),
        })
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { figure, measured, at_most, .. } = self;
        let digits = self.limit.digits(*figure);
        write!(f, "{} {measured:.digits$} ≤ {at_most:.digits$}{}", figure.name(), self.limit.unit())?;
        match self.floor {
            _ if self.is_met() => Ok(()),
            Some(floor) => write!(f, ", **missed** ({floor})"),
            None => write!(f, ", **missed**"),
        }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { times, cores } = self;
        match cores {
            1 => write!(f, "{times:.2} with the core full"),
            2 => write!(f, "{times:.2} with both cores full"),
            _ => write!(f, "{times:.2} with all {cores} cores full"),
        }
    }
}

impl Limit {
    /// Of a figure beside it, those that say something.
    fn digits(self, figure: Figure) -> usize {
        match self {
            Times(..) | TimesCase(..) => 2,
            Value(_) if figure.is_time() => 4,
            Value(_) | Memory => 0,
        }
    }

    /// What a figure is counted in.
    fn unit(self) -> String {
        match self {
            Times(OrasGo, _) => " ×".to_owned(),
            Times(client, _) => format!(" × {}", client.name()),
            TimesCase(case, _) => format!(" × {case}"),
            Value(_) | Memory => String::new(),
        }
    }
}

impl Figure {
    fn name(self) -> &'static str {
        match self {
            Wall => "wall",
            Cpu => "CPU",
            Peak => "MiB",
            Self::Requests => "requests",
            ReferrerIndexes => "indexes",
        }
    }

    fn is_count(self) -> bool {
        matches!(self, Self::Requests | Self::ReferrerIndexes)
    }

    /// Whether it depends on the speed of the machine and on the sizes.
    fn is_time(self) -> bool {
        matches!(self, Self::Wall | Self::Cpu)
    }

    #[expect(clippy::cast_precision_loss, reason = "nobody sends that many requests")]
    fn of(self, cost: Cost, requests: Option<Requests>) -> Option<f64> {
        match self {
            Self::Wall => Some(cost.wall),
            Self::Cpu => Some(cost.cpu),
            Self::Peak => Some(cost.peak),
            Self::Requests => requests.map(|requests| requests.all as f64),
            Self::ReferrerIndexes => requests.map(|requests| requests.referrer_indexes as f64),
        }
    }
}

/// Judges an outcome; `all` are those of the run so far.
pub(super) fn judge(outcome: &Outcome, all: &[Outcome], terms: Terms) -> Vec<Verdict> {
    let everywhere = [
        target(outcome.case.name, outcome.site, Ours, Peak, Memory),
        target(outcome.case.name, outcome.site, Ours, Figure::Requests, Times(OrasGo, 1.0)),
    ];
    // Work on this machine alone transfers nothing.
    let everywhere = everywhere.iter().filter(|_| outcome.site != Local);
    let named = TARGETS.iter().filter(|target| target.case == outcome.case.name && target.site == outcome.site);
    named
        .chain(everywhere)
        .filter(|target| terms.time || !target.figure.is_time())
        .filter_map(|target| target.judge(outcome, all, terms))
        .collect()
}

impl Target {
    /// `None` when a figure is not there to be judged.
    fn judge(&self, outcome: &Outcome, all: &[Outcome], terms: Terms) -> Option<Verdict> {
        let of = |outcome: &Outcome, client| {
            let entry = outcome.entry(client)?;
            self.figure.of(entry.cost, entry.requests)
        };
        let ours = of(outcome, self.client)?;
        let (unit, at_most) = match self.limit {
            Times(client, times) => (of(outcome, client)?, times),
            TimesCase(name, times) => {
                let other = all.iter().find(|other| other.case.name == name && other.site == outcome.site)?;
                (of(other, self.client)?, times)
            }
            Value(value) => (1.0, value),
            #[expect(clippy::cast_precision_loss, reason = "nobody copies that many blobs at once")]
            Memory => (1.0, MEMORY.1.mul_add(terms.concurrency as f64, MEMORY.0)),
        };
        let &Self { client, figure, limit, .. } = self;
        let floor = self.floor(outcome, terms.cores);
        Some(Verdict { client, figure, limit, measured: ours / unit, at_most, floor })
    }

    /// `None` for what is no wall time beside that of another client, and where the registries' part is not known.
    fn floor(&self, outcome: &Outcome, cores: usize) -> Option<Floor> {
        let (Wall, Times(client, _)) = (self.figure, self.limit) else { return None };
        let ours = outcome.entry(self.client)?.cost;
        let registries = if outcome.site == Local { 0.0 } else { ours.registry_cpu? };
        #[expect(clippy::cast_precision_loss, reason = "no machine has that many cores")]
        let least = (ours.cpu + registries) / cores as f64;
        Some(Floor { times: least / outcome.entry(client)?.cost.wall, cores })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::case::CASES;
    use crate::bench::outcome::Entry;

    fn outcome(name: &str, site: Site, walls: &[(Client, f64, u64)]) -> Outcome {
        let case = CASES.iter().find(|case| case.name == name).unwrap();
        let entries = walls.iter().map(|&(client, wall, all)| Entry {
            client,
            cost: Cost { wall, cpu: wall, peak: 10.0, registry_cpu: None },
            requests: Some(Requests { all, referrer_indexes: 0 }),
        });
        Outcome { case: *case, site, entries: entries.collect() }
    }

    fn terms(time: bool) -> Terms {
        Terms { concurrency: 3, cores: 2, time }
    }

    #[test]
    fn every_target_has_its_case() {
        for target in TARGETS {
            let case = CASES.iter().find(|case| case.name == target.case).unwrap();
            assert!(case.sites.contains(&target.site), "{target:?}");
        }
    }

    #[test]
    fn three_in_a_hundred_are_forgiven_for_time_but_not_for_counts() {
        let met = |ours, requests| {
            let outcome = outcome("h", Free, &[(Ours, ours, requests), (OrasGo, 1.0, 100)]);
            judge(&outcome, &[], terms(true)).iter().map(Verdict::is_met).collect::<Vec<_>>()
        };
        assert_eq!(met(0.669, 100), [true, true, true]);
        assert_eq!(met(0.671, 100), [false, true, true]);
        assert_eq!(met(0.669, 101), [true, true, false]);
    }

    #[test]
    fn time_is_left_out_where_it_says_nothing() {
        let outcome = outcome("h", Free, &[(Ours, 9.0, 1), (OrasGo, 1.0, 1)]);
        assert!(judge(&outcome, &[], terms(false)).iter().all(|verdict| !verdict.figure.is_time()));
    }

    #[test]
    fn growth_is_judged_by_our_own_smaller_case() {
        let small = outcome("k", Local, &[(Ours, 1.0, 0)]);
        let large = outcome("k10", Local, &[(Ours, 13.0, 0)]);
        let verdicts = judge(&large, &[small], terms(true));
        assert!(verdicts.iter().any(|verdict| verdict.figure == Wall && !verdict.is_met()));
    }

    fn words(outcome: &Outcome, terms: Terms) -> String {
        judge(outcome, &[], terms).first().unwrap().to_string()
    }

    #[test]
    fn a_wall_time_that_is_missed_stands_beside_its_floor() {
        let mut copy = outcome("e", Distribution, &[(Ours, 1.12, 1), (OrasGo, 1.0, 1)]);
        assert_eq!(words(&copy, terms(true)), "wall 1.12 ≤ 1.05 ×, **missed**", "the registries' part is not known");
        copy.entries[0].cost.registry_cpu = Some(0.94);
        assert_eq!(words(&copy, terms(true)), "wall 1.12 ≤ 1.05 ×, **missed** (1.03 with both cores full)");
        let terms = |cores| Terms { cores, ..terms(true) };
        assert_eq!(words(&copy, terms(1)), "wall 1.12 ≤ 1.05 ×, **missed** (2.06 with the core full)");
        assert_eq!(words(&copy, terms(4)), "wall 1.12 ≤ 1.05 ×, **missed** (0.52 with all 4 cores full)");
        copy.entries[0].cost.wall = 1.0;
        assert_eq!(words(&copy, terms(2)), "wall 1.00 ≤ 1.05 ×");
    }

    #[test]
    fn work_without_registries_has_a_floor_of_its_own() {
        let unpack = outcome("m", Local, &[(Ours, 0.8, 0), (OrasGo, 1.0, 0)]);
        assert_eq!(words(&unpack, terms(true)), "wall 0.80 ≤ 0.50 ×, **missed** (0.40 with both cores full)");
        let start = outcome("s", Local, &[(Ours, 1.0, 0)]);
        assert_eq!(words(&start, terms(true)), "wall 1.0000 ≤ 0.0020, **missed**");
    }
}
