//! The clients of others, and the official conformance program.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use super::error::{Doing, LabError};
use super::registries::CRANE;
use super::server::RunningServer;
use super::tool::Tool;

/// A client, as it is run against a server of the lab.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    tool: Tool,
}

/// All clients. Crane and oras need no word about plain HTTP, since hosts of the lab are named `localhost`.
pub(crate) fn all() -> Vec<Peer> {
    let oras = Tool::go("oras", "oras.land/oras/cmd/oras", "oras.land/oras", "v1.3.6");
    let regctl =
        Tool::go("regctl", "github.com/regclient/regclient/cmd/regctl", "github.com/regclient/regclient", "v0.11.7");
    [oras, CRANE, regctl].map(|tool| Peer { tool }).into()
}

/// A client that is not among [`all`], because its home is in the system's packages alone.
pub(crate) fn skopeo() -> Tool {
    Tool::apt("skopeo", "skopeo")
}

/// All that know image layouts on a disk.
pub(crate) fn with_layouts() -> Vec<Peer> {
    let mut peers = all();
    peers.push(Peer { tool: skopeo() });
    peers
}

/// The official suite: a program that takes its orders from `OCI_*` variables and writes a report to `OCI_RESULTS_DIR`.
///
/// It exits with 0 even when its orders make no sense: judge it by the counts in `junit.xml`.
pub(crate) fn conformance() -> Tool {
    Tool::go(
        "conformance",
        "github.com/opencontainers/distribution-spec/conformance",
        "github.com/opencontainers/distribution-spec/conformance",
        "v0.0.0-20260831232431-97274622c111",
    )
}

impl Peer {
    /// The name of its program.
    pub(crate) fn name(&self) -> &'static str {
        self.tool.name()
    }

    /// Its program.
    pub(crate) fn tool(&self) -> &Tool {
        &self.tool
    }

    /// A command that trusts `server`, has its credentials, and sees no configuration of the person who runs it.
    ///
    /// For `oras` against TLS, add `--plain-http=false` after the subcommand: it takes `localhost` for plain HTTP.
    ///
    /// # Errors
    ///
    /// Those of [`Tool::path`]; [`LabError::Failed`] when the configuration cannot be written.
    pub(crate) fn command(&self, server: &RunningServer) -> Result<Command, LabError> {
        let home = home(server)?;
        let mut command = Command::new(self.tool.path()?);
        command.env("HOME", &home).env("XDG_CONFIG_HOME", &home).env("XDG_RUNTIME_DIR", &home);
        command.env("DOCKER_CONFIG", &home).env("REGCTL_CONFIG", home.join("regctl.json"));
        if server.ca_pem().is_some() {
            command.env("SSL_CERT_FILE", home.join("ca.pem"));
        }
        Ok(command)
    }
}

/// Writes what the clients read: docker's configuration, regctl's, and the authority.
fn home(server: &RunningServer) -> Result<PathBuf, LabError> {
    const TASK: &str = "configure a client";
    let home = server.directory().join("home");
    fs::create_dir_all(&home).doing(TASK)?;
    let host = server.host();
    let auths = server.access().user().map_or_else(
        || json!({}),
        |user| json!({ &host: { "auth": STANDARD.encode(format!("{}:{}", user.name, user.password)) } }),
    );
    let docker = json!({ "auths": auths });
    let tls = if server.access().has_tls() { "enabled" } else { "disabled" };
    let regctl = json!({ "hosts": { &host: { "tls": tls, "hostname": &host } } });
    fs::write(home.join("config.json"), docker.to_string()).doing(TASK)?;
    fs::write(home.join("regctl.json"), regctl.to_string()).doing(TASK)?;
    if let Some(pem) = server.ca_pem() {
        fs::write(home.join("ca.pem"), pem).doing(TASK)?;
    }
    Ok(home)
}
