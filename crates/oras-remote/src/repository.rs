use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use oras_content::{Descriptor, Digest, Error, ErrorKind, Location, MediaType, Result};
use oras_reference::Reference;

use crate::{
    access::Access, capability::ReferrersCapability, odds::Odds, options::RegistryOptions, referrers::Updates,
    registry::Registry, url::UrlBuilder,
};

/// How many digests are remembered as absent or present: those between an existence check and the push that follows it, or
/// the other way round.
const MAX_NOTED: usize = 4096;

/// A repository of a registry: a cheap handle that has every role of a store.
///
/// Content is a manifest or a blob by its media type. A blob is downloaded when its first byte is asked for; a manifest at
/// once. See [`oras_content`] for what the roles promise.
#[derive(Clone)]
pub struct Repository {
    registry: Registry,
    place: Arc<Place>,
    state: Arc<RepositoryState>,
    metadata_limit: u64,
}

/// What a repository is called, and what most of its operations need to be allowed to do.
struct Place {
    reference: Reference,
    pull: Access,
    push: Access,
}

/// What all handles of one repository share.
#[derive(Default)]
pub(crate) struct RepositoryState {
    absent: Mutex<HashSet<Digest>>,
    present: Mutex<HashSet<Digest>>,
    odds: Mutex<Odds>,
    pub(crate) updates: Updates,
}

impl Repository {
    /// The repository that `reference` names, such as `ghcr.io/acme/rocket`; a tag or digest plays no role.
    ///
    /// # Errors
    ///
    /// [`InvalidReference`](ErrorKind::InvalidReference) when it names none.
    pub fn new(reference: &str, options: RegistryOptions) -> Result<Self> {
        let reference: Reference = reference.parse()?;
        let repository = reference.repository().unwrap_or_default().to_owned();
        Registry::new(reference.registry(), options)?.repository(&repository)
    }

    pub(crate) fn of(registry: Registry, reference: Reference, state: Arc<RepositoryState>) -> Self {
        let metadata_limit = registry.options().metadata_limit;
        let name = reference.repository().unwrap_or_default();
        let (pull, push) = (Access::pull(name), Access::push(name));
        Self { registry, place: Arc::new(Place { pull, push, reference }), state, metadata_limit }
    }

    /// The same repository with another limit for manifests, indexes and pages of lists, in bytes.
    #[must_use]
    pub fn with_metadata_limit(mut self, limit: u64) -> Self {
        self.metadata_limit = limit;
        self
    }

    /// The registry.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// The registry and repository, without tag and digest.
    pub fn reference(&self) -> &Reference {
        &self.place.reference
    }

    /// The repository's name.
    pub fn name(&self) -> &str {
        self.place.reference.repository().unwrap_or_default()
    }

    /// What a tag, a digest or a whole reference stands for within this repository, as text without any request.
    ///
    /// # Errors
    ///
    /// [`MissingReference`](ErrorKind::MissingReference) when the text is empty;
    /// [`InvalidReference`](ErrorKind::InvalidReference) when it breaks the grammar or names another repository.
    pub fn parse_reference(&self, text: &str) -> Result<Reference> {
        if text.is_empty() {
            let message = format!("a tag or digest of {} is needed", self.place.reference);
            return Err(Error::new(ErrorKind::MissingReference, message));
        }
        Ok(self.place.reference.parse_relative(text)?)
    }

    /// Whether the registry lists referrers of this repository, as far as that is known.
    pub fn referrers_capability(&self) -> ReferrersCapability {
        self.registry.memory().referrers(self.name())
    }

    /// Says whether the registry lists referrers of this repository.
    pub fn set_referrers_capability(&self, capability: ReferrersCapability) {
        self.registry.memory().set_referrers(self.name(), capability);
    }

    pub(crate) fn state(&self) -> &RepositoryState {
        &self.state
    }

    pub(crate) fn metadata_limit(&self) -> u64 {
        self.metadata_limit
    }

    pub(crate) fn is_manifest(&self, media_type: &MediaType) -> bool {
        self.registry.options().manifest_media_types.contains(media_type)
    }

    pub(crate) fn pull(&self) -> Access {
        self.place.pull.clone()
    }

    pub(crate) fn push_access(&self) -> Access {
        self.place.push.clone()
    }

    /// The URL of something in the repository, at the registry itself.
    pub(crate) fn url(&self, collection: &str, last: &str) -> UrlBuilder {
        self.registry.origin().endpoint.repository(self.name(), collection, last)
    }

    /// The URL that opens an upload; the slash at its end is part of it.
    pub(crate) fn uploads_url(&self) -> UrlBuilder {
        self.registry.origin().endpoint.repository(self.name(), "blobs/uploads", "")
    }

    /// How content is called in errors.
    pub(crate) fn describe(&self, identifier: &str) -> String {
        let separator = if identifier.contains(':') { '@' } else { ':' };
        format!("{}{separator}{identifier}", self.place.reference)
    }

    pub(crate) fn location_here(&self) -> Location {
        Location::new(self.registry.authority(), self.name())
    }

    /// Notes that content was not there a moment ago, so that the push that follows need not ask again.
    pub(crate) fn note_absent(&self, desc: &Descriptor) {
        note(&self.state.absent, &desc.digest);
    }

    /// Learns whether a blob that somebody asked for was there.
    pub(crate) fn learn(&self, desc: &Descriptor, is_there: bool) {
        if Odds::concern(desc) {
            self.state.odds.lock().unwrap_or_else(PoisonError::into_inner).learn(is_there);
        }
    }

    /// Whether a blob is taken to be absent; then the push that follows does not ask either.
    pub(crate) fn presume_absent(&self, desc: &Descriptor) -> bool {
        if self.state.present.lock().unwrap_or_else(PoisonError::into_inner).contains(&desc.digest) {
            return false;
        }
        let is_presumed = self.state.odds.lock().unwrap_or_else(PoisonError::into_inner).presume_absent(desc);
        if is_presumed {
            self.note_absent(desc);
        }
        is_presumed
    }

    /// Notes that content was stored a moment ago that nobody could look for before, so that the check that follows need not
    /// ask.
    pub(crate) fn note_present(&self, digest: &Digest) {
        note(&self.state.present, digest);
    }

    /// Whether content was stored a moment ago; answered once.
    pub(crate) fn take_present(&self, desc: &Descriptor) -> bool {
        self.state.present.lock().unwrap_or_else(PoisonError::into_inner).remove(&desc.digest)
    }

    /// Whether content was not there a moment ago; answered once.
    pub(crate) fn take_absent(&self, desc: &Descriptor) -> bool {
        self.state.absent.lock().unwrap_or_else(PoisonError::into_inner).remove(&desc.digest)
    }
}

fn note(noted: &Mutex<HashSet<Digest>>, digest: &Digest) {
    let mut noted = noted.lock().unwrap_or_else(PoisonError::into_inner);
    if noted.len() >= MAX_NOTED {
        noted.clear();
    }
    noted.insert(digest.clone());
}

impl fmt::Debug for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Repository").field("reference", &self.place.reference.to_string()).finish_non_exhaustive()
    }
}
