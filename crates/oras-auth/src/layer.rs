use std::{fmt, sync::Arc, time::SystemTime};

use oras_transport::HttpClient;
use tower_layer::Layer;

use crate::{
    cache::TokenCache,
    fetch::TokenOptions,
    provider::{Anonymous, CredentialProvider},
    service::AuthService,
};

/// The name by which token servers know us.
const CLIENT_ID: &str = "oras-rs";

/// Answers the challenges of registries: a layer around an [`HttpClient`].
///
/// It stands outside retries, so that a token that ends while a request is tried again is replaced.
#[derive(Clone)]
pub struct AuthLayer(pub(crate) Arc<Settings>);

pub(crate) struct Settings {
    pub(crate) provider: Box<dyn CredentialProvider>,
    pub(crate) cache: Option<TokenCache>,
    pub(crate) tokens: TokenOptions,
    pub(crate) realm_hosts: Option<Vec<String>>,
    pub(crate) clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl AuthLayer {
    /// A layer that is whoever `provider` says.
    pub fn new(provider: impl CredentialProvider) -> Self {
        Self::builder(provider).build()
    }

    /// A layer that is nobody in particular; it still gets the tokens that registries want from anybody.
    pub fn anonymous() -> Self {
        Self::new(Anonymous)
    }

    /// A layer with other settings.
    pub fn builder(provider: impl CredentialProvider) -> AuthLayerBuilder {
        let tokens = TokenOptions { client_id: CLIENT_ID.to_owned(), force_oauth2: false };
        let provider = Box::new(provider);
        let clock = Arc::new(SystemTime::now);
        AuthLayerBuilder(Settings { provider, cache: Some(TokenCache::new()), tokens, realm_hosts: None, clock })
    }
}

impl Layer<HttpClient> for AuthLayer {
    type Service = AuthService;

    fn layer(&self, inner: HttpClient) -> AuthService {
        AuthService::new(inner, self.clone())
    }
}

impl fmt::Debug for AuthLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayer")
            .field("cache", &self.0.cache)
            .field("tokens", &self.0.tokens)
            .finish_non_exhaustive()
    }
}

/// Puts an [`AuthLayer`] together.
pub struct AuthLayerBuilder(Settings);

impl AuthLayerBuilder {
    /// Shares a cache with other layers, of the same account or of others.
    #[must_use]
    pub fn with_cache(mut self, cache: TokenCache) -> Self {
        self.0.cache = Some(cache);
        self
    }

    /// Keeps no token: each request is sent, challenged and sent again.
    #[must_use]
    pub fn without_cache(mut self) -> Self {
        self.0.cache = None;
        self
    }

    /// The name by which token servers know the client, in place of `oras-rs`.
    #[must_use]
    pub fn with_client_id(mut self, id: impl Into<String>) -> Self {
        self.0.tokens.client_id = id.into();
        self
    }

    /// Sends passwords to token servers in the OAuth2 form, where it is known.
    #[must_use]
    pub fn with_oauth2_passwords(mut self) -> Self {
        self.0.tokens.force_oauth2 = true;
        self
    }

    /// Lets credentials go to no token server but those on the registry's own host and on these hosts. Others are asked
    /// for anonymous tokens only.
    #[must_use]
    pub fn with_realm_hosts(mut self, hosts: impl IntoIterator<Item = String>) -> Self {
        self.0.realm_hosts = Some(hosts.into_iter().map(|host| host.to_ascii_lowercase()).collect());
        self
    }

    /// The clock by which tokens end, in place of the system's.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.0.clock = Arc::new(clock);
        self
    }

    /// The layer.
    pub fn build(self) -> AuthLayer {
        AuthLayer(Arc::new(self.0))
    }
}

impl fmt::Debug for AuthLayerBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthLayerBuilder").field("tokens", &self.0.tokens).finish_non_exhaustive()
    }
}
