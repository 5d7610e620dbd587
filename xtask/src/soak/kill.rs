//! Large transfers that are killed and started again.

use super::Part;
use crate::interop::deviations::keeps_broken_chunks;
use crate::interop::driver::Driver;
use crate::interop::{kill, transfer};
use crate::lab::error::LabError;
use crate::lab::registries::{self, Access, Registry};

/// How often each transfer is killed.
const KILLS: u32 = 3;

/// Each registry that keeps what it has of a broken upload, with a client as people have it: optimised.
pub(super) fn run() -> Vec<Part> {
    let driver = match Driver::build() {
        Ok(driver) => driver,
        Err(error) => return vec![Part { name: "build".to_owned(), outcome: Err(error) }],
    };
    let registries = registries::all().into_iter().filter(keeps_broken_chunks);
    let part = |registry: Registry| Part { name: registry.name().to_owned(), outcome: one(&driver, &registry) };
    registries.map(part).collect()
}

fn one(driver: &Driver, registry: &Registry) -> Result<String, LabError> {
    let server = registry.start(&Access::PLAIN)?;
    let figures = kill::there_and_back(driver, &server, &transfer::KILLED, true, KILLS)?;
    let judged = figures.into_iter().map(|figures| figures.judge().map(|figures| figures.to_string()));
    Ok(judged.collect::<Result<Vec<_>, _>>()?.join("; "))
}
