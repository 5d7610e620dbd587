use std::collections::{BTreeSet, HashMap, HashSet};

use oras_descriptor::{Annotations, Descriptor, Digest, Links, MediaType};

/// Which manifests point to some content, known by digest alone.
///
/// What a node points to need not be known, and need not even exist. Each change costs as much as the node has
/// successors, whatever the size of the graph.
#[derive(Clone, Debug, Default)]
pub struct PredecessorGraph {
    nodes: HashMap<Digest, Node>,
    predecessors: HashMap<Digest, BTreeSet<Digest>>,
}

#[derive(Clone, Debug)]
struct Node {
    desc: Descriptor,
    successors: Vec<Digest>,
    reference: Option<Reference>,
}

/// What a node with a subject says of itself when referrers are listed.
#[derive(Clone, Debug)]
struct Reference {
    subject: Digest,
    artifact_type: Option<MediaType>,
    annotations: Annotations,
}

impl Node {
    fn referrer(&self, subject: &Digest, artifact_type: Option<&MediaType>) -> Option<Descriptor> {
        let reference = self.reference.as_ref().filter(|reference| reference.subject == *subject)?;
        if artifact_type.is_some_and(|wanted| reference.artifact_type.as_ref() != Some(wanted)) {
            return None;
        }
        let mut desc = self.desc.clone();
        desc.artifact_type.clone_from(&reference.artifact_type);
        desc.annotations.clone_from(&reference.annotations);
        Some(desc)
    }
}

impl PredecessorGraph {
    /// A graph without nodes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a node and what it points to, in place of what was known of it before.
    pub fn insert(&mut self, desc: &Descriptor, links: Links) {
        self.remove(&desc.digest);
        let reference = links.subject.as_ref().map(|subject| Reference {
            subject: subject.digest.clone(),
            artifact_type: links.artifact_type.clone(),
            annotations: links.annotations.clone(),
        });
        let mut seen = HashSet::new();
        let successors = links.successors().into_iter().map(|successor| successor.digest);
        let successors: Vec<_> = successors.filter(|digest| seen.insert(digest.clone())).collect();
        for successor in &successors {
            self.predecessors.entry(successor.clone()).or_default().insert(desc.digest.clone());
        }
        self.nodes.insert(desc.digest.clone(), Node { desc: desc.plain(), successors, reference });
    }

    /// Removes a node, and says whether it was there. Those that point to it go on doing so.
    pub fn remove(&mut self, digest: &Digest) -> bool {
        let Some(node) = self.nodes.remove(digest) else {
            return false;
        };
        for successor in &node.successors {
            if let Some(predecessors) = self.predecessors.get_mut(successor) {
                predecessors.remove(digest);
                if predecessors.is_empty() {
                    self.predecessors.remove(successor);
                }
            }
        }
        true
    }

    /// Whether a node was added.
    pub fn contains(&self, digest: &Digest) -> bool {
        self.nodes.contains_key(digest)
    }

    /// What a node points to, each once: subject, configuration, then layers, entries or blobs.
    pub fn successors(&self, digest: &Digest) -> impl Iterator<Item = &Digest> {
        self.nodes.get(digest).into_iter().flat_map(|node| &node.successors)
    }

    /// The nodes that point to some content, in ascending order of their digests.
    pub fn predecessors(&self, digest: &Digest) -> impl Iterator<Item = &Descriptor> {
        self.pointing_to(digest).map(|node| &node.desc)
    }

    /// The nodes whose subject is some content, in ascending order of their digests; with `artifact_type` only those of
    /// that type. Each carries the artifact type and the annotations of its manifest.
    pub fn referrers(&self, digest: &Digest, artifact_type: Option<&MediaType>) -> impl Iterator<Item = Descriptor> {
        self.pointing_to(digest).filter_map(move |node| node.referrer(digest, artifact_type))
    }

    fn pointing_to(&self, digest: &Digest) -> impl Iterator<Item = &Node> {
        self.predecessors.get(digest).into_iter().flatten().filter_map(|digest| self.nodes.get(digest))
    }
}

#[cfg(test)]
mod tests {
    use oras_descriptor::{Index, Manifest, canonical, links};

    use super::*;

