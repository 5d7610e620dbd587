use oras_auth::{Credential, CredentialStore, StaticCredential};
use oras_content::{Error, Result};
use oras_reference::Reference;

use crate::{options::RegistryOptions, registry::Registry};

/// Docker Hub's key in stores of credentials, whichever of its hosts is asked.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";

/// Checks a credential with a registry, then stores it.
///
/// The options say how the registry is reached; their own credentials play no role.
///
/// # Errors
///
/// [`Unauthorized`](oras_content::ErrorKind::Unauthorized) or [`Denied`](oras_content::ErrorKind::Denied) when the registry refuses the credential, and
/// then nothing is stored; [`Unsupported`](oras_content::ErrorKind::Unsupported) when the options bring a client of their own, which
/// cannot be told who to be, or the store cannot hold the credential.
///
/// # Cancel safety
///
/// The credential is stored only after the registry took it; dropped before, nothing is stored.
pub async fn login(
    store: &impl CredentialStore,
    host: &str,
    credential: &Credential,
    options: RegistryOptions,
) -> Result<()> {
    if options.client.is_some() {
        return Err(Error::unsupported("logging in through a client with its own authentication"));
    }
    let key = server_address(host)?;
    let asked = Reference::parse_registry(host)?.api_host().to_owned();
    let options = options.with_credentials(StaticCredential::new(asked, credential.clone()));
    Registry::new(host, options)?.ping().await?;
    store.put(&key, credential).await
}

/// Forgets the credential of a registry; one that is not there is no error.
///
/// # Errors
///
/// [`InvalidReference`](oras_content::ErrorKind::InvalidReference) when `host` is no host, and what the store says.
///
/// # Cancel safety
///
/// As [`CredentialStore::delete`].
pub async fn logout(store: &impl CredentialStore, host: &str) -> Result<()> {
    store.delete(&server_address(host)?).await
}

/// The key of a registry in a store of credentials.
fn server_address(host: &str) -> Result<String> {
    let reference = Reference::parse_registry(host)?;
    let is_docker_hub = matches!(reference.registry(), "docker.io" | "index.docker.io" | "registry-1.docker.io");
    Ok(if is_docker_hub { DOCKER_HUB.to_owned() } else { reference.registry().to_owned() })
}

#[cfg(test)]
mod tests {
    use oras_content::ErrorKind;

    use super::*;

    #[test]
    fn docker_hub_has_one_key() {
        for host in ["docker.io", "index.docker.io", "registry-1.docker.io"] {
            assert_eq!(server_address(host).unwrap(), DOCKER_HUB);
        }
        assert_eq!(server_address("localhost:5000").unwrap(), "localhost:5000");
        assert_eq!(server_address("a/b").unwrap_err().kind(), ErrorKind::InvalidReference);
    }
}
