//! What the suite counted.

use std::fmt;
use std::ops::AddAssign;

/// The outcome of one run, or the sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) total: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) disabled: u64,
}

impl Counts {
    /// Reads the first element of the suite's JUnit report. `None` when it is not there, or says that nothing was tested:
    /// the suite also ends well when it could not read its configuration.
    pub(super) fn parse(report: &str) -> Option<Self> {
        let element = report.split("<testsuite ").nth(1)?.split('>').next()?;
        let number = |name: &str| {
            let value = element.split(&format!("{name}=\"")).nth(1).and_then(|rest| rest.split('"').next());
            value.map_or(Some(0), |text| text.parse::<u64>().ok())
        };
        let counts = Self {
            total: number("tests")?,
            failed: number("failures")? + number("errors")?,
            skipped: number("skipped")?,
            disabled: number("disabled")?,
        };
        (counts.total > 0).then_some(counts)
    }

    pub(super) fn passed(&self) -> u64 {
        self.total.saturating_sub(self.failed + self.skipped + self.disabled)
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.total += other.total;
        self.failed += other.failed;
        self.skipped += other.skipped;
        self.disabled += other.disabled;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { total, failed, skipped, disabled } = self;
        write!(f, "{}/{total} failed {failed} skipped {skipped} disabled {disabled}", self.passed())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_report_of_the_suite() {
        let report = "<testsuites time=\"0.7\" tests=\"9\">\n  <testsuite name=\"OCI Conformance Test\" tests=\"908\" \
                      failures=\"3\" errors=\"1\" skipped=\"4\" disabled=\"2\" time=\"0.7\">\n    <properties>";
        let counts = Counts::parse(report).unwrap();
        assert_eq!(counts, Counts { total: 908, failed: 4, skipped: 4, disabled: 2 });
        assert_eq!(counts.to_string(), "898/908 failed 4 skipped 4 disabled 2");
    }

    #[test]
    fn a_report_without_tests_is_none() {
        for report in ["", "<testsuites>", "<testsuite name=\"x\" tests=\"0\">", "<testsuite tests=\"x\">"] {
            assert_eq!(Counts::parse(report), None, "{report}");
        }
    }

    #[test]
    fn absent_counts_are_zero() {
        let counts = Counts::parse("<testsuite name=\"x\" tests=\"5\">").unwrap();
        assert_eq!((counts.passed(), counts.failed), (5, 0));
    }
}
