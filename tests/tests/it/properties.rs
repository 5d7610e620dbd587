//! Random graphs, random faults, futures dropped anywhere: never a parent without its children, and the next run ends it.

use std::{
    num::NonZeroUsize,
    pin::Pin,
    sync::atomic::{AtomicU32, Ordering},
    task::{Context, Poll},
};

use http::StatusCode;
use oras_content::{Descriptor, ErrorKind, ReadOnlyTarget, Target};
use oras_copy::{CopyError, CopyOptions, NodeRetries, copy};
use oras_memory::MemoryStore;
use oras_registry::{Action, Behaviour, Fault, RequestKind, Server};
use oras_testing::{Graph, GraphGenerator};
use proptest::{
    prelude::{Strategy, any},
    test_runner::{Config, TestRunner},
};

use crate::support::{image, in_time, repository};

/// How many runs there are, unless `PROPTEST_CASES` says it; each has a graph and faults of its own.
const CASES: u32 = 2000;

/// Polls a future so often, and drops it then.
struct DropAfter<F> {
    work: Pin<Box<F>>,
    polls: u32,
}

impl<F: Future> Future for DropAfter<F> {
    type Output = Option<F::Output>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if self.polls == 0 {
            return Poll::Ready(None);
        }
        self.polls -= 1;
        self.work.as_mut().poll(cx).map(Some)
    }
}

/// One run.
#[derive(Clone, Debug)]
struct Case {
    seed: u64,
    /// How many polls the copy is given.
    polls: u32,
    /// Which faults there are, and how often.
    faults: Vec<(u8, u64)>,
    concurrency: usize,
    /// Whether the registry is the destination, the source, or both.
    way: u8,
}

fn cases() -> impl Strategy<Value = Case> {
    let faults = proptest::collection::vec((0..10u8, 0..3000u64), 0..4);
    (any::<u64>(), 1..120u32, faults, 1..6usize, 0..3u8).prop_map(|(seed, polls, faults, concurrency, way)| Case {
        seed,
        polls,
        faults,
        concurrency,
        way,
    })
}

fn fault((kind, bytes): (u8, u64)) -> Fault {
    let refused = |status| Action::Status(status, None);
    let (action, kinds): (_, &[RequestKind]) = match kind {
        0 => (Action::ResetRequest(bytes), &[RequestKind::UploadFinish]),
        1 => (Action::LoseAnswer, &[RequestKind::UploadFinish, RequestKind::ManifestPut]),
        2 => (Action::LoseAnswer, &[RequestKind::UploadStart]),
        3 => (Action::ResetAnswer(bytes), &[RequestKind::BlobGet, RequestKind::ManifestGet]),
        4 => (Action::FlipByte(bytes), &[RequestKind::BlobGet, RequestKind::ManifestGet]),
        5 => (Action::Truncate(bytes), &[RequestKind::BlobGet]),
        6 => (refused(StatusCode::INTERNAL_SERVER_ERROR), &[]),
        7 => (refused(StatusCode::FORBIDDEN), &[RequestKind::ManifestPut, RequestKind::UploadFinish]),
        8 => (Action::Html(StatusCode::BAD_GATEWAY), &[]),
        _ => (refused(StatusCode::NOT_FOUND), &[RequestKind::BlobHead, RequestKind::ManifestHead]),
    };
    let fault = Fault::new(action).with_chance(0.3).times(1 + bytes % 8);
    kinds.iter().fold(fault, |fault, kind| fault.on(*kind))
}

/// Copies `v1`, perhaps in part; says whether it came to an end.
async fn run<S: ReadOnlyTarget, D: Target>(
    case: &Case,
    src: &S,
    dst: &D,
    polls: u32,
) -> Option<Result<Descriptor, CopyError>> {
    let concurrency = NonZeroUsize::new(case.concurrency).unwrap();
    // Repetitions of nodes wait long, so that some runs are enough of them; the client repeats in all.
    let retries = if case.seed.is_multiple_of(4) { NodeRetries::new(1, 2) } else { NodeRetries::none() };
    let options = CopyOptions::new().with_missing_entries(true).with_concurrency(concurrency).with_retries(retries);
    DropAfter { work: Box::pin(copy(src, "v1", dst, "v1", &options)), polls }.await
}

async fn check<S: ReadOnlyTarget, D: Target>(case: &Case, graph: &Graph, server: &Server, src: &S, dst: &D) {
    let old = image(dst, 0, 0, 1).await;
    dst.tag(&old, "v1").await.unwrap();
    let root = src.resolve("v1").await.unwrap();
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.seed = case.seed;
        behaviour.faults = case.faults.iter().copied().map(fault).collect();
    }));
    let first = run(case, src, dst, case.polls).await;
    server.set_behaviour(Behaviour::default());
    graph.assert_closed(dst).await;
    let tagged = dst.resolve("v1").await.unwrap().digest;
    assert!(tagged == old.digest || tagged == root.digest, "{tagged} is neither old nor new");
    if let Some(Ok(_)) = first {
        assert_eq!(tagged, root.digest);
    }
    let second = run(case, src, dst, u32::MAX).await;
    assert_eq!(second.unwrap().unwrap().digest, root.digest);
    assert_eq!(dst.resolve("v1").await.unwrap().digest, root.digest);
    for node in graph.below(&root) {
        assert!(dst.exists(&node.desc).await.unwrap() || node.desc.media_type.is_foreign_layer(), "{node:?}");
    }
    graph.assert_closed(dst).await;
}

/// Fills a target with a graph; one of its roots is `v1`.
async fn fill<T: Target>(target: &T, graph: &Graph) {
    graph.push_into(target).await.unwrap();
    let root = graph.roots().pop().unwrap();
    match target.tag(&root, "v1").await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        tagged => tagged.unwrap(),
    }
}

#[test]
fn a_copy_that_fails_or_is_dropped_leaves_no_parent_without_its_children() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let server = runtime.block_on(async { Server::builder().with_sparse(true).start().await.unwrap() });
    let generator = GraphGenerator::new().with_blobs(6).with_manifests(6);
    let cases_wanted = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let mut runner = TestRunner::new(Config { cases: cases_wanted, failure_persistence: None, ..Config::default() });
    let runs = AtomicU32::new(0);
    let result = runner.run(&cases(), |case| {
        let run = runs.fetch_add(1, Ordering::Relaxed);
        let graph = generator.generate(case.seed);
        let (here, there) = (repository(&server, &format!("here-{run}")), repository(&server, &format!("there-{run}")));
        runtime.block_on(in_time(format!("{case:?}"), async {
            let store = MemoryStore::new();
            match case.way {
                0 => {
                    fill(&store, &graph).await;
                    check(&case, &graph, &server, &store, &there).await;
                }
                1 => {
                    fill(&here, &graph).await;
                    check(&case, &graph, &server, &here, &store).await;
                }
                _ => {
                    fill(&here, &graph).await;
                    check(&case, &graph, &server, &here, &there).await;
                }
            }
        }));
        Ok(())
    });
    result.unwrap();
}
