use futures_util::stream::{FuturesUnordered, StreamExt as _};
use oras_content::{BoxFuture, Descriptor, ErrorKind, ReadOnlyStorage, Storage};

use super::{
    Context, Mode,
    graph::{Graph, NodeId, Outcome, Root, State},
    node::Inspection,
    queue::Queue,
    slots::{Class, Slots},
    span::Spans,
};
use crate::{
    error::{CopyError, CopyOperation, CopyOrigin},
    event::CopyEvent,
};

/// How many nodes are pushed between two flushes: enough to gather the updates of an index, few enough that little is
/// unlisted if the copy is cut off.
const NODES_A_FLUSH: usize = 256;

/// The walk of one copy: children before parents, whatever can go on at once going on at once, all in the caller's task.
///
/// Nothing here waits for a lock or a place: a node waits in the table or in a queue, and only what has a place becomes a
/// future. So neither the depth nor the width of a graph can block it, and dropping it drops everything under way.
pub(crate) struct Walk<'c, 'a, S, D> {
    ctx: &'c Context<'a, S, D>,
    graph: Graph,
    queue: Queue,
    slots: Slots,
    running: FuturesUnordered<Running<'c>>,
    spans: Spans,
    unflushed: usize,
    is_flushing: bool,
    /// The nodes in the order in which they ended, for a plan.
    order: Vec<NodeId>,
}

#[derive(Clone, Copy)]
enum Task {
    Inspect(NodeId),
    Transfer(NodeId, Class),
    Flush,
}

type Running<'c> = BoxFuture<'c, (Task, Result<Done, CopyError>)>;

enum Done {
    Inspected(Inspection),
    Transferred(Outcome),
    Flushed,
}

impl<'c, 'a, S: ReadOnlyStorage, D: Storage> Walk<'c, 'a, S, D> {
    pub(crate) fn new(ctx: &'c Context<'a, S, D>) -> Self {
        Self {
            ctx,
            graph: Graph::default(),
            queue: Queue::default(),
            slots: Slots::new(ctx.options, ctx.dst.max_concurrency()),
            running: FuturesUnordered::new(),
            spans: Spans::new(ctx),
            unflushed: 0,
            is_flushing: false,
            order: Vec::new(),
        }
    }

    /// Adds a node to begin at.
    pub(crate) fn add_root(&mut self, desc: &Descriptor, root: Root) -> Result<NodeId, CopyError> {
        let (id, is_new) = self.graph.add(desc, root).map_err(|error| disagreement(desc, error))?;
        if is_new {
            self.enqueue(&[id]);
        }
        Ok(id)
    }

    /// Goes on until nothing is left to do but what is held. An error drops everything under way.
    pub(crate) async fn drive(&mut self) -> Result<(), CopyError> {
        loop {
            while let Some(task) = self.next_task() {
                self.start(task);
            }
            let Some((task, result)) = self.running.next().await else {
                match self.graph.break_loop() {
                    Some(id) => self.ready(id),
                    None => return Ok(()),
                }
                continue;
            };
            if let Err(error) = self.finish(task, result) {
                self.running.clear();
                return Err(error);
            }
        }
    }

    /// Has a held node transferred by the caller. Says whether it is done; if not, it waits for what it points to again.
    pub(crate) async fn transfer_held(
        &mut self,
        id: NodeId,
        transfer: impl Future<Output = Result<Outcome, CopyError>>,
    ) -> Result<bool, CopyError> {
        let result = self.spans.within(id, &self.graph.node(id).desc, transfer).await;
        match result {
            Ok(outcome) => {
                self.complete(id, outcome);
                Ok(true)
            }
            Err(error) if self.heal(id, &error) => Ok(false),
            Err(error) => {
                self.spans.fail(id);
                Err(error)
            }
        }
    }

    /// Has what a refused manifest points to pushed again, if the error says that this can help and it was not done.
    fn heal(&mut self, id: NodeId, error: &CopyError) -> bool {
        if error.kind() != ErrorKind::MissingContent || error.origin() != CopyOrigin::Destination {
            return false;
        }
        let missing = error.error().descriptor().map(|desc| &desc.digest);
        let children = self.graph.heal(id, missing);
        if children.is_empty() {
            return false;
        }
        self.ctx.tell(&CopyEvent::Healed { desc: &self.graph.node(id).desc });
        self.enqueue(&children);
        true
    }

    fn next_task(&mut self) -> Option<Task> {
        if let Some((id, class)) = self.queue.next_transfer(&self.slots) {
            return Some(Task::Transfer(id, class));
        }
        if !self.slots.has(Class::Small) {
            return None;
        }
        let (ctx, graph, is_idle) = (self.ctx, &self.graph, self.running.is_empty());
        // Where there is no room, it is made by those under way; with none under way, the task itself says so.
        let next = self.queue.next_inspection(|id| ctx.cache.reserve(&graph.node(id).desc) || is_idle);
        next.map(Task::Inspect)
    }

