//! Where the registry is, and who we are there.

use std::error::Error;

use oras::{
    Reference,
    auth::{Credential, StaticCredential},
    remote::{RegistryOptions, Repository},
    transport::HttpClient,
};

/// One registry, as the task describes it.
#[derive(Debug)]
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
