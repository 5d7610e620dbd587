//! `cargo xtask lab`: gets every tool, and sees every client and every registry understand each other.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use super::capabilities::Capabilities;
use super::error::{Doing, LabError};
use super::peers::{self, Peer};
use super::process;
use super::registries::{self, Access, Registry};
use super::server::RunningServer;

/// A push of a few bytes to loopback takes a moment.
const PEER_LIMIT: Duration = Duration::from_secs(60);

/// Runs the command. Exit code 1 when anything failed, 2 when something is missing and nothing failed.
pub(crate) fn run(_words: &[String]) -> ExitCode {
    let mut worst = 0;
    let mut report = |what: &str, outcome: Result<String, LabError>| match outcome {
        Ok(text) => println!("{what}: {text}"),
        Err(error) => {
            worst = match error {
                LabError::Missing { .. } if worst != 1 => 2,
                _ => 1,
            };
            println!("{what}: {error}");
        }
    };
    report("conformance", peers::conformance().path().map(|path| path.display().to_string()));
    for registry in registries::all() {
        for access in Access::each().iter().filter(|access| registry.supports(access)) {
            let started = Instant::now();
            let outcome =
                visit(&registry, access).map(|digest| format!("{digest} in {} ms", started.elapsed().as_millis()));
            report(&format!("{}, {access:?}", registry.name()), outcome);
        }
    }
    ExitCode::from(worst)
}

/// Pushes with the first client and asks all of them for the digest; they must agree, and see what was pushed.
fn visit(registry: &Registry, access: &Access) -> Result<String, LabError> {
    let server = registry.start(access)?;
    if access.is_plain() {
        compare(registry, &server)?;
    }
    let reference = format!("{}/lab/smoke:v1", server.host());
    push(&server, &reference)?;
    let mut digests = Vec::new();
    for peer in peers::all() {
        digests.push((peer.name(), digest(&peer, &server, &reference)?));
    }
    match digests.first() {
        Some((_, first)) if digests.iter().all(|(_, digest)| digest == first) => Ok(first.clone()),
        _ => Err(LabError::failed("compare digests", format!("{digests:?}"))),
    }
}

/// The table of capabilities must say what the registry does.
fn compare(registry: &Registry, server: &RunningServer) -> Result<(), LabError> {
    let (known, seen) = (registry.capabilities(), Capabilities::measure(server.address())?);
    if *known == seen {
        return Ok(());
    }
    Err(LabError::failed("measure capabilities", format!("expected {known:?}, found {seen:?}")))
}

fn push(server: &RunningServer, reference: &str) -> Result<(), LabError> {
    fs::write(server.directory().join("hello.txt"), "hello\n").doing("write a file")?;
    let words = ["push", "--artifact-type", "application/vnd.example", reference, "hello.txt:text/plain"];
    let oras = peers::all().into_iter().find(|peer| peer.name() == "oras");
    let mut command = oras.ok_or("no oras among the clients").doing("push")?.command(server)?;
    command.args(words).args(scheme(server)).current_dir(server.directory());
    process::output(&mut command, PEER_LIMIT).map(drop)
}

fn digest(peer: &Peer, server: &RunningServer, reference: &str) -> Result<String, LabError> {
    let mut command: Command = peer.command(server)?;
    command.current_dir(Path::new(server.directory()));
    match peer.name() {
        "oras" => command.args(["resolve", reference]).args(scheme(server)),
        "crane" => command.args(["digest", reference]),
        _ => command.args(["manifest", "head", reference]),
    };
    process::output(&mut command, PEER_LIMIT).map(|text| text.trim().to_owned())
}

/// What oras must be told when `localhost` is not plain HTTP.
fn scheme(server: &RunningServer) -> Option<&'static str> {
    server.ca_pem().map(|_| "--plain-http=false")
}
