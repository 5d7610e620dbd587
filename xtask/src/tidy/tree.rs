//! All the checks look at: the text files of the repository and the packages of the workspace, read once.

use super::metadata::{self, Package};
use crate::process::{self, Result};

/// The repository as it stands.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    /// Text files that git tracks or would track, by path.
    pub(crate) files: Vec<File>,
    /// The members of the workspace.
    pub(crate) packages: Vec<Package>,
}

/// A text file; the path is relative to the workspace, with `/`.
#[derive(Debug)]
pub(crate) struct File {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Tree {
    pub(crate) fn load() -> Result<Self> {
        let mut git = process::program("git");
        git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]);
        let files = process::output(&mut git)?.split_terminator('\0').filter_map(File::read).collect();
        let packages = metadata::load()?;
        Ok(Self { files, packages })
    }

    /// The text of a file, if it is there.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        let file = self.files.iter().find(|file| file.path == path)?;
        Some(&file.text)
    }

    /// The files of Rust source.
    pub(crate) fn rust(&self) -> impl Iterator<Item = &File> {
        self.files.iter().filter(|file| file.path.ends_with(".rs"))
    }

    /// The package a file belongs to.
    pub(crate) fn package_of(&self, path: &str) -> Option<&Package> {
        self.packages
            .iter()
            .find(|package| path.strip_prefix(package.dir.as_str()).is_some_and(|rest| rest.starts_with('/')))
    }
}

impl File {
    #[cfg(test)]
    pub(crate) fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// Whether it is source of a crate for others, tests and examples apart.
    pub(crate) fn is_library(&self) -> bool {
        let mut parts = self.path.split('/');
        parts.next() == Some("crates") && parts.nth(1) == Some("src")
    }

    /// `None` for what is no text, and for what git still tracks but is gone.
    fn read(path: &str) -> Option<Self> {
        let text = std::fs::read_to_string(process::root().join(path)).ok()?;
        Some(Self { path: path.to_owned(), text })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_this_file() {
        let tree = Tree::load().unwrap();
        assert!(tree.text("xtask/src/tidy/tree.rs").unwrap().contains("reads_this_file"));
        assert_eq!(tree.package_of("xtask/src/main.rs").unwrap().name, "xtask");
        assert!(tree.package_of("README.md").is_none());
        assert!(tree.rust().all(|file| file.path.ends_with(".rs")));
    }

    #[test]
    fn knows_library_source() {
        assert!(File::new("crates/oras-copy/src/a/b.rs", "").is_library());
        assert!(!File::new("crates/oras-copy/tests/a.rs", "").is_library());
        assert!(!File::new("xtask/src/main.rs", "").is_library());
    }
}
