//! `cargo xtask interop`: our client against the registries and the clients of others.
//!
//! Each registry of the lab is started in each way it can be reached. A driver over our crates runs against it the contract
//! of the roles, the main job, what goes wrong on purpose, a transfer whose memory is measured, one that is killed and
//! started again, and two processes that attach to one subject at once; then artifacts cross between ours and each client
//! of others, both ways. Last, an index with its referrers is copied from each registry into each, and image layouts cross
//! on a disk. A matrix comes at the end, with what registries are known to do against the contract, and last the line
//! `interop: <passed>/<total> failed <n>`. What is missing on the machine is said, counted as failed, and how to get it
//! with it; tools for layouts alone are left out when they are missing.

mod copies;
mod cross;
pub(crate) mod deviations;
pub(crate) mod driver;
pub(crate) mod kill;
mod layouts;
mod matrix;
mod referrers;
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
    let driver = match Driver::build() {
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
    matrix.add("image layouts", layouts::with_all(&driver));
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
    if access.is_plain() {
        let pushes = deviations::keeps_broken_chunks(registry);
        let killed = kill::there_and_back(driver, &server, &transfer::KILLED_SHORT, pushes, 1);
        let judged =
            killed.and_then(|figures| figures.into_iter().map(kill::Figures::judge).collect::<Result<Vec<_>, _>>());
        checks.push(Check::of("kill", judged));
        let each = if is_short { 25 } else { 100 };
        checks.push(Check::of("referrers", referrers::two_processes(driver, &server, each)));
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
