//! Where a case runs: two registries of one kind, the source filled, the destination empty.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::content::{Content, Store};
use super::cpu;
use super::programs::Programs;
use super::proxy::Proxy;
use super::work::Place;
use crate::lab::error::{Doing, LabError};
use crate::lab::process::{self, Guarded};
use crate::lab::registries::{self, Access};
use crate::lab::server::RunningServer;

/// The embedded registry is ready in milliseconds; a loaded machine gets more.
const READY_LIMIT: Duration = Duration::from_secs(20);

/// A kind of registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Site {
    /// None: the work is on this machine alone.
    Local,
    /// Distribution, which has no referrers API.
    Distribution,
    /// Olareg, which has one.
    Olareg,
    /// The embedded registry, told to cost next to nothing: there the client shows.
    Free,
}

impl Site {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Local => "–",
            Self::Distribution => "distribution",
            Self::Olareg => "olareg",
            Self::Free => "free",
        }
    }

    /// Whether `--site` with this word means it.
    pub(super) fn is_called(self, word: &str) -> bool {
        match word {
            "local" => self == Self::Local,
            "real" => matches!(self, Self::Distribution | Self::Olareg),
            _ => self.name() == word,
        }
    }
}

/// The two registries of a site.
#[derive(Debug)]
pub(super) struct Servers {
    source: Server,
    destination: Server,
}

#[derive(Debug)]
enum Server {
    Lab(Box<RunningServer>),
    Free { port: u16, process: Guarded },
}

impl Servers {
    /// Starts both; `None` where none is needed.
    pub(super) fn start(
        programs: &Programs,
        site: Site,
        store: &Store,
        content: Content,
    ) -> Result<Option<Self>, LabError> {
        let (source, destination) = match site {
            Site::Local => return Ok(None),
            Site::Distribution | Site::Olareg => (start_real(site)?, start_real(site)?),
            Site::Free => {
                let layout = store.layout_directory(content);
                let log = |name| store.directory().join(name);
                (
                    start_free(programs, Some(&layout), &log("free-source"))?,
                    start_free(programs, None, &log("free-destination"))?,
                )
            }
        };
        let servers = Self { source, destination };
        programs.allow_plain_http(&[servers.source.host(), servers.destination.host()])?;
        if site != Site::Free {
            let to = Place::registry(&servers.source.host(), content.name()).to_string();
            programs.peer(&["extended", &store.layout(content).to_string(), &to])?;
        }
        Ok(Some(servers))
    }

    /// The hosts of both.
    pub(super) fn hosts(&self) -> (String, String) {
        (self.source.host(), self.destination.host())
    }

    /// Seconds of CPU time that both have taken so far, if the system tells.
    pub(super) fn cpu(&self) -> Option<f64> {
        Some(cpu::of_process(self.source.process_id())? + cpu::of_process(self.destination.process_id())?)
    }

    /// Proxies before both.
    pub(super) fn proxies(&self, programs: &Programs, delay: Duration) -> Result<(Proxy, Proxy), LabError> {
        let proxies = (
            Proxy::start(programs, &self.source.host(), delay)?,
            Proxy::start(programs, &self.destination.host(), delay)?,
        );
        programs.allow_plain_http(&[proxies.0.host(), proxies.1.host()])?;
        Ok(proxies)
    }
}

impl Server {
    fn process_id(&self) -> u32 {
        match self {
            Self::Lab(server) => server.process_id(),
            Self::Free { process, .. } => process.id(),
        }
    }

    fn host(&self) -> String {
        match self {
            Self::Lab(server) => server.host(),
            Self::Free { port, .. } => format!("localhost:{port}"),
        }
    }
}

fn start_real(site: Site) -> Result<Server, LabError> {
    let missing = || LabError::failed("start a registry", format!("no {} in the lab", site.name()));
    let registry =
        registries::all().into_iter().find(|registry| registry.name().starts_with(site.name())).ok_or_else(missing)?;
    registry.start(&Access::PLAIN).map(|server| Server::Lab(Box::new(server)))
}

/// Starts the embedded registry, which keeps nothing and serves what is in a layout; it prints where it listens.
fn start_free(programs: &Programs, layout: Option<&Path>, log: &Path) -> Result<Server, LabError> {
    const TASK: &str = "start the free registry";
    let mut command = Command::new(programs.registry());
    command.args(["serve", "--addr", "127.0.0.1:0", "--free"]).args(layout);
    let (process, line) = start_and_read(&mut command, log, TASK)?;
    let address: SocketAddr = line.parse().doing(TASK)?;
    Ok(Server::Free { port: address.port(), process })
}

/// Starts a server and gives the first line that it prints.
pub(super) fn start_and_read(command: &mut Command, log: &Path, task: &str) -> Result<(Guarded, String), LabError> {
    let file: PathBuf = log.with_extension("log");
    command.stdout(fs::File::create(&file).doing(task)?);
    let mut process = Guarded::start(command)?;
    let line = process::wait_for(READY_LIMIT, || {
        if let Some(status) = process.ended()? {
            return Err(LabError::failed(task, status));
        }
        let text = fs::read_to_string(&file).doing(task)?;
        Ok(text.split_once('\n').map(|(line, _)| line.to_owned()))
    })?;
    let line = line.ok_or_else(|| LabError::failed(task, "not ready in time"))?;
    Ok((process, line))
}
