//! `lib.rs` is documentation, `mod` and `pub use`: the table of contents of a crate, with no logic.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;
use crate::source;

/// Documentation included.
const MAX_LINES: usize = 120;

/// Checks the root of every crate for others.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let roots = tree.rust().filter(|file| file.is_library() && file.path.ends_with("/src/lib.rs"));
    Ok(roots.flat_map(check_file).collect())
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if lines > MAX_LINES {
        let message = format!("{lines} lines in a lib.rs, at most {MAX_LINES}");
        findings.push(Finding::error(&file.path, lines, message));
    }
    let code = source::code(&file.text);
    findings.extend(foreign_items(&code).into_iter().map(|(line, item)| {
        let message = format!("`{item}` in a lib.rs: only mod and pub use stand there");
        Finding::error(&file.path, line, message)
    }));
    findings
}

/// The items that are neither modules nor public uses: line and first words.
fn foreign_items(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut rest = code;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '}');
        if rest.is_empty() {
            return found;
        }
        let tail = if rest.starts_with('#') {
            after_attribute(rest)
        } else {
            let line = source::line_of(code, code.len() - rest.len());
            after_item(rest).unwrap_or_else(|| {
                let first_words: Vec<&str> = rest.split_whitespace().take(3).collect();
                found.push((line, first_words.join(" ")));
                after_foreign(rest)
            })
        };
        rest = tail;
    }
}

fn after_attribute(rest: &str) -> &str {
    source::bracketed(rest).and_then(|attribute| rest.split_once(attribute)).map_or("", |(_, tail)| tail)
}

/// What follows a `mod` or `pub use`; of a module with a body, the body follows. `None` for any other item.
fn after_item(rest: &str) -> Option<&str> {
    let item = after_visibility(rest);
    if item.starts_with("mod ") {
        return item.split_once([';', '{']).map(|(_, tail)| tail);
    }
    let is_public = item.len() < rest.len();
    let is_use = is_public && item.starts_with("use ");
    is_use.then(|| item.split_once(';').map_or("", |(_, tail)| tail))
}

fn after_visibility(rest: &str) -> &str {
    let Some(tail) = rest.strip_prefix("pub") else {
        return rest;
    };
    let tail = match source::bracketed(tail) {
        Some(scope) if tail.starts_with('(') => tail.strip_prefix(scope).unwrap_or(tail),
        _ => tail,
    };
    tail.trim_start()
}

/// What follows any item: past its `;`, or past its body.
fn after_foreign(rest: &str) -> &str {
    let end = rest.find([';', '{']).unwrap_or(rest.len());
    let tail = rest.get(end..).unwrap_or_default();
    match source::bracketed(tail) {
        Some(body) if tail.starts_with('{') => tail.strip_prefix(body).unwrap_or(""),
        _ => tail.get(1..).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(text: &str) -> Vec<(usize, String)> {
        foreign_items(&source::code(text))
    }

    #[test]
    fn contents_are_fine() {
        let text = "//! Docs; fn x() {}\n#![cfg_attr(docsrs, feature(doc_cfg))]\n\n#[cfg(feature = \"a;b\")]\nmod a;\npub mod b;\npub(crate) mod c;\n\npub use a::{A, B};\n\n/// Everything remote.\n#[cfg(feature = \"remote\")]\npub mod remote {\n    #[doc(inline)]\n    pub use oras_remote::{Registry, Repository};\n}\npub use b::C;\n";
        assert_eq!(items(text), []);
    }

    #[test]
    fn logic_is_found() {
        let rows = [
            ("mod a;\nfn f() { g(); }\npub use a::A;\n", (2, "fn f() {")),
            ("use a::A;\n", (1, "use a::A;")),
            ("\npub struct S {\n    a: u8,\n}\nmod b;\n", (2, "pub struct S")),
            ("pub mod m {\n    pub const X: u8 = 1;\n}\n", (2, "pub const X:")),
            ("pub type T = u8;\n", (1, "pub type T")),
            ("macro_rules! m {\n () => {};\n}\n", (1, "macro_rules! m {")),
        ];
        for (text, (line, words)) in rows {
            assert_eq!(items(text), [(line, words.to_owned())], "{text}");
        }
    }

    #[test]
    fn length_is_limited() {
        let docs = |lines| File::new("crates/a/src/lib.rs", &"//!\n".repeat(lines));
        assert!(check_file(&docs(120)).is_empty());
        assert_eq!(check_file(&docs(121)).len(), 1);
    }

    #[test]
    fn only_crates_for_others_are_looked_at() {
        let text = "fn f() {}\n";
        let tree = Tree {
            files: vec![
                File::new("crates/a/src/lib.rs", text),
                File::new("crates/a/src/b.rs", text),
                File::new("tests/src/lib.rs", text),
            ],
            packages: Vec::new(),
        };
        assert_eq!(check(&tree).unwrap().len(), 1);
    }
}
