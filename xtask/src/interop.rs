//! `cargo xtask interop`: our client against the registries and the clients of others.
//!
//! Each registry of the lab is started in each way it can be reached. A driver over our crates runs the contract of the
//! roles, the main job, what goes wrong on purpose, and a transfer whose memory is measured against it; then artifacts
//! cross between ours and each client of others, both ways. Last, an index with its referrers is copied from each registry
//! into each. A matrix comes at the end, with what registries are known to do against the contract, and last the line
//! `interop: <passed>/<total> failed <n>`. What is missing on the machine is said, counted as failed, and how to get it
//! with it.

mod copies;
mod cross;
mod deviations;
pub(crate) mod driver;
mod matrix;
pub(crate) mod transfer;

use std::process::ExitCode;

use crate::lab::error::LabError;
use crate::lab::peers;
use crate::lab::registries::{self, Access, Registry};
use driver::Driver;
use matrix::{Check, Matrix};

/// Runs the command. Exit code 1 when any check failed or could not be made.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let is_short = match words {
        [] => false,
        [word] if word == "--short" => true,
        [word, ..] => return crate::bad_word("interop", word),
    };
    let driver = match Driver::build("dev") {
        Ok(driver) => driver,
        Err(error) => {
            println!("interop: {error}");
            return ExitCode::FAILURE;
        }
    };
    let mut matrix = Matrix::default();
    for registry in registries::all() {
        for access in Access::each().iter().filter(|access| registry.supports(access)) {
            let checks = visit(&driver, &registry, access, is_short);
            matrix.add(&format!("{}, {}", registry.name(), access.name()), checks);
        }
    }
    for (row, checks) in copies::between_all(&driver) {
        matrix.add(&row, checks);
    }
    println!("{matrix}");
    println!("interop: {}", matrix.summary());
    if matrix.failed() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Everything that is checked against one registry; a registry that does not start is one failed check.
fn visit(driver: &Driver, registry: &Registry, access: &Access, is_short: bool) -> Vec<Check> {
    let server = match registry.start(access) {
        Ok(server) => server,
        Err(error) => return vec![Check::failed("start", &error)],
    };
    let known = deviations::of(registry.name());
    let mut checks = driver.contract(&server, registry.capabilities(), known);
    checks.extend(driver.job(&server));
    checks.extend(driver.refusals(&server));
    // Authentication changes nothing about how bytes move; TLS does.
    if access.user().is_none() {
        let moved = transfer::there_and_back(driver, &server, &transfer::SHORT);
        checks.push(Check::of("transfer", moved.and_then(|figures| figures.judge())));
    }
    // Short runs see the clients of others where it matters most: in the open, against every registry.
    if !is_short || access.is_plain() {
        for peer in peers::all() {
            let crossed = cross::both_ways(driver, &server, &peer);
            checks.extend(crossed.unwrap_or_else(|error: LabError| vec![Check::failed(peer.name(), &error)]));
        }
    }
    checks
}
