//! What was checked, where, and how it ended.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::deviations::Deviation;

/// One check against one registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Check {
    /// The group that the matrix shows it in, such as `contract` or `oras`.
    group: String,
    name: String,
    failure: Option<String>,
}

impl Check {
    /// A check that passed.
    pub(super) fn passed(group: &str) -> Self {
        Self { group: group.to_owned(), name: String::new(), failure: None }
    }

    /// A check that failed.
    pub(super) fn failed(group: &str, reason: &dyn Display) -> Self {
        Self { failure: Some(reason.to_string()), ..Self::passed(group) }
    }

    /// The check, where the registry is known to deviate: it passes when the registry does.
    pub(super) fn with_deviations(self, known: &[Deviation]) -> Self {
        let Some((rule, reason)) = known.iter().find(|(rule, _)| *rule == self.name) else {
            return self;
        };
        match self.failure {
            Some(_) => Self { failure: None, ..self },
            None => Self { failure: Some(format!("{rule}: no longer so: {reason}")), ..self },
        }
    }

    /// A check of a group that passed unless there is an error.
    pub(super) fn of<T, E: Display>(group: &str, outcome: Result<T, E>) -> Self {
        match outcome {
            Ok(_) => Self::passed(group),
            Err(error) => Self::failed(group, &error),
        }
    }

    /// Reads what the driver printed: `pass NAME`, or `fail NAME: REASON`; other lines are not checks.
    pub(super) fn parse(group: &str, line: &str) -> Option<Self> {
        if let Some(name) = line.strip_prefix("pass ") {
            return Some(Self { name: name.to_owned(), ..Self::passed(group) });
        }
        let reason = line.strip_prefix("fail ")?;
        let name = reason.split(':').next().unwrap_or_default().to_owned();
        Some(Self { name, ..Self::failed(group, &reason) })
    }
}

/// Checks by registry.
#[derive(Clone, Debug, Default)]
pub(super) struct Matrix {
    rows: Vec<(String, Vec<Check>)>,
}

impl Matrix {
    /// Adds a registry, and says what failed there.
    pub(super) fn add(&mut self, registry: &str, checks: Vec<Check>) {
        for check in &checks {
            if let Some(reason) = &check.failure {
                println!("{registry}: {}: {reason}", check.group);
            }
        }
        self.rows.push((registry.to_owned(), checks));
    }

    /// How many checks failed.
    pub(super) fn failed(&self) -> usize {
        self.checks().filter(|check| check.failure.is_some()).count()
    }

    /// `<passed>/<total> failed <n>`.
    pub(super) fn summary(&self) -> String {
        let (total, failed) = (self.checks().count(), self.failed());
        format!("{}/{total} failed {failed}", total - failed)
    }

    fn checks(&self) -> impl Iterator<Item = &Check> {
        self.rows.iter().flat_map(|(_, checks)| checks)
    }
}

impl Display for Matrix {
    /// A line a registry, a column a group; each cell is passed/total.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut groups: Vec<&str> = Vec::new();
        for check in self.checks() {
            if !groups.contains(&check.group.as_str()) {
                groups.push(&check.group);
            }
        }
        write!(f, "{:32}", "")?;
        for group in &groups {
            write!(f, "{group:>12}")?;
        }
        for (registry, checks) in &self.rows {
            let mut cells: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
            for check in checks {
                let (passed, total) = cells.entry(&check.group).or_default();
                *passed += usize::from(check.failure.is_none());
                *total += 1;
            }
            write!(f, "\n{registry:32}")?;
            for group in &groups {
                let cell = cells.get(group).map(|(passed, total)| format!("{passed}/{total}"));
                write!(f, "{:>12}", cell.unwrap_or_else(|| "-".to_owned()))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_and_draws_what_it_was_given() {
        let mut matrix = Matrix::default();
        matrix.add("one", vec![Check::passed("contract"), Check::failed("contract", &"no")]);
        matrix.add("two", vec![Check::failed("start", &"missing")]);
        assert_eq!(matrix.summary(), "1/3 failed 2");
        let drawn = matrix.to_string();
        assert!(drawn.contains("1/2") && drawn.contains("0/1"), "{drawn}");
    }

    #[test]
    fn reads_the_lines_of_the_driver() {
        let passed = Check::parse("job", "pass push").unwrap();
        assert_eq!((passed.name.as_str(), passed.failure), ("push", None));
        let failed = Check::parse("job", "fail push: denied").unwrap();
        assert_eq!((failed.name.as_str(), failed.failure.as_deref()), ("push", Some("push: denied")));
        assert_eq!(Check::parse("job", "pushed 3 files"), None);
    }

    #[test]
    fn a_known_deviation_must_still_be_there() {
        let known = [("push", "is slow")];
        let broken = |line| Check::parse("job", line).unwrap().with_deviations(&known).failure;
        assert_eq!(broken("fail push: slow"), None);
        assert_eq!(broken("pass push").as_deref(), Some("push: no longer so: is slow"));
        assert_eq!(broken("fail pull: slow").as_deref(), Some("pull: slow"));
    }
}
