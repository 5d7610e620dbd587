//! A gate: what it runs, and what it needs for that.

use crate::process;
use crate::tidy::metadata;

/// Something that must hold before a change goes in.
#[derive(Clone, Copy)]
pub(super) struct Gate {
    name: &'static str,
    work: Work,
    needs: Option<&'static Tool>,
    env: Option<(&'static str, &'static str)>,
    test: bool,
}

/// What a gate does.
#[derive(Clone, Copy)]
pub(super) enum Work {
    /// Command lines of cargo, words parted by spaces; the first that fails ends the gate.
    Cargo(&'static [&'static str]),
    /// A function of ours; it prints what is wrong and answers whether all is well.
    Call(fn() -> bool),
}

/// A program or target that may not be installed.
pub(super) struct Tool {
    /// What to install.
    pub(super) name: &'static str,
    /// What nobody looked at when it is missing.
    pub(super) unchecked: &'static str,
    /// Looks for it, given its name.
    pub(super) is_there: fn(&str) -> bool,
    /// Whether a CI run without it fails.
    pub(super) required_in_ci: bool,
}

/// How a gate ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Passed,
    Failed,
    Missing,
}

impl Gate {
    pub(super) const fn new(name: &'static str, work: Work) -> Self {
        Self { name, work, needs: None, env: None, test: false }
    }

    /// Sets the tool without which the gate checks nothing.
    pub(super) const fn needs(mut self, tool: &'static Tool) -> Self {
        self.needs = Some(tool);
        self
    }

    /// Sets a variable of the environment.
    pub(super) const fn env(mut self, key: &'static str, value: &'static str) -> Self {
        self.env = Some((key, value));
        self
    }

    /// Marks the gate as one that `--no-test` leaves out.
    pub(super) const fn test(mut self) -> Self {
        self.test = true;
        self
    }

    pub(super) const fn name(&self) -> &'static str {
        self.name
    }

    pub(super) const fn is_test(&self) -> bool {
        self.test
    }

    pub(super) fn run(&self, in_ci: bool) -> Outcome {
        if let Some(tool) = self.needs.filter(|tool| !(tool.is_there)(tool.name)) {
            println!("MISSING: {}: not checked: {}", tool.name, tool.unchecked);
            return match in_ci && tool.required_in_ci {
                true => Outcome::Failed,
                false => Outcome::Missing,
            };
        }
        let passed = match self.work {
            Work::Cargo(lines) => lines.iter().all(|line| self.cargo(line)),
            Work::Call(function) => function(),
        };
        if passed { Outcome::Passed } else { Outcome::Failed }
    }

    fn cargo(&self, line: &str) -> bool {
        println!("$ cargo {line}");
        let mut command = process::cargo();
        command.args(line.split_whitespace()).envs(self.env);
        process::succeeds(&mut command)
    }
}

/// Whether the standard library of a target is installed.
pub(super) fn has_target(name: &str) -> bool {
    let mut rustc = process::program("rustc");
    rustc.args(["--print", "target-libdir", "--target", name]);
    process::output(&mut rustc).is_ok_and(|path| std::path::Path::new(path.trim()).is_dir())
}

/// Crates that need neither files nor sockets.
pub(super) const IN_MEMORY: &[&str] =
    &["oras-descriptor", "oras-reference", "oras-content", "oras-memory", "oras-copy", "oras-pack"];

/// Crates below which nothing is written in C.
pub(super) const WITHOUT_C: &[&str] = &[
    "oras-descriptor",
    "oras-reference",
    "oras-content",
    "oras-memory",
    "oras-copy",
    "oras-pack",
    "oras-layout",
    "oras-file",
];

/// The oldest Rust that the manifests promise to be enough.
pub(super) const OLDEST_RUST: &str = env!("CARGO_PKG_RUST_VERSION");

/// Whether rustup has a toolchain.
pub(super) fn has_toolchain(name: &str) -> bool {
    process::probe(process::program("rustup").args(["run", name, "cargo", "--version"]))
}

/// Checks everything that is published with the oldest Rust: newer ones accept more.
pub(super) fn check_with_oldest_rust() -> bool {
    let Some(names) = published() else { return false };
    let mut command = process::program("rustup");
    command.args(["run", OLDEST_RUST, "cargo", "check", "--all-features"]);
    for name in &names {
        command.args(["-p", name]);
    }
    println!("$ cargo check --all-features with Rust {OLDEST_RUST}");
    process::succeeds(&mut command)
}

/// Checks crates for another platform.
pub(super) fn check_for(target: &str, crates: &[&str]) -> bool {
    let mut command = process::cargo();
    command.args(["check", "--target", target]);
    for name in crates {
        command.args(["-p", name]);
    }
    println!("$ cargo check --target {target} for {}", crates.join(", "));
    process::succeeds(&mut command)
}

/// The crates that are published; nothing, and a word why, when cargo does not tell.
fn published() -> Option<Vec<String>> {
    match metadata::load() {
        Ok(packages) => {
            Some(packages.into_iter().filter(|package| package.published).map(|package| package.name).collect())
        }
        Err(error) => {
            println!("{error}");
            None
        }
    }
}

/// Checks each published crate by itself without its default features: a feature that only a sibling switches on is found
/// here and nowhere else.
pub(super) fn each_crate_alone() -> bool {
    let Some(names) = published() else { return false };
    let mut all_well = true;
    for name in &names {
        let mut command = process::cargo();
        command.args(["check", "--quiet", "--no-default-features", "-p", name]);
        if !process::succeeds(&mut command) {
            println!("{name} does not build alone");
            all_well = false;
        }
    }
    all_well
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stops_at_the_first_line_that_fails() {
        let gate = Gate::new("lines", Work::Cargo(&["--version", "no-such-command", "--version"]));
        assert_eq!(gate.run(false), Outcome::Failed);
        let gate = Gate::new("line", Work::Cargo(&["--version"]));
        assert_eq!(gate.run(false), Outcome::Passed);
    }

    #[test]
    fn finds_no_toolchain_that_does_not_exist() {
        assert!(!has_toolchain("1.0.999"));
    }

    #[test]
    fn finds_no_target_that_does_not_exist() {
        assert!(!has_target("z80-unknown-spectrum"));
    }
}
