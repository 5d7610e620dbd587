//! Random graphs, random faults, and a drop at a random moment.

use std::{
    collections::HashMap,
    pin::pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll, Waker},
};

use oras_content::{
    Blob, Descriptor, Error, ErrorKind, Fetcher, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Result, Tagger,
    Target, fetch_links,
};
use oras_copy::{CopyOptions, CopyOrigin, NodeRetries, copy};
use oras_memory::MemoryStore;
use oras_testing::{FaultySource, Graph, GraphGenerator, Method, Recording, assert_closed};
use proptest::prelude::*;

use crate::support::{count, has};

/// How many cases run, unless `PROPTEST_CASES` says it.
const CASES: u32 = 2000;

fn config() -> ProptestConfig {
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() }
}

/// Waits, and fails, as a random sequence says.
struct Chaos {
    store: MemoryStore,
    state: AtomicU32,
    /// One call in so many fails; none with 0.
    failures: u32,
    /// What may be missing below a manifest that is pushed; with nothing here nobody looks.
    absent: Option<Vec<Descriptor>>,
}

impl Chaos {
    fn new(store: MemoryStore, seed: u32, failures: u32) -> Self {
        Self { store, state: AtomicU32::new(seed | 1), failures, absent: None }
    }

    /// Asserts at each push of a manifest that what it points to is there.
    fn looking_at(self, absent: &[Descriptor]) -> Self {
        Self { absent: Some(absent.to_vec()), ..self }
    }

    async fn look_below(&self, desc: &Descriptor) {
        let Some(absent) = &self.absent else { return };
        for child in fetch_links(&self.store, desc).await.unwrap().successors() {
            let may_miss = absent.iter().any(|absent| absent.same_content(&child));
            assert!(may_miss || has(&self.store, &child).await, "{} came before {}", desc.digest, child.digest);
        }
    }

    fn random(&self) -> u32 {
        // Xorshift: no randomness but the seed's.
        let next = |mut x: u32| {
            x ^= x << 13;
            x ^= x >> 17;
            x ^ (x << 5)
        };
        let old = self.state.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |x| Some(next(x))).unwrap();
        next(old)
    }

    async fn pass(&self) -> Result<()> {
        for _ in 0..self.random() % 3 {
            tokio::task::yield_now().await;
        }
        if self.failures == 0 || !self.random().is_multiple_of(self.failures) {
            return Ok(());
        }
        let retryable = self.random().is_multiple_of(2);
        Err(Error::new(ErrorKind::Io, "connection reset").with_retryable(retryable))
    }
}

impl Fetcher for Chaos {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.pass().await?;
        let blob = self.store.fetch(desc).await?;
        if self.failures == 0 || !self.random().is_multiple_of(self.failures) {
            return Ok(blob);
        }
        // Short, wrong or broken content, which does not check itself.
        let bytes = blob.bytes(desc.size).await?;
        let source = FaultySource::builder(bytes);
        let source = match self.random() % 3 {
            0 => source.end_at(desc.size / 2),
            1 => source.flip(desc.size / 2, 1),
            _ => source.reset_at(desc.size / 2),
        };
        Ok(Blob::from_stream(None, source.build().stream()))
    }
}

impl ReadOnlyStorage for Chaos {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.pass().await?;
        self.store.exists(desc).await
    }
}

impl Pusher for Chaos {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.pass().await?;
        self.store.push(desc, content).await?;
        self.look_below(desc).await;
        // It is there, and yet the answer gets lost.
        self.pass().await
    }
}

impl Resolver for Chaos {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.pass().await?;
        self.store.resolve(reference).await
    }
}

impl Tagger for Chaos {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.pass().await?;
        self.store.tag(desc, reference).await
    }
}

impl ReadOnlyTarget for Chaos {}

impl Target for Chaos {}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(work)
}

