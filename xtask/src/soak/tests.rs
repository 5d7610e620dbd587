//! Tests that do more when the environment says so.

use std::time::{Duration, Instant};

use super::Part;
use crate::lab::error::LabError;
use crate::lab::process;
use crate::process as tasks;

/// The longest takes half an hour on two cores; a loaded machine gets more.
const LIMIT: Duration = Duration::from_secs(2 * 3600);
/// What a test prints before its figures.
const FIGURES: &str = "figures: ";

/// Tests of one crate, chosen by parts of their names, and how large they are to be.
struct Tests {
    name: &'static str,
    package: &'static str,
    chosen: &'static [&'static str],
    sizes: &'static [(&'static str, &'static str)],
    /// Words for cargo.
    build: &'static [&'static str],
}

/// Several processes on one image layout.
pub(super) fn layout() -> Vec<Part> {
    let part = |name, chosen| Tests {
        name,
        package: "oras-layout",
        chosen,
        sizes: &[("ORAS_TEST_PUSHES", "200"), ("ORAS_TEST_KILLS", "100")],
        build: &["--test", "it"],
    };
    let parts = [
        part("8 processes, 200 pushes each", &["processes::nothing_is_lost"]),
        part("100 kills", &["processes::a_killed_process"]),
    ];
    parts.iter().map(Tests::run).collect()
}

/// The embedded registry as a process.
pub(super) fn registry() -> Vec<Part> {
    let part = |name, chosen| Tests {
        name,
        package: "oras-registry",
        chosen,
        sizes: &[("ORAS_TEST_LOAD_SECONDS", "60"), ("ORAS_TEST_KILLS", "50")],
        build: &["--all-features", "--test", "it"],
    };
    let parts =
        [part("64 clients for 60 s", &["program::mixed_load"]), part("50 kills", &["program::what_was_acknowledged"])];
    parts.iter().map(Tests::run).collect()
}

/// The registry client on a bad day, optimised.
pub(super) fn client() -> Vec<Part> {
    let part = Tests {
        name: "500 blobs, 1,000 faults",
        package: "oras-tests",
        chosen: &["remote::soak::every_byte_arrives"],
        sizes: &[("ORAS_SOAK", "full")],
        build: &["--release", "--test", "it"],
    };
    vec![part.run()]
}

/// Everything that holds for any input: parsers, any chunking of content, copies of any graph.
pub(super) fn properties() -> Vec<Part> {
    let part = |package, chosen| Tests {
        name: package,
        package,
        chosen,
        sizes: &[("PROPTEST_CASES", "100000")],
        build: &["--release", "--all-features"],
    };
    let parts = [
        part("oras-reference", &["properties::"]),
        part("oras-descriptor", &["properties::"]),
        part("oras-content", &["properties::", "reopening::"]),
        part("oras-transport", &["headers::parsers_take"]),
        part("oras-auth", &["challenges_are_read_from_any", "any_answer_is_a_token"]),
        part("oras-credentials", &["any_bytes_are_a_configuration"]),
        part("oras-copy", &["properties::"]),
        part("oras-tests", &["properties::a_copy"]),
    ];
    parts.iter().map(Tests::run).collect()
}

impl Tests {
    fn run(&self) -> Part {
        Part { name: self.name.to_owned(), outcome: self.outcome() }
    }

    fn outcome(&self) -> Result<String, LabError> {
        let mut cargo = tasks::cargo();
        cargo.args(["test", "--package", self.package]).args(self.build);
        // Compiling is no part of the figures.
        process::output(cargo.arg("--no-run"), LIMIT)?;
        let mut cargo = tasks::cargo();
        cargo.args(["test", "--package", self.package]).args(self.build).args(["--", "--nocapture"]);
        cargo.args(self.chosen).envs(self.sizes.iter().copied());
        let started = Instant::now();
        let text = process::output(&mut cargo, LIMIT)?;
        let passed = passed(&text);
        if passed < self.chosen.len() {
            let reason = format!("{passed} tests are called {}", self.chosen.join(" or "));
            return Err(LabError::failed(format!("test {}", self.package), reason));
        }
        let figures: String = figures(&text).map(|figures| format!("; {figures}")).collect();
        Ok(format!("{passed} tests in {:.0} s{figures}", started.elapsed().as_secs_f64()))
    }
}

/// How many tests passed, over all programs that cargo ran.
fn passed(text: &str) -> usize {
    let counts = text.lines().filter_map(|line| line.strip_prefix("test result: ok. ")?.split_once(" passed"));
    counts.filter_map(|(count, _)| count.parse::<usize>().ok()).sum()
}

/// What tests say about themselves.
fn figures(text: &str) -> impl Iterator<Item = &str> {
    text.lines().filter_map(|line| line.split_once(FIGURES).map(|(_, figures)| figures))
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn reads_what_tests_print() {
        let text = "running 2 tests\nfigures: 5 kills\ntest a::b ... figures: 7 requests\ntest c ... ok\n\
                    test result: ok. 2 passed; 0 failed; 0 ignored\ntest result: ok. 1 passed; 0 failed\n";
        assert_eq!(passed(text), 3);
        assert_eq!(figures(text).collect::<Vec<_>>(), ["5 kills", "7 requests"]);
        assert_eq!(passed("test result: FAILED. 2 passed; 1 failed"), 0);
    }
}
