use std::{
    collections::HashMap,
    fmt,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError, Weak},
};

use futures_core::stream::BoxStream;
use http::{Method, StatusCode};
use oras_content::Result;
use oras_reference::Reference;
use oras_transport::HttpClient;
use serde::Deserialize;

use crate::{
    access::Access,
    capability::{Capabilities, Memory},
    client::Call,
    mirror::Route,
    options::RegistryOptions,
    pages::{Pages, items},
    repository::{Repository, RepositoryState},
};

/// Some registries refuse a larger page with 405.
const MAX_PAGE_SIZE: u32 = 1000;

/// A registry: a cheap handle, whose clones share connections, tokens and what is known of the registry.
///
/// Nothing is sent before an operation needs it.
#[derive(Clone)]
pub struct Registry {
    inner: Arc<Inner>,
}

struct Inner {
    reference: Reference,
    options: RegistryOptions,
    origin: Route,
    mirrors: Vec<Route>,
    transport: HttpClient,
    memory: Memory,
    repositories: Mutex<HashMap<String, Weak<RepositoryState>>>,
}

impl Registry {
    /// The registry at `host` or `host:port`; `docker.io` is the host that answers for it.
    ///
    /// # Errors
    ///
    /// [`InvalidReference`](oras_content::ErrorKind::InvalidReference) when that is no host.
    pub fn new(host: &str, options: RegistryOptions) -> Result<Self> {
        let reference = Reference::parse_registry(host)?;
        let transport = options.transport.clone().unwrap_or_else(|| HttpClient::builder().build());
        let origin = Route::origin(&reference, &options, &transport);
        let mirrors = options.mirrors.iter().map(|mirror| Route::mirror(mirror, reference.registry(), &transport));
        let inner = Inner {
            origin,
            mirrors: mirrors.collect(),
            transport,
            memory: Memory::new(options.capability_expiry),
            repositories: Mutex::default(),
            reference,
            options,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// A repository of the registry.
    ///
    /// # Errors
    ///
    /// [`InvalidReference`](oras_content::ErrorKind::InvalidReference) when the name breaks the grammar.
    pub fn repository(&self, name: &str) -> Result<Repository> {
        let reference = Reference::new(self.inner.reference.registry(), name)?;
        Ok(Repository::of(self.clone(), reference, self.state_of(name)))
    }

    /// Asks whether the registry answers at all, and whether it takes the credentials.
    ///
    /// # Errors
    ///
    /// [`NotFound`](oras_content::ErrorKind::NotFound) when the host is no registry, and what the registry says otherwise.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    pub async fn ping(&self) -> Result<()> {
        let uri = self.inner.origin.endpoint.root("").build()?;
        let answer = Call::new(Method::GET, uri, Access::none()).send(self.client()).await?;
        answer.expect(&[StatusCode::OK], || format!("registry {}", self.inner.reference)).await?;
        Ok(())
    }

    /// The names of the registry's repositories, in its order; with `last`, only those behind it. A page is read when its
    /// first name is asked for.
    ///
    /// Fails with [`Unsupported`](oras_content::ErrorKind::Unsupported) or
    /// [`NotFound`](oras_content::ErrorKind::NotFound) on registries without a catalog.
    pub fn repositories<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let first = self.inner.origin.endpoint.root("_catalog").query_if("n", self.page_size()).query_if("last", last);
        let pages =
            first.build().map(|uri| Pages::new(self.client(), uri, Access::catalog(), self.options().max_pages));
        items(std::future::ready(pages), move |mut pages| async move {
            let names = self.read_catalog(&mut pages).await?;
            Ok(names.map(|names| (names, pages)))
        })
    }

    async fn read_catalog(&self, pages: &mut Pages<'_>) -> Result<Option<Vec<String>>> {
        #[derive(Deserialize)]
        struct Page {
            repositories: Option<Vec<String>>,
        }

        let Some(answer) = pages.next().await? else {
            return Ok(None);
        };
        let answer = answer.expect(&[StatusCode::OK], || format!("catalog of {}", self.inner.reference)).await?;
        let page: Page = answer.json(self.options().metadata_limit).await?;
        Ok(Some(page.repositories.unwrap_or_default()))
    }

    /// The names of the extensions that the registry says it has (distribution specification, "Extensions").
    ///
    /// # Errors
    ///
    /// [`NotFound`](oras_content::ErrorKind::NotFound) on registries that do not say.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    pub async fn extensions(&self) -> Result<Vec<String>> {
        #[derive(Deserialize)]
        struct Page {
            extensions: Option<Vec<Extension>>,
        }

        #[derive(Deserialize)]
        struct Extension {
            name: String,
        }

        let uri = self.inner.origin.endpoint.root("_oci/ext/discover").build()?;
        let answer = Call::new(Method::GET, uri, Access::none()).send(self.client()).await?;
        let answer = answer.expect(&[StatusCode::OK], || format!("extensions of {}", self.inner.reference)).await?;
        let page: Page = answer.json(self.options().metadata_limit).await?;
        Ok(page.extensions.unwrap_or_default().into_iter().map(|extension| extension.name).collect())
    }

    /// What is known of the registry.
    pub fn capabilities(&self) -> Capabilities {
        self.inner.memory.general()
    }

    /// Says what the registry can do.
    pub fn set_capabilities(&self, capabilities: Capabilities) {
        self.inner.memory.set_general(capabilities);
    }

    /// The registry's name, as it was given.
    pub fn name(&self) -> &str {
        self.inner.reference.registry()
    }

    /// The authority that is asked.
    pub(crate) fn authority(&self) -> &str {
        self.inner.reference.api_host()
    }

    pub(crate) fn client(&self) -> &HttpClient {
        self.inner.origin.client()
    }

    /// A client that knows nobody's credentials.
    pub(crate) fn transport(&self) -> &HttpClient {
        &self.inner.transport
    }

    pub(crate) fn options(&self) -> &RegistryOptions {
        &self.inner.options
    }

    pub(crate) fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    pub(crate) fn origin(&self) -> &Route {
        &self.inner.origin
    }

    /// The ways to read something, in the order in which they are tried.
    pub(crate) fn routes(&self, by_digest: bool) -> impl Iterator<Item = &Route> + Send {
        let mirrors = self.inner.mirrors.iter().filter(move |mirror| by_digest || mirror.serves_tags());
        mirrors.chain([&self.inner.origin])
    }

    pub(crate) fn page_size(&self) -> Option<u32> {
        self.inner.options.page_size.map(NonZeroU32::get).map(|size| size.min(MAX_PAGE_SIZE))
    }

    /// All handles of one repository share its state, so that updates of its indexes do not race.
    fn state_of(&self, name: &str) -> Arc<RepositoryState> {
        let mut repositories = self.inner.repositories.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = repositories.get(name).and_then(Weak::upgrade) {
            return state;
        }
        repositories.retain(|_, state| state.strong_count() > 0);
        let state = Arc::new(RepositoryState::default());
        repositories.insert(name.to_owned(), Arc::downgrade(&state));
        state
    }
}

impl fmt::Debug for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry").field("name", &self.name()).finish_non_exhaustive()
    }
}
