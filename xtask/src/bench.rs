//! `cargo xtask bench`: ours against oras-go and, where they can be had, crane, regctl and skopeo.
//!
//! Whole commands take turns, A B A B; the medians of their wall time, CPU time and memory stand beside the targets.
//! Exit code 1 when a target is missed or a client fails.

mod case;
mod client;
mod content;
mod cpu;
mod figures;
mod growth;
mod latency;
mod options;
mod outcome;
mod plot;
mod programs;
mod proxy;
mod race;
mod site;
mod table;
mod target;
mod work;

use std::fs;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::json;

use case::CASES;
use content::{Sizes, Store};
use options::{Options, Series};
use outcome::Outcome;
use programs::Programs;
use race::Race;
use target::{Terms, Verdict};

use crate::bad_word;
use crate::lab::error::{Doing, LabError};

/// Memory as a file system: what is measured shall be the clients, not a disk.
const ROOM: &str = "/dev/shm";
/// What has to be free there before it is used; containers often have 64 MiB.
const ROOM_NEEDED: u64 = 8 << 30;
const ROOM_NEEDED_QUICK: u64 = 1 << 30;

type Row = (Outcome, Vec<Verdict>);

/// Runs the command.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let options = match Options::parse(words) {
        Ok(options) => options,
        Err(word) => return bad_word("bench", &word),
    };
    match all(&options) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// Runs everything that was asked for, and answers whether all targets are met.
fn all(options: &Options) -> Result<bool, LabError> {
    let room = room(if options.quick { ROOM_NEEDED_QUICK } else { ROOM_NEEDED })?;
    let programs = Programs::build(room.path().join("home"), options.concurrency, options.peers)?;
    let sizes = if options.quick { Sizes::QUICK } else { Sizes::FULL };
    let mut store = Store::new(room.path().join("content"), sizes);
    match options.series {
        Series::Cases => table_of_cases(options, &programs, &mut store),
        Series::Growth => growth::run(options, &programs, &store),
        Series::Latency => latency::run(options, &programs, &mut store),
    }
}

fn table_of_cases(options: &Options, programs: &Programs, store: &mut Store) -> Result<bool, LabError> {
    let (rows, failed) = cases(options, programs, store);
    let table = table::table(&rows);
    println!("{table}");
    if let Some(path) = &options.json {
        save(path, options, &rows)?;
    }
    if options.write {
        table::write(&table)?;
    }
    let missed = rows.iter().flat_map(|(_, verdicts)| verdicts).filter(|verdict| !verdict.is_met()).count();
    let judged = rows.iter().map(|(_, verdicts)| verdicts.len()).sum::<usize>();
    println!("bench: {} of {judged} targets met, {failed} cases failed", judged - missed);
    Ok(missed == 0 && failed == 0)
}

/// Runs the cases; one that fails is said and counted, and does not end the others.
fn cases(options: &Options, programs: &Programs, store: &mut Store) -> (Vec<Row>, usize) {
    let mut outcomes: Vec<Outcome> = Vec::new();
    let mut failed = 0;
    for case in CASES.iter().filter(|case| options.wants(case.name)) {
        for &site in case.sites.iter().filter(|site| options.visits(**site)) {
            let outcome =
                Race::prepare(case, site, programs, store).and_then(|mut race| race.run(options.pairs, case.clients()));
            match outcome {
                Ok(outcome) => {
                    println!("{}", progress(&outcome));
                    outcomes.push(outcome);
                }
                Err(error) => {
                    failed += 1;
                    println!("{}, {}: {error}", case.name, site.name());
                }
            }
        }
    }
    let terms = Terms { concurrency: options.concurrency, cores: cores(), time: options.judges_time() };
    let judge = |outcome: &Outcome| target::judge(outcome, &outcomes, terms);
    let rows = outcomes.iter().map(|outcome| (outcome.clone(), judge(outcome))).collect();
    (rows, failed)
}

/// What clients and registries share.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, NonZeroUsize::get)
}

/// A line for whoever waits.
fn progress(outcome: &Outcome) -> String {
    let of = |client| outcome.entry(client).map_or(0.0, |entry| entry.cost.wall);
    let (ours, theirs) = (of(client::Client::Ours), of(client::Client::OrasGo));
    format!("{}, {}: {ours:.3} s, oras-go {theirs:.3} s", outcome.case.name, outcome.site.name())
}

/// A directory that goes when the run is over, and where registries keep their data too: in memory if that has `needed`
/// bytes, else on a disk, which is said.
fn room(needed: u64) -> Result<tempfile::TempDir, LabError> {
    const TASK: &str = "make room";
    let parent = if is_roomy(ROOM, needed) {
        PathBuf::from(ROOM)
    } else {
        println!("{ROOM} has less than {} MiB: a disk is measured too", needed >> 20);
        std::env::temp_dir()
    };
    let room = tempfile::Builder::new().prefix("bench-").tempdir_in(parent).doing(TASK)?;
    let lab = room.path().join("lab");
    fs::create_dir_all(&lab).doing(TASK)?;
    tempfile::env::override_temp_dir(&lab).map_err(|other| LabError::failed(TASK, other.display()))?;
    Ok(room)
}

/// Whether a file system is there and has so many bytes left.
#[cfg(target_os = "linux")]
fn is_roomy(path: &str, needed: u64) -> bool {
    rustix::fs::statvfs(path).is_ok_and(|found| found.f_bavail.saturating_mul(found.f_frsize) >= needed)
}

/// Elsewhere there is none in memory.
#[cfg(not(target_os = "linux"))]
fn is_roomy(_: &str, _: u64) -> bool {
    false
}

fn save(path: &Path, options: &Options, rows: &[Row]) -> Result<(), LabError> {
    let cases: Vec<_> = rows.iter().map(|(outcome, verdicts)| outcome.json(verdicts)).collect();
    let run = json!({
        "quick": options.quick,
        "pairs": options.pairs,
        "concurrency": options.concurrency,
        "cores": cores(),
        "cases": cases,
    });
    fs::write(path, format!("{run:#}\n")).doing("save the figures")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_or_too_small_is_not_roomy() {
        assert!(!is_roomy("/no/such/place", 0));
        assert!(!is_roomy("/", u64::MAX));
    }
}
