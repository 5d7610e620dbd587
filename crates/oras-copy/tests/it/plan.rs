//! What a copy would do.

use std::collections::HashSet;

use oras_content::{Descriptor, Resolver as _, Tagger as _};
use oras_copy::{CopyOptions, IndexShape, Plan, PlannedAction, PlannedVerb, copy, plan};
use oras_descriptor::Platform;
use oras_memory::MemoryStore;
use oras_testing::{GraphGenerator, Method, Recording, assert_closed};

use crate::support::{Odd, assert_has_all, closure, has, image, put_index, referrer};

async fn source() -> (MemoryStore, Descriptor, Vec<Descriptor>) {
    let src = MemoryStore::new();
    let images = vec![image(&src, "a").await, image(&src, "b").await];
    let root = put_index(&src, images.clone()).await;
    src.tag(&root, "v1").await.unwrap();
    (src, root, images)
}

fn digests(plan: &Plan, action: PlannedAction) -> HashSet<String> {
    let nodes = plan.nodes.iter().filter(|node| node.action == action);
    nodes.map(|node| node.descriptor.digest.to_string()).collect()
}

#[tokio::test]
async fn a_plan_tells_what_is_there_and_what_would_be_uploaded_and_moves_nothing() {
    let (src, root, images) = source().await;
    let src = Recording::new(src);
    let dst = Recording::new(MemoryStore::new());
    oras_copy::copy_graph(&src, &dst, &images[0], &CopyOptions::new()).await.unwrap();
    let (fetched, pushed) = (src.count(Method::Fetch), dst.count(Method::PushDeferred));

    let plan = plan(&src, "v1", &dst, "new", &CopyOptions::new()).await.unwrap();
    assert_eq!(plan.root, root);
    assert_eq!(plan.reference.as_deref(), Some("new"));
    let all = closure(src.target(), &images[1]).await;
    let uploads: HashSet<_> = all.iter().chain([&root]).map(|node| node.digest.to_string()).collect();
    assert_eq!(digests(&plan, PlannedAction::Upload), uploads);
    assert_eq!(digests(&plan, PlannedAction::Skip), HashSet::from([images[0].digest.to_string()]));
    let bytes: u64 = all.iter().chain([&root]).map(|node| node.size).sum();
    assert_eq!(plan.total(PlannedAction::Upload), (uploads.len(), bytes));
    assert_eq!(src.count(Method::Fetch), fetched + 1, "the manifest of the image that is missing");
    assert_eq!((dst.count(Method::PushDeferred), dst.count(Method::PushReference)), (pushed, 0));
    assert!(plan.to_string().contains(&format!("copy {} as new", root.digest)));
}

#[tokio::test]
async fn a_plan_asks_no_more_than_a_copy_does() {
    let src = MemoryStore::new();
    let mut images = Vec::new();
    for n in 0..200 {
        images.push(image(&src, &n.to_string()).await);
    }
    let root = put_index(&src, images).await;
    src.tag(&root, "v1").await.unwrap();
    let (planned, copied) = (Recording::new(MemoryStore::new()), Recording::new(MemoryStore::new()));
    plan(&src, "v1", &planned, "", &CopyOptions::new()).await.unwrap();
    copy(&src, "v1", &copied, "", &CopyOptions::new()).await.unwrap();
    let asked = |dst: &Recording<MemoryStore>| dst.count(Method::Exists) + dst.count(Method::Resolve);
    assert_eq!(asked(&planned), asked(&copied));
    assert_eq!(asked(&planned), closure(&src, &root).await.len(), "one question for each node");
}

