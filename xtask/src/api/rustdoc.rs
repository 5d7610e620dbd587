//! rustdoc, asked for JSON.
//!
//! It gives that to a stable toolchain only under `RUSTC_BOOTSTRAP`. Set for all of cargo, the variable would build the
//! macros of our dependencies anew, and once more when it is gone; so cargo is told that this program is rustdoc, and the
//! variable is set for the real one alone.

use std::path::PathBuf;
use std::process::{Command, ExitCode};

use crate::process::{self, Result};
use crate::tidy::metadata::Package;

/// Tells us, started by cargo, to stand in for rustdoc.
const STAND_IN: &str = "XTASK_IS_RUSTDOC";

/// Runs rustdoc with the words of this process, if that is what we were started for.
pub(crate) fn stand_in() -> Option<ExitCode> {
    std::env::var_os(STAND_IN)?;
    let mut rustdoc = Command::new("rustdoc");
    rustdoc.args(std::env::args_os().skip(1)).env("RUSTC_BOOTSTRAP", "1").env_remove(STAND_IN);
    Some(if process::succeeds(&mut rustdoc) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Has all packages described.
pub(super) fn describe(packages: &[Package]) -> Result<()> {
    let ourselves = std::env::current_exe().map_err(|error| format!("cannot find this program: {error}"))?;
    let mut cargo = process::cargo();
    cargo.args(["doc", "--quiet", "--no-deps", "--all-features", "--lib"]);
    for package in packages {
        cargo.args(["-p", &package.name]);
    }
    cargo.env(STAND_IN, "1").env("RUSTDOC", ourselves);
    cargo.env("RUSTDOCFLAGS", "-Z unstable-options --output-format json");
    if process::succeeds(&mut cargo) { Ok(()) } else { Err("rustdoc failed".to_owned()) }
}

/// Where the description of a package is.
pub(super) fn description(package: &Package) -> PathBuf {
    let target = std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| process::root().join("target"), PathBuf::from);
    target.join("doc").join(format!("{}.json", package.library))
}
