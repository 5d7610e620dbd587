//! Graphs that cross from one registry into another: each registry of the lab into each, itself included, so that
//! referrers go from the API to the tag schema and back.

use super::driver::Driver;
use super::matrix::Check;
use crate::lab::error::LabError;
use crate::lab::registries::{self, Access};
use crate::lab::server::RunningServer;

/// What was checked, a row for each source. A registry that does not start is a failed check of every pair it is in.
pub(super) fn between_all(driver: &Driver) -> Vec<(String, Vec<Check>)> {
    let registries = registries::all();
    let servers: Vec<_> = registries.iter().map(|registry| (registry.name(), registry.start(&Access::PLAIN))).collect();
    let row = |(name, from): &(&str, Result<RunningServer, LabError>)| {
        let checks = servers.iter().flat_map(|(into, to)| match (from, to) {
            (Ok(from), Ok(to)) => driver.copies(from, to, &format!("into {into},")),
            (Err(error), _) | (_, Err(error)) => vec![Check::failed("copies", error)],
        });
        (format!("{name}, copies"), checks.collect())
    };
    servers.iter().map(row).collect()
}
