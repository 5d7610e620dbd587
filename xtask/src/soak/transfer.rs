//! Large files, to a registry and back.

use super::Part;
use crate::interop::driver::Driver;
use crate::interop::transfer::{self, Content, Figures};
use crate::lab::error::LabError;
use crate::lab::registries::{self, Access, Registry};

/// Runs every transfer with a client as people have it: optimised.
pub(super) fn run() -> Vec<Part> {
    let parts = [
        ("1 GiB", Access::PLAIN, transfer::LONG),
        ("1 GiB over TLS", Access::TLS, transfer::LONG),
        ("4 GiB sparse", Access::PLAIN, transfer::SPARSE),
    ];
    let driver = match Driver::build() {
        Ok(driver) => driver,
        Err(error) => return vec![Part { name: "build".to_owned(), outcome: Err(error) }],
    };
    let registry = registries::distribution();
    let part = |(name, access, content)| {
        let outcome = one(&driver, &registry, &access, &content).map(|figures| figures.to_string());
        Part { name: format!("{name}, {}", registry.name()), outcome }
    };
    parts.map(part).into()
}

/// A registry for each, so that the space of one is free before the next.
fn one(driver: &Driver, registry: &Registry, access: &Access, content: &Content) -> Result<Figures, LabError> {
    let server = registry.start(access)?;
    transfer::there_and_back(driver, &server, content)?.judge()
}
