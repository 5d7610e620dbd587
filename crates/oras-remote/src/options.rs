use std::{
    fmt,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
    time::Duration,
};

use oras_auth::CredentialProvider;
use oras_content::{DEFAULT_METADATA_LIMIT, Error, MediaType};
use oras_transport::HttpClient;

use crate::{blob::ParallelRanges, mirror::Mirror, upload::UploadStrategy};

/// How many pages of a list are read unless a caller says otherwise: a million tags at the usual hundred a page. What has
/// more is more likely a list that does not end.
const DEFAULT_MAX_PAGES: usize = 10_000;

/// How long it is believed what a registry was seen to do: registries are upgraded, processes run for weeks.
const CAPABILITY_EXPIRY: Duration = Duration::from_secs(3600);

/// How long the request that closes an upload may take: the registry reads and hashes the whole blob.
const CLOSING_TIMEOUT: Duration = Duration::from_secs(15 * 60);

/// Takes what went wrong beside the point: an operation succeeded, and something that should follow it did not.
pub(crate) type Concern = Arc<dyn Fn(&Error) + Send + Sync>;

/// How to speak to a registry.
///
/// ```
/// use oras_remote::{Registry, RegistryOptions};
///
/// let options = RegistryOptions::new().with_plain_http(true).with_metadata_limit(1 << 20);
/// let repository = Registry::new("localhost:5000", options)?.repository("acme/rocket")?;
/// assert_eq!(repository.reference().to_string(), "localhost:5000/acme/rocket");
/// # Ok::<(), oras_content::Error>(())
/// ```
#[derive(Clone)]
#[non_exhaustive]
pub struct RegistryOptions {
    pub(crate) plain_http: bool,
    pub(crate) client: Option<HttpClient>,
    pub(crate) transport: Option<HttpClient>,
    pub(crate) credentials: Option<Arc<dyn CredentialProvider>>,
    pub(crate) mirrors: Vec<Mirror>,
    pub(crate) page_size: Option<NonZeroU32>,
    pub(crate) max_pages: usize,
    pub(crate) metadata_limit: u64,
    pub(crate) manifest_media_types: Vec<MediaType>,
    pub(crate) upload: UploadStrategy,
    pub(crate) parallel_ranges: Option<ParallelRanges>,
    pub(crate) foreign_urls: bool,
    pub(crate) automatic_mount: bool,
    pub(crate) keep_old_indexes: bool,
    pub(crate) capability_expiry: Duration,
    pub(crate) closing_timeout: Duration,
    pub(crate) concern: Option<Concern>,
}

impl Default for RegistryOptions {
    /// https, anonymous, no mirrors, at most 10,000 pages, 4 MiB of metadata, uploads by `POST` and `PUT`, what was learned
    /// is believed for an hour.
    fn default() -> Self {
        Self {
            plain_http: false,
            client: None,
            transport: None,
            credentials: None,
            mirrors: Vec::new(),
            page_size: None,
            max_pages: DEFAULT_MAX_PAGES,
            metadata_limit: DEFAULT_METADATA_LIMIT,
            manifest_media_types: MediaType::MANIFESTS.to_vec(),
            upload: UploadStrategy::default(),
            parallel_ranges: None,
            foreign_urls: false,
            automatic_mount: false,
            keep_old_indexes: false,
            capability_expiry: CAPABILITY_EXPIRY,
            closing_timeout: CLOSING_TIMEOUT,
            concern: None,
        }
    }
}

