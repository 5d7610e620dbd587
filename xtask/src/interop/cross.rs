//! Artifacts crossing between our client and another: pushed by one, pulled by the other, compared byte by byte.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::driver::Driver;
use super::matrix::Check;
use crate::lab::error::{Doing, LabError};
use crate::lab::peers::Peer;
use crate::lab::process;
use crate::lab::server::RunningServer;

/// A few kilobytes over loopback.
const PEER_LIMIT: Duration = Duration::from_secs(60);

/// Names and content of what crosses.
const FILES: [(&str, &[u8]); 2] =
    [("notes.txt", b"written by one, read by the other\n"), ("data.bin", &[0, 159, 146, 150, 255])];

/// Ours to theirs, then theirs to ours.
///
/// # Errors
///
/// [`LabError::Missing`] when the client cannot be had; what fails between the two is a failed check.
pub(super) fn both_ways(driver: &Driver, server: &RunningServer, peer: &Peer) -> Result<Vec<Check>, LabError> {
    peer.tool().path()?;
    let work = tempfile::tempdir().doing("make a directory")?;
    let ours = work.path().join("ours");
    fs::create_dir(&ours).doing("make a directory")?;
    for (name, content) in FILES {
        fs::write(ours.join(name), content).doing("write a file")?;
    }
    let name = peer.name();
    let to_theirs = to_theirs(driver, server, peer, work.path());
    let to_ours = to_ours(driver, server, peer, work.path());
    Ok(vec![
        Check::of(name, to_theirs.map_err(|error| format!("ours to {name}: {error}"))),
        Check::of(name, to_ours.map_err(|error| format!("{name} to ours: {error}"))),
    ])
}

fn to_theirs(driver: &Driver, server: &RunningServer, peer: &Peer, work: &Path) -> Result<(), LabError> {
    let reference = format!("{}/cross/{}:from-ours", server.host(), peer.name());
    let digest = driver.push(server, &reference, &work.join("ours"))?.digest;
    let out = work.join("theirs");
    fs::create_dir(&out).doing("make a directory")?;
    match peer.name() {
        "oras" => {
            ask(peer, server, &out, &["pull", &reference])?;
            compare(&out)?;
        }
        "regctl" => {
            ask(peer, server, &out, &["artifact", "get", "--output", ".", &reference])?;
            compare(&out)?;
        }
        _ => by_digest(peer, server, &out, &reference)?,
    }
    let seen = match peer.name() {
        "oras" => ask(peer, server, &out, &["resolve", &reference])?,
        "crane" => ask(peer, server, &out, &["digest", &reference])?,
        _ => ask(peer, server, &out, &["manifest", "head", &reference])?,
    };
    equal("digest", seen.trim(), &digest)
}

/// A client without a word for files takes the blobs one by one.
fn by_digest(peer: &Peer, server: &RunningServer, out: &Path, reference: &str) -> Result<(), LabError> {
    let text = ask(peer, server, out, &["manifest", reference])?;
    let manifest: serde_json::Value = serde_json::from_str(&text).doing("read a manifest")?;
    let layers =
        manifest.pointer("/layers").and_then(serde_json::Value::as_array).map(Vec::as_slice).unwrap_or_default();
    equal("number of layers", &layers.len().to_string(), &FILES.len().to_string())?;
    let repository = reference.rsplit_once(':').map_or(reference, |(repository, _)| repository);
    for layer in layers {
        let text = |member| layer.pointer(member).and_then(serde_json::Value::as_str);
        let title = text("/annotations/org.opencontainers.image.title");
        let (Some(digest), Some(title)) = (text("/digest"), title) else {
            return Err(LabError::failed("read a manifest", format!("no digest or title: {layer}")));
        };
        let mut command = command(peer, server, out, &["blob", &format!("{repository}@{digest}")])?;
        let file = fs::File::create(out.join(title)).doing("make a file")?;
        let status = command.stdout(file).status().doing("get a blob")?;
        equal("exit of crane blob", &status.to_string(), "exit status: 0")?;
    }
    compare(out)
}

fn to_ours(driver: &Driver, server: &RunningServer, peer: &Peer, work: &Path) -> Result<(), LabError> {
    let reference = format!("{}/cross/{}:to-ours", server.host(), peer.name());
    let source = work.join("ours");
    let out = work.join("back");
    fs::create_dir(&out).doing("make a directory")?;
    match peer.name() {
        "oras" => {
            let files = FILES.map(|(name, _)| format!("{name}:application/octet-stream"));
            let mut words = vec!["push", "--artifact-type", "application/vnd.example.cross", &reference];
            words.extend(files.iter().map(String::as_str));
            ask(peer, server, &source, &words)?;
        }
        "regctl" => {
            let mut words = vec!["artifact", "put", "--artifact-type", "application/vnd.example.cross"];
            for (name, _) in FILES {
                words.extend(["--file", name, "--file-media-type", "application/octet-stream"]);
            }
            words.extend(["--file-title", &reference]);
            ask(peer, server, &source, &words)?;
        }
        _ => {
            // Crane makes images only: one layer, whose bytes are for us to verify.
            let archive = work.join("layer.tar");
            process::output(Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&source).arg("."), PEER_LIMIT)?;
            let archive = archive.display().to_string();
            ask(peer, server, &source, &["append", "--oci-empty-base", "-f", &archive, "-t", &reference])?;
            let saved = driver.save(server, &reference, &out)?.digest;
            return equal("digest", ask(peer, server, &source, &["digest", &reference])?.trim(), &saved);
        }
    }
    driver.pull(server, &reference, &out)?;
    compare(&out)
}

fn ask(peer: &Peer, server: &RunningServer, directory: &Path, words: &[&str]) -> Result<String, LabError> {
    process::output(&mut command(peer, server, directory, words)?, PEER_LIMIT)
}

fn command(peer: &Peer, server: &RunningServer, directory: &Path, words: &[&str]) -> Result<Command, LabError> {
    let mut command = peer.command(server)?;
    command.args(words).current_dir(directory);
    if peer.name() == "oras" && server.ca_pem().is_some() {
        // It takes `localhost` for plain HTTP.
        command.arg("--plain-http=false");
    }
    Ok(command)
}

fn compare(directory: &Path) -> Result<(), LabError> {
    for (name, expected) in FILES {
        let found = fs::read(directory.join(name)).doing(&format!("read {name}"))?;
        if found != expected {
            return Err(LabError::failed(format!("compare {name}"), format!("{} bytes differ", found.len())));
        }
    }
    Ok(())
}

fn equal(what: &str, found: &str, expected: &str) -> Result<(), LabError> {
    if found == expected {
        return Ok(());
    }
    Err(LabError::failed(format!("compare {what}"), format!("expected {expected}, found {found}")))
}
