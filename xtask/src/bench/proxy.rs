//! Counts what a client asks a server for.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::figures::Requests;
use super::programs::Programs;
use super::site::start_and_read;
use crate::lab::error::{Doing, LabError};
use crate::lab::http;
use crate::lab::process::Guarded;

/// Logs of proxies do not overwrite each other.
static NUMBER: AtomicU64 = AtomicU64::new(0);

/// A proxy before a server, which can delay each answer.
#[derive(Debug)]
pub(super) struct Proxy {
    port: u16,
    _process: Guarded,
}

impl Proxy {
    /// Starts a proxy before `host`.
    pub(super) fn start(programs: &Programs, host: &str, delay: Duration) -> Result<Self, LabError> {
        const TASK: &str = "start a proxy";
        let delay = format!("{}ms", delay.as_millis());
        let log = programs.home().join(format!("proxy-{}", NUMBER.fetch_add(1, Ordering::Relaxed)));
        let (process, line) = start_and_read(&mut programs.peer_command(&["proxy", host, &delay]), &log, TASK)?;
        Ok(Self { port: line.parse().doing(TASK)?, _process: process })
    }

    /// Where it listens.
    pub(super) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// What has come so far.
    pub(super) fn requests(&self) -> Result<Requests, LabError> {
        const TASK: &str = "ask a proxy for its counts";
        let address: SocketAddr = (Ipv4Addr::LOCALHOST, self.port).into();
        let answer = http::ask(address, "HEAD", "/-/requests", "", b"").doing(TASK)?;
        let count = |name| answer.field(name).unwrap_or_default().parse().doing(TASK);
        Ok(Requests { all: count("x-requests")?, referrer_indexes: count("x-referrer-indexes")? })
    }
}
