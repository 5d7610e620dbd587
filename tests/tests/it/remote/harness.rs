//! A registry in this process, and a client that does not wait long.

use std::{num::NonZeroU32, time::Duration};

use bytes::Bytes;
use oras_content::{Blob, Descriptor, Fetcher as _, MediaType, Pusher as _, Target as _};
use oras_descriptor::{Manifest, canonical};
use oras_registry::{Behaviour, Builder, RequestKind, Server};
use oras_remote::{Registry, RegistryOptions, Repository};
use oras_transport::{HttpClient, RetryPolicy};

/// A registry with a behaviour, and a repository on it.
pub(crate) struct Lab {
    pub(crate) server: Server,
    pub(crate) registry: Registry,
    pub(crate) repo: Repository,
}

pub(crate) fn options() -> RegistryOptions {
    let policy =
        RetryPolicy::new().with_max_retries(12).with_backoff(Duration::from_millis(1), Duration::from_millis(5));
    let transport = HttpClient::builder().without_proxies().with_retry(policy).build();
    RegistryOptions::new().with_plain_http(true).with_transport(transport)
}

impl Lab {
    pub(crate) async fn new(change: impl FnOnce(&mut Behaviour)) -> Self {
        Self::with(change, options(), |builder| builder).await
    }

    pub(crate) async fn with(
        change: impl FnOnce(&mut Behaviour),
        options: RegistryOptions,
        build: impl FnOnce(Builder) -> Builder,
    ) -> Self {
        let builder = Server::builder().with_behaviour(Behaviour::with(change)).with_recorded_requests(1000);
        let server = build(builder).start().await.unwrap();
        let registry = Registry::new(&server.host(), options).unwrap();
        let repo = registry.repository("acme/rocket").unwrap();
        Self { server, registry, repo }
    }

    /// The requests of a kind so far.
    pub(crate) fn count(&self, kind: RequestKind) -> u64 {
        self.server.counters().requests(kind)
    }

    /// The targets of the requests of a kind, oldest first.
    pub(crate) fn targets(&self, kind: RequestKind) -> Vec<String> {
        let requests = self.server.requests();
        requests.into_iter().filter(|request| request.kind == kind).map(|request| request.target).collect()
    }
}

/// The largest resident set of this process so far, in bytes, where the system tells.
pub(crate) fn peak_rss() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().trim_end_matches(" kB").parse::<u64>().ok()? * 1024)
}

/// Content that does not repeat soon.
pub(crate) fn bytes(len: usize) -> Bytes {
    let mut state = 1u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..len).map(|_| next()).collect()
}

pub(crate) fn blob_of(len: usize) -> (Descriptor, Bytes) {
    let bytes = bytes(len);
    (Descriptor::of(MediaType::OCTET_STREAM, &bytes), bytes)
}

pub(crate) async fn is_there(lab: &Lab, desc: &Descriptor, bytes: &Bytes) {
    assert_eq!(lab.repo.fetch(desc).await.unwrap().bytes(u64::MAX).await.unwrap(), *bytes);
}

/// Pushes a manifest without layers, after `change`.
pub(crate) async fn push_manifest(
    repo: &Repository,
    tag: &str,
    change: impl FnOnce(Manifest) -> Manifest,
) -> (Descriptor, Bytes) {
    let (desc, bytes) = manifest(change);
    push_empty(repo).await;
    repo.push_reference(&desc, Blob::from_bytes(bytes.clone()), tag).await.unwrap();
    (desc, bytes)
}

/// A manifest without layers, after `change`.
pub(crate) fn manifest(change: impl FnOnce(Manifest) -> Manifest) -> (Descriptor, Bytes) {
    let empty = Descriptor::empty().plain();
    let manifest = change(Manifest::new(empty, Vec::new()).with_artifact_type("application/vnd.acme.rocket"));
    let bytes = canonical(&manifest);
    (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes)
}

/// The configuration of every manifest here.
pub(crate) async fn push_empty(repo: &Repository) {
    match repo.push(&Descriptor::empty(), Blob::from_bytes("{}".into())).await {
        Err(error) if error.kind() == oras_content::ErrorKind::AlreadyExists => {}
        pushed => pushed.unwrap(),
    }
}

pub(crate) fn page_of(entries: u32) -> NonZeroU32 {
    NonZeroU32::new(entries).unwrap()
}
