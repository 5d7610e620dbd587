//! Library futures stop when they are dropped; a spawned task would go on. Only the embedded registry spawns.

use super::finding::Finding;
use super::tree::{File, Tree};
use crate::process::Result;
use crate::source;

const SERVER: &str = "crates/oras-registry/";

/// Ways to start a task that outlives its caller. `spawn_blocking` is none: sinks own such threads and end them.
const SPAWNS: &[&str] = &["tokio::spawn", "task::spawn(", "spawn_local(", "JoinSet", "Handle::current().spawn("];

/// Looks through the source of libraries, tests apart.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let files = tree.rust().filter(|file| file.is_library() && !file.path.starts_with(SERVER));
    Ok(files.flat_map(check_file).collect())
}

fn check_file(file: &File) -> Vec<Finding> {
    let code = source::code_without_tests(&file.text);
    let lines = code.lines().enumerate();
    lines
        .filter_map(|(index, line)| {
            let call = SPAWNS.iter().find(|call| line.contains(**call))?;
            let message = format!("{call} in a library: the task would outlive its future");
            Some(Finding::error(&file.path, index + 1, message))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(path: &str, text: &str) -> usize {
        let tree = Tree { files: vec![File::new(path, text)], packages: Vec::new() };
        check(&tree).unwrap().len()
    }

    #[test]
    fn spawning_is_found() {
        let rows = [
            "fn f() { tokio::spawn(g()); }",
            "use tokio::task;\nfn f() { task::spawn(g()); }",
            "use tokio::task::JoinSet;",
        ];
        for text in rows {
            assert_eq!(count("crates/oras-copy/src/a.rs", text), 1, "{text}");
        }
    }

    #[test]
    fn what_stops_is_fine() {
        let rows = [
            "fn f() { tokio::task::spawn_blocking(g); }",
            "/// Never `tokio::spawn`.\nfn f() {}",
            "fn f() {}\n#[cfg(test)]\nmod tests {\n    fn t() { tokio::spawn(g()); }\n}",
        ];
        for text in rows {
            assert_eq!(count("crates/oras-copy/src/a.rs", text), 0, "{text}");
        }
    }

    #[test]
    fn the_registry_and_tests_may() {
        let text = "fn f() { tokio::spawn(g()); }";
        for path in ["crates/oras-registry/src/a.rs", "crates/oras-copy/tests/a.rs", "tests/src/lib.rs"] {
            assert_eq!(count(path, text), 0, "{path}");
        }
    }
}
