//! `cargo xtask conformance`: the official suite of the distribution specification against our registry.
//!
//! The registry is built and started anew for each run: both profiles of the suite, without auth, with Basic and with
//! tokens, over every storage, with and without a least size of chunks. A line a run, and last the line
//! `conformance: <passed>/<total> failed <n> skipped <n> disabled <n>`, summed over the runs.

mod counts;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

use crate::lab::error::LabError;
use crate::lab::{peers, process};
use crate::process as tasks;
use counts::Counts;
use run::{BUILD_LIMIT, Run};

/// Runs the command. Exit code 1 when a run has failures or skips, or could not be made.
pub(crate) fn run(words: &[String]) -> ExitCode {
    if let [word, ..] = words {
        return crate::bad_word("conformance", word);
    }
    let programs = build().and_then(|registry| Ok((registry, peers::conformance().path()?)));
    let (registry, suite) = match programs {
        Ok(programs) => programs,
        Err(error) => {
            println!("conformance: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut sum = Counts::default();
    let mut is_good = true;
    for run in Run::all() {
        match run.make(&registry, &suite) {
            Ok(counts) => {
                is_good &= run.accepts(&counts);
                println!("{run}: {counts}");
                sum += counts;
            }
            Err(error) => {
                is_good = false;
                println!("{run}: {error}");
            }
        }
    }
    println!("conformance: {sum}");
    if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Our registry, built.
fn build() -> Result<PathBuf, LabError> {
    let mut cargo = tasks::cargo();
    cargo.args(["build", "-p", "oras-registry", "--features", "bin", "--bin", "oras-registry"]);
    process::output(&mut cargo, BUILD_LIMIT)?;
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| tasks::root().join("target"), PathBuf::from);
    Ok(target.join("debug").join("oras-registry"))
}
