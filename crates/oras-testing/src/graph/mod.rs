use std::collections::HashSet;

use bytes::Bytes;
use oras_content::{Blob, Descriptor, Digest, Error, ErrorKind, Pusher, ReadOnlyStorage, Result, fetch_links};
use oras_descriptor::links;

mod generator;

pub use generator::GraphGenerator;

/// Content of a [`Graph`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Node {
    /// What describes it.
    pub desc: Descriptor,
    /// The content.
    pub bytes: Bytes,
}

/// A graph of content as data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Graph {
    nodes: Vec<Node>,
    absent: Vec<Descriptor>,
}

impl Graph {
    /// All content in an order in which it can be pushed: children before parents. The same bytes may be there under two
    /// media types.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What is pointed to and is not there: foreign layers, and entries of sparse indexes.
    pub fn absent(&self) -> &[Descriptor] {
        &self.absent
    }

    /// The manifests and indexes, children before parents.
    pub fn manifests(&self) -> impl Iterator<Item = &Descriptor> {
        self.nodes.iter().map(|node| &node.desc).filter(|desc| desc.media_type.is_manifest())
    }

    /// The manifests and indexes that nothing points to.
    pub fn roots(&self) -> Vec<Descriptor> {
        let pointed_to: HashSet<_> = self.nodes.iter().flat_map(|node| node.successors()).map(key).collect();
        self.manifests().filter(|desc| !pointed_to.contains(&key((*desc).clone()))).cloned().collect()
    }

    /// The content of a digest.
    pub fn bytes(&self, digest: &Digest) -> Option<&Bytes> {
        self.nodes.iter().find(|node| node.desc.digest == *digest).map(|node| &node.bytes)
    }

    /// Everything that can be reached from `root` and is there, `root` included.
    pub fn below(&self, root: &Descriptor) -> Vec<Node> {
        let mut wanted = HashSet::from([key(root.clone())]);
        let mut found = Vec::new();
        // Parents stand behind their children, so one pass from the end sees each parent first.
        for node in self.nodes.iter().rev() {
            if wanted.contains(&key(node.desc.clone())) {
                wanted.extend(node.successors().map(key));
                found.push(node.clone());
            }
        }
        found.reverse();
        found
    }

    /// Pushes all content into a store; what the store knows already is no error.
    ///
    /// # Errors
    ///
    /// The first other error of a push.
    ///
    /// # Cancel safety
    ///
    /// What was pushed before a drop stays.
    pub async fn push_into<T: Pusher>(&self, store: &T) -> Result<()> {
        for node in &self.nodes {
            match store.push(&node.desc, Blob::from_bytes(node.bytes.clone())).await {
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                pushed => pushed?,
            }
        }
        Ok(())
    }

    /// Asserts that no manifest of this graph is in a store without what it points to.
    ///
    /// # Panics
    ///
    /// When one is, with both, or when the store fails.
    ///
    /// # Cancel safety
    ///
    /// Nothing changes.
    pub async fn assert_closed<T: ReadOnlyStorage>(&self, store: &T) {
        let manifests: Vec<_> = self.manifests().cloned().collect();
        assert_links(store, &manifests, &self.absent).await;
    }

    fn add(&mut self, node: Node) {
        if !self.nodes.iter().any(|known| known.desc.same_content(&node.desc)) {
            self.nodes.push(node);
        }
    }
}

impl Node {
    /// What it points to.
    pub fn successors(&self) -> impl Iterator<Item = Descriptor> + use<> {
        links(&self.desc.media_type, &self.bytes).unwrap_or_default().successors().into_iter()
    }
}

fn key(desc: Descriptor) -> (oras_content::MediaType, Digest) {
    (desc.media_type, desc.digest)
}

/// Asserts that each of `roots` that is in a store has everything below it there too; foreign layers may be absent.
///
/// # Panics
///
/// When something is missing, with what points to it, or when the store fails.
///
/// # Cancel safety
///
/// Nothing changes.
pub async fn assert_closed<T: ReadOnlyStorage>(store: &T, roots: &[Descriptor]) {
    assert_links(store, roots, &[]).await;
}

async fn assert_links<T: ReadOnlyStorage>(store: &T, roots: &[Descriptor], absent: &[Descriptor]) {
    let missing = missing_links(store, roots, absent).await;
    let missing = missing.unwrap_or_else(|error| unreachable!("the store cannot be looked at: {error}"));
    let list: String = missing.iter().map(|(parent, child)| format!("\n  {parent} points to {child}")).collect();
    assert!(missing.is_empty(), "{} children are missing:{list}", missing.len());
}

/// Parents that are there, each with a child that is not.
async fn missing_links<T: ReadOnlyStorage>(
    store: &T,
    roots: &[Descriptor],
    absent: &[Descriptor],
) -> Result<Vec<(Digest, Digest)>, Error> {
    let may_miss =
        |desc: &Descriptor| desc.media_type.is_foreign_layer() || absent.iter().any(|a| a.same_content(desc));
    let (mut missing, mut seen) = (Vec::new(), HashSet::new());
    let mut open = Vec::new();
    for root in roots {
        if store.exists(root).await? {
            open.push(root.clone());
        }
    }
    while let Some(parent) = open.pop() {
        if !seen.insert(key(parent.clone())) {
            continue;
        }
        for child in fetch_links(store, &parent).await?.successors() {
            if store.exists(&child).await? {
                open.push(child);
            } else if !may_miss(&child) {
                missing.push((parent.digest.clone(), child.digest));
            }
        }
    }
    Ok(missing)
}
