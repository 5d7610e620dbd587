//! `cargo xtask api`: the public interface of each crate, compared with the files of `docs/api/`, so that no change of it
//! goes unseen.
//!
//! rustdoc describes a crate as JSON, and the crate `public-api` puts that into lines. Both the description and what rustdoc
//! puts into it belong to one version of Rust, [`RUST`]; with another one nothing can be compared.

mod compare;
mod rustdoc;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::bad_word;
use crate::process::{self, Result};
use crate::tidy::metadata::{self, Package};

pub(crate) use rustdoc::stand_in;

/// The version whose rustdoc the files were made with.
pub(crate) const RUST: &str = "rustdoc 1.95";

/// Where the files are.
const DIR: &str = "docs/api";

/// Runs the command.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let write = match words {
        [] => false,
        [word] if word == "--write" => true,
        [word, ..] => return bad_word("api", word),
    };
    if !is_there(RUST) {
        println!("the files of {DIR} belong to {RUST}");
        return ExitCode::FAILURE;
    }
    let done = if write { write_all() } else { compare_all() };
    if told(done) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Compares all crates, prints what differs, and answers whether nothing did.
pub(crate) fn passes() -> bool {
    told(compare_all())
}

/// Whether the rustdoc at hand is the one that is needed.
pub(crate) fn is_there(wanted: &str) -> bool {
    let version = process::output(process::program("rustdoc").arg("--version"));
    version.is_ok_and(|version| version.starts_with(&format!("{wanted}.")))
}

fn told(done: Result<bool>) -> bool {
    done.unwrap_or_else(|error| {
        println!("api: {error}");
        false
    })
}

fn write_all() -> Result<bool> {
    let dir = process::root().join(DIR);
    std::fs::create_dir_all(&dir).map_err(|error| format!("{DIR}: {error}"))?;
    for package in packages()? {
        let path = file_of(&package);
        std::fs::write(&path, listing(&package)?).map_err(|error| format!("{}: {error}", path.display()))?;
    }
    Ok(true)
}

fn compare_all() -> Result<bool> {
    let mut is_equal = true;
    for package in packages()? {
        let before = std::fs::read_to_string(file_of(&package)).unwrap_or_default();
        for line in compare::changes(&before, &listing(&package)?) {
            println!("{}: {line}", package.name);
            is_equal = false;
        }
    }
    if !is_equal {
        println!("if that is meant: cargo xtask api --write, and a line in CHANGELOG.md");
    }
    Ok(is_equal)
}

/// The packages for others, described by rustdoc.
fn packages() -> Result<Vec<Package>> {
    let packages: Vec<Package> = metadata::load()?.into_iter().filter(|package| package.published).collect();
    rustdoc::describe(&packages)?;
    Ok(packages)
}

fn file_of(package: &Package) -> PathBuf {
    process::root().join(DIR).join(format!("{}.txt", package.name))
}

/// One item a line.
fn listing(package: &Package) -> Result<String> {
    let json = rustdoc::description(package);
    let api = public_api::Builder::from_rustdoc_json(&json).omit_blanket_impls(true).build();
    let api = api.map_err(|error| format!("{}: {error}", json.display()))?;
    let lines = api.items().map(ToString::to_string).filter(|line| compare::is_telling(line));
    Ok(lines.map(|line| format!("{line}\n")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_published_crate_has_a_file_and_no_other_has() {
        let packages = metadata::load().unwrap();
        let published = packages.iter().filter(|package| package.published);
        let mut expected: Vec<PathBuf> = published.map(file_of).collect();
        let found = std::fs::read_dir(process::root().join(DIR)).unwrap();
        let mut found: Vec<PathBuf> = found.map(|entry| entry.unwrap().path()).collect();
        expected.sort();
        found.sort();
        assert_eq!(found, expected);
    }

    #[test]
    fn another_version_is_not_ours() {
        assert!(!is_there("rustdoc 1.9"));
    }

    #[test]
    fn refuses_unknown_words() {
        assert_eq!(run(&["--fast".to_owned()]), ExitCode::from(2));
    }
}
