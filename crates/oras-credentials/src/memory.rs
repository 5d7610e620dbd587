use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use oras_auth::{BoxFuture, Credential, CredentialProvider, CredentialStore};
use oras_content::Result;

use crate::{
    config::Config,
    keys::{best, server_address},
};

/// Credentials in memory. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct MemoryCredentials(Arc<Mutex<BTreeMap<String, Credential>>>);

impl MemoryCredentials {
    /// None.
    pub fn new() -> Self {
        Self::default()
    }

    /// Those in the text of a docker configuration; its helpers are not asked.
    ///
    /// # Errors
    ///
    /// [`Corrupt`](oras_content::ErrorKind::Corrupt) when it, or an entry of it, is malformed.
    pub fn from_docker_config(text: &[u8]) -> Result<Self> {
        let all = Config::parse(text, "the given docker configuration")?.all()?;
        let all = all.into_iter().map(|(key, credential)| (server_address(&key).to_owned(), credential));
        Ok(Self(Arc::new(Mutex::new(all.collect()))))
    }

    fn find(&self, registry: &str, repository: Option<&str>) -> Credential {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = best(all.keys().map(String::as_str), registry, repository);
        key.and_then(|key| all.get(key)).cloned().unwrap_or_default()
    }
}

impl CredentialProvider for MemoryCredentials {
    fn credential<'a>(&'a self, registry: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(std::future::ready(Ok(self.find(registry, repository))))
    }
}

impl CredentialStore for MemoryCredentials {
    fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(server_address(server).to_owned(), credential.clone());
        Box::pin(std::future::ready(Ok(())))
    }

    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(server_address(server));
        Box::pin(std::future::ready(Ok(())))
    }
}
