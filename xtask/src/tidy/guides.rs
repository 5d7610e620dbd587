//! What the guides for newcomers put beside the names of others exists: each word of code there is a word of `docs/api/`.

use std::collections::BTreeSet;

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;
use crate::source::words;

const GUIDES: &str = "docs/guides/coming-from-";
const LISTINGS: &str = "docs/api/";

/// Words of the language, of the standard library and of others, and of values.
const FOREIGN: &[&str] = &["expose_", "false", "last", "latest", "oci", "spec", "to_string", "true", "try_collect"];

/// Looks through the tables: the first cell of a line is about others, the rest about us.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let listings = tree.files.iter().filter(|file| file.path.starts_with(LISTINGS));
    let known: BTreeSet<&str> = listings.flat_map(|file| words(&file.text)).map(|(_, word)| word).collect();
    let guides = tree.files.iter().filter(|file| file.path.starts_with(GUIDES));
    Ok(guides.flat_map(|guide| check_guide(guide, &known)).collect())
}

fn check_guide(guide: &File, known: &BTreeSet<&str>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, line) in guide.text.lines().enumerate() {
        let ours = line.strip_prefix('|').and_then(|row| row.split_once(" | ")).map_or("", |(_, ours)| ours);
        for code in ours.split('`').skip(1).step_by(2) {
            let names =
                words(code).map(|(_, word)| word).filter(|word| !word.starts_with(|c: char| c.is_ascii_digit()));
            let unknown = names.filter(|word| !known.contains(word) && !FOREIGN.contains(word));
            findings.extend(
                unknown
                    .map(|word| Finding::error(&guide.path, index + 1, format!("`{code}`: no {word} in {LISTINGS}"))),
            );
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(guide: &str) -> Vec<String> {
        let files = vec![
            File::new("docs/api/a.txt", "pub fn a::Store::open(&self)\n"),
            File::new("docs/guides/coming-from-a.md", guide),
        ];
        let tree = Tree { files, packages: Vec::new() };
        check(&tree).unwrap().iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_listed_may_be_named() {
        let guide = "text about `nothing`\n\n| `Theirs` | here |\n|---|---|\n| `Their::thing` | `a::Store`: `open()`, `true` |\n";
        assert_eq!(messages(guide), Vec::<String>::new());
    }

    #[test]
    fn what_is_not_listed_is_found() {
        let found = messages("| theirs | here |\n| `open` | `a::Store`, `close` |\n");
        assert_eq!(found, ["docs/guides/coming-from-a.md:2: `close`: no close in docs/api/"]);
    }
}
