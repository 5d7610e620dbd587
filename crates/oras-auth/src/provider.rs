use std::sync::Arc;

use oras_content::{BoxFuture, Result};

use crate::credential::Credential;

/// Knows who to be to a registry: a file, a helper, a cloud's keychain.
///
/// It is asked whenever a credential is needed again, so what it answers may change: after a token has expired, and after
/// a registry has refused.
pub trait CredentialProvider: Send + Sync + 'static {
    /// The credential for a registry, [anonymous](Credential::anonymous) where there is none.
    ///
    /// `registry` is the authority that is asked, `host` or `host:port`: for Docker Hub `registry-1.docker.io`.
    /// `repository` is the repository where it is known, for those who know more than one account on a host.
    ///
    /// # Errors
    ///
    /// Only when it cannot be found out: a broken file, a failing helper.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; a helper program that was started for it is ended.
    fn credential<'a>(&'a self, registry: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>>;
}

/// Keeps credentials by server address.
pub trait CredentialStore: CredentialProvider {
    /// Stores a credential for a server, in place of any other.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](oras_content::ErrorKind::Unsupported) when the store must not or cannot hold it;
    /// [`Io`](oras_content::ErrorKind::Io) when writing fails.
    ///
    /// # Cancel safety
    ///
    /// What is kept afterwards is the old credential or the new one, never a mixture.
    fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>>;

    /// Removes the credential of a server; one that is not there is no error.
    ///
    /// # Errors
    ///
    /// [`Io`](oras_content::ErrorKind::Io) when writing fails.
    ///
    /// # Cancel safety
    ///
    /// The credential is there afterwards or it is not; the others are not touched.
    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>>;
}

macro_rules! forward {
    ($pointer:ident) => {
        impl<T: CredentialProvider + ?Sized> CredentialProvider for $pointer<T> {
            fn credential<'a>(
                &'a self,
                registry: &'a str,
                repository: Option<&'a str>,
            ) -> BoxFuture<'a, Result<Credential>> {
                T::credential(self, registry, repository)
            }
        }

        impl<T: CredentialStore + ?Sized> CredentialStore for $pointer<T> {
            fn put<'a>(&'a self, server: &'a str, credential: &'a Credential) -> BoxFuture<'a, Result<()>> {
                T::put(self, server, credential)
            }

            fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
                T::delete(self, server)
            }
        }
    };
}

forward!(Arc);
forward!(Box);

/// Nobody, everywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct Anonymous;

impl CredentialProvider for Anonymous {
    fn credential<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(std::future::ready(Ok(Credential::anonymous())))
    }
}

/// One credential for one registry; anonymous to all others.
#[derive(Clone, Debug)]
pub struct StaticCredential {
    registry: String,
    credential: Credential,
}

impl StaticCredential {
    /// A credential for `registry`, `host` or `host:port`. `docker.io` is `registry-1.docker.io`.
    pub fn new(registry: impl Into<String>, credential: Credential) -> Self {
        let registry = registry.into();
        let registry = if registry == "docker.io" { "registry-1.docker.io".to_owned() } else { registry };
        Self { registry, credential }
    }
}

impl CredentialProvider for StaticCredential {
    fn credential<'a>(&'a self, registry: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        let is_mine = self.registry.eq_ignore_ascii_case(registry);
        let credential = if is_mine { self.credential.clone() } else { Credential::anonymous() };
        Box::pin(std::future::ready(Ok(credential)))
    }
}
