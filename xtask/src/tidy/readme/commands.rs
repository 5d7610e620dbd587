//! Whether a command that a document shows would find what it names.

use crate::command_names;
use crate::tidy::tree::Tree;

/// What is wrong with the line, if something is. Lines of other programs and comments pass.
pub(super) fn wrong(line: &str, tree: &Tree) -> Option<String> {
    let line = line.trim().trim_start_matches("$ ");
    let ours = line.split('#').next().unwrap_or_default();
    let mut words = ours.split_whitespace();
    if words.next() != Some("cargo") {
        return None;
    }
    let words: Vec<&str> = words.take_while(|word| *word != "--").collect();
    let (command, rest) = words.split_first()?;
    match *command {
        "xtask" => wrong_task(rest.first().copied().unwrap_or_default()),
        "add" => rest.first().and_then(|name| wrong_package(name, tree)),
        "build" | "run" | "test" | "doc" => wrong_target(rest, tree),
        other => Some(format!("cargo {other}: not a command this file explains")),
    }
}

fn wrong_task(name: &str) -> Option<String> {
    let known = command_names().contains(&name);
    (!known).then(|| format!("cargo xtask {name}: no such command"))
}

fn wrong_target(words: &[&str], tree: &Tree) -> Option<String> {
    let pairs = words.windows(2).filter_map(|pair| match pair {
        &[option, value] => Some((option, value)),
        _ => None,
    });
    pairs.into_iter().find_map(|(option, value)| match option {
        "-p" | "--package" => wrong_package(value, tree),
        "--example" => wrong_example(value, tree),
        _ => None,
    })
}

fn wrong_package(name: &str, tree: &Tree) -> Option<String> {
    let known = tree.packages.iter().any(|package| package.name == name);
    (!known).then(|| format!("no package is called {name}"))
}

fn wrong_example(name: &str, tree: &Tree) -> Option<String> {
    let ends = [format!("/examples/{name}.rs"), format!("/examples/{name}/main.rs")];
    let known = tree.rust().any(|file| ends.iter().any(|end| file.path.ends_with(end)));
    (!known).then(|| format!("no example is called {name}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tidy::metadata::Package;
    use crate::tidy::tree::File;

    fn message(line: &str) -> Option<String> {
        let tree = Tree {
            files: vec![File::new("crates/oras/examples/quickstart.rs", "")],
            packages: vec![Package { name: "oras-rs".to_owned(), ..Package::default() }],
        };
        wrong(line, &tree)
    }

    #[test]
    fn commands_that_exist() {
        let rows = [
            "cargo run --example quickstart -- --registry localhost:5000/a --example x",
            "$ cargo test --workspace --all-features",
            "cargo add oras-rs",
            "cargo test -p oras-rs",
            "cargo xtask ci   # all gates",
            "ls",
            "# cargo nonsense",
        ];
        for line in rows {
            assert_eq!(message(line), None, "{line}");
        }
    }

    #[test]
    fn commands_that_do_not() {
        let rows = [
            "cargo run --example missing",
            "cargo add oras",
            "cargo test -p oras-missing",
            "cargo xtask fly",
            "cargo tset",
        ];
        for line in rows {
            assert!(message(line).is_some(), "{line}");
        }
    }
}
