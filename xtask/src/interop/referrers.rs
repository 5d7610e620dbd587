//! Two processes that attach to one subject at once.

use std::thread;
use std::time::Duration;

use super::driver::Driver;
use crate::lab::error::{Doing, LabError};
use crate::lab::process;
use crate::lab::server::RunningServer;

/// Some hundred small requests.
const LIMIT: Duration = Duration::from_secs(120);
/// What the main job has left, to be attached to.
const SUBJECT: [&str; 4] = ["--repository", "job/main", "--tag", "v1"];

/// Attaches so many from each of two processes, and counts: most must be listed. Of an index that clients keep under a tag no
/// registry of the lab heeds a condition: what one process read before, and wrote after, the other looked again, is lost. And
/// olareg 0.2.2, which lists by itself, loses some of those that are pushed at once, whoever the clients are.
pub(super) fn two_processes(driver: &Driver, server: &RunningServer, each: usize) -> Result<usize, LabError> {
    let attach = |first: usize| {
        let mut command = driver.command(server)?;
        command.arg("attach").args(SUBJECT).args(["--first", &first.to_string(), "--count", &each.to_string()]);
        process::output(&mut command, LIMIT)
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| attach(each));
        attach(0)?;
        other.join().unwrap_or_else(|_| Err(LabError::failed("attach", "a thread panicked")))
    })?;
    let text = process::output(driver.command(server)?.arg("count").args(SUBJECT), LIMIT)?;
    let listed = text.lines().find_map(|line| line.strip_prefix("listed ")).unwrap_or_default();
    let listed: usize = listed.parse().doing("count referrers")?;
    if listed > each && listed <= 2 * each {
        return Ok(listed);
    }
    Err(LabError::failed("attach from two processes", format!("{listed} of {} are listed", 2 * each)))
}
