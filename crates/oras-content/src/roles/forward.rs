//! References and shared pointers have the roles of what they point to, defaulted methods included.

use std::{future::Future, num::NonZeroUsize, sync::Arc};

use futures_core::stream::BoxStream;
use oras_descriptor::{Algorithm, Descriptor, MediaType};

use super::{
    Deleter, Fetcher, MountOutcome, PredecessorFinder, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, TagLister,
    Tagger, Target, Untagger,
};
use crate::{blob::Blob, error::Result, location::Location};

macro_rules! forward {
    ($pointer:ty) => {
        impl<T: Fetcher + ?Sized> Fetcher for $pointer {
            fn fetch(&self, desc: &Descriptor) -> impl Future<Output = Result<Blob>> + Send {
                T::fetch(self, desc)
            }

            fn location(&self) -> Option<Location> {
                T::location(self)
            }
        }

        impl<T: ReadOnlyStorage + ?Sized> ReadOnlyStorage for $pointer {
            fn exists(&self, desc: &Descriptor) -> impl Future<Output = Result<bool>> + Send {
                T::exists(self, desc)
            }
        }

        impl<T: Pusher + ?Sized> Pusher for $pointer {
            fn push(&self, desc: &Descriptor, content: Blob) -> impl Future<Output = Result<()>> + Send {
                T::push(self, desc, content)
            }

            fn push_deferred(&self, desc: &Descriptor, content: Blob) -> impl Future<Output = Result<()>> + Send {
                T::push_deferred(self, desc, content)
            }

            fn flush(&self) -> impl Future<Output = Result<()>> + Send {
                T::flush(self)
            }

            fn ingest(
                &self,
                media_type: &MediaType,
                algorithm: Algorithm,
                content: Blob,
            ) -> impl Future<Output = Result<Descriptor>> + Send {
                T::ingest(self, media_type, algorithm, content)
            }

            fn mount(
                &self,
                desc: &Descriptor,
                from: &[Location],
                content: Blob,
            ) -> impl Future<Output = Result<MountOutcome>> + Send {
                T::mount(self, desc, from, content)
            }

            fn presumes_absent(&self, desc: &Descriptor) -> bool {
                T::presumes_absent(self, desc)
            }

            fn max_concurrency(&self) -> Option<NonZeroUsize> {
                T::max_concurrency(self)
            }
        }

        impl<T: Deleter + ?Sized> Deleter for $pointer {
            fn delete(&self, desc: &Descriptor) -> impl Future<Output = Result<()>> + Send {
                T::delete(self, desc)
            }
        }

        impl<T: Resolver + ?Sized> Resolver for $pointer {
            fn resolve(&self, reference: &str) -> impl Future<Output = Result<Descriptor>> + Send {
                T::resolve(self, reference)
            }
        }

        impl<T: Tagger + ?Sized> Tagger for $pointer {
            fn tag(&self, desc: &Descriptor, reference: &str) -> impl Future<Output = Result<()>> + Send {
                T::tag(self, desc, reference)
            }
        }

        impl<T: Untagger + ?Sized> Untagger for $pointer {
            fn untag(&self, reference: &str) -> impl Future<Output = Result<()>> + Send {
                T::untag(self, reference)
            }
        }

        impl<T: TagLister + ?Sized> TagLister for $pointer {
            fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
                T::tags(self, last)
            }
        }

        impl<T: ReadOnlyTarget + ?Sized> ReadOnlyTarget for $pointer {
            fn fetch_reference(&self, reference: &str) -> impl Future<Output = Result<(Descriptor, Blob)>> + Send {
                T::fetch_reference(self, reference)
            }
        }

        impl<T: Target + ?Sized> Target for $pointer {
            fn push_reference(
                &self,
                desc: &Descriptor,
                content: Blob,
                reference: &str,
            ) -> impl Future<Output = Result<()>> + Send {
                T::push_reference(self, desc, content, reference)
            }
        }

        impl<T: PredecessorFinder + ?Sized> PredecessorFinder for $pointer {
            fn predecessors(&self, desc: &Descriptor) -> impl Future<Output = Result<Vec<Descriptor>>> + Send {
                T::predecessors(self, desc)
            }

            fn referrers(
                &self,
                desc: &Descriptor,
                artifact_type: Option<&MediaType>,
            ) -> impl Future<Output = Result<Vec<Descriptor>>> + Send {
                T::referrers(self, desc, artifact_type)
            }
        }
    };
}

forward!(&T);
forward!(Arc<T>);
