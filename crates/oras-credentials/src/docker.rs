use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use oras_auth::{BoxFuture, Credential, CredentialProvider, CredentialStore};
use oras_content::{Error, ErrorKind, Result};

use crate::{
    config::Config,
    error::CredentialError,
    explain::Answer,
    file,
    helper::{HelperObserver, HelperStore},
    keys::{is_path, server_address},
};

/// A docker configuration file, or one of the same form such as podman's `auth.json`, with the helpers that it names.
///
/// A registry's credential is looked for in this order: an entry for a path below the registry, the registry's own helper
/// (`credHelpers`), the helper for everything (`credsStore`), the registry's entry. The file is read at every lookup, so a
/// change of it counts at once; a file that is not there knows nobody.
#[derive(Clone)]
pub struct DockerConfigStore {
    path: PathBuf,
    allows_plaintext: bool,
    detects_helper: bool,
    observer: Option<Arc<dyn HelperObserver>>,
}

impl DockerConfigStore {
    /// The store of a file, which need not be there.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), allows_plaintext: false, detects_helper: false, observer: None }
    }

    /// Docker's own: `$DOCKER_CONFIG/config.json`, else `.docker/config.json` in the home directory.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when there is no home directory.
    pub fn from_docker() -> Result<Self> {
        let path = crate::places::docker_config(&|name| std::env::var_os(name), std::env::home_dir());
        path.map(Self::new).ok_or_else(|| Error::new(ErrorKind::NotFound, "no home directory to look for .docker in"))
    }

    /// Lets secrets be written to the file where no helper is configured. They stand there readable.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.allows_plaintext = true;
        self
    }

    /// Where nothing is configured at all, takes the helper that this system has, and writes it down with the first
    /// credential that is stored.
    #[must_use]
    pub fn detect_helper(mut self) -> Self {
        self.detects_helper = true;
        self
    }

    /// Lets somebody see every run of a helper.
    #[must_use]
    pub fn with_observer(mut self, observer: Arc<dyn HelperObserver>) -> Self {
        self.observer = Some(observer);
        self
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file says anything about credentials.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`] when it is malformed; [`ErrorKind::Io`] when it cannot be read.
    ///
    /// # Cancel safety
    ///
    /// The thread that reads the file ends by itself; nothing changes.
    pub async fn is_auth_configured(&self) -> Result<bool> {
        Ok(self.read().await?.is_some_and(|config| config.is_auth_configured()))
    }

    async fn read(&self) -> Result<Option<Config>> {
        let path = self.path.clone();
        blocking(move || file::read(&path)).await
    }

    async fn update(&self, change: impl FnOnce(&mut Config) -> Result<bool> + Send + 'static) -> Result<()> {
        let path = self.path.clone();
        blocking(move || file::update(&path, change)).await
    }

    fn helper(&self, name: &str) -> Result<HelperStore> {
        let helper = HelperStore::new(name)?;
        Ok(match &self.observer {
            Some(observer) => helper.with_observer(Arc::clone(observer)),
            None => helper,
        })
    }

    /// The helper that stands for a registry, and whether it was only detected.
    fn helper_of(&self, config: &Config, registry: &str) -> Result<Option<(HelperStore, bool)>> {
        let named = config.cred_helper(registry, None).map(|(_, name)| name).or_else(|| config.creds_store());
        if let Some(name) = named {
            return Ok(Some((self.helper(name)?, false)));
        }
        if !self.detects_helper || config.is_auth_configured() {
            return Ok(None);
        }
        match HelperStore::detect() {
            Some(found) => Ok(Some((self.helper(found.name())?, true))),
            None => Ok(None),
        }
    }

    pub(crate) async fn look_up(&self, registry: &str, repository: Option<&str>) -> Result<Answer> {
        if registry.is_empty() {
            return Ok(Answer::Nothing("no registry was named"));
        }
        let config = self.read().await?;
        let is_absent = config.is_none();
        let config = config.unwrap_or_default();
        let entry = config.entry(registry, repository)?.filter(|(_, credential)| !credential.is_anonymous());
        let in_file =
            |(key, credential): (&str, Credential)| Answer::Found { by: format!("its entry {key}"), credential };
        if entry.as_ref().is_some_and(|(key, _)| is_path(key)) {
            return Ok(entry.map_or(Answer::Nothing("no entry"), in_file));
        }
        if let Some((helper, _)) = self.helper_of(&config, registry)? {
            let credential = helper.credential(registry, repository).await?;
            if !credential.is_anonymous() {
                return Ok(Answer::Found { by: format!("its helper {}", helper.program()), credential });
            }
        }
        Ok(match entry {
            Some(entry) => in_file(entry),
            None if is_absent => Answer::Nothing("there is no such file"),
            None => Answer::Nothing("it knows no credential for it"),
        })
    }

    async fn store(&self, server: &str, credential: &Credential) -> Result<()> {
        let config = self.read().await?.unwrap_or_default();
        // Helpers know hosts only.
        let helper = if is_path(server) { None } else { self.helper_of(&config, server)? };
        if let Some((helper, is_detected)) = helper {
            helper.put(server, credential).await?;
            if is_detected {
                let name = helper.name().to_owned();
                self.update(move |config| {
                    let is_news = !config.is_auth_configured();
                    if is_news {
                        config.set_creds_store(&name);
                    }
                    Ok(is_news)
                })
                .await?;
            }
            return Ok(());
        }
        if !self.allows_plaintext {
            return Err(CredentialError::PlaintextDisabled { path: self.path.clone() }.into());
        }
        let (server, credential) = (server_address(server).to_owned(), credential.clone());
        self.update(move |config| {
            config.set(&server, &credential)?;
            Ok(true)
        })
        .await
    }

    async fn erase(&self, server: &str) -> Result<()> {
        let config = self.read().await?.unwrap_or_default();
        if !is_path(server)
            && let Some((helper, _)) = self.helper_of(&config, server)?
        {
            helper.delete(server).await?;
        }
        let server = server_address(server).to_owned();
        if !config.clone().remove(&server) {
            return Ok(());
        }
        self.update(move |config| Ok(config.remove(&server))).await
    }
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::new(ErrorKind::Other, "reading credentials was interrupted").with_source(error))?
}

impl CredentialProvider for DockerConfigStore {
    fn credential<'a>(&'a self, registry: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(async move { Ok(self.look_up(registry, repository).await?.credential()) })
    }
}

impl CredentialStore for DockerConfigStore {
    fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.store(server, credential))
    }

    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.erase(server))
    }
}

impl fmt::Debug for DockerConfigStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerConfigStore")
            .field("path", &self.path)
            .field("allows_plaintext", &self.allows_plaintext)
            .field("detects_helper", &self.detects_helper)
            .finish_non_exhaustive()
    }
}
