//! Erasure: one private trait for reading, one for writing, and two wrappers: one without the graph, one with it.

use std::{fmt, num::NonZeroUsize, sync::Arc};

use futures_core::{future::BoxFuture, stream::BoxStream};
use futures_util::{StreamExt as _, stream};
use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::{
    blob::Blob,
    error::{Error, Result},
    location::Location,
    roles::{
        Deleter, Fetcher, GraphTarget, MountOutcome, PredecessorFinder, Pusher, ReadOnlyGraphTarget, ReadOnlyStorage,
        ReadOnlyTarget, Resolver, TagLister, Tagger, Target, Untagger,
    },
};

/// Any [`ReadOnlyTarget`] behind one type.
#[derive(Clone)]
pub struct AnyReadOnlyTarget(Arc<dyn ErasedSource>);

impl AnyReadOnlyTarget {
    /// Holds a target; predecessors, referrers and tags are answered with
    /// [`Unsupported`](crate::ErrorKind::Unsupported).
    pub fn new(target: impl ReadOnlyTarget + 'static) -> Self {
        Self(Arc::new(Plain(target)))
    }

    /// Holds a target that knows its graph and its tags.
    pub fn with_graph(target: impl ReadOnlyGraphTarget + TagLister + 'static) -> Self {
        Self(Arc::new(Graph(target)))
    }
}

/// Any [`Target`] behind one type.
#[derive(Clone)]
pub struct AnyTarget(Arc<dyn ErasedTarget>);

impl AnyTarget {
    /// Holds a target; predecessors, referrers, tags, untag and delete are answered with
    /// [`Unsupported`](crate::ErrorKind::Unsupported).
    pub fn new(target: impl Target + 'static) -> Self {
        Self(Arc::new(Plain(target)))
    }

    /// Holds a target that has every role.
    pub fn with_graph(target: impl GraphTarget + TagLister + Untagger + Deleter + 'static) -> Self {
        Self(Arc::new(Graph(target)))
    }

    /// The same target, only to read from.
    pub fn into_read_only(self) -> AnyReadOnlyTarget {
        AnyReadOnlyTarget(self.0)
    }
}

impl fmt::Debug for AnyReadOnlyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyReadOnlyTarget").field("location", &self.0.location_dyn()).finish_non_exhaustive()
    }
}

impl fmt::Debug for AnyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnyTarget").field("location", &self.0.location_dyn()).finish_non_exhaustive()
    }
}

struct Plain<T>(T);
struct Graph<T>(T);

fn no_graph() -> Error {
    Error::unsupported("listing predecessors of a target without a graph")
}

trait ErasedSource: Send + Sync {
    fn fetch_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Blob>>;
    fn location_dyn(&self) -> Option<Location>;
    fn exists_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<bool>>;
    fn resolve_dyn<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Descriptor>>;
    fn fetch_reference_dyn<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<(Descriptor, Blob)>>;

    fn predecessors_dyn<'a>(&'a self, _: &'a Descriptor) -> BoxFuture<'a, Result<Vec<Descriptor>>> {
        Box::pin(async { Err(no_graph()) })
    }

    fn referrers_dyn<'a>(
        &'a self,
        _: &'a Descriptor,
        _: Option<&'a MediaType>,
    ) -> BoxFuture<'a, Result<Vec<Descriptor>>> {
        Box::pin(async { Err(no_graph()) })
    }

    fn tags_dyn<'a>(&'a self, _: Option<&str>) -> BoxStream<'a, Result<String>> {
        stream::iter([Err(Error::unsupported("listing tags"))]).boxed()
    }
}

trait ErasedTarget: ErasedSource {
    fn push_dyn<'a>(&'a self, desc: &'a Descriptor, content: Blob) -> BoxFuture<'a, Result<()>>;
    fn push_deferred_dyn<'a>(&'a self, desc: &'a Descriptor, content: Blob) -> BoxFuture<'a, Result<()>>;
    fn flush_dyn(&self) -> BoxFuture<'_, Result<()>>;
    fn ingest_dyn<'a>(
        &'a self,
        kind: &'a MediaType,
        with: Algorithm,
        content: Blob,
    ) -> BoxFuture<'a, Result<Descriptor>>;
    fn mount_dyn<'a>(
        &'a self,
        desc: &'a Descriptor,
        from: &'a [Location],
        content: Blob,
    ) -> BoxFuture<'a, Result<MountOutcome>>;
    fn presumes_absent_dyn(&self, desc: &Descriptor) -> bool;
    fn max_concurrency_dyn(&self) -> Option<NonZeroUsize>;
    fn tag_dyn<'a>(&'a self, desc: &'a Descriptor, reference: &'a str) -> BoxFuture<'a, Result<()>>;
    fn push_reference_dyn<'a>(
        &'a self,
        desc: &'a Descriptor,
        content: Blob,
        reference: &'a str,
    ) -> BoxFuture<'a, Result<()>>;

    fn untag_dyn<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(Error::unsupported("removing tags")) })
    }

    fn delete_dyn<'a>(&'a self, _: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        Box::pin(async { Err(Error::unsupported("deleting content")) })
    }
}

macro_rules! erase_source {
    () => {
        fn fetch_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Blob>> {
            Box::pin(self.0.fetch(desc))
        }

        fn location_dyn(&self) -> Option<Location> {
            self.0.location()
        }

        fn exists_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<bool>> {
            Box::pin(self.0.exists(desc))
        }

        fn resolve_dyn<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<Descriptor>> {
            Box::pin(self.0.resolve(reference))
        }

        fn fetch_reference_dyn<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<(Descriptor, Blob)>> {
            Box::pin(self.0.fetch_reference(reference))
        }
    };
}

