use std::{fmt, sync::Arc};

use futures_util::FutureExt as _;
use http::HeaderName;
use oras_auth::{AuthLayer, CredentialProvider};
use oras_content::Result;
use oras_reference::Reference;
use oras_transport::HttpClient;

use crate::{
    client::{Answer, Call},
    options::RegistryOptions,
    url::{Endpoint, UrlBuilder},
};

/// Whom a mirror answers for (distribution specification, "Registry Proxying").
const OCI_NAMESPACE: HeaderName = HeaderName::from_static("oci-namespace");

/// A host that answers for a registry: a mirror or a pull-through cache.
///
/// It is asked for manifests and blobs, with the registry's name in the `ns` parameter (distribution specification,
/// "Registry Proxying"); it never sees the registry's credentials. Whatever it gives is checked as anything else, and an
/// answer whose `OCI-Namespace` names another registry is passed over.
#[derive(Clone)]
pub struct Mirror {
    host: String,
    plain_http: bool,
    digests_only: bool,
    credentials: Option<Arc<dyn CredentialProvider>>,
    transport: Option<HttpClient>,
}

impl Mirror {
    /// A mirror at `host` or `host:port`.
    ///
    /// # Errors
    ///
    /// [`InvalidReference`](oras_content::ErrorKind::InvalidReference) when that is no host.
    pub fn new(host: &str) -> Result<Self> {
        let host = Reference::parse_registry(host)?.api_host().to_owned();
        Ok(Self { host, plain_http: false, digests_only: false, credentials: None, transport: None })
    }

    /// Speaks http in place of https.
    #[must_use]
    pub fn with_plain_http(mut self, plain_http: bool) -> Self {
        self.plain_http = plain_http;
        self
    }

    /// Who to be for the mirror.
    #[must_use]
    pub fn with_credentials(mut self, credentials: impl CredentialProvider) -> Self {
        self.credentials = Some(Arc::new(credentials));
        self
    }

    /// Sends requests through this client, inside the layer of authentication, in place of the registry's
    /// [transport](RegistryOptions::with_transport).
    #[must_use]
    pub fn with_transport(mut self, transport: HttpClient) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Asks the mirror for digests only: what a tag stands for, the registry itself says.
    #[must_use]
    pub fn digests_only(mut self) -> Self {
        self.digests_only = true;
        self
    }
}

impl fmt::Debug for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mirror")
            .field("host", &self.host)
            .field("plain_http", &self.plain_http)
            .field("digests_only", &self.digests_only)
            .finish_non_exhaustive()
    }
}

/// One way to a registry: its own host, or a mirror.
pub(crate) struct Route {
    client: HttpClient,
    pub(crate) endpoint: Endpoint,
    namespace: Option<String>,
    digests_only: bool,
}

impl Route {
    pub(crate) fn origin(reference: &Reference, options: &RegistryOptions, transport: &HttpClient) -> Self {
        let client =
            options.client.clone().unwrap_or_else(|| authenticated(transport.clone(), options.credentials.as_ref()));
        let endpoint = Endpoint::new(reference.api_host(), options.plain_http);
        Self { client, endpoint, namespace: None, digests_only: false }
    }

    pub(crate) fn mirror(mirror: &Mirror, registry: &str, transport: &HttpClient) -> Self {
        let transport = mirror.transport.as_ref().unwrap_or(transport).clone();
        let client = authenticated(transport, mirror.credentials.as_ref());
        let endpoint = Endpoint::new(&mirror.host, mirror.plain_http);
        Self { client, endpoint, namespace: Some(registry.to_owned()), digests_only: mirror.digests_only }
    }

    pub(crate) fn client(&self) -> &HttpClient {
        &self.client
    }

    pub(crate) fn is_mirror(&self) -> bool {
        self.namespace.is_some()
    }

    pub(crate) fn serves_tags(&self) -> bool {
        !self.digests_only
    }

    /// Sends a request this way.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Other`](oras_content::ErrorKind::Other) when a mirror says that it answers for another registry: one
    /// that does not know `ns` has something else under the same name.
    pub(crate) fn send(&self, call: Call) -> impl Future<Output = Result<Answer>> + Send {
        call.send(&self.client).map(|answer| {
            let answer = answer?;
            match (&self.namespace, answer.header(&OCI_NAMESPACE)) {
                (Some(asked), Some(found)) if is_another_registry(asked, found) => {
                    Err(answer.protocol_error(format_args!("the mirror answers for {found:?}, not for {asked}")))
                }
                _ => Ok(answer),
            }
        })
    }

    /// The URL of something to read.
    pub(crate) fn read_url(&self, repository: &str, collection: &str, last: &str) -> UrlBuilder {
        self.endpoint.repository(repository, collection, last).query_if("ns", self.namespace.as_ref())
    }
}

/// A transport inside the layer of authentication.
fn authenticated(transport: HttpClient, credentials: Option<&Arc<dyn CredentialProvider>>) -> HttpClient {
    let layer = credentials.map_or_else(AuthLayer::anonymous, |known| AuthLayer::new(Arc::clone(known)));
    transport.layer(&layer)
}

/// Whether a mirror names another registry than the one it was asked for, by any of its names. What is no name of a
/// registry says nothing.
fn is_another_registry(asked: &str, found: &str) -> bool {
    let host = |name: &str| Reference::parse_registry(name).map(|name| name.api_host().to_ascii_lowercase()).ok();
    host(found).is_some_and(|found| Some(found) != host(asked))
}

impl fmt::Debug for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Route")
            .field("endpoint", &self.endpoint)
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}