    fn start(&mut self, task: Task) {
        let ctx = self.ctx;
        let future: Running<'c> = match task {
            Task::Inspect(id) => {
                self.slots.take(Class::Small, false);
                let (desc, known) = (self.graph.node(id).desc.clone(), self.graph.known(id));
                let work = async move { (task, ctx.inspect(&desc, known).await.map(Done::Inspected)) };
                Box::pin(self.spans.within(id, &self.graph.node(id).desc, work))
            }
            Task::Transfer(id, class) => {
                self.slots.take(class, true);
                let desc = self.graph.node(id).desc.clone();
                let work = async move { (task, ctx.transfer(&desc).await.map(Done::Transferred)) };
                Box::pin(self.spans.within(id, &self.graph.node(id).desc, work))
            }
            Task::Flush => Box::pin(async move { (task, ctx.flush().await.map(|()| Done::Flushed)) }),
        };
        self.running.push(future);
    }

    fn finish(&mut self, task: Task, result: Result<Done, CopyError>) -> Result<(), CopyError> {
        let id = match task {
            Task::Inspect(id) => {
                self.slots.give_back(Class::Small, false);
                id
            }
            Task::Transfer(id, class) => {
                self.slots.give_back(class, true);
                id
            }
            Task::Flush => {
                self.is_flushing = false;
                return result.map(|_| ());
            }
        };
        match result {
            Ok(Done::Inspected(inspection)) => self.inspected(id, &inspection),
            Ok(Done::Transferred(outcome)) => {
                self.count_push();
                self.complete(id, outcome);
                Ok(())
            }
            Ok(Done::Flushed) => Ok(()),
            Err(error) if self.is_absent(id, &error) => {
                self.ctx.tell(&CopyEvent::Absent { desc: &self.graph.node(id).desc });
                self.complete(id, Outcome::Absent);
                Ok(())
            }
            Err(error) if self.heal(id, &error) => Ok(()),
            Err(error) => {
                self.spans.fail(id);
                Err(error)
            }
        }
    }

    fn is_absent(&self, id: NodeId, error: &CopyError) -> bool {
        let node = self.graph.node(id);
        let is_of_source = error.origin() == CopyOrigin::Source && error.kind() == ErrorKind::NotFound;
        is_of_source && node.is_weak && error.descriptor().is_some_and(|desc| desc.same_content(&node.desc))
    }

    fn inspected(&mut self, id: NodeId, inspection: &Inspection) -> Result<(), CopyError> {
        let expanded = self.graph.expand(id, inspection);
        let (new, is_ready) = expanded.map_err(|error| disagreement(&self.graph.node(id).desc, error))?;
        if !new.is_empty() {
            self.enqueue(&new);
        }
        if is_ready {
            self.ready(id);
        }
        Ok(())
    }

    /// All that a node points to is there.
    fn ready(&mut self, id: NodeId) {
        let mut ready = vec![id];
        while let Some(id) = ready.pop() {
            let node = self.graph.node(id);
            let class = Class::of(&node.desc);
            if node.root.exists == Some(true) {
                ready.extend(self.end(id, Outcome::Skipped));
            } else if matches!(self.ctx.mode, Mode::Plan) {
                ready.extend(self.end(id, Outcome::Copied));
            } else if !node.root.held {
                self.queue.add_transfer(id, class);
            }
        }
    }

    fn complete(&mut self, id: NodeId, outcome: Outcome) {
        for parent in self.end(id, outcome) {
            self.ready(parent);
        }
    }

    fn end(&mut self, id: NodeId, outcome: Outcome) -> Vec<NodeId> {
        self.ctx.cache.release(&self.graph.node(id).desc);
        self.spans.end(id, outcome);
        if matches!(self.ctx.mode, Mode::Plan) {
            self.order.push(id);
        }
        self.graph.complete(id, outcome)
    }

    /// Queues nodes of which nothing is known.
    fn enqueue(&mut self, ids: &[NodeId]) {
        let graph = &self.graph;
        self.queue.add(ids, |id| graph.node(id).desc.media_type.is_manifest());
        self.ctx.tell(&CopyEvent::Discovered { nodes: self.graph.len(), bytes: self.graph.bytes() });
    }

    fn count_push(&mut self) {
        self.unflushed += 1;
        if self.unflushed >= NODES_A_FLUSH && !self.is_flushing {
            self.unflushed = 0;
            self.is_flushing = true;
            self.start(Task::Flush);
        }
    }
}

fn disagreement(desc: &Descriptor, error: oras_content::Error) -> CopyError {
    CopyError::source_at(CopyOperation::Successors, desc, error)
}

impl<S, D> Walk<'_, '_, S, D> {
    pub(crate) fn state(&self, id: NodeId) -> State {
        self.graph.node(id).state
    }

    /// The nodes, and the order in which they ended, of a walk that only looks.
    pub(crate) fn into_nodes(self) -> (Graph, Vec<NodeId>) {
        (self.graph, self.order)
    }
}
