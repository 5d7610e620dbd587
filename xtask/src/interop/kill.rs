//! Transfers that are killed in the middle and started again: how much moves then, counted on the wire.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tempfile::TempDir;

use super::driver::Driver;
use super::transfer::{Content, MIB, is_same};
use crate::lab::error::{Doing, LabError};
use crate::lab::http;
use crate::lab::process::{self, Guarded};
use crate::lab::relay::Relay;
use crate::lab::server::RunningServer;

/// What a start may move besides what is missing.
const SLACK: u64 = 8 * MIB;
/// Some gigabytes in a loaded machine.
const LIMIT: Duration = Duration::from_secs(600);
const REPOSITORY: &str = "kill/main";

/// Which way bytes go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Push,
    Pull,
}

/// What there was to move when the client was started for the last time, and what moved.
#[derive(Debug)]
pub(crate) struct Figures {
    way: Way,
    size: u64,
    /// How much had moved at each kill, since the start before it.
    kills: Vec<u64>,
    missing: u64,
    moved: u64,
}

/// A transfer and its surroundings.
struct Trial<'a> {
    driver: &'a Driver,
    server: &'a RunningServer,
    relay: Relay,
    work: TempDir,
    size: u64,
    kills: u32,
    /// Where the places of the kills come from.
    chance: u64,
}

/// Pushes in chunks where `pushes`, in one piece otherwise; then pulls. Each is killed so many times, at places by chance.
///
/// # Errors
///
/// [`LabError::Failed`] when a transfer fails, or what came back differs.
pub(crate) fn there_and_back(
    driver: &Driver,
    server: &RunningServer,
    content: &Content,
    pushes: bool,
    kills: u32,
) -> Result<Vec<Figures>, LabError> {
    const TASK: &str = "prepare a transfer to be killed";
    let work = tempfile::tempdir().doing(TASK)?;
    content.write(&work.path().join("content")).doing(TASK)?;
    let relay = Relay::start(server.address()).doing(TASK)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(1, |since| u64::from(since.subsec_nanos()) | 1);
    let mut trial = Trial { driver, server, relay, work, size: content.size(), kills, chance: now };
    let mut figures = Vec::new();
    let digest = if pushes {
        let (pushed, digest) = trial.run(Way::Push, "")?;
        figures.push(pushed);
        digest
    } else {
        trial.finish(Way::Push, "")?
    };
    figures.push(trial.run(Way::Pull, &digest)?.0);
    trial.compare(&digest)?;
    Ok(figures)
}

