//! What the gates said, and how long each took.

use std::fmt;
use std::process::ExitCode;
use std::time::Duration;

use super::gate::Outcome;

/// A line for each gate that ran.
#[derive(Debug, Default)]
pub(super) struct Report {
    lines: Vec<(&'static str, Outcome, Duration)>,
}

impl Report {
    pub(super) fn add(&mut self, name: &'static str, outcome: Outcome, elapsed: Duration) {
        self.lines.push((name, outcome, elapsed));
    }

    /// The line that a machine reads.
    pub(super) fn last_line(&self) -> String {
        let passed = self.count(Outcome::Passed);
        let failed = self.count(Outcome::Failed);
        let missing = self.count(Outcome::Missing);
        let total = self.lines.len();
        format!("ci: {passed}/{total} failed {failed} missing {missing}")
    }

    pub(super) fn exit_code(&self) -> ExitCode {
        match self.count(Outcome::Failed) {
            0 => ExitCode::SUCCESS,
            _ => ExitCode::FAILURE,
        }
    }

    fn count(&self, outcome: Outcome) -> usize {
        self.lines.iter().filter(|line| line.1 == outcome).count()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "== summary")?;
        for (name, outcome, elapsed) in &self.lines {
            let outcome = match outcome {
                Outcome::Passed => "passed",
                Outcome::Failed => "FAILED",
                Outcome::Missing => "MISSING",
            };
            let seconds = elapsed.as_secs_f64();
            writeln!(f, "{name:<28} {outcome:<8} {seconds:>7.1} s")?;
        }
        writeln!(f, "{}", self.last_line())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_with_the_counts() {
        let mut report = Report::default();
        report.add("a", Outcome::Passed, Duration::from_millis(1500));
        report.add("b", Outcome::Failed, Duration::ZERO);
        report.add("c", Outcome::Missing, Duration::ZERO);
        let text = report.to_string();
        assert!(text.contains("1.5 s"));
        assert!(text.ends_with("ci: 1/3 failed 1 missing 1\n"));
    }
}
