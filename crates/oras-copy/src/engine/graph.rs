use std::collections::{HashMap, HashSet};

use oras_content::{Descriptor, Digest, Error, ErrorKind, Result};

use super::{
    cache::{Key, key},
    node::Inspection,
};

/// A node of the walk, by the order in which it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct NodeId(usize);

/// How a node came to be at the destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Skipped,
    Mounted,
    Copied,
    /// It is not at the source, and those that point to it allow that.
    Absent,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It is not known yet whether it is there and what it points to.
    New,
    /// Something that it points to is not there yet.
    Waiting,
    /// It can be transferred, or is being so.
    Ready,
    Done(Outcome),
}

/// How a root enters the walk.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Root {
    /// Whether it is there, where that is known.
    pub(crate) exists: Option<bool>,
    /// Whether it is the caller who transfers it, once it is ready.
    pub(crate) held: bool,
}

pub(crate) struct Node {
    pub(crate) desc: Descriptor,
    pub(crate) state: State,
    pub(crate) successors: Vec<NodeId>,
    pub(crate) root: Root,
    pub(crate) has_subject: bool,
    /// Whether it may be missing at the source.
    pub(crate) is_weak: bool,
    /// What the node points to was pushed again once.
    healed: bool,
    parents: Vec<NodeId>,
    waiting_for: usize,
}

/// All nodes of a walk: what each waits for, and who waits for it.
#[derive(Default)]
pub(crate) struct Graph {
    nodes: Vec<Node>,
    ids: HashMap<Key, NodeId>,
    /// The digests of nodes that are no manifests.
    blobs: HashSet<Digest>,
    bytes: u64,
}

impl Graph {
    pub(crate) fn len(&self) -> u64 {
        self.nodes.len() as u64
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn node(&self, id: NodeId) -> &Node {
        self.nodes.get(id.0).expect("ids come from add alone, and nodes are never removed")
    }

    /// Whether a node is there, where that is known or must not be asked.
    ///
    /// A store that knows content by its digest alone has a manifest as soon as it has the same bytes as a layer of
    /// another one, and then says nothing about what the manifest points to.
    pub(crate) fn known(&self, id: NodeId) -> Option<bool> {
        let node = self.node(id);
        let is_blob_too = node.desc.media_type.is_manifest() && self.blobs.contains(&node.desc.digest);
        node.root.exists.or_else(|| is_blob_too.then_some(false))
    }

    fn node_mut(&mut self, id: NodeId) -> &mut Node {
        self.nodes.get_mut(id.0).expect("ids come from add alone, and nodes are never removed")
    }

    /// The node of a descriptor, and whether it is new.
    pub(crate) fn add(&mut self, desc: &Descriptor, root: Root) -> Result<(NodeId, bool)> {
        if let Some(id) = self.ids.get(&key(desc)) {
            let known = self.node(*id).desc.size;
            if known == desc.size {
                return Ok((*id, false));
            }
            let message = format!("{} is said to have {known} bytes, and {} bytes", desc.digest, desc.size);
            return Err(Error::new(ErrorKind::Corrupt, message).with_descriptor(desc));
        }
        let id = NodeId(self.nodes.len());
        self.ids.insert(key(desc), id);
        if !desc.media_type.is_manifest() {
            self.blobs.insert(desc.digest.clone());
        }
        self.bytes = self.bytes.saturating_add(desc.size);
        self.nodes.push(Node {
            desc: desc.clone(),
            state: State::New,
            successors: Vec::new(),
            root,
            has_subject: false,
            is_weak: false,
            healed: false,
            parents: Vec::new(),
            waiting_for: 0,
        });
        Ok((id, true))
    }

    /// Sets what was found out about a node. Gives the nodes that are new, and whether the node is ready.
    pub(crate) fn expand(&mut self, id: NodeId, found: &Inspection) -> Result<(Vec<NodeId>, bool)> {
        let mut seen = HashSet::from([id]);
        let (mut ids, mut new) = (Vec::new(), Vec::new());
        for link in &found.successors {
            let (child, is_new) = self.add(&link.desc, Root::default())?;
            if is_new {
                new.push(child);
            }
            self.bind(child, link.is_weak && (is_new || self.node(child).is_weak))?;
            if seen.insert(child) {
                ids.push(child);
            }
        }
        let open: Vec<_> = ids.iter().copied().filter(|child| !self.is_done(*child)).collect();
        for child in &open {
            self.node_mut(*child).parents.push(id);
        }
        let node = self.node_mut(id);
        node.root.exists = Some(found.exists);
        node.has_subject = found.has_subject;
        node.successors = ids;
        node.waiting_for = open.len();
        node.state = if open.is_empty() { State::Ready } else { State::Waiting };
        Ok((new, open.is_empty()))
    }

    /// A node is weak only if everything that points to it is.
    fn bind(&mut self, id: NodeId, is_weak: bool) -> Result<()> {
        let node = self.node_mut(id);
        node.is_weak = is_weak;
        if !is_weak && node.state == State::Done(Outcome::Absent) {
            return Err(Error::not_found(&node.desc));
        }
        Ok(())
    }

    fn is_done(&self, id: NodeId) -> bool {
        matches!(self.node(id).state, State::Done(_))
    }

    /// Ends a node. Gives those that waited for nothing but it.
    pub(crate) fn complete(&mut self, id: NodeId, outcome: Outcome) -> Vec<NodeId> {
        let node = self.node_mut(id);
        node.state = State::Done(outcome);
        let parents = std::mem::take(&mut node.parents);
        parents.into_iter().filter(|parent| self.has_one_less(*parent)).collect()
    }

    fn has_one_less(&mut self, id: NodeId) -> bool {
        let node = self.node_mut(id);
        if node.state != State::Waiting {
            return false;
        }
        node.waiting_for = node.waiting_for.saturating_sub(1);
        if node.waiting_for == 0 {
            node.state = State::Ready;
        }
        node.waiting_for == 0
    }

    /// Makes a node ready that waits for itself, if there is one: the one found last. Only hooks can make such loops,
    /// as a document cannot hold its own digest.
    pub(crate) fn break_loop(&mut self) -> Option<NodeId> {
        let at = self.nodes.iter().rposition(|node| node.state == State::Waiting)?;
        let id = NodeId(at);
        self.node_mut(id).state = State::Ready;
        Some(id)
    }

    /// Lets a refused node wait until what it points to has been pushed, all of it that was not pushed before, or only
    /// what is known to be missing. Gives what to push; nothing if that cannot help.
    pub(crate) fn heal(&mut self, id: NodeId, missing: Option<&Digest>) -> Vec<NodeId> {
        let node = self.node_mut(id);
        if std::mem::replace(&mut node.healed, true) {
            return Vec::new();
        }
        let successors = node.successors.clone();
        let trusted = |id: &NodeId| matches!(self.node(*id).state, State::Done(Outcome::Skipped | Outcome::Mounted));
        let mut children: Vec<_> = successors.into_iter().filter(trusted).collect();
        if children.iter().any(|child| Some(&self.node(*child).desc.digest) == missing) {
            children.retain(|child| Some(&self.node(*child).desc.digest) == missing);
        }
        for child in &children {
            let node = self.node_mut(*child);
            node.state = State::New;
            // The destination said that it has the node, and was wrong: now it is pushed whatever the destination says.
            node.root.exists = Some(false);
            node.parents.push(id);
        }
        let node = self.node_mut(id);
        node.waiting_for = children.len();
        node.state = State::Waiting;
        children
    }
}
