//! Every asynchronous function for others says what is left when its future is dropped: in its own documentation, or in
//! that of its trait.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;
use crate::source;

/// The heading.
const SECTION: &str = "# Cancel safety";

/// What a method of a trait gives when it is asynchronous.
const FUTURES: &[&str] = &["impl Future<", "BoxFuture<"];

/// The suites for tests of others, whose cases nobody calls one by one.
const SUITES: &str = "crates/oras-testing/src/contract/";

/// Looks through the source of libraries.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let files = tree.rust().filter(|file| file.is_library() && !file.path.starts_with(SUITES));
    Ok(files.flat_map(check_file).collect())
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = source::code_without_tests(&file.text);
    let (code, text): (Vec<&str>, Vec<&str>) = (code.lines().collect(), file.text.lines().collect());
    let mut in_documented_trait = None;
    let mut findings = Vec::new();
    for (index, line) in code.iter().enumerate() {
        if line.starts_with("pub trait ") {
            in_documented_trait = Some(is_documented(&text, index));
        } else if line.starts_with('}') {
            in_documented_trait = None;
        }
        let is_public = line.trim_start().starts_with("pub async fn ");
        let is_of_trait = in_documented_trait.is_some() && line.starts_with("    fn ") && gives_future(&code, index);
        let is_told = in_documented_trait == Some(true) || is_documented(&text, index);
        if (is_public || is_of_trait) && !is_told {
            findings.push(Finding::error(&file.path, index + 1, format!("no section `{SECTION}`")));
        }
    }
    findings
}

/// Whether the signature that starts in a line ends with a future.
fn gives_future(code: &[&str], start: usize) -> bool {
    let rest = code.get(start..).unwrap_or_default();
    let length = rest.iter().position(|line| line.contains([';', '{'])).map_or(rest.len(), |last| last + 1);
    let signature = rest.get(..length).unwrap_or_default().concat();
    signature.split_once("->").is_some_and(|(_, given)| FUTURES.iter().any(|future| given.contains(future)))
}

/// Whether the lines of documentation above a line have the section.
fn is_documented(text: &[&str], line: usize) -> bool {
    let above = text.get(..line).unwrap_or_default().iter().rev().map(|line| line.trim_start());
    above.take_while(|line| !line.is_empty() && !line.ends_with(['}', ';'])).any(|line| line.contains(SECTION))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(text: &str) -> usize {
        let tree = Tree { files: vec![File::new("crates/oras-copy/src/a.rs", text)], packages: Vec::new() };
        check(&tree).unwrap().len()
    }

    #[test]
    fn a_function_that_says_nothing_is_found() {
        let rows = [
            "/// Copies.\npub async fn copy() {}\n",
            "impl T {\n    /// Copies.\n    #[inline]\n    pub async fn copy(&self) {}\n}\n",
            "pub trait T {\n    /// Copies.\n    fn copy(&self) -> impl Future<Output = ()> + Send;\n}\n",
            "pub trait T {\n    fn copy(\n        &self,\n    ) -> BoxFuture<'_, ()> {\n        x()\n    }\n}\n",
            "/// # Cancel safety\npub async fn told() {}\n\npub async fn untold() {}\n",
        ];
        for text in rows {
            assert_eq!(count(text), 1, "{text}");
        }
    }

    #[test]
    fn one_that_says_it_is_fine() {
        let rows = [
            "/// Copies.\n///\n/// # Cancel safety\n///\n/// Nothing is left.\npub async fn copy() {}\n",
            "/// # Cancel safety\npub trait T {\n    fn copy(&self) -> BoxFuture<'_, ()>;\n}\n",
            "pub trait T {\n    fn sum(&self) -> u64;\n}\n",
            "async fn private() {}\npub(crate) async fn ours() {}\n",
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    pub async fn t() {}\n}\n",
        ];
        for text in rows {
            assert_eq!(count(text), 0, "{text}");
        }
    }
}
