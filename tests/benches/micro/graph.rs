//! What stores remember of their content.

use divan::{Bencher, black_box};
use oras_descriptor::{Descriptor, Links};
use oras_memory::{PredecessorGraph, TagIndex};

const NODES: usize = 10_000;

fn node(number: usize) -> Descriptor {
    Descriptor::of("application/vnd.oci.image.manifest.v1+json", number.to_string().as_bytes())
}

fn nodes() -> Vec<Descriptor> {
    (0..NODES).map(node).collect()
}

/// All nodes refer to one subject, and have a layer that they share with nobody.
fn links(subject: &Descriptor, number: usize) -> Links {
    let mut links = Links::default();
    links.subject = Some(subject.clone());
    links.children.push(node(NODES + number));
    links
}

fn graph() -> PredecessorGraph {
    let subject = node(0);
    let mut graph = PredecessorGraph::new();
    for (number, desc) in nodes().iter().enumerate().skip(1) {
        graph.insert(desc, links(&subject, number));
    }
    graph
}

#[divan::bench]
fn build_graph(bencher: Bencher<'_, '_>) {
    let (subject, nodes) = (node(0), nodes());
    bencher.counter(divan::counter::ItemsCount::new(NODES)).bench_local(|| {
        let mut graph = PredecessorGraph::new();
        for (number, desc) in nodes.iter().enumerate().skip(1) {
            graph.insert(desc, links(&subject, number));
        }
        graph
    });
}

#[divan::bench]
fn list_referrers(bencher: Bencher<'_, '_>) {
    let (subject, graph) = (node(0), graph());
    bencher.bench_local(|| {
        let count = graph.referrers(black_box(&subject.digest), None).count();
        assert_eq!(count, NODES - 1);
    });
}

#[divan::bench]
fn replace_node(bencher: Bencher<'_, '_>) {
    let (subject, mut graph) = (node(0), graph());
    let desc = node(NODES / 2);
    bencher.bench_local(|| graph.insert(&desc, links(&subject, NODES / 2)));
}

#[divan::bench]
fn build_tags(bencher: Bencher<'_, '_>) {
    let nodes = nodes();
    bencher.counter(divan::counter::ItemsCount::new(NODES)).bench_local(|| {
        let mut tags = TagIndex::new();
        for (number, desc) in nodes.iter().enumerate() {
            tags.insert(format!("v{number}"), desc.clone());
        }
        tags
    });
}

#[divan::bench]
fn move_tag(bencher: Bencher<'_, '_>) {
    let nodes = nodes();
    let mut tags = TagIndex::new();
    for (number, desc) in nodes.iter().enumerate() {
        tags.insert(format!("v{number}"), desc.clone());
    }
    let mut turn = nodes.iter().cycle();
    bencher.bench_local(|| turn.next().and_then(|desc| tags.insert("v5000", desc.clone())));
}
