use std::collections::VecDeque;

use super::{
    graph::NodeId,
    slots::{Class, Slots},
};

/// What waits for a place.
#[derive(Default)]
pub(crate) struct Queue {
    /// Transfers that take the places of small requests.
    small: VecDeque<NodeId>,
    /// Transfers of large blobs.
    large: VecDeque<NodeId>,
    /// Blobs to be looked for.
    blobs: VecDeque<NodeId>,
    /// Manifests to be looked into, the last one found first: so that what was begun is ended before more is begun.
    manifests: Vec<NodeId>,
}

impl Queue {
    /// Adds nodes to be inspected; the first of them comes first.
    pub(crate) fn add(&mut self, ids: &[NodeId], is_manifest: impl Fn(NodeId) -> bool) {
        self.manifests.extend(ids.iter().rev().filter(|id| is_manifest(**id)));
        self.blobs.extend(ids.iter().filter(|id| !is_manifest(**id)));
    }

    pub(crate) fn add_transfer(&mut self, id: NodeId, class: Class) {
        match class {
            Class::Small => self.small.push_back(id),
            Class::Large => self.large.push_back(id),
        }
    }

    /// The next transfer for which there is a place.
    pub(crate) fn next_transfer(&mut self, slots: &Slots) -> Option<(NodeId, Class)> {
        let queues = [(Class::Large, &mut self.large), (Class::Small, &mut self.small)];
        let mut open = queues.into_iter().filter(|(class, _)| slots.can_push() && slots.has(*class));
        open.find_map(|(class, queue)| queue.pop_front().map(|id| (id, class)))
    }

    /// The next node to inspect: blobs before manifests, as a manifest brings more work, and a manifest only if it fits
    /// into memory.
    pub(crate) fn next_inspection(&mut self, fits: impl Fn(NodeId) -> bool) -> Option<NodeId> {
        self.blobs.pop_front().or_else(|| self.manifests.pop_if(|id| fits(*id)))
    }
}
