//! Short files and short functions: the giant client file shall not come back.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;
use crate::source;

/// Files are planned at 90 to 250 lines.
const WARN_FILE: usize = 400;
/// No file of this house needs more; part it.
const MAX_FILE: usize = 600;
/// Functions are planned at 4 to 10 lines; clippy refuses more than these too.
const WARN_FUNCTION: usize = 60;

/// Measures every Rust file and the functions in it.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    Ok(tree.rust().flat_map(check_file).collect())
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings: Vec<Finding> = file_length(file).into_iter().collect();
    let code = source::code(&file.text);
    let long = source::functions(&code).into_iter().filter(|function| function.lines > WARN_FUNCTION);
    findings.extend(long.map(|function| {
        let message = format!("fn {}: {} lines, more than {WARN_FUNCTION}", function.name, function.lines);
        Finding::warning(&file.path, function.line, message)
    }));
    findings
}

fn file_length(file: &File) -> Option<Finding> {
    let lines = file.text.lines().count();
    if lines > MAX_FILE {
        let message = format!("{lines} lines, at most {MAX_FILE}");
        return Some(Finding::error(&file.path, lines, message));
    }
    (lines > WARN_FILE).then(|| Finding::warning(&file.path, lines, format!("{lines} lines, more than {WARN_FILE}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<Finding> {
        check_file(&File::new("a.rs", text))
    }

    #[test]
    fn file_lengths() {
        let rows = [(400, 0, 0), (401, 1, 0), (600, 1, 0), (601, 0, 1)];
        for (lines, warnings, errors) in rows {
            let found = findings(&"\n".repeat(lines));
            let warned = found.iter().filter(|finding| finding.is_warning()).count();
            assert_eq!((warned, found.len() - warned), (warnings, errors), "{lines} lines");
        }
    }

    #[test]
    fn function_lengths() {
        let function = |lines: usize| format!("// a\nfn f() {{\n{}}}\n", "    x();\n".repeat(lines - 2));
        assert!(findings(&function(60)).is_empty());
        let found = findings(&function(61));
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].to_string(), "a.rs:2: warning: fn f: 61 lines, more than 60");
    }
}
