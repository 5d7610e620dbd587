//! The programs of a run: built, found, started and measured.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::client::Client;
use super::figures::Cost;
use crate::lab::error::{Doing, LabError};
use crate::lab::{peers, process, tool};
use crate::process as tasks;

/// A release build of everything from nothing.
const BUILD_LIMIT: Duration = Duration::from_secs(1200);
/// The longest single piece of work there is, on a machine that is busy.
const WORK_LIMIT: Duration = Duration::from_secs(300);
/// The directory of the program on oras-go.
const PEER_SOURCE: &str = "xtask/data/bench/peer";

/// Paths of all programs, and what they are told.
#[derive(Debug)]
pub(super) struct Programs {
    clients: BTreeMap<Client, PathBuf>,
    peer: PathBuf,
    registry: PathBuf,
    home: PathBuf,
    concurrency: usize,
}

impl Programs {
    /// Builds ours and that on oras-go; clients of others are used where they can be had.
    pub(super) fn build(home: PathBuf, concurrency: usize, others: bool) -> Result<Self, LabError> {
        let peer = build_peer()?;
        let [client, registry] = build_ours()?;
        let mut clients = BTreeMap::from([
            (Client::Ours, client.clone()),
            (Client::OursTrusting, client.clone()),
            (Client::OursParallel, client),
            (Client::OrasGo, peer.clone()),
        ]);
        if others {
            clients.extend(find_others());
        }
        fs::create_dir_all(&home).doing("make a home for the clients")?;
        Ok(Self { clients, peer, registry, home, concurrency })
    }

    /// The program of a client, if there is one.
    pub(super) fn client(&self, client: Client) -> Option<&Path> {
        self.clients.get(&client).map(PathBuf::as_path)
    }

    /// A directory for what the programs leave.
    pub(super) fn home(&self) -> &Path {
        &self.home
    }

    /// The embedded registry.
    pub(super) fn registry(&self) -> &Path {
        &self.registry
    }

    /// Runs the program on oras-go to its end.
    pub(super) fn peer<S: AsRef<OsStr>>(&self, words: &[S]) -> Result<String, LabError> {
        process::output(&mut self.peer_command(words), WORK_LIMIT)
    }

    /// Runs a client to its end under the stopwatch.
    pub(super) fn measure(&self, words: &[String]) -> Result<Cost, LabError> {
        let mut all = vec!["measure".to_owned()];
        all.extend_from_slice(words);
        let text = self.peer(&all)?;
        Cost::parse(&text).ok_or_else(|| LabError::failed("read the stopwatch", text))
    }

    /// The program on oras-go, to be started; like every client it sees no configuration of whoever runs it.
    pub(super) fn peer_command<S: AsRef<OsStr>>(&self, words: &[S]) -> Command {
        let mut command = Command::new(&self.peer);
        command.args(words).env("BENCH_CONCURRENCY", self.concurrency.to_string());
        command.env("HOME", &self.home).env("XDG_CONFIG_HOME", &self.home).env("XDG_RUNTIME_DIR", &self.home);
        command.env("DOCKER_CONFIG", &self.home).env("REGCTL_CONFIG", self.home.join("regctl.json"));
        // Cargo sets it for what it runs, and a program then looks for the system's libraries in those places first.
        command.env_remove("LD_LIBRARY_PATH");
        command
    }

    /// Tells regctl that hosts are spoken to without TLS.
    pub(super) fn allow_plain_http(&self, hosts: &[String]) -> Result<(), LabError> {
        let hosts: serde_json::Map<_, _> = hosts
            .iter()
            .map(|host| (host.clone(), serde_json::json!({ "tls": "disabled", "hostname": host })))
            .collect();
        let text = serde_json::json!({ "hosts": hosts }).to_string();
        fs::write(self.home.join("regctl.json"), text).doing("configure regctl")
    }
}

fn build_peer() -> Result<PathBuf, LabError> {
    let program = tool::directory().join("bin").join("bench-peer");
    let mut go = Command::new("go");
    go.args(["build", "-trimpath", "-o"]).arg(&program).arg(".").current_dir(tasks::root().join(PEER_SOURCE));
    process::output(&mut go, BUILD_LIMIT)?;
    Ok(program)
}

/// The client and the registry.
fn build_ours() -> Result<[PathBuf; 2], LabError> {
    let mut client = tasks::cargo();
    client.args(["build", "--release", "-p", "oras-tests", "--features", "bench-client", "--bin", "bench-client"]);
    process::output(&mut client, BUILD_LIMIT)?;
    let mut registry = tasks::cargo();
    registry.args(["build", "--release", "-p", "oras-registry", "--features", "bin", "--bin", "oras-registry"]);
    process::output(&mut registry, BUILD_LIMIT)?;
    let directory = target_directory().join("release");
    Ok([directory.join("bench-client"), directory.join("oras-registry")])
}

fn target_directory() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tasks::root().join("target"), PathBuf::from)
}

/// What is missing is said, and not run.
fn find_others() -> Vec<(Client, PathBuf)> {
    let tools = peers::all().into_iter().map(|peer| peer.tool().clone()).chain([peers::skopeo()]);
    let mut found = Vec::new();
    for tool in tools {
        let client = match tool.name() {
            "crane" => Client::Crane,
            "regctl" => Client::Regctl,
            "skopeo" => Client::Skopeo,
            _ => continue,
        };
        match tool.path() {
            Ok(path) => found.push((client, path)),
            Err(error) => println!("MISSING: {error}: not compared"),
        }
    }
    found
}
