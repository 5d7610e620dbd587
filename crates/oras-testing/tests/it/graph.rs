use std::collections::HashSet;

use oras_content::{Blob, Descriptor, Digest, MediaType, Pusher as _};
use oras_descriptor::{Manifest, canonical};
use oras_memory::MemoryStore;
use oras_testing::{Graph, GraphGenerator, Node, assert_closed};

#[test]
fn the_same_seed_makes_the_same_graph() {
    let generator = GraphGenerator::new();
    assert_eq!(generator.generate(1), generator.generate(1));
    assert_ne!(generator.generate(1), generator.generate(2));
}

#[test]
fn children_stand_before_parents_and_everything_is_what_it_says() {
    for seed in 0..300 {
        let graph = GraphGenerator::new().generate(seed);
        let mut before: Vec<Descriptor> = graph.absent().to_vec();
        for node in graph.nodes() {
            assert_eq!(node.desc.digest, Digest::of(&node.bytes));
            for child in node.successors() {
                assert!(before.iter().any(|desc| desc.same_content(&child)), "seed {seed}");
            }
            before.push(node.desc.clone());
        }
    }
}

fn any(of: impl Fn(&Graph) -> bool) -> bool {
    (0..100).any(|seed| of(&GraphGenerator::new().generate(seed)))
}

#[test]
fn graphs_have_all_that_makes_copying_hard() {
    let is_child = |graph: &Graph, test: &dyn Fn(&Node, &Descriptor) -> bool| {
        graph.nodes().iter().any(|node| node.successors().any(|child| test(node, &child)))
    };
    assert!(
        any(|graph| is_child(graph, &|node, child| node.desc.media_type.is_index() && child.media_type.is_index()))
    );
    assert!(any(|graph| is_child(graph, &|_, child| child.media_type.is_foreign_layer())));
    assert!(any(|graph| graph.absent().iter().any(|desc| desc.media_type.is_manifest())));
    assert!(any(|graph| {
        let digests: HashSet<_> = graph.nodes().iter().map(|node| &node.desc.digest).collect();
        digests.len() < graph.nodes().len()
    }));
    assert!(any(|graph| {
        let subject = |node: &Node| oras_descriptor::links(&node.desc.media_type, &node.bytes).unwrap().subject;
        graph.nodes().iter().any(|node| subject(node).is_some())
    }));
    assert!(any(|graph| {
        let parents = |blob: &Node| {
            graph.nodes().iter().filter(|node| node.successors().any(|child| child.digest == blob.desc.digest)).count()
        };
        graph.nodes().iter().any(|node| !node.desc.media_type.is_manifest() && parents(node) > 1)
    }));
}

#[test]
fn what_is_switched_off_does_not_appear() {
    let generator = GraphGenerator::new()
        .with_indexes(false)
        .with_subjects(false)
        .with_foreign_layers(false)
        .with_sparse_indexes(false);
    for seed in 0..100 {
        let graph = generator.generate(seed);
        assert!(graph.absent().is_empty());
        assert!(graph.manifests().all(|desc| !desc.media_type.is_index()));
        assert!(graph.nodes().iter().flat_map(Node::successors).all(|child| !child.media_type.is_index()));
    }
}

#[tokio::test]
async fn the_roots_reach_everything_that_matters() {
    for seed in 0..100 {
        let graph = GraphGenerator::new().generate(seed);
        let reached: HashSet<_> =
            graph.roots().iter().flat_map(|root| graph.below(root)).map(|node| node.desc.digest).collect();
        assert!(graph.manifests().all(|desc| reached.contains(&desc.digest)), "seed {seed}");
        let store = MemoryStore::new();
        graph.push_into(&store).await.unwrap();
        graph.assert_closed(&store).await;
    }
}

async fn parent_without_child() -> (MemoryStore, Descriptor) {
    let store = MemoryStore::new();
    let bytes = canonical(&Manifest::new(Descriptor::of("a/b", b"config"), Vec::new()));
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    store.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    (store, desc)
}

#[tokio::test]
#[should_panic(expected = "1 children are missing")]
async fn a_parent_without_its_child_is_found() {
    let (store, desc) = parent_without_child().await;
    assert_closed(&store, &[desc]).await;
}

#[tokio::test]
async fn a_root_that_is_not_there_misses_nothing() {
    assert_closed(&MemoryStore::new(), &[Descriptor::of(MediaType::OCI_MANIFEST, b"absent")]).await;
}

#[cfg(feature = "proptest")]
proptest::proptest! {
    #[test]
    fn the_strategy_keeps_to_its_sizes(graph in GraphGenerator::new().with_manifests(5).strategy()) {
        proptest::prop_assert!((1..=5).contains(&graph.manifests().count()));
    }
}
