use std::{ffi::OsString, fmt, path::PathBuf, sync::Arc};

use oras_auth::{BoxFuture, Credential, CredentialProvider, CredentialStore};
use oras_content::{Error, ErrorKind, Result};

use crate::{
    config::Config,
    docker::DockerConfigStore,
    explain::{Answer, Explanation},
    helper::HelperObserver,
    places,
};

/// A docker configuration in a variable, as build systems set it.
const VARIABLE: &str = "DOCKER_AUTH_CONFIG";

/// The credentials that docker, podman and their kin left on this system.
///
/// They are looked for in this order, and the first place that knows one gives it: the variable `DOCKER_AUTH_CONFIG`; the
/// file that `REGISTRY_AUTH_FILE` names; docker's configuration file; podman's `auth.json` in the runtime and in the
/// configuration directory. Credentials are stored in docker's configuration file, or with the helper that it names.
#[derive(Clone)]
pub struct SystemCredentials {
    variable: Option<Arc<[u8]>>,
    files: Vec<DockerConfigStore>,
    /// Which of the files is written to.
    primary: Option<DockerConfigStore>,
}

impl SystemCredentials {
    /// Those of the process's environment.
    pub fn new() -> Self {
        Self::from_environment(|name| std::env::var_os(name), std::env::home_dir())
    }

    /// Those of another environment: its variables, and its home directory.
    pub fn from_environment(lookup: impl Fn(&str) -> Option<OsString>, home: Option<PathBuf>) -> Self {
        let docker =
            places::docker_config(&lookup, home.clone()).map(|path| DockerConfigStore::new(path).detect_helper());
        let named = places::named_auth_file(&lookup).map(DockerConfigStore::new);
        let containers = places::auth_json(&lookup, home).into_iter().map(DockerConfigStore::new);
        let files = named.into_iter().chain(docker.clone()).chain(containers).collect();
        let variable = lookup(VARIABLE).filter(|value| !value.is_empty());
        let variable = variable.map(|value| value.to_string_lossy().as_bytes().into());
        Self { variable, files, primary: docker }
    }

    /// Lets secrets be written to docker's configuration file where no helper is configured. They stand there readable.
    #[must_use]
    pub fn allow_plaintext(mut self) -> Self {
        self.primary = self.primary.map(DockerConfigStore::allow_plaintext);
        self
    }

    /// Lets somebody see every run of a helper.
    #[must_use]
    pub fn with_observer(mut self, observer: &Arc<dyn HelperObserver>) -> Self {
        let observed = |store: DockerConfigStore| store.with_observer(Arc::clone(observer));
        self.files = self.files.into_iter().map(observed).collect();
        self.primary = self.primary.map(observed);
        self
    }

    /// Which credential is taken for a registry, and why.
    ///
    /// # Errors
    ///
    /// As a lookup: [`ErrorKind::Corrupt`] when a place is malformed; [`ErrorKind::Io`] when it cannot be read, or a helper
    /// fails.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the lookup; a helper program that was started for it is ended.
    pub async fn explain(&self, registry: &str, repository: Option<&str>) -> Result<Explanation> {
        let mut explanation = Explanation::new(registry, repository);
        explanation.add(VARIABLE.to_owned(), self.in_variable(registry, repository)?);
        for file in &self.files {
            if !explanation.credential.is_anonymous() {
                break;
            }
            let answer = file.look_up(registry, repository).await?;
            explanation.add(file.path().display().to_string(), answer);
        }
        Ok(explanation)
    }

    fn in_variable(&self, registry: &str, repository: Option<&str>) -> Result<Answer> {
        let Some(text) = &self.variable else {
            return Ok(Answer::Nothing("it is not set"));
        };
        let config = Config::parse(text, VARIABLE)?;
        let found = config.entry(registry, repository)?.filter(|(_, credential)| !credential.is_anonymous());
        Ok(match found {
            Some((key, credential)) => Answer::Found { by: format!("its entry {key}"), credential },
            None => Answer::Nothing("it knows no credential for it"),
        })
    }

    fn primary(&self) -> Result<&DockerConfigStore> {
        let nowhere = || Error::new(ErrorKind::NotFound, "no home directory to keep credentials in");
        self.primary.as_ref().ok_or_else(nowhere)
    }
}

impl Default for SystemCredentials {
    fn default() -> Self {
        Self::new()
    }
}

impl CredentialProvider for SystemCredentials {
    fn credential<'a>(&'a self, registry: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(async move { Ok(self.explain(registry, repository).await?.credential) })
    }
}

impl CredentialStore for SystemCredentials {
    fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.primary()?.put(server, credential).await })
    }

    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async move { self.primary()?.delete(server).await })
    }
}

impl fmt::Debug for SystemCredentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemCredentials")
            .field("has_variable", &self.variable.is_some())
            .field("files", &self.files)
            .finish_non_exhaustive()
    }
}
