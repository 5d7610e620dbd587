use std::future::ready;

use oras_content::{BoxFuture, Descriptor, Location, Result};

use crate::{engine::CachedFetcher, event::CopyEvent};

/// What to do with a node that is missing at the destination.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Decision {
    /// Copy it.
    #[default]
    Copy,
    /// Take it for copied; it is neither read nor pushed.
    Skip,
}

/// What a caller decides and hears during a copy.
///
/// Every method has a default, which changes nothing. Decisions may wait, and an error of theirs ends the copy with
/// [`CopyOrigin::Hook`](crate::CopyOrigin::Hook). [`event`](Self::event) is told what happens as it happens, and must be
/// quick.
///
/// # Cancel safety
///
/// A copy that is dropped drops the hook's future that it waits for; none is called again.
pub trait CopyHooks: Send + Sync {
    /// Admits the copy of a reference, before anything is read.
    fn policy<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<()>> {
        let _ = reference;
        Box::pin(ready(Ok(())))
    }

    /// Chooses what to copy of what the reference stands for; by default that itself.
    fn map_root<'a>(
        &'a self,
        fetcher: &'a CachedFetcher<'_>,
        root: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Descriptor>> {
        let _ = fetcher;
        Box::pin(ready(Ok(root.clone())))
    }

    /// Says what a node points to, in place of what its document says (`None`). The nodes need not be named by it.
    fn successors<'a>(
        &'a self,
        fetcher: &'a CachedFetcher<'_>,
        desc: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Vec<Descriptor>>>> {
        let _ = (fetcher, desc);
        Box::pin(ready(Ok(None)))
    }

    /// Says what points to a node in an extended copy, in place of what the source says (`None`).
    fn predecessors<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Option<Vec<Descriptor>>>> {
        let _ = desc;
        Box::pin(ready(Ok(None)))
    }

    /// Decides about a node that is missing at the destination, when all that it points to is there.
    fn before_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Decision>> {
        let _ = desc;
        Box::pin(ready(Ok(Decision::Copy)))
    }

    /// Names places at the destination's registry that may have a blob, beside the source itself.
    fn mount_from<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Vec<Location>>> {
        let _ = desc;
        Box::pin(ready(Ok(Vec::new())))
    }

    /// Hears that a node was copied.
    fn after_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        let _ = desc;
        Box::pin(ready(Ok(())))
    }

    /// Hears that a blob was mounted.
    fn after_mount<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        let _ = desc;
        Box::pin(ready(Ok(())))
    }

    /// Hears that a node was found at the destination, and that what it points to is not looked at. A blob that the
    /// destination [presumes absent](oras_content::Pusher::presumes_absent) is not looked for.
    fn after_skip<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        let _ = desc;
        Box::pin(ready(Ok(())))
    }

    /// Hears what happens, as it happens.
    fn event(&self, event: &CopyEvent<'_>) {
        let _ = event;
    }
}
