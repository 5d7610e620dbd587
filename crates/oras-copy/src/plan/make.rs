use std::collections::{BTreeMap, BTreeSet, HashMap};

use oras_content::{Descriptor, Location, ReadOnlyTarget, Target};

use super::{Plan, PlannedAccess, PlannedAction, PlannedNode, PlannedVerb};
use crate::{
    copy::name_of,
    engine::{Context, Graph, Mode, Node, NodeId, Outcome, Root, State, Walk},
    error::CopyError,
    options::CopyOptions,
};

/// Finds out what [`copy`](crate::copy) would do, and moves no blob: manifests are read, and the destination is asked
/// what is there.
///
/// # Errors
///
/// As [`copy`](crate::copy), as far as it only reads.
///
/// # Cancel safety
///
/// A dropped future leaves nothing.
pub async fn plan<S: ReadOnlyTarget, D: Target>(
    src: &S,
    src_ref: &str,
    dst: &D,
    dst_ref: &str,
    options: &CopyOptions,
) -> Result<Plan, CopyError> {
    Box::pin(async move {
        let ctx = Context::new(src, dst, options, Mode::Plan);
        let root = ctx.begin(src_ref).await?;
        let name = name_of(src_ref, dst_ref, &root)?;
        let mut walk = Walk::new(&ctx);
        let exists = match name {
            Some(name) if root.media_type.is_manifest() => Some(ctx.stands_for(name, &root).await?),
            _ => None,
        };
        walk.add_root(&root, Root { exists, held: false })?;
        walk.drive().await?;
        let mut accesses = Accesses::default();
        let (graph, order) = walk.into_nodes();
        let nodes = planned_nodes(&ctx, &graph, &order, &mut accesses).await?;
        Ok(Plan { root, reference: name.map(str::to_owned), nodes, accesses: accesses.into_planned(&ctx) })
    })
    .await
}

async fn planned_nodes<S: ReadOnlyTarget, D: Target>(
    ctx: &Context<'_, S, D>,
    graph: &Graph,
    order: &[NodeId],
    accesses: &mut Accesses,
) -> Result<Vec<PlannedNode>, CopyError> {
    let positions: HashMap<NodeId, usize> = order.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    let mut nodes = Vec::with_capacity(order.len());
    for id in order {
        let node = graph.node(*id);
        let action = match node.state {
            State::Done(Outcome::Skipped) => PlannedAction::Skip,
            State::Done(Outcome::Absent) => PlannedAction::Absent,
            _ => accesses.transfer(ctx, node).await?,
        };
        let successors = node.successors.iter().filter_map(|child| positions.get(child).copied()).collect();
        nodes.push(PlannedNode { descriptor: described(ctx, &node.desc), action, successors });
    }
    Ok(nodes)
}

/// The descriptor, with the content of a document that no source has.
fn described<S, D>(ctx: &Context<'_, S, D>, desc: &Descriptor) -> Descriptor {
    match ctx.cache.written(desc) {
        Some(bytes) => desc.clone().with_data(bytes),
        None => desc.clone(),
    }
}

#[derive(Default)]
struct Accesses {
    writes: bool,
    deletes: bool,
    mounts: BTreeSet<Location>,
}

impl Accesses {
    /// How a node gets to the destination.
    async fn transfer<S: ReadOnlyTarget, D: Target>(
        &mut self,
        ctx: &Context<'_, S, D>,
        node: &Node,
    ) -> Result<PlannedAction, CopyError> {
        self.writes = true;
        self.deletes |= node.has_subject;
        let from = ctx.mount_candidates(&node.desc).await?;
        if from.is_empty() {
            return Ok(PlannedAction::Upload);
        }
        self.mounts.extend(from);
        Ok(PlannedAction::Mount)
    }

    fn into_planned<S: ReadOnlyTarget, D: Target>(self, ctx: &Context<'_, S, D>) -> Vec<PlannedAccess> {
        let mut verbs: BTreeMap<Location, BTreeSet<PlannedVerb>> = BTreeMap::new();
        if let Some(source) = ctx.src.location() {
            verbs.entry(source).or_default().insert(PlannedVerb::Read);
        }
        if let Some(destination) = ctx.dst.location() {
            let verbs = verbs.entry(destination).or_default();
            verbs.insert(PlannedVerb::Read);
            verbs.extend(self.writes.then_some(PlannedVerb::Write));
            verbs.extend(self.deletes.then_some(PlannedVerb::Delete));
        }
        for from in self.mounts {
            verbs.entry(from).or_default().insert(PlannedVerb::Mount);
        }
        let planned = verbs.into_iter().map(|(location, verbs)| PlannedAccess {
            registry: location.registry().to_owned(),
            repository: location.repository().to_owned(),
            verbs: verbs.into_iter().collect(),
        });
        planned.collect()
    }
}
