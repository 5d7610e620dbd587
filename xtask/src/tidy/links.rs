//! Links of the documents lead somewhere: to a file of the repository and, behind `#`, to a heading of it.
//!
//! Links of documentation comments are rustdoc's business; those that leave the repository are nobody's.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;

/// Looks through all Markdown.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let documents = tree.files.iter().filter(|file| file.path.ends_with(".md"));
    Ok(documents.flat_map(|file| check_file(file, tree)).collect())
}

fn check_file(file: &File, tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, text) in prose(&file.text) {
        for target in targets(text) {
            if let Some(message) = wrong(target, file, tree) {
                findings.push(Finding::error(&file.path, line, message));
            }
        }
    }
    findings
}

/// The lines outside of fenced blocks, counted from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut is_code = false;
    let lines = text.lines().enumerate().filter(move |(_, line)| {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        !is_code && !is_fence
    });
    lines.map(|(index, line)| (index + 1, line))
}

/// What stands in the round brackets of links.
fn targets(line: &str) -> impl Iterator<Item = &str> {
    line.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target)
}

fn wrong(target: &str, file: &File, tree: &Tree) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (path, anchor) = target.split_once('#').map_or((target, None), |(path, anchor)| (path, Some(anchor)));
    let path = if path.is_empty() { Some(file.path.clone()) } else { beside(&file.path, path) };
    let Some(path) = path else {
        return Some(format!("{target} leads out of the repository"));
    };
    let is_there = tree.files.iter().any(|file| file.path == path || file.path.starts_with(&format!("{path}/")));
    if !is_there {
        return Some(format!("{target}: {path} is not there"));
    }
    let anchor = anchor?;
    let has_heading = tree.text(&path).is_some_and(|text| headings(text).any(|heading| heading == anchor));
    (!has_heading).then(|| format!("{target}: no such heading in {path}"))
}

/// The path of a link in a document, from the root of the repository; none when it leads out.
fn beside(document: &str, link: &str) -> Option<String> {
    let mut parts: Vec<&str> = document.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()?),
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The names that headings are linked by: lower case, words joined by `-`, other punctuation left out.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let lines = prose(text).map(|(_, line)| line).filter(|line| line.starts_with('#'));
    lines.map(|heading| {
        let kept = heading
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
        kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let other = File::new("docs/guides/other.md", "# Other\n\n## What `it` does, and why\n");
        let tree = Tree { files: vec![File::new(path, text), other], packages: Vec::new() };
        check(&tree).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let rows = [
            ("README.md", "[a](docs/guides/other.md) and [b](docs/guides/other.md#what-it-does-and-why)"),
            ("README.md", "[a](docs/guides), [b](docs/guides/), [c](https://example.com/none#x)"),
            ("docs/guides/a.md", "[a](other.md#other) [b](../../docs/guides/other.md) [c](#here)\n\n# Here"),
            ("README.md", "```text\n[a](none.md)\n```"),
        ];
        for (path, text) in rows {
            assert_eq!(messages(path, text), Vec::<String>::new(), "{text}");
        }
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        let rows = [
            ("README.md", "text\n[a](none.md)", "README.md:2: none.md: none.md is not there"),
            ("docs/a.md", "[a](guides/other.md#none)", "no such heading in docs/guides/other.md"),
            ("docs/a.md", "[a](#none)", "no such heading in docs/a.md"),
            ("docs/a.md", "[a](other.md)", "docs/other.md is not there"),
        ];
        for (path, text, message) in rows {
            let found = messages(path, text);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(message), "{found:?}");
        }
    }

    #[test]
    fn a_link_out_of_the_repository_is_found() {
        assert_eq!(messages("README.md", "[a](../none.md)").len(), 1);
    }
}
