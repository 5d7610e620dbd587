use oras_auth::{BoxFuture, Credential, CredentialProvider, CredentialStore};
use oras_content::Result;

/// One store to write to, and others to look into after it.
///
/// The first that knows a credential gives it; one that fails stops the search, because the next one might know another
/// identity. Only the first store is written to.
pub struct CredentialChain {
    primary: Box<dyn CredentialStore>,
    fallbacks: Vec<Box<dyn CredentialProvider>>,
}

impl CredentialChain {
    /// A chain of one store.
    pub fn new(primary: impl CredentialStore) -> Self {
        Self { primary: Box::new(primary), fallbacks: Vec::new() }
    }

    /// Looks into another one after those before it.
    #[must_use]
    pub fn or(mut self, fallback: impl CredentialProvider) -> Self {
        self.fallbacks.push(Box::new(fallback));
        self
    }
}

impl CredentialProvider for CredentialChain {
    fn credential<'a>(&'a self, registry: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(async move {
            let mut found = self.primary.credential(registry, repository).await?;
            for fallback in &self.fallbacks {
                if !found.is_anonymous() {
                    break;
                }
                found = fallback.credential(registry, repository).await?;
            }
            Ok(found)
        })
    }
}

impl CredentialStore for CredentialChain {
    fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>> {
        self.primary.put(server, credential)
    }

    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
        self.primary.delete(server)
    }
}

impl std::fmt::Debug for CredentialChain {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CredentialChain").field("fallbacks", &self.fallbacks.len()).finish_non_exhaustive()
    }
}
