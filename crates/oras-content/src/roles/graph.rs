use std::future::Future;

use oras_descriptor::{Descriptor, MediaType};

use super::{
    storage::Fetcher,
    target::{ReadOnlyTarget, Target},
};
use crate::{
    error::{Error, Result},
    fetch::fetch_links,
};

/// Knows the manifests that point to content.
pub trait PredecessorFinder: Fetcher {
    /// The manifests that point to a node, as subject, configuration, layer or entry; none for an unknown node.
    ///
    /// # Errors
    ///
    /// Only when that cannot be found out.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    fn predecessors(&self, desc: &Descriptor) -> impl Future<Output = Result<Vec<Descriptor>>> + Send;

    /// The manifests whose subject is the node, with `artifact_type` only those of that type. Each carries the artifact
    /// type and the annotations of its manifest.
    ///
    /// # Errors
    ///
    /// [`Unsupported`](crate::ErrorKind::Unsupported) when the node is no manifest.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    fn referrers(
        &self,
        desc: &Descriptor,
        artifact_type: Option<&MediaType>,
    ) -> impl Future<Output = Result<Vec<Descriptor>>> + Send {
        async move {
            if !desc.media_type.is_manifest() {
                return Err(Error::unsupported(format_args!("listing referrers of a {}", desc.media_type)));
            }
            let mut referrers = Vec::new();
            for mut node in self.predecessors(desc).await? {
                let links = fetch_links(self, &node).await?;
                let refers = links.subject.is_some_and(|subject| subject.digest == desc.digest);
                if refers && artifact_type.is_none_or(|wanted| links.artifact_type.as_ref() == Some(wanted)) {
                    node.artifact_type = links.artifact_type;
                    node.annotations = links.annotations;
                    referrers.push(node);
                }
            }
            Ok(referrers)
        }
    }
}

/// Something to copy from whose predecessors are known.
pub trait ReadOnlyGraphTarget: ReadOnlyTarget + PredecessorFinder {}

impl<T: ReadOnlyTarget + PredecessorFinder + ?Sized> ReadOnlyGraphTarget for T {}

/// Something to copy to whose predecessors are known.
pub trait GraphTarget: Target + PredecessorFinder {}

impl<T: Target + PredecessorFinder + ?Sized> GraphTarget for T {}
