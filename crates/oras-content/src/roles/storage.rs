use std::{future::Future, num::NonZeroUsize};

use oras_descriptor::{Algorithm, Descriptor, MediaType};

use crate::{
    blob::Blob,
    error::{Error, Result},
    location::Location,
};

/// Gives content by its descriptor.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not give content",
    note = "implement `oras_content::Fetcher`, the first role of every store; `&T` and `Arc<T>` have the roles of `T`"
)]
pub trait Fetcher: Send + Sync {
    /// The content of a descriptor, as a blob that verifies.
    ///
    /// A store may open lazily: then [`Blob::start`] or the first poll tells that the content is not there.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when the content is not there, here or out of the blob.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    fn fetch(&self, desc: &Descriptor) -> impl Future<Output = Result<Blob>> + Send;

    /// Where the content is kept, if another store may mount it from there.
    fn location(&self) -> Option<Location> {
        None
    }
}

/// Gives content and knows whether it is there.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no read-only storage",
    note = "implement `oras_content::{{Fetcher, ReadOnlyStorage}}`"
)]
pub trait ReadOnlyStorage: Fetcher {
    /// Whether the content is there.
    ///
    /// A copy takes the word of its destination for the whole graph: where a manifest is there, all that it points to is
    /// taken to be there too, and is not asked for. So a store that learns that it has lost something below a manifest, or
    /// never had it, should say no about the manifest. A store need not walk the graph for that: bytes that are there
    /// suffice, since copies store children before parents. Callers who cannot rely on it ask a copy to verify children.
    ///
    /// # Errors
    ///
    /// Only when that cannot be found out.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    fn exists(&self, desc: &Descriptor) -> impl Future<Output = Result<bool>> + Send;
}

/// How content came to where it was to be mounted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MountOutcome {
    /// It was mounted; no byte moved.
    Mounted,
    /// It could not be mounted, and was pushed.
    Pushed,
}

/// Takes content.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not take content",
    note = "implement `oras_content::Pusher`; `oras_content::Storage` follows from it and `ReadOnlyStorage`"
)]
pub trait Pusher: Send + Sync {
    /// Stores the content of a descriptor. The store verifies it, whatever the blob does.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](crate::ErrorKind::AlreadyExists) when it is there, and then the blob was not read;
    /// [`Corrupt`](crate::ErrorKind::Corrupt) when the blob is not what the descriptor says;
    /// [`MissingContent`](crate::ErrorKind::MissingContent) when the store wants first what a manifest points to.
    ///
    /// # Cancel safety
    ///
    /// A dropped future leaves nothing that can be seen.
    fn push(&self, desc: &Descriptor, content: Blob) -> impl Future<Output = Result<()>> + Send;

    /// Stores content, while the entry in an index that makes it listed may wait for [`flush`](Self::flush).
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push).
    ///
    /// # Cancel safety
    ///
    /// As [`push`](Self::push).
    fn push_deferred(&self, desc: &Descriptor, content: Blob) -> impl Future<Output = Result<()>> + Send {
        self.push(desc, content)
    }

    /// Writes what [`push_deferred`](Self::push_deferred) left to wait. What is not flushed is lost, never torn.
    ///
    /// # Errors
    ///
    /// When an index could not be written; the entries keep waiting.
    ///
    /// # Cancel safety
    ///
    /// An index is written whole or not at all; what was not written keeps waiting.
    fn flush(&self) -> impl Future<Output = Result<()>> + Send {
        async { Ok(()) }
    }

    /// Stores content that is not described yet, in one pass, and describes it.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) by default: describe the content first, then push it.
    ///
    /// # Cancel safety
    ///
    /// As [`push`](Self::push).
    fn ingest(
        &self,
        media_type: &MediaType,
        algorithm: Algorithm,
        content: Blob,
    ) -> impl Future<Output = Result<Descriptor>> + Send {
        let _ = (media_type, algorithm, content);
        async { Err(Error::unsupported("storing content that is not described")) }
    }

    /// Takes content from the first of `from` that gives it, without moving its bytes; else pushes `content`, which
    /// should be opened lazily.
    ///
    /// # Errors
    ///
    /// As [`push`](Self::push); a refused mount is no error.
    ///
    /// # Cancel safety
    ///
    /// As [`push`](Self::push); a mount that was asked for may have been made.
    fn mount(
        &self,
        desc: &Descriptor,
        from: &[Location],
        content: Blob,
    ) -> impl Future<Output = Result<MountOutcome>> + Send {
        let _ = from;
        async move { self.push(desc, content).await.map(|()| MountOutcome::Pushed) }
    }

    /// Whether content that is about to be stored is taken to be absent, so that whoever copies need not ask
    /// [`exists`](ReadOnlyStorage::exists) first. By default nothing is.
    ///
    /// It pays where a question costs about as much as the content itself and the answer was no each time of late. A push of
    /// what is there all the same must be harmless. Each answer is meant for one push.
    fn presumes_absent(&self, desc: &Descriptor) -> bool {
        let _ = desc;
        false
    }

    /// How many pushes the store can take at once, if it has a bound.
    fn max_concurrency(&self) -> Option<NonZeroUsize> {
        None
    }
}

/// Gives and takes content.
pub trait Storage: ReadOnlyStorage + Pusher {}

impl<T: ReadOnlyStorage + Pusher + ?Sized> Storage for T {}

/// Removes content.
pub trait Deleter: Send + Sync {
    /// Removes the content of a descriptor, and the tags that point to it.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when it is not there; [`Unsupported`](crate::ErrorKind::Unsupported)
    /// when the store does not delete.
    ///
    /// # Cancel safety
    ///
    /// The content is there afterwards or it is not.
    fn delete(&self, desc: &Descriptor) -> impl Future<Output = Result<()>> + Send;
}
