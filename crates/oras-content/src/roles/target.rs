use std::future::Future;

use futures_core::stream::BoxStream;
use oras_descriptor::Descriptor;

use super::storage::{ReadOnlyStorage, Storage};
use crate::{blob::Blob, error::Result};

/// Knows what a reference, a tag or a digest, stands for.
pub trait Resolver: Send + Sync {
    /// The descriptor that a reference stands for.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when it stands for nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    fn resolve(&self, reference: &str) -> impl Future<Output = Result<Descriptor>> + Send;
}

/// Lets tags stand for content.
pub trait Tagger: Send + Sync {
    /// Lets `reference` stand for content that is there; it may have stood for other content before.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when the content is not there;
    /// [`MissingReference`](crate::ErrorKind::MissingReference) when the reference is empty.
    ///
    /// # Cancel safety
    ///
    /// The reference stands afterwards for the old content or the new.
    fn tag(&self, desc: &Descriptor, reference: &str) -> impl Future<Output = Result<()>> + Send;
}

/// Removes tags.
pub trait Untagger: Send + Sync {
    /// Removes a tag; the content stays.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when there is no such tag;
    /// [`InvalidReference`](crate::ErrorKind::InvalidReference) when the reference is a digest.
    ///
    /// # Cancel safety
    ///
    /// The tag is there afterwards or it is not.
    fn untag(&self, reference: &str) -> impl Future<Output = Result<()>> + Send;
}

/// Lists tags.
pub trait TagLister: Send + Sync {
    /// The tags, in the store's order; with `last`, only those behind it. Digests are no tags.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>>;
}

/// Something to copy from.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing to copy from",
    note = "implement `Fetcher`, `ReadOnlyStorage`, `Resolver` and `ReadOnlyTarget` of `oras_content`"
)]
pub trait ReadOnlyTarget: ReadOnlyStorage + Resolver {
    /// The content that a reference stands for, in one step where the store can.
    ///
    /// # Errors
    ///
    /// [`NotFound`](crate::ErrorKind::NotFound) when the reference stands for nothing.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    fn fetch_reference(&self, reference: &str) -> impl Future<Output = Result<(Descriptor, Blob)>> + Send {
        async move {
            let desc = self.resolve(reference).await?;
            let blob = self.fetch(&desc).await?;
            Ok((desc, blob))
        }
    }
}

/// Something to copy to.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is nothing to copy to",
    note = "implement `ReadOnlyTarget`, `Pusher`, `Tagger` and `Target` of `oras_content`"
)]
pub trait Target: ReadOnlyTarget + Storage + Tagger {
    /// Stores content and lets a reference stand for it, in one step where the store can.
    ///
    /// # Errors
    ///
    /// As [`push`](super::Pusher::push) and [`tag`](Tagger::tag); content that is there already is no error.
    ///
    /// # Cancel safety
    ///
    /// The content may be there without the reference, never the reference without the content.
    fn push_reference(
        &self,
        desc: &Descriptor,
        content: Blob,
        reference: &str,
    ) -> impl Future<Output = Result<()>> + Send {
        async move {
            match self.push(desc, content).await {
                Err(error) if error.kind() == crate::ErrorKind::AlreadyExists => {}
                pushed => pushed?,
            }
            self.tag(desc, reference).await
        }
    }
}
