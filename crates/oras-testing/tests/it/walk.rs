//! A walk over any target: in one task, `Send`, without `'static`, and gone when it is dropped.

use std::{
    collections::{BTreeSet, HashMap},
    pin::pin,
    sync::{Arc, Mutex},
};

use futures_util::future::{Either, join_all, select, try_join_all};
use oras_content::{
    AnyTarget, Blob, BoxFuture, Descriptor, Digest, Error, Fetcher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Result,
    Tagger as _, successors,
};
use oras_memory::MemoryStore;
use oras_testing::{FaultySource, Graph, GraphGenerator, Node};

/// Reads everything below a reference, siblings at once, children before parents.
async fn walk<T: ReadOnlyTarget>(target: &T, reference: &str) -> Result<BTreeSet<Digest>> {
    let root = target.resolve(reference).await?;
    let seen = Mutex::default();
    visit(target, root, &seen).await?;
    Ok(seen.into_inner().unwrap())
}

fn visit<'a, T: ReadOnlyTarget>(
    target: &'a T,
    desc: Descriptor,
    seen: &'a Mutex<BTreeSet<Digest>>,
) -> BoxFuture<'a, Result<()>> {
    Box::pin(async move {
        let children = successors(target, &desc).await?;
        try_join_all(children.into_iter().map(|child| visit(target, child, seen))).await?;
        target.fetch(&desc).await?.verify(&desc).bytes(u64::MAX).await?;
        seen.lock().unwrap().insert(desc.digest);
        Ok(())
    })
}

fn sent<F: Future + Send>(future: F) -> F {
    future
}

/// A graph, and a root of it with much below.
fn graph() -> (Graph, Descriptor) {
    let generator = GraphGenerator::new().with_foreign_layers(false).with_sparse_indexes(false);
    let with_root = |graph: Graph| {
        let root = graph.roots().into_iter().find(|root| graph.below(root).len() > 8)?;
        Some((graph, root))
    };
    (0..).map(|seed| generator.generate(seed)).find_map(with_root).unwrap()
}

#[tokio::test]
async fn a_walk_is_send_and_needs_no_static_over_any_target() {
    let (graph, root) = graph();
    let store = MemoryStore::new();
    graph.push_into(&store).await.unwrap();
    store.tag(&root, "root").await.unwrap();
    let expected: BTreeSet<_> = graph.below(&root).into_iter().map(|node| node.desc.digest).collect();

    // Neither the store nor the reference outlives this function.
    let reference = String::from("root");
    assert_eq!(sent(walk(&store, &reference)).await.unwrap(), expected);
    assert_eq!(sent(walk(&&store, &reference)).await.unwrap(), expected);
    assert_eq!(sent(walk(&Arc::new(&store), &reference)).await.unwrap(), expected);
    let any = AnyTarget::with_graph(store);
    assert_eq!(sent(walk(&any, &reference)).await.unwrap(), expected);
    assert_eq!(sent(walk(&any.clone().into_read_only(), &reference)).await.unwrap(), expected);
    let mut elsewhere = tokio::task::JoinSet::new();
    elsewhere.spawn(async move { walk(&any, "root").await });
    assert_eq!(elsewhere.join_next().await.unwrap().unwrap().unwrap(), expected);
}

/// Gives manifests whole, and lets each blob stand still after its first bytes.
struct Standing {
    root: Descriptor,
    manifests: MemoryStore,
    blobs: HashMap<Digest, FaultySource>,
}

impl Standing {
    async fn new(graph: &Graph, root: Descriptor) -> Self {
        let manifests = MemoryStore::new();
        graph.push_into(&manifests).await.unwrap();
        let is_blob = |node: &&Node| !node.desc.media_type.is_manifest();
        let stalled = |node: &Node| FaultySource::builder(node.bytes.clone()).stall_at(node.desc.size / 2).build();
        let blobs = graph.nodes().iter().filter(is_blob).map(|node| (node.desc.digest.clone(), stalled(node)));
        Self { root, manifests, blobs: blobs.collect() }
    }

    fn opened(&self) -> usize {
        self.blobs.values().map(|source| source.opens().len()).sum()
    }

    fn standing(&self) -> usize {
        self.blobs.values().map(FaultySource::open_streams).sum()
    }
}

impl Fetcher for Standing {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        match self.blobs.get(&desc.digest).filter(|_| !desc.media_type.is_manifest()) {
            Some(source) => Ok(source.blob(desc)),
            None => self.manifests.fetch(desc).await,
        }
    }
}

impl ReadOnlyStorage for Standing {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.manifests.exists(desc).await
    }
}

impl Resolver for Standing {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        if reference == "root" { Ok(self.root.clone()) } else { Err(Error::not_found(&self.root)) }
    }
}

impl ReadOnlyTarget for Standing {}

#[tokio::test]
async fn dropping_a_walk_stops_all_work() {
    let (graph, root) = graph();
    let below = graph.below(&root);
    let store = Arc::new(Standing::new(&graph, root).await);
    let first: Vec<_> = below.iter().filter_map(|node| store.blobs.get(&node.desc.digest)).collect();
    let tasks = || tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let before = tasks();
    {
        let walk = pin!(walk(&store, "root"));
        let one_stands = pin!(futures_util::future::select_all(first.iter().map(|source| Box::pin(source.stalled()))));
        assert!(matches!(select(walk, one_stands).await, Either::Right(_)), "blobs stand still");
        assert!(store.standing() > 1, "siblings are read at once");
        assert_eq!(tasks(), before, "nothing is spawned");
    }
    assert_eq!(store.standing(), 0);
    let opened = store.opened();
    join_all((0..10).map(|_| tokio::task::yield_now())).await;
    assert_eq!((store.opened(), tasks()), (opened, before));
}
