//! A registry that runs, until its guard is dropped.

use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use tempfile::TempDir;

use super::configuration::Plan;
use super::error::{Doing, LabError};
use super::http;
use super::process::{self, Guarded};
use super::registries::Access;
use super::tls::Tls;
use super::token::TokenService;

/// The slowest registry is ready in half a second; a loaded machine gets more.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// A free port may be taken by another before the registry has it.
const PORTS_TRIED: usize = 3;

/// A running registry. Dropping it kills the process by its id and removes its files.
#[derive(Debug)]
pub(crate) struct RunningServer {
    // Dropped in this order: the process, the token service, the files.
    process: Guarded,
    token: Option<TokenService>,
    tls: Option<Tls>,
    access: Access,
    port: u16,
    work: TempDir,
}

impl RunningServer {
    /// Starts what `plan` makes of a directory and a port, and waits until it answers.
    pub(crate) fn start(
        name: &str,
        access: &Access,
        plan: impl Fn(&Path, u16) -> Result<Plan, LabError>,
    ) -> Result<Self, LabError> {
        let task = format!("start {name}");
        let mut last = LabError::failed(&task, "no port was tried");
        for _ in 0..PORTS_TRIED {
            let work = tempfile::Builder::new().prefix("lab-").tempdir().doing(&task)?;
            let port = free_port().doing(&task)?;
            let plan = plan(work.path(), port)?;
            match Self::launch(&task, access, plan, port, work) {
                Err(error) if error.to_string().contains("address already in use") => last = error,
                outcome => return outcome,
            }
        }
        Err(last)
    }

    fn launch(task: &str, access: &Access, mut plan: Plan, port: u16, work: TempDir) -> Result<Self, LabError> {
        let log = fs::File::create(work.path().join("log")).doing(task)?;
        plan.command.current_dir(work.path()).stdout(log.try_clone().doing(task)?).stderr(Stdio::from(log));
        let process = Guarded::start(&mut plan.command)?;
        let mut server = Self { process, token: plan.token, tls: plan.tls, access: access.clone(), port, work };
        server.wait_until_ready(task)?;
        Ok(server)
    }

    fn wait_until_ready(&mut self, task: &str) -> Result<(), LabError> {
        let ready = process::wait_for(READY_LIMIT, || {
            if let Some(status) = self.process.ended()? {
                return Err(LabError::failed(task, format!("{status}: {}", self.log())));
            }
            Ok(self.answers().then_some(()))
        })?;
        ready.ok_or_else(|| LabError::failed(task, format!("not ready in time: {}", self.log())))
    }

    /// Whether the registry answers `GET /v2/`, and asks who we are if it should. Over TLS, whether it listens, which it
    /// does when it is ready.
    fn answers(&self) -> bool {
        let expected = if self.access.user().is_some() { 401 } else { 200 };
        if self.access.has_tls() {
            return TcpStream::connect(self.address()).is_ok();
        }
        http::ask(self.address(), "GET", "/v2/", "", b"").is_ok_and(|answer| answer.status == expected)
    }

    /// `localhost:port`: a name, because careful clients refuse a token service at a loopback address.
    pub(crate) fn host(&self) -> String {
        format!("localhost:{}", self.port)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// The id of its process.
    pub(crate) fn process_id(&self) -> u32 {
        self.process.id()
    }

    /// How it is reached.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// The authority to trust, if it speaks TLS.
    pub(crate) fn ca_pem(&self) -> Option<&str> {
        self.tls.as_ref().map(Tls::ca_pem)
    }

    /// The service that gives out tokens for it, if it is not the registry itself.
    pub(crate) fn token_service(&self) -> Option<&TokenService> {
        self.token.as_ref()
    }

    /// A directory for whatever belongs to this server; it goes with it.
    pub(crate) fn directory(&self) -> &Path {
        self.work.path()
    }

    /// What the registry has printed so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.work.path().join("log")).unwrap_or_default()
    }
}

fn free_port() -> std::io::Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    Ok(listener.local_addr()?.port())
}
