//! README.md and the guides show code that is compiled and commands that exist.
//!
//! A block of Rust is a copy of a file, or of a region of it, named just before:
//! `<!-- code: crates/oras/examples/quickstart.rs#push -->`. A region lies between `// region: push` and `// endregion`.

mod commands;

use super::finding::Finding;
use super::tree::Tree;
use crate::process::Result;

const README: &str = "README.md";

/// Where the guides are.
const GUIDES: &str = "docs/guides/";

/// Compares the blocks of the files with the tree.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    tree.text(README).ok_or_else(|| format!("{README} is missing"))?;
    let documents = tree.files.iter().filter(|file| file.path == README || file.path.starts_with(GUIDES));
    let blocks = documents.flat_map(|file| blocks(&file.path, &file.text));
    Ok(blocks.flat_map(|block| block.check(tree)).collect())
}

/// A fenced block.
#[derive(Debug, Default, PartialEq, Eq)]
struct Block {
    /// The file it stands in.
    path: String,
    /// The line of the opening fence.
    line: usize,
    language: String,
    /// What the marker before it names.
    source: Option<String>,
    lines: Vec<String>,
}

impl Block {
    fn check(&self, tree: &Tree) -> Vec<Finding> {
        match self.language.as_str() {
            "rust" => self.check_code(tree).into_iter().collect(),
            "sh" | "console" => self.check_commands(tree),
            _ => Vec::new(),
        }
    }

    fn check_code(&self, tree: &Tree) -> Option<Finding> {
        let Some(source) = &self.source else {
            return Some(self.wrong("no marker `<!-- code: file#region -->` before the code"));
        };
        let (path, region) = match source.split_once('#') {
            Some((path, region)) => (path, Some(region)),
            None => (source.as_str(), None),
        };
        let Some(text) = tree.text(path) else {
            return Some(self.wrong(&format!("{path} is not there")));
        };
        let Some(expected) = region_of(text, region) else {
            return Some(self.wrong(&format!("{source}: no such region")));
        };
        (expected != self.lines).then(|| self.wrong(&format!("the code is not that of {source}")))
    }

    fn check_commands(&self, tree: &Tree) -> Vec<Finding> {
        let lines = self.lines.iter().enumerate();
        lines
            .filter_map(|(index, line)| {
                let message = commands::wrong(line, tree)?;
                Some(Finding::error(&self.path, self.line + 1 + index, message))
            })
            .collect()
    }

    fn wrong(&self, message: &str) -> Finding {
        Finding::error(&self.path, self.line, message)
    }
}

fn blocks(path: &str, text: &str) -> Vec<Block> {
    let mut found = Vec::new();
    let mut open: Option<Block> = None;
    let mut source = None;
    for (index, line) in text.lines().enumerate() {
        let fence = line.strip_prefix("```");
        match (open.take(), fence) {
            (Some(block), Some(_)) => found.push(block),
            (Some(mut block), None) => {
                block.lines.push(line.to_owned());
                open = Some(block);
            }
            (None, Some(info)) => {
                open = Some(Block {
                    path: path.to_owned(),
                    line: index + 1,
                    language: info.split(',').next().unwrap_or_default().trim().to_owned(),
                    source: source.take(),
                    lines: Vec::new(),
                });
            }
            (None, None) if line.trim().is_empty() => {}
            (None, None) => source = marker(line),
        }
    }
    found
}

fn marker(line: &str) -> Option<String> {
    let inner = line.trim().strip_prefix("<!-- code:")?.strip_suffix("-->")?;
    Some(inner.trim().to_owned())
}

/// The lines of a file or region, moved to the left edge.
fn region_of(text: &str, region: Option<&str>) -> Option<Vec<String>> {
    let Some(name) = region else {
        return Some(text.lines().map(str::to_owned).collect());
    };
    let start = format!("// region: {name}");
    let mut lines = text.lines();
    lines.find(|line| line.trim() == start)?;
    let inner: Vec<&str> = lines.take_while(|line| line.trim() != "// endregion").collect();
    let indents = inner.iter().filter(|line| !line.trim().is_empty());
    let indent = indents.map(|line| line.len() - line.trim_start().len()).min()?;
    let moved = inner.iter().map(|line| line.get(indent..).unwrap_or_default().to_owned());
    Some(moved.collect())
}

#[cfg(test)]
mod tests {
    use super::super::tree::File;
    use super::*;

    const EXAMPLE: &str =
        "fn main() {\n    // region: push\n    a();\n\n    if b() {\n        c();\n    }\n    // endregion\n}\n";

    fn messages(readme: &str) -> Vec<String> {
        let tree = Tree { files: vec![File::new(README, readme), File::new("e.rs", EXAMPLE)], packages: Vec::new() };
        let findings = check(&tree).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn equal_code_is_fine() {
        let region = "<!-- code: e.rs#push -->\n```rust\na();\n\nif b() {\n    c();\n}\n```\n";
        assert_eq!(messages(region), Vec::<String>::new());
        let whole = format!("<!-- code: e.rs -->\n\n```rust,no_run\n{EXAMPLE}```\n");
        assert_eq!(messages(&whole), Vec::<String>::new());
    }

    #[test]
    fn other_code_is_found() {
        let rows = [
            ("```rust\na();\n```\n", "no marker"),
            ("<!-- code: e.rs#push -->\ntext\n```rust\na();\n```\n", "no marker"),
            ("<!-- code: x.rs -->\n```rust\na();\n```\n", "x.rs is not there"),
            ("<!-- code: e.rs#pull -->\n```rust\na();\n```\n", "no such region"),
            ("<!-- code: e.rs#push -->\n```rust\na();\n```\n", "not that of e.rs#push"),
        ];
        for (readme, message) in rows {
            let found = messages(readme);
            assert_eq!(found.len(), 1, "{readme}: {found:?}");
            assert!(found[0].contains(message), "{found:?}");
        }
    }

    #[test]
    fn guides_are_looked_at_too() {
        let guide = File::new("docs/guides/a.md", "```rust\na();\n```\n");
        let tree = Tree { files: vec![File::new(README, "text"), guide], packages: Vec::new() };
        let found = check(&tree).unwrap();
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with("docs/guides/a.md:1: no marker"), "{found:?}");
    }

    #[test]
    fn commands_are_looked_at_in_shell_blocks() {
        let found = messages("text\n```sh\ncargo test\ncargo run --example none\n```\n");
        assert_eq!(found.len(), 1);
        assert!(found[0].starts_with("README.md:4: "), "{found:?}");
        assert!(messages("```text\ncargo run --example none\n```\n").is_empty());
    }
}
