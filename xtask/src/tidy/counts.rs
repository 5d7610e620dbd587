//! How many crates of others each of ours brings, with limits where a user would feel it.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::metadata::Package;
use super::tree::Tree;
use crate::process::{self, Result};

/// Counts are of one platform, so that they are the same everywhere.
const TARGET: &str = "x86_64-unknown-linux-gnu";

/// At most this many crates below these packages together.
const LIMITS: &[(&[&str], usize)] = &[
    // Parsing a reference must not cost a compiler run.
    (&["oras-descriptor", "oras-reference"], 40),
    // A client with TLS; today's alternatives bring 150 and more.
    (&["oras-remote"], 85),
];

/// What these packages must not bring: Unicode tables and automata that nothing here needs.
const FORBIDDEN: &[(&str, &[&str])] = &[("oras-copy", &["url", "regex"])];

/// Counts with cargo tree, prints a table, and compares with the limits.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    for package in tree.packages.iter().filter(|package| package.published) {
        let count = below(&[&package.name], &tree.packages)?.len();
        println!("crates below {:<18} {count:>4}", package.name);
    }
    let mut findings = Vec::new();
    for (names, limit) in LIMITS {
        findings.extend(too_many(names, *limit, &below(names, &tree.packages)?));
    }
    for (name, forbidden) in FORBIDDEN {
        findings.extend(unwanted(name, forbidden, &below(&[name], &tree.packages)?));
    }
    Ok(findings)
}

fn too_many(names: &[&str], limit: usize, found: &BTreeSet<String>) -> Option<Finding> {
    let count = found.len();
    (count > limit).then(|| {
        let names = names.join(" and ");
        Finding::error("Cargo.lock", 1, format!("{count} crates below {names}, at most {limit}"))
    })
}

fn unwanted(name: &str, forbidden: &[&str], found: &BTreeSet<String>) -> Vec<Finding> {
    let names = found.iter().filter_map(|entry| entry.split(' ').next());
    names
        .filter(|found| forbidden.contains(found))
        .map(|found| Finding::error("Cargo.lock", 1, format!("{found} is below {name}")))
        .collect()
}

/// The packages of others below these, as `name version`, with their default features.
fn below(names: &[&str], members: &[Package]) -> Result<BTreeSet<String>> {
    let mut cargo = process::cargo();
    cargo.args(["tree", "-e", "normal,build", "--prefix", "none", "--target", TARGET]);
    for name in names {
        cargo.args(["-p", name]);
    }
    Ok(parse(&process::output(&mut cargo)?, members))
}

/// Lines are `name v1.2.3 (path or mark) (*)`.
fn parse(text: &str, members: &[Package]) -> BTreeSet<String> {
    text.lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            let (name, version) = (words.next()?, words.next()?);
            let is_ours = members.iter().any(|member| member.name == name);
            (!is_ours).then(|| format!("{name} {version}"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "oras-copy v0.1.0 (/x)\nbytes v1.11.0\nserde_derive v1.0.1 (proc-macro)\nbytes v1.11.0 (*)\n\nsyn v2.0.1\nsyn v3.0.1\nurl v2.0.0\n";

    fn found() -> BTreeSet<String> {
        let ours = Package { name: "oras-copy".to_owned(), ..Package::default() };
        parse(TEXT, &[ours])
    }

    #[test]
    fn counts_each_version_of_others_once() {
        let expected = ["bytes v1.11.0", "serde_derive v1.0.1", "syn v2.0.1", "syn v3.0.1", "url v2.0.0"];
        assert!(found().iter().eq(expected));
    }

    #[test]
    fn compares_with_the_limit() {
        assert!(too_many(&["a"], 5, &found()).is_none());
        let finding = too_many(&["a", "b"], 4, &found()).unwrap();
        assert!(finding.to_string().contains("5 crates below a and b, at most 4"));
    }

    #[test]
    fn finds_what_is_unwanted() {
        assert_eq!(unwanted("oras-copy", &["url", "regex"], &found()).len(), 1);
        assert!(unwanted("oras-copy", &["regex"], &found()).is_empty());
    }
}
