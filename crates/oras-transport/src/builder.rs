use std::{fmt, path::PathBuf, sync::Arc};

use http::{
    HeaderMap, HeaderName, HeaderValue,
    header::{ACCEPT_ENCODING, USER_AGENT},
};
use oras_content::{Error, ErrorKind, Result};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _};
use tower_service::Service;

use crate::{
    client::{HttpClient, Request, Response},
    headers::{WarningHandler, WarningLog},
    stack::{Admission, HostLimits, Hosts, Next, Redirects, RetryPolicy, Retrying, Stack, Timed, Timeouts},
    wire::{Connector, Identity, Proxies, Tls, TlsSettings, Wire},
};

const AGENT: &str = concat!("oras-rs/", env!("CARGO_PKG_VERSION"));

/// Puts an [`HttpClient`] together. Nothing is read or connected before the first request.
pub struct HttpClientBuilder {
    headers: HeaderMap,
    private: Vec<HeaderName>,
    retry: RetryPolicy,
    timeouts: Timeouts,
    limits: HostLimits,
    warnings: Option<Arc<dyn WarningHandler>>,
    tls: TlsSettings,
    proxies: Option<Proxies>,
}

impl Default for HttpClientBuilder {
    fn default() -> Self {
        let headers = [
            (USER_AGENT, HeaderValue::from_static(AGENT)),
            // A digest is over the bytes as stored, so no coding may be put on them on the way.
            (ACCEPT_ENCODING, HeaderValue::from_static("identity")),
        ];
        Self {
            headers: headers.into_iter().collect(),
            private: Vec::new(),
            retry: RetryPolicy::default(),
            timeouts: Timeouts::default(),
            limits: HostLimits::default(),
            warnings: None,
            tls: TlsSettings::default(),
            proxies: None,
        }
    }
}

impl HttpClientBuilder {
    /// The default client.
    pub fn new() -> Self {
        Self::default()
    }

    /// When requests are sent again.
    #[must_use]
    pub fn with_retry(mut self, policy: RetryPolicy) -> Self {
        self.retry = policy;
        self
    }

    /// How long each step may take.
    #[must_use]
    pub fn with_timeouts(mut self, timeouts: Timeouts) -> Self {
        self.timeouts = timeouts;
        self
    }

    /// What may be asked of each host.
    #[must_use]
    pub fn with_host_limits(mut self, limits: HostLimits) -> Self {
        self.limits = limits;
        self
    }

    /// The name of the program, in place of `oras-rs/<version>`.
    #[must_use]
    pub fn with_user_agent(mut self, agent: HeaderValue) -> Self {
        self.headers.insert(USER_AGENT, agent);
        self
    }

    /// A header of every request that does not have it already. It does not follow a redirect to another origin.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.private.push(name.clone());
        self.headers.append(name, value);
        self
    }

    /// Who shows the warnings of registries; without one nobody does.
    #[must_use]
    pub fn with_warning_handler(mut self, handler: impl WarningHandler) -> Self {
        self.warnings = Some(Arc::new(handler));
        self
    }

    /// Speaks HTTP/1.1 where HTTP/2 would be offered.
    #[must_use]
    pub fn http1_only(mut self) -> Self {
        self.tls.http1_only = true;
        self
    }

    /// Trusts no root certificate of the system.
    #[must_use]
    pub fn without_system_roots(mut self) -> Self {
        self.tls.without_system_roots = true;
        self
    }

    /// Asks every host directly, whatever `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say.
    #[must_use]
    pub fn without_proxies(mut self) -> Self {
        self.proxies = Some(Proxies::default());
        self
    }

    /// Reads `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy`, in lower or upper case, from `lookup` in place of the
    /// environment.
    #[must_use]
    pub fn with_proxies(mut self, lookup: impl Fn(&str) -> Option<String>) -> Self {
        self.proxies = Some(Proxies::from_lookup(lookup));
        self
    }

    /// Trusts the certificates of a PEM text, besides the system's.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when there is none in it, or one cannot be read.
    pub fn with_root_certificates(mut self, pem: &[u8]) -> Result<Self> {
        self.tls.extra_roots.extend(certificates(pem)?);
        Ok(self)
    }

    /// Shows who the client is: a certificate chain and its key, as PEM texts.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when one of them cannot be read.
    pub fn with_client_certificate(mut self, chain_pem: &[u8], key_pem: &[u8]) -> Result<Self> {
        let key = PrivateKeyDer::from_pem_slice(key_pem).map_err(|error| pem_error("a private key", error))?;
        self.tls.identity = Some(Identity { chain: certificates(chain_pem)?, key });
        Ok(self)
    }

    /// Reads the certificates of each host from `<directory>/<host>[:port]/`, as docker and podman do: `*.crt` are roots,
    /// `*.cert` with the `*.key` of the same name show who the client is.
    #[must_use]
    pub fn with_certs_dirs(mut self, directories: impl IntoIterator<Item = PathBuf>) -> Self {
        self.tls.certs_dirs.extend(directories);
        self
    }

    /// The client, over TCP and TLS.
    pub fn build(mut self) -> HttpClient {
        let proxies = self.proxies.take().unwrap_or_else(Proxies::from_env);
        let tls = Tls::new(std::mem::take(&mut self.tls));
        let wire = Wire::new(Connector::new(tls, Arc::new(proxies), self.timeouts.connect));
        self.stack(wire)
    }

    /// The client, with a service in place of the wire. What concerns connections has no effect.
    pub fn build_over<S>(self, service: S) -> HttpClient
    where
        S: Service<Request, Response = Response, Error = Error> + Clone + Send + Sync + 'static,
        S::Future: Send + 'static,
    {
        self.stack(HttpClient::from_service(service))
    }

    fn stack(self, wire: impl Next) -> HttpClient {
        let hosts = Arc::new(Hosts::new(self.limits));
        let timed = Timed::new(wire, self.timeouts);
        let redirects = Redirects::new(Admission::new(timed, Arc::clone(&hosts)), self.private);
        let retrying = Retrying::new(redirects, self.retry, Arc::clone(&hosts));
        let stack = Stack::new(retrying, self.headers, self.warnings.map(WarningLog::new));
        HttpClient::from_service(stack).with_hosts(hosts)
    }
}

impl fmt::Debug for HttpClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpClientBuilder")
            .field("retry", &self.retry)
            .field("timeouts", &self.timeouts)
            .field("limits", &self.limits)
            .finish_non_exhaustive()
    }
}

fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>> {
    let all: Vec<_> = CertificateDer::pem_slice_iter(pem)
        .collect::<Result<_, _>>()
        .map_err(|error| pem_error("certificates", error))?;
    if all.is_empty() {
        return Err(Error::new(ErrorKind::Io, "the PEM text holds no certificate"));
    }
    Ok(all)
}

fn pem_error(what: &str, error: rustls_pki_types::pem::Error) -> Error {
    Error::new(ErrorKind::Io, format!("the PEM text cannot be read as {what}")).with_source(error)
}