/// Polls so many times, and then drops.
async fn polled<T>(work: impl Future<Output = T>, polls: usize) -> Option<T> {
    let mut work = pin!(work);
    for _ in 0..polls {
        let mut cx = Context::from_waker(Waker::noop());
        if let Poll::Ready(done) = work.as_mut().poll(&mut cx) {
            return Some(done);
        }
        // Lets paused time go on, for those who wait to try again.
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    None
}

fn options(concurrency: usize) -> CopyOptions {
    CopyOptions::new()
        .with_missing_entries(true)
        .with_concurrency(count(concurrency))
        .with_retries(NodeRetries::new(1, 4))
}

/// One run with faults and a drop.
#[derive(Clone, Debug)]
struct Case {
    seed: u32,
    /// One call in so many fails; none with 0.
    failures: u32,
    /// How many polls the copy is given.
    polls: usize,
    concurrency: usize,
    /// Whether an index may have entries that the source does not have.
    missing_entries: bool,
}

fn cases() -> impl Strategy<Value = Case> {
    let failures = prop_oneof![Just(0_u32), 4_u32..40];
    let polls = prop_oneof![0_usize..200, Just(1_000_000)];
    let case = (any::<u32>(), failures, polls, 1_usize..5, prop::bool::weighted(0.7));
    case.prop_map(|(seed, failures, polls, concurrency, missing_entries)| Case {
        seed,
        failures,
        polls,
        concurrency,
        missing_entries,
    })
}

/// The entries of indexes below `root` that the source does not have.
fn gone(graph: &Graph, root: &Descriptor) -> Vec<Descriptor> {
    let links = graph.below(root).into_iter().flat_map(|node| node.successors().collect::<Vec<_>>());
    let is_gone = |desc: &Descriptor| graph.absent().iter().any(|absent| absent.same_content(desc));
    links.filter(|desc| is_gone(desc) && !desc.media_type.is_foreign_layer()).collect()
}

/// Asserts that no manifest is there without what it points to; what the source lacks may be missing where that is
/// allowed.
async fn assert_whole(graph: &Graph, dst: &MemoryStore, missing_entries: bool) {
    if missing_entries {
        return graph.assert_closed(dst).await;
    }
    let manifests: Vec<_> = graph.manifests().cloned().collect();
    assert_closed(dst, &manifests).await;
}

async fn assert_complete(graph: &Graph, root: &Descriptor, dst: &MemoryStore) {
    for node in graph.below(root) {
        assert!(has(dst, &node.desc).await, "{} is missing", node.desc.digest);
    }
    assert_eq!(dst.resolve("v1").await.unwrap().digest, root.digest);
}

/// Copies with faults and a drop, looks at what is left, and copies again.
async fn cut_off(graph: &Graph, case: &Case) {
    let src = MemoryStore::new();
    graph.push_into(&src).await.unwrap();
    let roots = graph.roots();
    let root = &roots[case.seed as usize % roots.len()];
    src.tag(root, "v1").await.unwrap();
    let dst = MemoryStore::new();
    let old = crate::support::image(&dst, "old").await;
    dst.tag(&old, "v1").await.unwrap();

    let from = Chaos::new(src.clone(), case.seed, case.failures);
    let to = Chaos::new(dst.clone(), !case.seed, case.failures).looking_at(graph.absent());
    let options = options(case.concurrency).with_missing_entries(case.missing_entries);
    let done = polled(copy(&from, "v1", &to, "", &options), case.polls).await;
    assert_whole(graph, &dst, case.missing_entries).await;
    let tagged = dst.resolve("v1").await.unwrap();
    assert!([&old.digest, &root.digest].contains(&&tagged.digest), "the tag is old or new");
    if let Some(Ok(copied)) = done {
        assert_eq!(copied.digest, tagged.digest);
    }
    let again = copy(&src, "v1", &dst, "", &options).await;
    assert_whole(graph, &dst, case.missing_entries).await;
    let gone = gone(graph, root);
    if case.missing_entries || gone.is_empty() {
        again.unwrap();
        return assert_complete(graph, root, &dst).await;
    }
    let error = again.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::NotFound, CopyOrigin::Source));
    assert!(gone.iter().any(|desc| Some(&desc.digest) == error.descriptor().map(|desc| &desc.digest)), "{error}");
    assert_eq!(dst.resolve("v1").await.unwrap().digest, old.digest);
}

/// Without faults, each node is fetched and pushed at most once, and asked for once.
async fn count_calls(graph: &Graph, concurrency: usize) {
    let src = Recording::new(MemoryStore::new());
    graph.push_into(src.target()).await.unwrap();
    for root in graph.roots() {
        src.target().tag(&root, "v1").await.unwrap();
        let from = Recording::new(Chaos::new(src.target().clone(), 7, 0));
        let to = Recording::new(Chaos::new(MemoryStore::new(), 9, 0).looking_at(graph.absent()));
        copy(&from, "v1", &to, "", &options(concurrency)).await.unwrap();
        assert_complete(graph, &root, &to.target().store).await;
        // The same bytes under two media types are two nodes.
        let mut types: HashMap<String, usize> = HashMap::new();
        let nodes = graph.below(&root);
        for node in nodes.iter().map(|node| &node.desc).chain(graph.absent()) {
            *types.entry(node.digest.to_string()).or_default() += 1;
        }
        for (recording, method) in
            [(&from, Method::Fetch), (&to, Method::PushDeferred), (&to, Method::Exists), (&to, Method::PushReference)]
        {
            for (digest, nodes) in &types {
                assert!(recording.count_of(method, digest) <= *nodes, "{method:?} of {digest}");
            }
        }
        let requests = from.calls().len() + to.calls().len();
        assert!(requests <= 4 * (nodes.len() + graph.absent().len()) + 12, "{requests} for {} nodes", nodes.len());
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_fault_and_no_drop_leaves_a_parent_without_its_children(
        graph in GraphGenerator::new().with_blob_size(200).strategy(),
        case in cases(),
    ) {
        run(cut_off(&graph, &case));
    }

    #[test]
    fn without_faults_each_node_moves_once(
        graph in GraphGenerator::new().with_blob_size(200).strategy(),
        concurrency in 1_usize..5,
    ) {
        run(count_calls(&graph, concurrency));
    }
}
