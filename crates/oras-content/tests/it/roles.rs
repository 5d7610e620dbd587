use std::sync::Arc;

use oras_content::{
    AnyReadOnlyTarget, AnyTarget, Blob, Deleter, Descriptor, ErrorKind, Fetcher, GraphTarget, LimitedStorage, Location,
    MediaType, PredecessorFinder as _, Pusher, ReadOnlyGraphTarget, ReadOnlyStorage as _, Storage, TagLister, Target,
    Untagger,
};
use oras_descriptor::Algorithm;
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};

fn desc() -> Descriptor {
    Descriptor::of("text/plain", b"hello")
}

fn blob() -> Blob {
    Blob::from_bytes("hello".into())
}

const STORING: [Method; 10] = [
    Method::Fetch,
    Method::Location,
    Method::Exists,
    Method::Push,
    Method::PushDeferred,
    Method::Flush,
    Method::Ingest,
    Method::Mount,
    Method::PresumesAbsent,
    Method::MaxConcurrency,
];
const NAMING: [Method; 4] = [Method::Resolve, Method::Tag, Method::FetchReference, Method::PushReference];
const REST: [Method; 5] = [Method::Predecessors, Method::Referrers, Method::Tags, Method::Untag, Method::Delete];

/// Calls each method of a storage; whether a call succeeds does not matter.
async fn store(target: &impl Storage) {
    let _ = target.fetch(&desc()).await;
    let _ = target.location();
    let _ = target.exists(&desc()).await;
    let _ = target.push(&desc(), blob()).await;
    let _ = target.push_deferred(&desc(), blob()).await;
    let _ = target.flush().await;
    let _ = target.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, blob()).await;
    let _ = target.mount(&desc(), &[Location::new("a", "b")], blob()).await;
    let _ = target.presumes_absent(&desc());
    let _ = target.max_concurrency();
}

async fn name(target: &impl Target) {
    let _ = target.resolve("v1").await;
    let _ = target.tag(&desc(), "v1").await;
    let _ = target.fetch_reference("v1").await;
    let _ = target.push_reference(&desc(), blob(), "v1").await;
}

async fn rest(target: &(impl GraphTarget + TagLister + Untagger + Deleter)) {
    let _ = target.predecessors(&desc()).await;
    let _ = target.referrers(&desc(), None).await;
    let _ = target.tags(None);
    let _ = target.untag("v1").await;
    let _ = target.delete(&desc()).await;
}

async fn everything(target: &(impl GraphTarget + TagLister + Untagger + Deleter)) {
    store(target).await;
    name(target).await;
    rest(target).await;
}

fn recorded() -> Arc<Recording<MemoryStore>> {
    Arc::new(Recording::new(MemoryStore::new()))
}

fn methods(recording: &Recording<MemoryStore>) -> Vec<Method> {
    recording.calls().into_iter().map(|call| call.method).collect()
}

fn all() -> Vec<Method> {
    STORING.into_iter().chain(NAMING).chain(REST).collect()
}

#[tokio::test]
async fn the_same_code_runs_over_a_store_a_reference_a_shared_pointer_and_any_target() {
    let recording = recorded();
    everything(&*recording).await;
    assert_eq!(methods(&recording), all(), "the store itself");

    let recording = recorded();
    everything(&&*recording).await;
    assert_eq!(methods(&recording), all(), "a reference");

    let recording = recorded();
    everything(&recording).await;
    assert_eq!(methods(&recording), all(), "a shared pointer");

    let recording = recorded();
    everything(&AnyTarget::with_graph(Arc::clone(&recording))).await;
    assert_eq!(methods(&recording), all(), "any target");

    let recording = recorded();
    everything(&Arc::new(&AnyTarget::with_graph(Arc::clone(&recording)))).await;
    assert_eq!(methods(&recording), all(), "all of them");
}

#[tokio::test]
async fn any_target_without_a_graph_forwards_the_roles_of_a_target_alone() {
    let recording = recorded();
    let target = AnyTarget::new(Arc::clone(&recording));
    everything(&target).await;
    let expected: Vec<_> = STORING.into_iter().chain(NAMING).collect();
    assert_eq!(methods(&recording), expected);
    let errors = [
        target.predecessors(&desc()).await.unwrap_err(),
        target.referrers(&desc(), None).await.unwrap_err(),
        target.untag("v1").await.unwrap_err(),
        target.delete(&desc()).await.unwrap_err(),
    ];
    assert!(errors.iter().all(|error| error.kind() == ErrorKind::Unsupported));
}

async fn read(target: &(impl ReadOnlyGraphTarget + TagLister)) {
    let _ = target.fetch(&desc()).await;
    let _ = target.location();
    let _ = target.exists(&desc()).await;
    let _ = target.resolve("v1").await;
    let _ = target.fetch_reference("v1").await;
    let _ = target.predecessors(&desc()).await;
    let _ = target.referrers(&desc(), None).await;
    let _ = target.tags(None);
}

#[tokio::test]
async fn any_read_only_target_forwards_all_that_reads() {
    let recording = recorded();
    let expected: Vec<_> = {
        read(&*recording).await;
        methods(&recording)
    };
    assert_eq!(expected.len(), 8);
    for target in [AnyReadOnlyTarget::with_graph, |target| AnyTarget::with_graph(target).into_read_only()] {
        let recording = recorded();
        read(&target(Arc::clone(&recording))).await;
        assert_eq!(methods(&recording), expected);
    }
    let recording = recorded();
    read(&AnyReadOnlyTarget::new(Arc::clone(&recording))).await;
    assert_eq!(methods(&recording), expected[..5]);
}

#[tokio::test]
async fn a_limited_storage_forwards_the_roles_of_a_storage() {
    let recording = recorded();
    store(&LimitedStorage::new(Arc::clone(&recording), 5)).await;
    assert_eq!(methods(&recording), STORING);
}

/// A store with nothing but what it must have.
struct Minimal(MemoryStore);

impl Fetcher for Minimal {
    async fn fetch(&self, desc: &Descriptor) -> oras_content::Result<Blob> {
        self.0.fetch(desc).await
    }
}

impl Pusher for Minimal {
    async fn push(&self, desc: &Descriptor, content: Blob) -> oras_content::Result<()> {
        self.0.push(desc, content).await
    }
}

#[tokio::test]
async fn what_a_store_leaves_out_has_its_documented_default() {
    let store = Minimal(MemoryStore::new());
    assert_eq!((store.location(), store.max_concurrency()), (None, None));
    assert!(!store.presumes_absent(&desc()));
    store.push_deferred(&desc(), blob()).await.unwrap();
    assert!(store.0.exists(&desc()).await.unwrap());
    store.flush().await.unwrap();
    let mounted = store.mount(&desc(), &[Location::new("a", "b")], blob()).await.unwrap_err();
    assert_eq!(mounted.kind(), ErrorKind::AlreadyExists, "a mount falls back to a push");
    let ingested = store.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, blob()).await.unwrap_err();
    assert_eq!(ingested.kind(), ErrorKind::Unsupported);
}
