//! What is found out about one node: whether it is there, and what it points to.

use oras_content::{Descriptor, Error, ReadOnlyStorage, Result, Storage};
use oras_descriptor::links;

use super::{Attempts, Context, Mode};
use crate::{
    error::{CopyError, CopyOperation},
    event::CopyEvent,
};

/// What was found out about a node.
#[derive(Clone, Debug, Default)]
pub(crate) struct Inspection {
    /// It is there and need not be pushed.
    pub(crate) exists: bool,
    /// What it points to, where that is to be looked at.
    pub(crate) successors: Vec<Link>,
    /// Whether it was seen to have a subject.
    pub(crate) has_subject: bool,
}

/// That a node points to another one.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) desc: Descriptor,
    /// Whether the other one may be missing at the source.
    pub(crate) is_weak: bool,
}

impl Link {
    fn strong(desc: Descriptor) -> Self {
        Self { desc, is_weak: false }
    }
}

#[derive(Default)]
struct Successors {
    links: Vec<Link>,
    has_subject: bool,
}

impl<S: ReadOnlyStorage, D: Storage> Context<'_, S, D> {
    /// Finds out whether a node is there, unless that is `known`, and what it points to where that matters.
    pub(crate) async fn inspect(&self, desc: &Descriptor, known: Option<bool>) -> Result<Inspection, CopyError> {
        if let (Mode::Run(steps), None) = (self.mode, known)
            && let Some(planned) = steps.of(desc)
        {
            return Ok(planned.clone());
        }
        let mut exists = match known {
            Some(exists) => exists,
            None => !self.is_presumed_absent(desc) && self.exists(desc).await?,
        };
        let mut successors = Successors::default();
        if !exists || self.options.verify_children && desc.media_type.is_manifest() {
            successors = self.successors(desc).await?;
        }
        // Only a push lists a manifest among the referrers of its subject, and an earlier one may not have come so far.
        exists &= !successors.has_subject;
        if exists {
            self.tell_skipped(desc).await?;
        }
        Ok(Inspection { exists, successors: successors.links, has_subject: successors.has_subject })
    }

    /// A plan tells what is there, and who has children verified wants to know it.
    fn is_presumed_absent(&self, desc: &Descriptor) -> bool {
        matches!(self.mode, Mode::Copy) && !self.options.verify_children && self.dst.presumes_absent(desc)
    }

    async fn exists(&self, desc: &Descriptor) -> Result<bool, CopyError> {
        let mut attempts = Attempts::default();
        loop {
            match self.dst.exists(desc).await {
                Ok(exists) => return Ok(exists),
                Err(error) => {
                    let error = CopyError::destination_at(CopyOperation::Exists, desc, error);
                    attempts.again(self, desc, error).await?;
                }
            }
        }
    }

    async fn successors(&self, desc: &Descriptor) -> Result<Successors, CopyError> {
        let mut successors = match self.hooked_successors(desc).await? {
            Some(nodes) => Successors { links: nodes.into_iter().map(Link::strong).collect(), has_subject: false },
            None if desc.media_type.is_manifest() => self.linked_successors(desc).await?,
            None => return Ok(Successors::default()),
        };
        successors.links.retain(|link| self.is_followed(&link.desc));
        Ok(successors)
    }

    async fn hooked_successors(&self, desc: &Descriptor) -> Result<Option<Vec<Descriptor>>, CopyError> {
        let Some(hooks) = &self.options.hooks else {
            return Ok(None);
        };
        let fetcher = self.fetcher();
        let successors = hooks.successors(&fetcher, desc).await;
        successors.map_err(|error| CopyError::hook_at(CopyOperation::Successors, desc, error))
    }

    async fn linked_successors(&self, desc: &Descriptor) -> Result<Successors, CopyError> {
        let bytes = self.metadata(desc).await?;
        let document = links(&desc.media_type, &bytes)
            .map_err(|error| CopyError::source_at(CopyOperation::Successors, desc, error.into()))?;
        let has_subject = document.subject.is_some();
        // A subject need not exist (image specification, "Image Manifest"): referrers may come before it, or outlive it.
        let subject = document.subject.map(|desc| Link { desc, is_weak: true });
        let is_index = desc.media_type.is_index();
        let children = if is_index { self.options.platforms.choose(document.children) } else { document.children };
        let is_weak = is_index && self.options.missing_entries;
        let children = children.into_iter().map(|desc| Link { desc, is_weak });
        let links = subject.into_iter().chain(document.config.map(Link::strong)).chain(children).collect();
        Ok(Successors { links, has_subject })
    }

    /// The bytes of a manifest of the walk, for which there must be room.
    async fn metadata(&self, desc: &Descriptor) -> Result<bytes::Bytes, CopyError> {
        let failed = |error: Error| CopyError::source_at(CopyOperation::Fetch, desc, error);
        self.cache.admit(desc).map_err(failed)?;
        let mut attempts = Attempts::default();
        loop {
            match self.fetcher().bytes(desc).await {
                Ok(bytes) => return Ok(bytes),
                Err(error) => attempts.again(self, desc, failed(error)).await?,
            }
        }
    }

    pub(crate) async fn tell_skipped(&self, desc: &Descriptor) -> Result<(), CopyError> {
        self.tell(&CopyEvent::Skipped { desc });
        let Some(hooks) = &self.options.hooks else {
            return Ok(());
        };
        let told = hooks.after_skip(desc).await;
        told.map_err(|error| CopyError::hook_at(CopyOperation::AfterCopy, desc, error))
    }
}
