//! The lab: registries and clients of others, to try ours against.
//!
//! Everything is installed by name from a package registry, listens on loopback at a free port, and stops when its guard
//! is dropped. What cannot be had on this machine is a [`error::LabError::Missing`] that says how to get it; nothing here passes
//! silently.
//!
//! ```text
//! registries::all() ─▶ Registry ─ start(&Access) ─▶ RunningServer { host, ca_pem, access }
//! peers::all()      ─▶ Peer     ─ command(&RunningServer) ─▶ std::process::Command
//! ```
//!
//! Programs are looked for in `$ORAS_LAB_DIR/bin` (default: `target/lab/bin`), then on `PATH` if they are of the right
//! version, and are built into the former otherwise.

pub(crate) mod capabilities;
mod configuration;
mod der;
pub(crate) mod error;
pub(crate) mod http;
mod jwt;
pub(crate) mod peers;
pub(crate) mod process;
pub(crate) mod registries;
pub(crate) mod relay;
pub(crate) mod server;
mod smoke;
mod tls;
mod token;
pub(crate) mod tool;

pub(crate) use smoke::run;