#[tokio::test]
async fn running_a_plan_does_what_it_says_and_asks_nothing() {
    let (src, root, images) = source().await;
    let dst = Recording::new(MemoryStore::new());
    oras_copy::copy_graph(&src, &dst, &images[0], &CopyOptions::new()).await.unwrap();
    let plan = plan(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    #[expect(clippy::disallowed_methods, reason = "not content")]
    let text = serde_json::to_string(&plan).unwrap();
    let plan: Plan = serde_json::from_str(&text).unwrap();
    let before = dst.calls().len();
    assert_eq!(plan.run(&src, &dst, &CopyOptions::new()).await.unwrap(), root);
    assert_eq!(dst.target().resolve("v1").await.unwrap(), root);
    assert_closed(dst.target(), &[root]).await;
    let calls = &dst.calls()[before..];
    let pushed: HashSet<_> =
        calls.iter().filter(|call| call.method == Method::PushDeferred).map(|call| call.subject.clone()).collect();
    let mut expected = digests(&plan, PlannedAction::Upload);
    expected.remove(plan.root.digest.as_str());
    assert_eq!(pushed, expected);
    assert!(!calls.iter().any(|call| matches!(call.method, Method::Exists | Method::Resolve)));
}

#[tokio::test]
async fn a_plan_of_a_rewritten_index_carries_the_index() {
    let src = MemoryStore::new();
    let entry = |desc: Descriptor, architecture: &str| desc.with_platform(Platform::new("linux", architecture));
    let (a, b) = (entry(image(&src, "a").await, "amd64"), entry(image(&src, "b").await, "arm64"));
    let root = put_index(&src, vec![a.clone(), b.clone()]).await;
    src.tag(&root, "v1").await.unwrap();
    let options = CopyOptions::new().with_platforms([Platform::new("linux", "arm64")], IndexShape::Rewritten);
    let plan = plan(&src, "v1", &MemoryStore::new(), "", &options).await.unwrap();
    let dst = MemoryStore::new();
    let copied = plan.run(&src, &dst, &CopyOptions::new()).await.unwrap();
    assert_ne!(copied.digest, root.digest);
    assert!(has(&dst, &b).await && !has(&dst, &a).await);
    assert_closed(&dst, std::slice::from_ref(&copied)).await;
    assert_eq!(dst.resolve("v1").await.unwrap().digest, copied.digest);
}

#[tokio::test]
async fn planning_and_running_go_on_on_another_task() {
    let (src, root, _) = source().await;
    let dst = MemoryStore::new();
    #[expect(clippy::disallowed_methods, reason = "the future must be able to move to another thread")]
    let run = tokio::spawn(async move {
        let plan = plan(&src, "v1", &dst, "", &CopyOptions::new()).await?;
        plan.run(&src, &dst, &CopyOptions::new()).await
    });
    assert_eq!(run.await.unwrap().unwrap(), root);
}

#[tokio::test]
async fn a_plan_names_what_is_done_where() {
    let src = Odd::at("registry.example", "from");
    let subject = image(&src, "a").await;
    let sbom = referrer(&src, &subject, "t/sbom").await;
    src.tag(&sbom, "v1").await.unwrap();
    let verbs = async |dst: &Odd| {
        let plan = plan(&src, "v1", dst, "", &CopyOptions::new()).await.unwrap();
        let accesses = plan.accesses.iter().map(|access| (access.repository.clone(), access.verbs.clone()));
        (accesses.collect::<Vec<_>>(), plan.total(PlannedAction::Mount).0)
    };
    use PlannedVerb::{Delete, Mount, Read, Write};
    let (near, mounts) = verbs(&Odd::at("registry.example", "to")).await;
    let expected = [("from".to_owned(), vec![Read, Mount]), ("to".to_owned(), vec![Read, Write, Delete])];
    assert_eq!((near.as_slice(), mounts), (expected.as_slice(), 5));
    let (far, mounts) = verbs(&Odd::at("other.example", "to")).await;
    assert_eq!((far[0].1.as_slice(), far[1].1.as_slice()), ([Read, Write, Delete].as_slice(), [Read].as_slice()));
    assert_eq!(mounts, 0);
}

#[tokio::test]
async fn plans_of_random_graphs_run_to_the_same_end_as_copies() {
    for seed in 0..50 {
        let graph = GraphGenerator::new().generate(seed);
        let src = MemoryStore::new();
        graph.push_into(&src).await.unwrap();
        let options = CopyOptions::new().with_missing_entries(true);
        for root in graph.roots() {
            src.tag(&root, "v1").await.unwrap();
            let dst = MemoryStore::new();
            let plan = plan(&src, "v1", &dst, "", &options).await.unwrap();
            plan.run(&src, &dst, &CopyOptions::new()).await.unwrap();
            let nodes: Vec<_> = graph.below(&root).into_iter().map(|node| node.desc).collect();
            assert_has_all(&dst, &nodes).await;
            assert_eq!(dst.resolve("v1").await.unwrap(), root);
        }
    }
}
