//! The driver: a program over our crates that is told where a registry is and prints a line a check.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::deviations::Deviation;
use super::matrix::Check;
use crate::lab::capabilities::Capabilities;
use crate::lab::error::{Doing, LabError};
use crate::lab::process;
use crate::lab::registries::Access;
use crate::lab::server::RunningServer;
use crate::process as tasks;

/// A build of everything from nothing.
const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// The contract takes a second or two; a loaded machine gets more.
const WORK_LIMIT: Duration = Duration::from_secs(180);

/// The program, built.
#[derive(Debug)]
pub(super) struct Driver {
    program: PathBuf,
}

impl Driver {
    /// Builds it.
    pub(super) fn build() -> Result<Self, LabError> {
        let mut cargo = tasks::cargo();
        cargo.args(["build", "-p", "oras-tests", "--features", "interop", "--bin", "interop-driver"]);
        process::output(&mut cargo, BUILD_LIMIT)?;
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tasks::root().join("target"), PathBuf::from);
        Ok(Self { program: target.join("debug").join("interop-driver") })
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

    /// Pushes the files of a directory; gives the digest of the manifest.
    pub(super) fn push(&self, server: &RunningServer, reference: &str, files: &Path) -> Result<String, LabError> {
        let mut command = self.command(server)?;
        command.args(["push", "--reference", reference, "--dir"]).arg(files);
        process::output(&mut command, WORK_LIMIT).map(|text| text.trim().to_owned())
    }

    /// Pulls an artifact's files into a directory; gives the digest of the manifest.
    pub(super) fn pull(&self, server: &RunningServer, reference: &str, into: &Path) -> Result<String, LabError> {
        let mut command = self.command(server)?;
        command.args(["pull", "--reference", reference, "--dir"]).arg(into);
        process::output(&mut command, WORK_LIMIT).map(|text| text.trim().to_owned())
    }

    /// Copies what a reference stands for into an image layout, all of it verified; gives the digest of the root.
    pub(super) fn save(&self, server: &RunningServer, reference: &str, layout: &Path) -> Result<String, LabError> {
        let mut command = self.command(server)?;
        command.args(["save", "--reference", reference, "--dir"]).arg(layout);
        process::output(&mut command, WORK_LIMIT).map(|text| text.trim().to_owned())
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

    fn command(&self, server: &RunningServer) -> Result<Command, LabError> {
        let mut command = Command::new(&self.program);
        command.env("INTEROP_HOST", server.host());
        if !matches!(server.access(), Access::Tls) {
            command.env("INTEROP_PLAIN_HTTP", "1");
        }
        if let Some((user, password)) = server.credentials() {
            command.env("INTEROP_USER", user).env("INTEROP_PASSWORD", password);
        }
        if let Some(pem) = server.ca_pem() {
            let path = server.directory().join("driver-ca.pem");
            std::fs::write(&path, pem).doing("write the authority")?;
            command.env("INTEROP_CA", path);
        }
        Ok(command)
    }
}
