//! Text that must not be committed: paths of one machine, and code that is not there yet.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;
use crate::source;

/// Directories that exist on a build machine; put together here, so that this file passes.
const PATHS: &[&str] = &[concat!("/", "work/"), concat!("/", "root/"), concat!("/", "opt/")];

/// In Rust code, outside comments and strings.
const CODE: &[&str] = &["todo!", "unimplemented!", "#[ignore"];

/// Looks through every text file.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = tree.files.iter().flat_map(paths).collect();
    findings.extend(tree.rust().flat_map(code));
    Ok(findings)
}

fn paths(file: &File) -> Vec<Finding> {
    let lines = file.text.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let path = PATHS.iter().find(|path| has_absolute(line, path))?;
            let message = format!("{path} is a path of one machine");
            Some(Finding::error(&file.path, index + 1, message))
        })
        .collect()
}

/// Whether the line holds the path from the root of a file system, and not in the middle of a longer one.
fn has_absolute(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line.get(..at).and_then(|head| head.chars().next_back());
        before.is_none_or(|c| !source::is_word(c) && !['.', '-', '}', '>'].contains(&c))
    })
}

fn code(file: &File) -> Vec<Finding> {
    let code = source::code(&file.text);
    let lines = code.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let word = CODE.iter().find(|word| line.contains(**word))?;
            Some(Finding::error(&file.path, index + 1, format!("{word} must not be committed")))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_a_machine() {
        for dir in ["work", "root", "opt"] {
            let bad = [format!("cd /{dir}/x"), format!("\"/{dir}/x\""), format!("file:///{dir}/x")];
            for line in bad {
                assert_eq!(paths(&File::new("a.md", &format!("\n{line}\n"))).len(), 1, "{line}");
            }
            let good =
                [format!("example.com/{dir}/x"), format!("a-/{dir}/x"), format!("/{dir}"), format!("/{dir}ed/x")];
            for line in good {
                assert!(paths(&File::new("a.md", &line)).is_empty(), "{line}");
            }
        }
    }

    #[test]
    fn code_that_is_not_there() {
        let rows = [
            ("fn f() { todo!() }", 1),
            ("fn f() { unimplemented!(\"x\") }", 1),
            ("#[ignore = \"slow\"]\nfn f() {}", 1),
            ("// todo!\nfn f() { say(\"todo!\") }", 0),
        ];
        for (text, count) in rows {
            assert_eq!(code(&File::new("a.rs", text)).len(), count, "{text}");
        }
    }

    #[test]
    fn the_line_is_named() {
        let found = code(&File::new("a.rs", "fn f() {\n    todo!()\n}\n"));
        assert_eq!(found[0].to_string(), "a.rs:2: todo! must not be committed");
    }
}
