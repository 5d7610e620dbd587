mod make;
mod steps;

pub use make::plan;
pub(crate) use steps::Steps;

use std::fmt;

use oras_content::{Descriptor, ReadOnlyStorage, Target};
use serde::{Deserialize, Serialize};

use crate::{
    engine::{Context, Mode},
    error::CopyError,
    options::CopyOptions,
};

/// What a copy would do, as data: made by [`plan`], shown, kept, and [run](Self::run).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Plan {
    /// What is copied.
    pub root: Descriptor,
    /// What will stand for it at the destination; nothing where it is named by its digest.
    pub reference: Option<String>,
    /// Every node, children before their parents.
    pub nodes: Vec<PlannedNode>,
    /// What will be done where. From this a client of registries knows the permissions that it needs.
    pub accesses: Vec<PlannedAccess>,
}

/// What is to happen to a node.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedNode {
    /// The node; a document that the copy writes itself has its content inline.
    pub descriptor: Descriptor,
    /// What is to happen to it.
    pub action: PlannedAction,
    /// The positions of the nodes that it points to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub successors: Vec<usize>,
}

/// What is to happen to a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PlannedAction {
    /// It is there; what it points to is not listed.
    Skip,
    /// It is not at the source, and what points to it allows that.
    Absent,
    /// It is mounted, or uploaded where that is refused.
    Mount,
    /// It is read and uploaded.
    Upload,
}

impl PlannedAction {
    /// The action in one word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Skip => "skip",
            Self::Absent => "absent",
            Self::Mount => "mount",
            Self::Upload => "upload",
        }
    }
}

/// What is done in one place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct PlannedAccess {
    /// The registry's authority.
    pub registry: String,
    /// The repository.
    pub repository: String,
    /// What is done there, each once.
    pub verbs: Vec<PlannedVerb>,
}

impl PlannedAccess {
    /// The actions that a token for the repository must allow, in the words of registries.
    ///
    /// With the repository's name they make a scope, `oras_auth::Scope::repository(name, actions)`. Source: distribution
    /// project, "Token Scope Documentation".
    pub fn actions(&self) -> impl Iterator<Item = &'static str> {
        self.verbs.iter().map(|verb| match verb {
            PlannedVerb::Read | PlannedVerb::Mount => "pull",
            PlannedVerb::Write => "push",
            PlannedVerb::Delete => "delete",
        })
    }
}

/// What is done in a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum PlannedVerb {
    /// Content is read.
    Read,
    /// Content is written.
    Write,
    /// Content is deleted: an old index of referrers, where the registry keeps it under a tag.
    Delete,
    /// Content is mounted from there.
    Mount,
}

impl Plan {
    /// How many nodes have an action, and how many bytes they have.
    pub fn total(&self, action: PlannedAction) -> (usize, u64) {
        let nodes = self.nodes.iter().filter(|node| node.action == action);
        nodes.fold((0, 0), |(count, bytes), node| (count + 1, bytes + node.descriptor.size))
    }

    /// Does what the plan says, and asks nothing first: what it skips is taken to be there. Options that choose what is
    /// copied do not count any more.
    ///
    /// # Errors
    ///
    /// As [`copy`](crate::copy).
    ///
    /// # Cancel safety
    ///
    /// As [`copy`](crate::copy).
    pub async fn run<S: ReadOnlyStorage, D: Target>(
        &self,
        src: &S,
        dst: &D,
        options: &CopyOptions,
    ) -> Result<Descriptor, CopyError> {
        let steps = Steps::new(self);
        let ctx = Context::new(src, dst, options, Mode::Run(&steps));
        for node in self.nodes.iter().filter(|node| node.descriptor.media_type.is_manifest()) {
            if let Ok(Some(written)) = node.descriptor.embedded() {
                ctx.cache.keep(&node.descriptor, written);
            }
        }
        // Boxed for the same reason as a copy.
        Box::pin(ctx.copy_root(&self.root, self.reference.as_deref())).await?;
        Ok(self.root.clone())
    }
}

impl fmt::Display for Plan {
    /// A line for the root, one for each action, then one for each node and place.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "copy {}", self.root.digest)?;
        match &self.reference {
            Some(reference) => writeln!(f, " as {reference}")?,
            None => writeln!(f)?,
        }
        for action in [PlannedAction::Upload, PlannedAction::Mount, PlannedAction::Skip, PlannedAction::Absent] {
            let (nodes, bytes) = self.total(action);
            writeln!(f, "{:<6} {nodes} nodes, {bytes} bytes", action.as_str())?;
        }
        for node in &self.nodes {
            let desc = &node.descriptor;
            writeln!(f, "  {:<6} {} {} {} bytes", node.action.as_str(), desc.digest, desc.media_type, desc.size)?;
        }
        for access in &self.accesses {
            writeln!(f, "  {}/{}: {}", access.registry, access.repository, Verbs(&access.verbs))?;
        }
        Ok(())
    }
}

struct Verbs<'a>(&'a [PlannedVerb]);

impl fmt::Display for Verbs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, verb) in self.0.iter().enumerate() {
            let word = match verb {
                PlannedVerb::Read => "read",
                PlannedVerb::Write => "write",
                PlannedVerb::Delete => "delete",
                PlannedVerb::Mount => "mount",
            };
            write!(f, "{}{word}", if at > 0 { ", " } else { "" })?;
        }
        Ok(())
    }
}