impl RegistryOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self::default()
    }

    /// Speaks http in place of https.
    #[must_use]
    pub fn with_plain_http(mut self, plain_http: bool) -> Self {
        self.plain_http = plain_http;
        self
    }

    /// Who to be; a layer of authentication around the [transport](Self::with_transport) asks.
    #[must_use]
    pub fn with_credentials(mut self, credentials: impl CredentialProvider) -> Self {
        self.credentials = Some(Arc::new(credentials));
        self
    }

    /// Sends requests through this client, inside the layer of authentication. It must not authenticate by itself: it asks
    /// mirrors and the `urls` of descriptors too.
    #[must_use]
    pub fn with_transport(mut self, transport: HttpClient) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Sends requests to the registry through this client as it is: with its own authentication, or none.
    ///
    /// Mirrors and the `urls` of descriptors are asked through the [transport](Self::with_transport) all the same: whatever
    /// this client tells about itself is for the registry alone.
    #[must_use]
    pub fn with_client(mut self, client: HttpClient) -> Self {
        self.client = Some(client);
        self
    }

    /// Reads from a mirror where it can; the mirrors are asked in the order in which they were added, then the registry.
    #[must_use]
    pub fn with_mirror(mut self, mirror: Mirror) -> Self {
        self.mirrors.push(mirror);
        self
    }

    /// Asks for lists in pages of this many entries, 1000 at most: some registries refuse more.
    #[must_use]
    pub fn with_page_size(mut self, page_size: NonZeroU32) -> Self {
        self.page_size = Some(page_size);
        self
    }

    /// How many pages of one list are read at most.
    #[must_use]
    pub fn with_max_pages(mut self, max_pages: NonZeroUsize) -> Self {
        self.max_pages = max_pages.get();
        self
    }

    /// The largest manifest, index or page of a list that is read into memory, in bytes.
    #[must_use]
    pub fn with_metadata_limit(mut self, limit: u64) -> Self {
        self.metadata_limit = limit;
        self
    }

    /// Pushes and fetches content of this type as a manifest too.
    #[must_use]
    pub fn with_manifest_media_type(mut self, media_type: MediaType) -> Self {
        self.manifest_media_types.push(media_type);
        self
    }

    /// How blobs are uploaded.
    #[must_use]
    pub fn with_upload_strategy(mut self, strategy: UploadStrategy) -> Self {
        self.upload = strategy;
        self
    }

    /// Downloads large blobs in several ranges at once.
    #[must_use]
    pub fn with_parallel_ranges(mut self, ranges: ParallelRanges) -> Self {
        self.parallel_ranges = Some(ranges);
        self
    }

    /// Downloads a blob that the registry does not have from the `urls` of its descriptor, without credentials. Whoever
    /// wrote the manifest chooses what is asked there.
    #[must_use]
    pub fn with_foreign_urls(mut self, foreign_urls: bool) -> Self {
        self.foreign_urls = foreign_urls;
        self
    }

    /// Asks the registry to look for a blob in its other repositories before it is uploaded.
    #[must_use]
    pub fn with_automatic_mount(mut self, automatic_mount: bool) -> Self {
        self.automatic_mount = automatic_mount;
        self
    }

    /// Leaves old indexes of referrers where they are, on registries without the referrers API.
    #[must_use]
    pub fn keep_old_indexes(mut self) -> Self {
        self.keep_old_indexes = true;
        self
    }

    /// How long it is believed what the registry was seen to do.
    #[must_use]
    pub fn with_capability_expiry(mut self, expiry: Duration) -> Self {
        self.capability_expiry = expiry;
        self
    }

    /// How long the registry may take to answer the request that closes an upload.
    #[must_use]
    pub fn with_closing_timeout(mut self, timeout: Duration) -> Self {
        self.closing_timeout = timeout;
        self
    }

    /// Who is told when an operation succeeded and what should follow it did not: an old index that cannot be deleted.
    #[must_use]
    pub fn with_concern_handler(mut self, handler: impl Fn(&Error) + Send + Sync + 'static) -> Self {
        self.concern = Some(Arc::new(handler));
        self
    }
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions")
            .field("plain_http", &self.plain_http)
            .field("mirrors", &self.mirrors)
            .field("page_size", &self.page_size)
            .field("metadata_limit", &self.metadata_limit)
            .field("upload", &self.upload)
            .finish_non_exhaustive()
    }
}
