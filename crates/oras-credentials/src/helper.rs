use std::{fmt, io, process::Stdio, sync::Arc, time::Duration};

use oras_auth::{BoxFuture, Credential, CredentialProvider, CredentialStore};
use oras_content::{Error, ErrorKind, Result};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::Command,
};

use crate::{error::CredentialError, keys::server_address};

/// What a helper says fits into this.
const MAX_OUTPUT: u64 = 1 << 20;

/// How long a helper may take: a person may have to find the key that opens the keychain.
const TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// The user name that stands for "the secret is a refresh token".
const TOKEN_USER: &str = "<token>";

/// What helpers say when they know nothing.
const NOT_FOUND: &str = "credentials not found";

/// Sees every run of a credential helper.
pub trait HelperObserver: Send + Sync + 'static {
    /// A program is about to run; `action` is `get`, `store` or `erase`.
    fn start(&self, program: &str, action: &str);

    /// It has ended; what it was told and what it said is not shown.
    fn done(&self, program: &str, action: &str, error: Option<&Error>);
}

/// Credentials behind a program, `docker-credential-<name>`.
///
/// # Cancel safety
///
/// Dropping a future ends the program.
#[derive(Clone)]
pub struct HelperStore {
    name: String,
    program: String,
    timeout: Duration,
    observer: Option<Arc<dyn HelperObserver>>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Secret {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    #[serde(default)]
    username: String,
    #[serde(default)]
    secret: String,
}

impl HelperStore {
    /// The helper of a name, such as `pass` or `osxkeychain`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when the name would lead to a program that is not on the PATH.
    pub fn new(name: impl Into<String>) -> Result<Self> {
        let name = name.into();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if name.is_empty() || !name.chars().all(is_plain) {
            return Err(CredentialError::HelperName { name }.into());
        }
        let program = format!("docker-credential-{name}");
        Ok(Self { name, program, timeout: TIMEOUT, observer: None })
    }

    /// The helper that this system has for everything, if it is installed: osxkeychain, wincred, pass or secretservice.
    pub fn detect() -> Option<Self> {
        let name = match std::env::consts::OS {
            "macos" => "osxkeychain",
            "windows" => "wincred",
            _ if is_on_path("pass") => "pass",
            _ => "secretservice",
        };
        Self::new(name).ok().filter(|helper| is_on_path(&helper.program))
    }

    /// Lets somebody see every run.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn HelperObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// How long the program may take, in place of five minutes.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The name, as it stands in a configuration.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The program.
    pub fn program(&self) -> &str {
        &self.program
    }

    async fn get(&self, server: &str) -> Result<Credential> {
        let output = match self.observed("get", server.as_bytes()).await {
            Err(error) if is_not_found(&error) => return Ok(Credential::anonymous()),
            output => output?,
        };
        let found: Secret = serde_json::from_slice(&output)
            .map_err(|_may_quote_a_secret| self.failed("its answer is not what helpers answer".to_owned()))?;
        Ok(if found.username == TOKEN_USER {
            Credential::refresh_token(found.secret)
        } else {
            Credential::password(found.username, found.secret)
        })
    }

    async fn store(&self, server: &str, credential: &Credential) -> Result<()> {
        let is_token = !credential.expose_refresh_token().is_empty();
        if !credential.expose_access_token().is_empty() && !is_token && credential.expose_password().is_empty() {
            let reason = "helpers hold no access tokens";
            return Err(CredentialError::Unstorable { place: self.program.clone(), reason }.into());
        }
        let (username, secret) = if is_token {
            (TOKEN_USER, credential.expose_refresh_token())
        } else {
            (credential.username(), credential.expose_password())
        };
        let secret = Secret { server_url: server.to_owned(), username: username.to_owned(), secret: secret.to_owned() };
        #[expect(clippy::disallowed_methods, reason = "not content")]
        let input = serde_json::to_vec(&secret)
            .map_err(|_may_quote_a_secret| self.failed("the credential cannot be written".to_owned()))?;
        self.observed("store", &input).await.map(drop)
    }

    async fn observed(&self, action: &str, input: &[u8]) -> Result<Vec<u8>> {
        if let Some(observer) = &self.observer {
            observer.start(&self.program, action);
        }
        let late = |_elapsed| Err(self.failed(format!("it did not end within {} s", self.timeout.as_secs_f64())));
        let result = tokio::time::timeout(self.timeout, self.run(action, input)).await.unwrap_or_else(late);
        if let Some(observer) = &self.observer {
            observer.done(&self.program, action, result.as_ref().err());
        }
        result
    }

    async fn run(&self, action: &str, input: &[u8]) -> Result<Vec<u8>> {
        let mut child = Command::new(&self.program)
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| self.not_started(error))?;
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        let write = async {
            if let Some(mut stdin) = stdin {
                // A helper may end without having read.
                let _unread = stdin.write_all(input).await;
            }
        };
        let read = async {
            let mut output = Vec::new();
            if let Some(stdout) = stdout {
                stdout.take(MAX_OUTPUT + 1).read_to_end(&mut output).await?;
            }
            Ok::<_, io::Error>(output)
        };
        let ((), output) = futures_util::future::join(write, read).await;
        let output = output?;
        if output.len() as u64 > MAX_OUTPUT {
            return Err(self.failed(format!("it says more than {MAX_OUTPUT} bytes")));
        }
        let status = child.wait().await?;
        if status.success() {
            return Ok(output);
        }
        let said = String::from_utf8_lossy(&output).trim().to_owned();
        Err(self.failed(if said.is_empty() { status.to_string() } else { said }))
    }

    fn failed(&self, message: String) -> Error {
        CredentialError::HelperFailed { program: self.program.clone(), message }.into()
    }

    fn not_started(&self, error: io::Error) -> Error {
        if error.kind() != io::ErrorKind::NotFound {
            let message = format!("{} could not be started", self.program);
            return Error::new(ErrorKind::Io, message).with_source(error);
        }
        let hint = if self.name == "desktop.exe" {
            "; it belongs to Docker Desktop: switch its WSL integration on, or take `credsStore` out of the configuration"
        } else {
            ""
        };
        CredentialError::HelperMissing { program: self.program.clone(), hint }.into()
    }
}

fn is_not_found(error: &Error) -> bool {
    let said = error.find().map(|error| match error {
        CredentialError::HelperFailed { message, .. } => message.to_ascii_lowercase(),
        _ => String::new(),
    });
    said.is_some_and(|said| said.starts_with(NOT_FOUND))
}

fn is_on_path(program: &str) -> bool {
    let paths = std::env::var_os("PATH").unwrap_or_default();
    let name = format!("{program}{}", std::env::consts::EXE_SUFFIX);
    std::env::split_paths(&paths).any(|directory| directory.join(&name).is_file())
}

impl CredentialProvider for HelperStore {
    fn credential<'a>(&'a self, registry: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(async move {
            if registry.is_empty() {
                return Ok(Credential::anonymous());
            }
            self.get(server_address(registry)).await
        })
    }
}

impl CredentialStore for HelperStore {
    fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.store(server_address(server), credential))
    }

    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move {
            match self.observed("erase", server_address(server).as_bytes()).await {
                Err(error) if is_not_found(&error) => Ok(()),
                erased => erased.map(drop),
            }
        })
    }
}

impl fmt::Debug for HelperStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HelperStore").field("program", &self.program).finish_non_exhaustive()
    }
}