    fn blob(text: &str) -> Descriptor {
        Descriptor::of("a/b", text.as_bytes())
    }

    fn node(manifest: &Manifest) -> (Descriptor, Links) {
        let bytes = canonical(manifest);
        (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), links(&MediaType::OCI_MANIFEST, &bytes).unwrap())
    }

    fn predecessors(graph: &PredecessorGraph, of: &Descriptor) -> Vec<Descriptor> {
        graph.predecessors(&of.digest).cloned().collect()
    }

    #[test]
    fn knows_predecessors_of_content_that_it_never_saw() {
        let mut graph = PredecessorGraph::new();
        let (desc, links) = node(&Manifest::new(blob("config"), vec![blob("layer"), blob("layer")]));
        graph.insert(&desc, links);
        assert_eq!(predecessors(&graph, &blob("layer")), std::slice::from_ref(&desc));
        assert_eq!(predecessors(&graph, &blob("config")), std::slice::from_ref(&desc));
        assert!(predecessors(&graph, &blob("other")).is_empty());
        assert_eq!(graph.successors(&desc.digest).count(), 2, "each successor counts once");
    }

    #[test]
    fn knows_content_by_its_digest_alone() {
        let mut graph = PredecessorGraph::new();
        let (desc, links) = node(&Manifest::new(blob("config"), vec![blob("layer")]));
        graph.insert(&desc, links);
        assert_eq!(predecessors(&graph, &Descriptor::of("another/type", b"layer")), [desc]);
    }

    #[test]
    fn a_removed_node_points_to_nothing_and_is_still_pointed_to() {
        let mut graph = PredecessorGraph::new();
        let (leaf, leaf_links) = node(&Manifest::new(blob("config"), vec![blob("layer")]));
        let root = Descriptor::of(MediaType::OCI_INDEX, b"root");
        let root_links = links(&MediaType::OCI_INDEX, &canonical(&Index::new(vec![leaf.clone()]))).unwrap();
        graph.insert(&leaf, leaf_links);
        graph.insert(&root, root_links);
        assert!(graph.remove(&leaf.digest));
        assert!(!graph.remove(&leaf.digest));
        assert!(predecessors(&graph, &blob("layer")).is_empty());
        assert_eq!(predecessors(&graph, &leaf), [root]);
    }

    #[test]
    fn lists_referrers_with_what_they_say_of_themselves() {
        let mut graph = PredecessorGraph::new();
        let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"subject");
        let typed = |kind: &'static str| Manifest::new(blob("config"), Vec::new()).with_artifact_type(kind);
        let (sbom, sbom_links) = node(
            &typed("t/sbom").with_subject(subject.clone()).with_annotations([("k".to_owned(), "v".to_owned())].into()),
        );
        let (plain, plain_links) = node(&typed("t/sbom").with_artifact_type("t/none"));
        graph.insert(&sbom, sbom_links);
        graph.insert(&plain, plain_links);
        let expected = sbom.with_annotation("k", "v").with_artifact_type("t/sbom");
        let list = |kind: Option<&MediaType>| graph.referrers(&subject.digest, kind).collect::<Vec<_>>();
        assert_eq!(list(None), std::slice::from_ref(&expected));
        assert_eq!(list(Some(&"t/sbom".into())), [expected]);
        assert!(list(Some(&"t/other".into())).is_empty());
    }

    #[test]
    fn ten_thousand_nodes_with_one_successor_come_and_go() {
        let mut graph = PredecessorGraph::new();
        let shared = blob("shared");
        let nodes: Vec<_> =
            (0..10_000).map(|n| node(&Manifest::new(blob(&n.to_string()), vec![shared.clone()]))).collect();
        for (desc, links) in &nodes {
            graph.insert(desc, links.clone());
        }
        let mut expected: Vec<_> = nodes.iter().map(|(desc, _)| desc.digest.clone()).collect();
        expected.sort();
        assert_eq!(graph.predecessors(&shared.digest).map(|desc| desc.digest.clone()).collect::<Vec<_>>(), expected);
        for digest in &expected {
            assert!(graph.remove(digest));
        }
        assert_eq!(graph.predecessors(&shared.digest).count(), 0);
    }
}
