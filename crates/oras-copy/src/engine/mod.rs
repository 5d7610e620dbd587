//! The walk of a copy: a table of nodes, one queue, and one set of futures, all driven in the caller's task.

mod cache;
mod graph;
mod node;
mod queue;
mod retry;
mod slots;
mod span;
mod transfer;
mod walk;

pub use cache::CachedFetcher;
pub(crate) use cache::{Cache, Key, key};
pub(crate) use graph::{Graph, Node, NodeId, Outcome, Root, State};
pub(crate) use node::{Inspection, Link};
pub(crate) use retry::Attempts;
pub(crate) use walk::Walk;

use oras_content::{Descriptor, Fetcher, Location, Pusher};

use self::retry::Budget;
use crate::{event::CopyEvent, options::CopyOptions, plan::Steps};

/// Whether a walk moves bytes.
#[derive(Clone, Copy)]
pub(crate) enum Mode<'a> {
    /// It does.
    Copy,
    /// It only looks.
    Plan,
    /// It does, as a plan says, and asks nothing.
    Run(&'a Steps),
}

/// What all tasks of one copy share.
pub(crate) struct Context<'a, S, D> {
    pub(crate) src: &'a S,
    pub(crate) dst: &'a D,
    pub(crate) options: &'a CopyOptions,
    pub(crate) mode: Mode<'a>,
    pub(crate) cache: Cache,
    budget: Budget,
    mount_from: Option<Location>,
}

impl<'a, S: Fetcher, D: Fetcher + Pusher> Context<'a, S, D> {
    pub(crate) fn new(src: &'a S, dst: &'a D, options: &'a CopyOptions, mode: Mode<'a>) -> Self {
        let cache = Cache::new(options.max_metadata_bytes, options.max_total_metadata_bytes);
        let mount_from = src.location().filter(|from| {
            options.mount_from_source
                && dst.location().is_some_and(|to| to.registry() == from.registry() && to != *from)
        });
        Self { src, dst, options, mode, cache, budget: Budget::new(options.retries.in_all), mount_from }
    }
}

impl<S: Fetcher, D> Context<'_, S, D> {
    /// The source as hooks see it.
    pub(crate) fn fetcher(&self) -> CachedFetcher<'_> {
        CachedFetcher::new(self.src, &self.cache)
    }
}

impl<S, D> Context<'_, S, D> {
    pub(crate) fn tell(&self, event: &CopyEvent<'_>) {
        if let Some(hooks) = &self.options.hooks {
            hooks.event(event);
        }
    }

    fn is_followed(&self, desc: &Descriptor) -> bool {
        (self.options.foreign_layers || !desc.media_type.is_foreign_layer())
            && (!self.options.manifests_only || desc.media_type.is_manifest())
    }
}