macro_rules! erase_target {
    () => {
        fn push_dyn<'a>(&'a self, desc: &'a Descriptor, content: Blob) -> BoxFuture<'a, Result<()>> {
            Box::pin(self.0.push(desc, content))
        }

        fn push_deferred_dyn<'a>(&'a self, desc: &'a Descriptor, content: Blob) -> BoxFuture<'a, Result<()>> {
            Box::pin(self.0.push_deferred(desc, content))
        }

        fn flush_dyn(&self) -> BoxFuture<'_, Result<()>> {
            Box::pin(self.0.flush())
        }

        fn ingest_dyn<'a>(
            &'a self,
            kind: &'a MediaType,
            with: Algorithm,
            content: Blob,
        ) -> BoxFuture<'a, Result<Descriptor>> {
            Box::pin(self.0.ingest(kind, with, content))
        }

        fn mount_dyn<'a>(
            &'a self,
            desc: &'a Descriptor,
            from: &'a [Location],
            content: Blob,
        ) -> BoxFuture<'a, Result<MountOutcome>> {
            Box::pin(self.0.mount(desc, from, content))
        }

        fn presumes_absent_dyn(&self, desc: &Descriptor) -> bool {
            self.0.presumes_absent(desc)
        }

        fn max_concurrency_dyn(&self) -> Option<NonZeroUsize> {
            self.0.max_concurrency()
        }

        fn tag_dyn<'a>(&'a self, desc: &'a Descriptor, reference: &'a str) -> BoxFuture<'a, Result<()>> {
            Box::pin(self.0.tag(desc, reference))
        }

        fn push_reference_dyn<'a>(
            &'a self,
            desc: &'a Descriptor,
            content: Blob,
            reference: &'a str,
        ) -> BoxFuture<'a, Result<()>> {
            Box::pin(self.0.push_reference(desc, content, reference))
        }
    };
}

impl<T: ReadOnlyTarget> ErasedSource for Plain<T> {
    erase_source!();
}

impl<T: Target> ErasedTarget for Plain<T> {
    erase_target!();
}

impl<T: ReadOnlyGraphTarget + TagLister> ErasedSource for Graph<T> {
    erase_source!();

    fn predecessors_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Vec<Descriptor>>> {
        Box::pin(self.0.predecessors(desc))
    }

    fn referrers_dyn<'a>(
        &'a self,
        desc: &'a Descriptor,
        artifact_type: Option<&'a MediaType>,
    ) -> BoxFuture<'a, Result<Vec<Descriptor>>> {
        Box::pin(self.0.referrers(desc, artifact_type))
    }

    fn tags_dyn<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        self.0.tags(last)
    }
}

impl<T: GraphTarget + TagLister + Untagger + Deleter> ErasedTarget for Graph<T> {
    erase_target!();

    fn untag_dyn<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.untag(reference))
    }

    fn delete_dyn<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        Box::pin(self.0.delete(desc))
    }
}

macro_rules! source_roles {
    ($any:ty) => {
        impl Fetcher for $any {
            async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
                self.0.fetch_dyn(desc).await
            }

            fn location(&self) -> Option<Location> {
                self.0.location_dyn()
            }
        }

        impl ReadOnlyStorage for $any {
            async fn exists(&self, desc: &Descriptor) -> Result<bool> {
                self.0.exists_dyn(desc).await
            }
        }

        impl Resolver for $any {
            async fn resolve(&self, reference: &str) -> Result<Descriptor> {
                self.0.resolve_dyn(reference).await
            }
        }

        impl ReadOnlyTarget for $any {
            async fn fetch_reference(&self, reference: &str) -> Result<(Descriptor, Blob)> {
                self.0.fetch_reference_dyn(reference).await
            }
        }

        impl PredecessorFinder for $any {
            async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
                self.0.predecessors_dyn(desc).await
            }

            async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
                self.0.referrers_dyn(desc, artifact_type).await
            }
        }

        impl TagLister for $any {
            fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
                self.0.tags_dyn(last)
            }
        }
    };
}

source_roles!(AnyReadOnlyTarget);
source_roles!(AnyTarget);

impl Pusher for AnyTarget {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.0.push_dyn(desc, content).await
    }

    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.0.push_deferred_dyn(desc, content).await
    }

    async fn flush(&self) -> Result<()> {
        self.0.flush_dyn().await
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        self.0.ingest_dyn(media_type, algorithm, content).await
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        self.0.mount_dyn(desc, from, content).await
    }

    fn presumes_absent(&self, desc: &Descriptor) -> bool {
        self.0.presumes_absent_dyn(desc)
    }

    fn max_concurrency(&self) -> Option<NonZeroUsize> {
        self.0.max_concurrency_dyn()
    }
}

impl Tagger for AnyTarget {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.0.tag_dyn(desc, reference).await
    }
}

impl Target for AnyTarget {
    async fn push_reference(&self, desc: &Descriptor, content: Blob, reference: &str) -> Result<()> {
        self.0.push_reference_dyn(desc, content, reference).await
    }
}

impl Untagger for AnyTarget {
    async fn untag(&self, reference: &str) -> Result<()> {
        self.0.untag_dyn(reference).await
    }
}

impl Deleter for AnyTarget {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        self.0.delete_dyn(desc).await
    }
}
