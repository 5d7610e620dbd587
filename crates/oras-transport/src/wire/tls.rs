use std::{
    collections::HashMap,
    fmt,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use http::Uri;
use oras_content::{Error, ErrorKind, Result};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio::sync::OnceCell;

use super::certs;
use crate::origin::Origin;

/// What a client says about TLS.
#[derive(Default)]
pub(crate) struct TlsSettings {
    pub(crate) extra_roots: Vec<CertificateDer<'static>>,
    pub(crate) without_system_roots: bool,
    pub(crate) identity: Option<Identity>,
    pub(crate) certs_dirs: Vec<PathBuf>,
    pub(crate) http1_only: bool,
}

/// A certificate chain and its key, by which a client shows who it is.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
}

impl Identity {
    fn copy(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key() }
    }
}

/// TLS configurations, made when the first connection needs them: reading the system's roots takes milliseconds.
pub(crate) struct Tls {
    settings: Arc<TlsSettings>,
    hosts: Mutex<HashMap<String, Arc<OnceCell<Arc<ClientConfig>>>>>,
    system: Arc<std::sync::OnceLock<Vec<CertificateDer<'static>>>>,
}

impl Tls {
    pub(crate) fn new(settings: TlsSettings) -> Self {
        Self { settings: Arc::new(settings), hosts: Mutex::default(), system: Arc::default() }
    }

    /// The configuration for a host: the client's, and what the certificate directories add to it.
    pub(super) async fn config(&self, uri: &Uri) -> Result<Arc<ClientConfig>> {
        // Without directories every host has the same one.
        let per_host = !self.settings.certs_dirs.is_empty();
        let host = Origin::of(uri).filter(|_| per_host).map_or_else(String::new, |origin| {
            let written = uri.port().map(|port| format!("{}:{port}", origin.host()));
            written.unwrap_or_else(|| origin.host().to_owned())
        });
        let cell = {
            let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
            Arc::clone(hosts.entry(host.clone()).or_default())
        };
        let (settings, system) = (Arc::clone(&self.settings), Arc::clone(&self.system));
        let make = || async move {
            let task = tokio::task::spawn_blocking(move || {
                let roots = if settings.without_system_roots { &[][..] } else { system.get_or_init(system_roots) };
                build(&settings, roots, &host)
            });
            task.await
                .map_err(|error| Error::new(ErrorKind::Other, "reading certificates failed").with_source(error))?
        };
        cell.get_or_try_init(make).await.cloned()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("certs_dirs", &self.settings.certs_dirs).finish_non_exhaustive()
    }
}

/// The system's roots. What cannot be read is passed over: one broken file must not switch TLS off.
fn system_roots() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}

fn build(settings: &TlsSettings, system: &[CertificateDer<'static>], host: &str) -> Result<Arc<ClientConfig>> {
    let local = certs::of_host(&settings.certs_dirs, host)?;
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(system.iter().cloned());
    for root in settings.extra_roots.iter().chain(&local.roots) {
        roots.add(root.clone()).map_err(|error| tls_error("a root certificate cannot be used", error))?;
    }
    if roots.is_empty() {
        let message = "no root certificates: the system has none, and none were added";
        return Err(Error::new(ErrorKind::Io, message));
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| tls_error("TLS cannot be set up", error))?
        .with_root_certificates(roots);
    let mut config = match local.identity.or_else(|| settings.identity.as_ref().map(Identity::copy)) {
        None => builder.with_no_client_auth(),
        Some(identity) => builder
            .with_client_auth_cert(identity.chain, identity.key)
            .map_err(|error| tls_error("the client certificate cannot be used", error))?,
    };
    config.alpn_protocols =
        if settings.http1_only { vec![b"http/1.1".to_vec()] } else { vec![b"h2".to_vec(), b"http/1.1".to_vec()] };
    Ok(Arc::new(config))
}

fn tls_error(what: &'static str, error: rustls::Error) -> Error {
    Error::new(ErrorKind::Io, what).with_source(error)
}
