//! What a process cost, and the middle of several.

use std::ops::Add;

use serde_json::{Value, json};

/// The cost of one process, or the medians of several.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Cost {
    /// Seconds from start to end.
    pub(super) wall: f64,
    /// Seconds of user and system time.
    pub(super) cpu: f64,
    /// The largest resident set, in MiB.
    pub(super) peak: f64,
    /// Seconds of user and system time of the registries meanwhile; none where there are none, or the system does not tell.
    pub(super) registry_cpu: Option<f64>,
}

/// How often a client asked the servers, and for what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Requests {
    /// All requests.
    pub(super) all: u64,
    /// Writes of an index that stands in for the referrers API.
    pub(super) referrer_indexes: u64,
}

impl Add for Requests {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { all: self.all + other.all, referrer_indexes: self.referrer_indexes + other.referrer_indexes }
    }
}

impl Cost {
    /// Reads what the stopwatch printed.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let value: Value = serde_json::from_str(text).ok()?;
        let field = |name| value.get(name).and_then(Value::as_f64);
        Some(Self {
            wall: field("wall_seconds")?,
            cpu: field("cpu_seconds")?,
            peak: field("peak_kib")? / 1024.0,
            registry_cpu: None,
        })
    }

    /// The medians of each figure.
    pub(super) fn median(samples: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| median(samples.iter().map(figure).collect());
        let registries: Vec<_> = samples.iter().filter_map(|cost| cost.registry_cpu).collect();
        let registry_cpu = if registries.is_empty() { None } else { Some(median(registries)) };
        Self { wall: of(|cost| cost.wall), cpu: of(|cost| cost.cpu), peak: of(|cost| cost.peak), registry_cpu }
    }

    pub(super) fn to_json(self) -> Value {
        json!({
            "wall_seconds": self.wall,
            "cpu_seconds": self.cpu,
            "registry_cpu_seconds": self.registry_cpu,
            "peak_mib": self.peak,
        })
    }
}

/// The middle, or the mean of the two in the middle; 0 of nothing.
pub(super) fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let at = |index: usize| numbers.get(index).copied().unwrap_or_default();
    let half = numbers.len() / 2;
    if numbers.len() % 2 == 1 { at(half) } else { f64::midpoint(at(half.saturating_sub(1)), at(half)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians() {
        let rows: [(&[f64], f64); 4] =
            [(&[], 0.0), (&[3.0], 3.0), (&[9.0, 1.0, 2.0], 2.0), (&[4.0, 1.0, 2.0, 9.0], 3.0)];
        for (numbers, expected) in rows {
            assert!((median(numbers.to_vec()) - expected).abs() < 1e-9, "{numbers:?}");
        }
    }

    #[test]
    fn reads_the_stopwatch() {
        let cost = Cost::parse(r#"{"wall_seconds":0.5,"cpu_seconds":0.25,"peak_kib":2048}"#).unwrap();
        assert_eq!(cost, Cost { wall: 0.5, cpu: 0.25, peak: 2.0, registry_cpu: None });
        assert_eq!(Cost::parse("{}"), None);
    }

    #[test]
    fn each_figure_has_its_own_median() {
        let rows = [(1.0, 30.0, Some(7.0)), (2.0, 10.0, Some(9.0)), (3.0, 20.0, Some(8.0))];
        let samples = rows.map(|(wall, cpu, registry_cpu)| Cost { wall, cpu, peak: 1.0, registry_cpu });
        assert_eq!(Cost::median(&samples), Cost { wall: 2.0, cpu: 20.0, peak: 1.0, registry_cpu: Some(8.0) });
    }

    #[test]
    fn without_registries_there_is_no_median_of_theirs() {
        assert_eq!(Cost::median(&[Cost { wall: 1.0, ..Cost::default() }]).registry_cpu, None);
    }
}
