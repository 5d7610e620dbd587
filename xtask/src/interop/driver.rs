//! The driver: a program over our crates that is told where a registry is and prints a line a check.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use super::deviations::Deviation;
use super::matrix::Check;
use crate::lab::capabilities::Capabilities;
use crate::lab::error::{Doing, LabError};
use crate::lab::process;
use crate::lab::server::RunningServer;
use crate::process as tasks;

/// A build of everything from nothing.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// The contract takes a second or two, some gigabytes half a minute; a loaded machine gets more.
const WORK_LIMIT: Duration = Duration::from_secs(300);

/// The program, built.
#[derive(Debug)]
pub(crate) struct Driver {
    program: PathBuf,
}

/// What a transfer said about itself.
#[derive(Clone, Debug)]
pub(super) struct Moved {
    /// The digest of the root.
    pub(super) digest: String,
    /// The most memory that the program had, where the system tells.
    pub(super) peak_kib: Option<u64>,
    /// How long it took, with the start of the program.
    pub(super) took: Duration,
}

/// The lines of an answer, each begun by what it tells.
#[derive(Debug)]
pub(super) struct Answer(String);

impl Answer {
    /// What is told once.
    pub(super) fn one(&self, name: &str) -> Result<String, LabError> {
        let told = self.all(name).next().map(str::to_owned);
        told.ok_or_else(|| LabError::failed(format!("read {name:?}"), format!("not said: {}", self.0)))
    }

    /// What is told any number of times.
    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.lines().filter_map(move |line| line.strip_prefix(name))
    }
}

impl Driver {
    /// Builds it as people have it, optimised: code that is not takes more memory than what it moves.
    pub(crate) fn build() -> Result<Self, LabError> {
        let mut cargo = tasks::cargo();
        cargo.args(["build", "--release", "-p", "oras-tests", "--features", "interop", "--bin", "interop-driver"]);
        process::output(&mut cargo, BUILD_LIMIT)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tasks::root().join("target"), PathBuf::from);
        Ok(Self { program: target.join("release").join("interop-driver") })
    }

    /// The contract of the roles, over a repository a rule.
    pub(super) fn contract(
        &self,
        server: &RunningServer,
        known: &Capabilities,
        deviations: &[Deviation],
    ) -> Vec<Check> {
        let lacks = if known.delete_tag { "" } else { "untag" };
        let checks = self.checks("contract", server, &["contract", "--lacks", lacks]);
        checks.into_iter().map(|check| check.with_deviations(deviations)).collect()
    }

    /// The main job: files packed, pushed, listed, pulled and compared, a referrer attached and listed.
    pub(super) fn job(&self, server: &RunningServer) -> Vec<Check> {
        self.checks("job", server, &["job"])
    }

    /// An index with its referrers, copied into another registry, which must be as open as this one.
    pub(super) fn copies(&self, from: &RunningServer, to: &RunningServer, label: &str) -> Vec<Check> {
        self.checks("copies", from, &["copies", "--to", &to.host(), "--label", label])
    }

    /// What goes wrong on the way to the registry, and whether errors tell a person what to do.
    pub(super) fn refusals(&self, server: &RunningServer) -> Vec<Check> {
        let token = server.token_service().map(|service| service.expired_token("refused/main")).transpose();
        match token {
            Ok(Some(token)) => self.checks("refusals", server, &["refusals", "--expired", &token]),
            Ok(None) => self.checks("refusals", server, &["refusals"]),
            Err(error) => vec![Check::failed("refusals", &error)],
        }
    }

    /// Pushes the files of a directory.
    pub(super) fn push(&self, server: &RunningServer, reference: &str, files: &Path) -> Result<Moved, LabError> {
        self.moving(server, "push", reference, files)
    }

    /// Pulls an artifact's files into a directory.
    pub(super) fn pull(&self, server: &RunningServer, reference: &str, into: &Path) -> Result<Moved, LabError> {
        self.moving(server, "pull", reference, into)
    }

    /// Copies what a reference stands for into an image layout, all of it verified.
    pub(super) fn save(&self, server: &RunningServer, reference: &str, layout: &Path) -> Result<Moved, LabError> {
        self.moving(server, "save", reference, layout)
    }

    /// Writes layouts, directories and archives, and tells their digests.
    pub(super) fn make_layouts(&self, dir: &Path) -> Result<Answer, LabError> {
        process::output(Command::new(&self.program).args(["make-layouts", "--dir"]).arg(dir), WORK_LIMIT).map(Answer)
    }

    /// Reads all of a layout, and tells its digest and who refers to it.
    pub(super) fn read_layout(&self, path: &Path, reference: &str) -> Result<Answer, LabError> {
        let mut command = Command::new(&self.program);
        command.args(["read-layout", "--reference", reference, "--path"]).arg(path);
        process::output(&mut command, WORK_LIMIT).map(Answer)
    }

    fn moving(&self, server: &RunningServer, word: &str, reference: &str, dir: &Path) -> Result<Moved, LabError> {
        let mut command = self.command(server)?;
        command.args([word, "--reference", reference, "--dir"]).arg(dir);
        let started = Instant::now();
        let answer = process::output(&mut command, WORK_LIMIT).map(Answer)?;
        let peak_kib = answer.all("peak ").next().and_then(|kib| kib.parse().ok());
        Ok(Moved { digest: answer.one("digest ")?, peak_kib, took: started.elapsed() })
    }

    fn checks(&self, group: &str, server: &RunningServer, words: &[&str]) -> Vec<Check> {
        let text = self.command(server).and_then(|mut command| process::output(command.args(words), WORK_LIMIT));
        let checks: Vec<_> = match &text {
            Ok(text) => text.lines().filter_map(|line| Check::parse(group, line)).collect(),
            Err(error) => vec![Check::failed(group, error)],
        };
        // A driver that checks nothing must not look like one that found nothing.
        if checks.is_empty() { vec![Check::failed(group, &"nothing was checked")] } else { checks }
    }

    pub(super) fn command(&self, server: &RunningServer) -> Result<Command, LabError> {
        let mut command = Command::new(&self.program);
        command.env("INTEROP_HOST", server.host());
        if !server.access().has_tls() {
            command.env("INTEROP_PLAIN_HTTP", "1");
        }
        if let Some(user) = server.access().user() {
            command.env("INTEROP_USER", &user.name).env("INTEROP_PASSWORD", &user.password);
        }
        if let Some(pem) = server.ca_pem() {
            let path = server.directory().join("driver-ca.pem");
            std::fs::write(&path, pem).doing("write the authority")?;
            command.env("INTEROP_CA", path);
        }
        Ok(command)
    }
}
