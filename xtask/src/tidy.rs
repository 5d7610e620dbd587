//! `cargo xtask tidy`: what the compiler does not check, and no one should have to remember.
//!
//! A new check is one file below `tidy/` and one entry of [`CHECKS`].

mod cancel;
mod counts;
mod finding;
mod forbidden;
mod guides;
mod layers;
mod length;
mod lib_rs;
mod links;
pub(crate) mod metadata;
mod readme;
mod spawn;
mod status;
mod test_names;
mod tree;

use std::process::ExitCode;

use finding::Finding;
use tree::Tree;

use crate::bad_word;
use crate::process::Result;

/// Looks at the whole tree; a check that could not be made is an error, which fails too.
type Check = fn(&Tree) -> Result<Vec<Finding>>;

const CHECKS: &[(&str, Check)] = &[
    ("layers", layers::check),
    ("length", length::check),
    ("lib.rs", lib_rs::check),
    ("STATUS.md", status::check),
    ("README.md", readme::check),
    ("dependency counts", counts::check),
    ("forbidden text", forbidden::check),
    ("spawning", spawn::check),
    ("cancel safety", cancel::check),
    ("links", links::check),
    ("guides", guides::check),
];

/// Runs the command.
pub(crate) fn run(words: &[String]) -> ExitCode {
    if let Some(word) = words.first() {
        return bad_word("tidy", word);
    }
    if passes() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Runs all checks, prints what they found, and answers whether nothing was wrong.
pub(crate) fn passes() -> bool {
    let tree = match Tree::load() {
        Ok(tree) => tree,
        Err(error) => {
            println!("tidy: cannot look: {error}");
            return false;
        }
    };
    let (errors, warnings) = look(CHECKS, &tree);
    println!("tidy: {errors} errors, {warnings} warnings");
    errors == 0
}

/// Errors and warnings of all checks, printed as they come.
fn look(checks: &[(&str, Check)], tree: &Tree) -> (usize, usize) {
    let (mut errors, mut warnings) = (0, 0);
    for (name, check) in checks {
        match check(tree) {
            Ok(findings) => {
                for finding in findings {
                    println!("{finding}");
                    if finding.is_warning() {
                        warnings += 1;
                    } else {
                        errors += 1;
                    }
                }
            }
            Err(error) => {
                println!("tidy: {name}: {error}");
                errors += 1;
            }
        }
    }
    (errors, warnings)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_findings_and_checks_that_could_not_be_made() {
        let checks: &[(&str, Check)] = &[
            ("finds", |_| Ok(vec![Finding::error("a", 1, "wrong"), Finding::warning("b", 2, "odd")])),
            ("breaks", |_| Err("no tool".to_owned())),
            ("is happy", |_| Ok(Vec::new())),
        ];
        assert_eq!(look(checks, &Tree::default()), (2, 1));
    }

    #[test]
    fn takes_no_words() {
        assert_eq!(run(&["--all".to_owned()]), ExitCode::from(2));
    }
}
