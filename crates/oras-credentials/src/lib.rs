//! Where credentials are kept: docker's configuration files, podman's `auth.json`, credential helpers, memory.
//!
//! Each place is a [`CredentialStore`] of `oras-auth`, so it goes into an `AuthLayer` as it is. [`SystemCredentials`] is
//! the one call for most programs: it looks wherever docker, podman and their kin keep credentials, and
//! [explains](SystemCredentials::explain) what it chose. Lookups ask for the most specific path first:
//! `host/namespace/repository`, then `host/namespace`, then `host`.
//!
//! ```
//! use oras_auth::{Credential, CredentialProvider as _, CredentialStore as _};
//! use oras_credentials::MemoryCredentials;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! let store = MemoryCredentials::new();
//! store.put("registry.example", &Credential::password("all", "secret")).await?;
//! store.put("registry.example/team", &Credential::password("team", "secret")).await?;
//!
//! let found = store.credential("registry.example", Some("team/app")).await?;
//! assert_eq!(found.username(), "team");
//! # Ok(())
//! # }
//! ```
//!
//! # Errors
//!
//! A place that is not there knows nobody. One that is malformed is an error of kind
//! [`Corrupt`](oras_content::ErrorKind::Corrupt) that says which and where; a helper that fails is one of kind
//! [`Io`](oras_content::ErrorKind::Io). [`CredentialError`] is their source. No error quotes what a place holds.

mod chain;
mod config;
mod docker;
mod entry;
mod error;
mod explain;
mod file;
mod helper;
mod keys;
mod memory;
mod places;
mod system;

pub use chain::CredentialChain;
pub use docker::DockerConfigStore;
pub use error::CredentialError;
pub use explain::Explanation;
pub use helper::{HelperObserver, HelperStore};
pub use keys::server_address;
pub use memory::MemoryCredentials;
pub use system::SystemCredentials;

pub use oras_auth::{Credential, CredentialProvider, CredentialStore};
