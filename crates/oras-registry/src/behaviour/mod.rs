//! What a registry does differently from what the specification asks, on demand.

mod action;
mod fault;
mod quirks;

use std::sync::{Arc, Mutex, PoisonError, atomic::AtomicU64};

pub use action::Action;
pub use fault::Fault;
pub use quirks::{
    BlobQuirks, ChallengeScope, DigestHeader, EmptyRange, ListQuirks, LocationStyle, ManifestQuirks, RangeQuirk,
    ReachedRange, Redirect, ReferrersQuirk, TokenFields, TokenQuirks, UploadQuirks,
};

pub(crate) use action::{Plan, page};

/// Deviations of real registries, each a switch, and faults of the network, each at an exact place.
///
/// The default deviates nowhere. Switches and faults take effect with
/// [`Server::set_behaviour`](crate::Server::set_behaviour), at once and for all requests that come after it.
///
/// ```
/// use oras_registry::{Action, Behaviour, Fault, LocationStyle, RequestKind};
///
/// let behaviour = Behaviour::with(|behaviour| {
///     behaviour.uploads.location = LocationStyle::Rotating;
///     behaviour.faults.push(Fault::new(Action::ResetAnswer(1000)).on(RequestKind::BlobGet).times(2));
/// });
/// assert_eq!(behaviour.faults.len(), 1);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Behaviour {
    /// Deviations in answers about blobs.
    pub blobs: BlobQuirks,
    /// Deviations while blobs are uploaded and mounted.
    pub uploads: UploadQuirks,
    /// Deviations in what concerns manifests and tags.
    pub manifests: ManifestQuirks,
    /// Deviations in lists: tags, referrers, catalog.
    pub lists: ListQuirks,
    /// Deviations in challenges and tokens.
    pub tokens: TokenQuirks,
    /// Texts of `Warning` headers on every answer (distribution specification, "Warnings"). Together they are cut to
    /// 4096 bytes, as the specification asks.
    pub warnings: Vec<String>,
    /// Headers on every answer, such as the quota of Docker Hub: `ratelimit-limit: 100;w=21600`.
    pub headers: Vec<(http::HeaderName, http::HeaderValue)>,
    /// Faults, in order; the first one that fits a request strikes.
    pub faults: Vec<Fault>,
    /// Where the chances of faults start: the same seed and the same requests give the same faults.
    pub seed: u64,
}

impl Behaviour {
    /// The default, with some changes.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut behaviour = Self::default();
        change(&mut behaviour);
        behaviour
    }
}

/// A behaviour in force, with what it has done so far.
#[derive(Debug)]
pub(crate) struct Installed {
    pub(crate) behaviour: Behaviour,
    hits: Vec<AtomicU64>,
    random: Mutex<fastrand::Rng>,
}

impl Installed {
    pub(crate) fn new(behaviour: Behaviour) -> Arc<Self> {
        let hits = behaviour.faults.iter().map(|_| AtomicU64::new(0)).collect();
        let random = Mutex::new(fastrand::Rng::with_seed(behaviour.seed));
        Arc::new(Self { behaviour, hits, random })
    }

    /// The fault that strikes this request.
    pub(crate) fn plan(&self, kind: crate::RequestKind, name: &str) -> Plan {
        let faults = self.behaviour.faults.iter().zip(&self.hits);
        let mut chance = || self.random.lock().unwrap_or_else(PoisonError::into_inner).f64();
        let struck = faults.into_iter().find(|(fault, hits)| fault.strikes(kind, name, hits, &mut chance));
        Plan::new(struck.map(|(fault, _)| fault.action().clone()))
    }
}
