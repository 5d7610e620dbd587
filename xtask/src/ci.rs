//! `cargo xtask ci`: every gate, in order, whatever the ones before it said.
//!
//! A new gate is one entry of [`GATES`].

mod gate;
mod report;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use gate::{Gate, Outcome, Tool, Work};
use report::Report;

use crate::{api, bad_word, process, tidy};

/// A run that takes longer is no longer run before every change.
const BUDGET: Duration = Duration::from_secs(25 * 60);

const FMT: Tool = Tool {
    name: "cargo-fmt",
    unchecked: "formatting",
    is_there: |_| process::probe(process::cargo().args(["fmt", "--version"])),
    required_in_ci: true,
};

const CLIPPY: Tool = Tool {
    name: "cargo-clippy",
    unchecked: "lints",
    is_there: |_| process::probe(process::cargo().args(["clippy", "--version"])),
    required_in_ci: true,
};

const DENY: Tool = Tool {
    name: "cargo-deny",
    unchecked: "licences, bans, sources",
    is_there: |_| process::probe(process::cargo().args(["deny", "--version"])),
    required_in_ci: true,
};

const RUSTDOC: Tool = Tool {
    name: api::RUST,
    unchecked: "changes of the public interface",
    is_there: api::is_there,
    required_in_ci: false,
};

/// The standard library of a platform.
const fn target(name: &'static str, unchecked: &'static str) -> Tool {
    Tool { name, unchecked, is_there: gate::has_target, required_in_ci: false }
}

const WASM: Tool = target("wasm32-unknown-unknown", "the lower crates in a browser");
const WINDOWS: Tool = target("x86_64-pc-windows-gnu", "what needs no C compiler for Windows");
const MACOS: Tool = target("aarch64-apple-darwin", "what needs no C compiler for macOS");

const OLDEST: Tool = Tool {
    name: gate::OLDEST_RUST,
    unchecked: "whether the oldest Rust that is promised builds everything",
    is_there: gate::has_toolchain,
    required_in_ci: false,
};

/// The gates, in the order they run.
const GATES: &[Gate] = &[
    Gate::new("format", Work::Cargo(&["fmt --all --check"])).needs(&FMT),
    Gate::new("clippy, all features", Work::Cargo(&["clippy --workspace --all-targets --all-features -- -D warnings"]))
        .needs(&CLIPPY),
    Gate::new("clippy, no default features", Work::Cargo(&["clippy --workspace --no-default-features -- -D warnings"]))
        .needs(&CLIPPY),
    Gate::new("each crate alone", Work::Call(gate::each_crate_alone)),
    Gate::new("oldest Rust", Work::Call(gate::check_with_oldest_rust)).needs(&OLDEST),
    // Doctests are a gate of their own: without the target words they would run twice.
    Gate::new(
        "tests",
        Work::Cargo(&["test --workspace --all-features --no-fail-fast --lib --bins --tests --examples"]),
    )
    .test(),
    Gate::new("doctests", Work::Cargo(&["test --workspace --all-features --no-fail-fast --doc"])).test(),
    // Before the documentation, whose pages it removes.
    Gate::new("public interface", Work::Call(api::passes)).needs(&RUSTDOC),
    Gate::new("documentation", Work::Cargo(&["doc --no-deps --workspace --all-features"]))
        .env("RUSTDOCFLAGS", "-D warnings"),
    Gate::new("tidy", Work::Call(tidy::passes)),
    // The fetch brings the packages of other platforms, whose licences count too.
    Gate::new(
        "licences, bans, sources",
        Work::Cargo(&["fetch --locked", "deny --offline check licenses bans sources"]),
    )
    .needs(&DENY),
    Gate::new("wasm32", Work::Call(|| gate::check_for(WASM.name, gate::IN_MEMORY))).needs(&WASM),
    // TLS below the client brings C, and with it the need of a compiler for the platform.
    Gate::new("windows", Work::Call(|| gate::check_for(WINDOWS.name, gate::WITHOUT_C))).needs(&WINDOWS),
    Gate::new("macos", Work::Call(|| gate::check_for(MACOS.name, gate::WITHOUT_C))).needs(&MACOS),
];

/// Runs the command.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let mut with_tests = true;
    for word in words {
        match word.as_str() {
            "--no-test" => with_tests = false,
            other => return bad_word("ci", other),
        }
    }
    let in_ci = std::env::var("CI").is_ok_and(|value| value == "true");
    let report = run_gates(GATES, with_tests, in_ci);
    print!("{report}");
    report.exit_code()
}

fn run_gates(gates: &[Gate], with_tests: bool, in_ci: bool) -> Report {
    let mut report = Report::default();
    let start = Instant::now();
    for gate in gates.iter().filter(|gate| with_tests || !gate.is_test()) {
        println!("== {}", gate.name());
        let gate_start = Instant::now();
        let outcome = gate.run(in_ci);
        report.add(gate.name(), outcome, gate_start.elapsed());
    }
    let outcome = within(start.elapsed(), BUDGET);
    report.add("time, all gates", outcome, start.elapsed());
    report
}

fn within(elapsed: Duration, budget: Duration) -> Outcome {
    if elapsed <= budget {
        return Outcome::Passed;
    }
    println!("too slow: {} s, at most {} s", elapsed.as_secs(), budget.as_secs());
    Outcome::Failed
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Gate = Gate::new("good", Work::Call(|| true));
    const BAD: Gate = Gate::new("bad", Work::Call(|| false));

    #[test]
    fn goes_on_after_a_failure() {
        let report = run_gates(&[BAD, GOOD], true, false);
        assert_eq!(report.last_line(), "ci: 2/3 failed 1 missing 0");
        assert_eq!(report.exit_code(), ExitCode::FAILURE);
    }

    #[test]
    fn leaves_tests_out_when_told() {
        let report = run_gates(&[GOOD, BAD.test()], false, false);
        assert_eq!(report.last_line(), "ci: 2/2 failed 0 missing 0");
        assert_eq!(report.exit_code(), ExitCode::SUCCESS);
    }

    #[test]
    fn counts_what_could_not_be_checked() {
        const ABSENT: Tool = Tool { name: "absent", unchecked: "nothing", is_there: |_| false, required_in_ci: true };
        let gates = [GOOD.needs(&ABSENT)];
        let at_home = run_gates(&gates, true, false);
        assert_eq!(at_home.last_line(), "ci: 1/2 failed 0 missing 1");
        assert_eq!(at_home.exit_code(), ExitCode::SUCCESS);
        let in_ci = run_gates(&gates, true, true);
        assert_eq!(in_ci.last_line(), "ci: 1/2 failed 1 missing 0");
    }

    #[test]
    fn fails_over_the_budget() {
        assert_eq!(within(BUDGET, BUDGET), Outcome::Passed);
        assert_eq!(within(BUDGET + Duration::from_secs(1), BUDGET), Outcome::Failed);
    }

    #[test]
    fn refuses_unknown_words() {
        assert_eq!(run(&["--fast".to_owned()]), ExitCode::from(2));
    }
}