impl Trial<'_> {
    /// Starts and kills, and then lets the last start come to its end.
    fn run(&mut self, way: Way, digest: &str) -> Result<(Figures, String), LabError> {
        let mut kills = Vec::new();
        for _ in 0..self.kills {
            kills.push(self.start_and_kill(way, digest)?);
        }
        let missing = self.size - self.safe(way);
        let before = self.moved(way);
        let digest = self.finish(way, digest)?;
        let moved = self.moved(way) - before;
        Ok((Figures { way, size: self.size, kills, missing, moved }, digest))
    }

    /// Kills the client once so many bytes have moved, and gives how many.
    fn start_and_kill(&mut self, way: Way, digest: &str) -> Result<u64, LabError> {
        let left = self.size - self.safe(way);
        let at = left / 8 + self.random() % (left / 2);
        let before = self.moved(way);
        let mut command = self.command(way, digest)?;
        let log = std::fs::File::create(self.path("log")).doing("make a file")?;
        let mut client = Guarded::start(command.stdout(log.try_clone().doing("make a file")?).stderr(log))?;
        let reached = process::wait_for(LIMIT, || {
            if let Some(status) = client.ended()? {
                let log = std::fs::read_to_string(self.path("log")).unwrap_or_default();
                return Err(LabError::failed("kill a client", format!("it ended before: {status}: {log}")));
            }
            Ok((self.moved(way) - before >= at).then_some(()))
        })?;
        // As by `kill -9`.
        drop(client);
        reached.ok_or_else(|| LabError::failed("kill a client", "it moves nothing"))?;
        self.settle(way)?;
        Ok(self.moved(way) - before)
    }

    /// Waits until nothing moves any more that the killed client had sent, or was to be sent.
    fn settle(&self, way: Way) -> Result<(), LabError> {
        let mut last = None;
        let mut quiet = 0;
        let settled = process::wait_for(Duration::from_secs(10), || {
            let now = Some((self.moved(way), self.safe(way)));
            quiet = if now == last { quiet + 1 } else { 0 };
            last = now;
            Ok((quiet > 10).then_some(()))
        })?;
        settled.ok_or_else(|| LabError::failed("kill a client", "bytes move all the same"))
    }

    fn finish(&self, way: Way, digest: &str) -> Result<String, LabError> {
        let text = process::output(&mut self.command(way, digest)?, LIMIT)?;
        let digest = text.lines().find_map(|line| line.strip_prefix("digest "));
        digest.map(ToOwned::to_owned).ok_or_else(|| LabError::failed("move a blob", format!("no digest: {text}")))
    }

    fn command(&self, way: Way, digest: &str) -> Result<std::process::Command, LabError> {
        let mut command = self.driver.command(self.server)?;
        command.env("INTEROP_HOST", self.relay.host()).current_dir(self.work.path());
        match way {
            Way::Push => command.args(["send", "--repository", REPOSITORY, "--file", "content", "--state", "state"]),
            Way::Pull => command.args(["receive", "--repository", REPOSITORY, "--digest", digest, "--dir", "layout"]),
        };
        Ok(command)
    }

    fn moved(&self, way: Way) -> u64 {
        match way {
            Way::Push => self.relay.up(),
            Way::Pull => self.relay.down(),
        }
    }

    /// How many bytes have arrived for good: what the registry says of the session, or what lies in the partial file.
    fn safe(&self, way: Way) -> u64 {
        let safe = match way {
            Way::Push => self.taken(),
            Way::Pull => longest(&self.path("layout/ingest")),
        };
        safe.unwrap_or(0).min(self.size)
    }

    fn taken(&self) -> Option<u64> {
        let state: serde_json::Value = serde_json::from_slice(&std::fs::read(self.path("state")).ok()?).ok()?;
        let location = state.get("location")?.as_str()?;
        let target = match location.strip_prefix("http://") {
            Some(rest) => rest.get(rest.find('/')?..)?,
            None => location,
        };
        let answer = http::ask(self.server.address(), "GET", target, "", b"").ok()?;
        let (_, last) = answer.field("range")?.split_once('-')?;
        Some(last.parse::<u64>().ok()? + 1)
    }

    fn compare(&self, digest: &str) -> Result<(), LabError> {
        let blob = self.path("layout/blobs").join(digest.replace(':', "/"));
        if is_same(&self.path("content"), &blob).doing("compare large files")? {
            return Ok(());
        }
        Err(LabError::failed("compare large files", "they differ"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Xorshift.
    fn random(&mut self) -> u64 {
        self.chance ^= self.chance << 13;
        self.chance ^= self.chance >> 7;
        self.chance ^= self.chance << 17;
        self.chance
    }
}

/// The length of the longest file of a directory.
fn longest(dir: &Path) -> Option<u64> {
    std::fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).max()
}

impl Figures {
    /// Whether no more moved than was missing, and the slack; then the figures come back.
    pub(crate) fn judge(self) -> Result<Self, LabError> {
        if self.moved <= self.missing + SLACK && self.missing < self.size {
            return Ok(self);
        }
        Err(LabError::failed("move what is missing and at most 8 MiB", self))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes as f64 / MIB as f64;
        let way = if self.way == Way::Push { "push" } else { "pull" };
        write!(f, "{way} of {:.0} MiB, killed after", mib(self.size))?;
        for kill in &self.kills {
            write!(f, " {:.1}", mib(*kill))?;
        }
        let more = self.moved as f64 - self.missing as f64;
        write!(
            f,
            " MiB: {:.1} MiB were missing, {:.1} MiB moved ({:+.2} MiB)",
            mib(self.missing),
            mib(self.moved),
            more / MIB as f64
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_what_was_missing_and_the_slack_is_a_failure() {
        let figures = |moved| Figures { way: Way::Pull, size: 100 * MIB, kills: vec![MIB], missing: 40 * MIB, moved };
        assert!(figures(48 * MIB).judge().is_ok());
        let error = figures(48 * MIB + 1).judge().unwrap_err().to_string();
        assert!(error.contains("40.0 MiB were missing, 48.0 MiB moved (+8.00 MiB)"), "{error}");
    }

    #[test]
    fn a_transfer_that_kept_nothing_is_a_failure() {
        let figures = Figures { way: Way::Push, size: MIB, kills: vec![MIB], missing: MIB, moved: MIB };
        assert!(figures.judge().is_err());
    }
}
