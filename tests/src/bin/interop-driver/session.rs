//! Where the registry is, and who we are there.

use std::error::Error;

use oras::{
    Reference,
    auth::{Credential, StaticCredential},
    remote::{RegistryOptions, Repository},
    transport::HttpClient,
};

/// One registry, as the task describes it.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    host: String,
    plain_http: bool,
    credential: Option<Credential>,
    client: HttpClient,
}

impl Session {
    /// Reads the `INTEROP_*` variables.
    pub(crate) fn from_env() -> Result<Self, Box<dyn Error>> {
        let read = |name: &str| std::env::var(name).ok();
        let credential = match (read("INTEROP_USER"), read("INTEROP_PASSWORD")) {
            (Some(user), Some(password)) => Some(Credential::password(user, password)),
            _ => None,
        };
        let mut client = HttpClient::builder();
        if let Some(path) = read("INTEROP_CA") {
            client = client.with_root_certificates(&std::fs::read(path)?)?;
        }
        let host = read("INTEROP_HOST").ok_or("INTEROP_HOST is needed")?;
        Ok(Self { host, plain_http: read("INTEROP_PLAIN_HTTP").is_some(), credential, client: client.build() })
    }

    /// Where the registry is.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// Whether the registry is spoken to without TLS.
    pub(crate) fn is_plain_http(&self) -> bool {
        self.plain_http
    }

    /// Who we are, if the registry asks.
    pub(crate) fn credential(&self) -> Option<&Credential> {
        self.credential.as_ref()
    }

    /// Another registry that is reached in the same way.
    pub(crate) fn with_host(&self, host: &str) -> Self {
        Self { host: host.to_owned(), ..self.clone() }
    }

    /// The same registry, seen by somebody else.
    pub(crate) fn with_credential(&self, credential: Option<Credential>) -> Self {
        Self { credential, ..self.clone() }
    }

    /// The same registry over the other one of http and https.
    pub(crate) fn with_other_scheme(&self) -> Self {
        Self { plain_http: !self.plain_http, ..self.clone() }
    }

    /// The same registry, whose authority is not known to us.
    pub(crate) fn without_authority(&self) -> Self {
        Self { client: HttpClient::builder().build(), ..self.clone() }
    }

    /// A repository of the registry.
    pub(crate) fn repository(&self, name: &str) -> oras::Result<Repository> {
        let mut options = RegistryOptions::new().with_plain_http(self.plain_http).with_transport(self.client.clone());
        if let Some(credential) = &self.credential {
            options = options.with_credentials(StaticCredential::new(&self.host, credential.clone()));
        }
        Repository::new(&format!("{}/{name}", self.host), options)
    }

    /// The repository and the tag of a whole reference.
    pub(crate) fn target(&self, reference: &str) -> Result<(Repository, String), Box<dyn Error>> {
        let reference: Reference = reference.parse()?;
        let name = reference.repository().ok_or("a repository is needed")?;
        Ok((self.repository(name)?, reference.reference_or_default().to_owned()))
    }
}
