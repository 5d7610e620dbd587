//! How each registry is told what to do. Files are JSON, which their YAML readers take.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::error::{Doing, LabError};
use super::process;
use super::registries::{Access, Auth, User};
use super::tls::Tls;
use super::token::{ISSUER, SERVICE, TokenService};
use super::tool::Tool;

/// Hashing a password takes milliseconds.
const HASH_LIMIT: Duration = Duration::from_secs(20);

/// A command that starts a registry, and what must live as long as it.
#[derive(Debug)]
pub(crate) struct Plan {
    /// The command.
    pub(crate) command: Command,
    /// The service that gives out tokens.
    pub(crate) token: Option<TokenService>,
    /// Certificates.
    pub(crate) tls: Option<Tls>,
}

impl Plan {
    fn new(program: &Path, dir: &Path, access: &Access) -> Result<Self, LabError> {
        let tls = if access.has_tls() { Some(Tls::create(dir)?) } else { None };
        Ok(Self { command: Command::new(program), token: None, tls })
    }
}

/// Distribution and its older sister, docker-registry: one file.
pub(crate) fn distribution(program: &Path, dir: &Path, port: u16, access: &Access) -> Result<Plan, LabError> {
    let mut plan = Plan::new(program, dir, access)?;
    let mut http = json!({ "addr": format!("127.0.0.1:{port}") });
    let mut file = json!({
        "version": "0.1",
        "log": { "level": "error", "accesslog": { "disabled": true } },
        "storage": { "filesystem": { "rootdirectory": dir.join("data") }, "delete": { "enabled": true } },
        "validation": { "manifests": { "urls": { "allow": ["^https?://"] } } },
    });
    match access.auth() {
        Auth::Open => {}
        Auth::Basic(user) => {
            let path = dir.join("htpasswd");
            fs::write(&path, htpasswd(user)?).doing("write htpasswd")?;
            set(&mut file, "auth", json!({ "htpasswd": { "realm": "lab", "path": path } }));
        }
        Auth::Token(user) => {
            let service = TokenService::start(dir, user, plan.tls.as_ref())?;
            set(&mut file, "auth", json!({ "token": token_section(&service) }));
            plan.token = Some(service);
        }
    }
    if let Some(tls) = &plan.tls {
        set(&mut http, "tls", json!({ "certificate": tls.certificate(), "key": tls.key() }));
    }
    set(&mut file, "http", http);
    let path = write_json(dir, "registry.yml", &file)?;
    // Without this, version 3 looks for a collector of traces and complains.
    plan.command.arg("serve").arg(path).env("OTEL_TRACES_EXPORTER", "none");
    Ok(plan)
}

fn token_section(service: &TokenService) -> Value {
    json!({ "realm": service.realm(), "service": SERVICE, "issuer": ISSUER, "rootcertbundle": service.certificate() })
}

/// Sets a key of an object.
fn set(object: &mut Value, key: &str, value: Value) {
    if let Some(object) = object.as_object_mut() {
        object.insert(key.to_owned(), value);
    }
}

/// Olareg: flags, and a file of users.
pub(crate) fn olareg(program: &Path, dir: &Path, port: u16, access: &Access) -> Result<Plan, LabError> {
    let mut plan = Plan::new(program, dir, access)?;
    plan.command.args(["serve", "--addr", "127.0.0.1", "--port", &port.to_string()]);
    plan.command.args(["--store-type", "mem", "--api-delete", "--api-blob-delete"]);
    // As the other registries do: a manifest may come before what it names.
    plan.command.args(["--api-sparse-image", "--api-sparse-index"]);
    match access.auth() {
        Auth::Open => {}
        Auth::Basic(user) => {
            plan.command.arg("--auth-basic").arg(olareg_users(dir, user)?);
        }
        Auth::Token(user) => {
            let scheme = if access.has_tls() { "https" } else { "http" };
            plan.command
                .arg("--auth-token-opaque")
                .arg(olareg_users(dir, user)?)
                .args(["--external-url", &format!("{scheme}://localhost:{port}")]);
        }
    }
    if let Some(tls) = &plan.tls {
        plan.command.arg("--tls-cert").arg(tls.certificate()).arg("--tls-key").arg(tls.key());
    }
    Ok(plan)
}

/// Crane's registry: an address, and nothing else to choose.
pub(crate) fn crane(program: &Path, dir: &Path, port: u16, access: &Access) -> Result<Plan, LabError> {
    let mut plan = Plan::new(program, dir, access)?;
    plan.command.args(["registry", "serve", "--address", &format!("127.0.0.1:{port}")]);
    Ok(plan)
}

fn olareg_users(dir: &Path, user: &User) -> Result<PathBuf, LabError> {
    let line = htpasswd(user)?;
    let hash = line.trim_end().rsplit_once(':').map_or("", |(_, hash)| hash);
    let file = json!({
        "users": { &user.name: { "cred": hash } },
        "groups": { "lab": { "members": [&user.name] } },
        "acls": [{ "repo": "*", "members": ["lab"], "access": ["*"] }, { "repo": "", "members": ["lab"], "access": ["read"] }],
    });
    write_json(dir, "users.yml", &file)
}

/// `user:hash`, with the one hash that all of them know.
fn htpasswd(user: &User) -> Result<String, LabError> {
    let program = Tool::apt("htpasswd", "apache2-utils").path()?;
    process::output(Command::new(program).args(["-Bbn", &user.name, &user.password]), HASH_LIMIT)
}

fn write_json(dir: &Path, name: &str, value: &Value) -> Result<PathBuf, LabError> {
    let path = dir.join(name);
    fs::write(&path, value.to_string()).doing("write a configuration")?;
    Ok(path)
}
