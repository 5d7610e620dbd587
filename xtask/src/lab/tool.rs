//! Programs of others: found, or built and kept.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::error::{Doing, LabError};
use super::process;

/// The slowest build takes a minute on two cores; a download is on top.
const BUILD_LIMIT: Duration = Duration::from_secs(600);
/// For a question to a tool.
const ASK_LIMIT: Duration = Duration::from_secs(20);

/// A program, and where it comes from.
#[derive(Clone, Debug)]
pub(crate) struct Tool {
    name: &'static str,
    origin: Origin,
}

#[derive(Clone, Debug)]
enum Origin {
    /// A package of the system; never installed by us.
    Apt { package: &'static str },
    /// A Go program. `within` builds it as a dependency of an empty module: for a module that `go install` refuses.
    Go { module: &'static str, package: &'static str, version: &'static str, within: bool },
}

impl Tool {
    /// A program that `apt-get install package` brings.
    pub(crate) const fn apt(name: &'static str, package: &'static str) -> Self {
        Self { name, origin: Origin::Apt { package } }
    }

    /// A program that `go install package@version` brings, `package` being in `module`.
    pub(crate) const fn go(
        name: &'static str,
        package: &'static str,
        module: &'static str,
        version: &'static str,
    ) -> Self {
        Self { name, origin: Origin::Go { module, package, version, within: false } }
    }

    /// As [`Tool::go`], for a module that cannot be installed by itself.
    pub(crate) const fn go_dependency(
        name: &'static str,
        package: &'static str,
        module: &'static str,
        version: &'static str,
    ) -> Self {
        Self { name, origin: Origin::Go { module, package, version, within: true } }
    }

    /// The name of the program.
    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    /// The program, which is built at need.
    ///
    /// # Errors
    ///
    /// [`LabError::Missing`] when neither the program nor what could build it is here; [`LabError::Failed`] when the
    /// build fails.
    pub(crate) fn path(&self) -> Result<PathBuf, LabError> {
        match self.origin {
            Origin::Apt { package } => {
                on_path(self.name).ok_or_else(|| self.missing(&format!("apt-get install {package}")))
            }
            Origin::Go { module, version, .. } => self.go_path(module, version),
        }
    }

    fn go_path(&self, module: &str, version: &str) -> Result<PathBuf, LabError> {
        let kept = directory().join("bin").join(format!("{}-{version}", self.name));
        if kept.is_file() {
            return Ok(kept);
        }
        let Some(go) = on_path("go") else {
            return Err(self.missing("install the Go toolchain, it builds this tool"));
        };
        if let Some(found) = on_path(self.name)
            && is_version(&go, &found, module, version)
        {
            return Ok(found);
        }
        self.build(&go, &kept)?;
        Ok(kept)
    }

    /// Builds in a directory of its own, then moves, so that no half of a program is ever run.
    fn build(&self, go: &Path, kept: &Path) -> Result<(), LabError> {
        let task = format!("build {}", self.name);
        let bin = directory().join("bin");
        fs::create_dir_all(&bin).doing(&task)?;
        let work = tempfile::tempdir_in(directory()).doing(&task)?;
        let run = |words: &[&str]| {
            let mut command = Command::new(go);
            command.args(words).current_dir(work.path()).env("GOBIN", work.path()).env("GOFLAGS", "-mod=mod");
            process::output(&mut command, BUILD_LIMIT)
        };
        let Origin::Go { module, package, version, within } = self.origin else {
            return Err(self.missing("it is no Go program"));
        };
        if within {
            run(&["mod", "init", "lab"])?;
            run(&["get", &format!("{module}@{version}")])?;
            run(&["build", "-o", self.name, package])?;
        } else {
            run(&["install", &format!("{package}@{version}")])?;
        }
        fs::rename(work.path().join(self.name), kept).doing(&task)
    }

    fn missing(&self, remedy: &str) -> LabError {
        LabError::Missing { tool: self.name.to_owned(), remedy: remedy.to_owned() }
    }
}

/// Where the lab keeps what it has built: `$ORAS_LAB_DIR`, or `lab` in the target directory.
pub(crate) fn directory() -> PathBuf {
    let target = || {
        env::var_os("CARGO_TARGET_DIR")
            .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), PathBuf::from)
    };
    env::var_os("ORAS_LAB_DIR").map_or_else(|| target().join("lab"), PathBuf::from)
}

/// A program on `PATH`, or where Debian keeps those of the administrator.
fn on_path(name: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|dir| dir.join(name))
        .find(|candidate| candidate.is_file())
}

/// Whether a Go program was built from `module` at `version`.
fn is_version(go: &Path, program: &Path, module: &str, version: &str) -> bool {
    let mut command = Command::new(go);
    command.args(["version", "-m"]).arg(program);
    process::output(&mut command, ASK_LIMIT).is_ok_and(|text| {
        text.lines().any(|line| {
            let mut words = line.split_whitespace();
            matches!(words.next(), Some("mod" | "dep")) && words.next() == Some(module) && words.next() == Some(version)
        })
    })
}
