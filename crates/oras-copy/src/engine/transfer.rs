//! Moving one node.

use std::sync::atomic::{AtomicU64, Ordering};

use oras_content::{Blob, Descriptor, ErrorKind, Fetcher, Location, MountOutcome, Storage, Target};
use tokio::time::Instant;

use super::{Attempts, Context, Outcome, cache::verified};
use crate::{
    error::{CopyError, CopyOperation, CopyOrigin},
    event::CopyEvent,
    hooks::Decision,
};

impl<S: Fetcher, D: Storage> Context<'_, S, D> {
    /// Moves a node, all of whose successors are there.
    pub(crate) async fn transfer(&self, desc: &Descriptor) -> Result<Outcome, CopyError> {
        if self.decide(desc).await? == Decision::Skip {
            self.tell(&CopyEvent::Skipped { desc });
            return Ok(Outcome::Skipped);
        }
        self.tell(&CopyEvent::Started { desc });
        let from = self.mount_candidates(desc).await?;
        let mut attempts = Attempts::default();
        let outcome = loop {
            match self.push(desc, &from).await {
                Ok(outcome) => break outcome,
                Err(error) => attempts.again(self, desc, error).await?,
            }
        };
        self.tell_moved(desc, outcome).await?;
        Ok(outcome)
    }

    async fn push(&self, desc: &Descriptor, from: &[Location]) -> Result<Outcome, CopyError> {
        let content = self.content(desc).await?;
        let (operation, pushed) = if from.is_empty() {
            let pushed = self.dst.push_deferred(desc, content).await;
            (CopyOperation::Push, pushed.map(|()| Outcome::Copied))
        } else {
            let mounted = self.dst.mount(desc, from, content).await;
            let outcome = mounted.map(|outcome| match outcome {
                MountOutcome::Mounted => Outcome::Mounted,
                _ => Outcome::Copied,
            });
            (CopyOperation::Mount, outcome)
        };
        match pushed {
            Ok(outcome) => Ok(outcome),
            // Somebody else was faster, or the store knows the bytes under another media type.
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(Outcome::Copied),
            Err(error) => Err(CopyError::destination_at(operation, desc, error)),
        }
    }

    /// The content of a node, from where it is nearest.
    pub(crate) async fn content(&self, desc: &Descriptor) -> Result<Blob, CopyError> {
        if let Some(bytes) = self.cache.get(desc) {
            return Ok(self.observed(desc, verified(desc, bytes)));
        }
        if let Ok(Some(data)) = desc.embedded() {
            return Ok(self.observed(desc, verified(desc, data)));
        }
        let blob = match self.cache.take_opened(desc) {
            Some(blob) => blob,
            None => {
                let fetched = self.src.fetch(desc).await;
                fetched.map_err(|error| CopyError::source_at(CopyOperation::Fetch, desc, error))?
            }
        };
        let is_trusted = self.options.trusted_source && !desc.media_type.is_manifest();
        let blob = if is_trusted { blob.trusted() } else { blob };
        Ok(self.observed(desc, blob.verify(desc)))
    }

    /// Where a blob may be mounted from; nowhere for a manifest.
    pub(crate) async fn mount_candidates(&self, desc: &Descriptor) -> Result<Vec<Location>, CopyError> {
        if desc.media_type.is_manifest() {
            return Ok(Vec::new());
        }
        let mut from = match &self.options.hooks {
            Some(hooks) => {
                let named = hooks.mount_from(desc).await;
                named.map_err(|error| CopyError::hook_at(CopyOperation::MountFrom, desc, error))?
            }
            None => Vec::new(),
        };
        from.extend(self.mount_from.clone().filter(|source| !from.contains(source)));
        Ok(from)
    }
}

impl<S: Fetcher, D: Target> Context<'_, S, D> {
    /// Moves a manifest, all of whose successors are there, and lets a reference stand for it.
    pub(crate) async fn transfer_tagged(&self, desc: &Descriptor, reference: &str) -> Result<Outcome, CopyError> {
        self.flush().await?;
        if self.decide(desc).await? == Decision::Skip {
            self.tell(&CopyEvent::Skipped { desc });
            self.tag(desc, reference).await?;
            return Ok(Outcome::Skipped);
        }
        self.tell(&CopyEvent::Started { desc });
        self.push_tagged(desc, reference).await?;
        self.tell_moved(desc, Outcome::Copied).await?;
        self.tell(&CopyEvent::Tagged { desc, reference });
        Ok(Outcome::Copied)
    }

    /// Stores a node under a reference; that it is there already is no error.
    pub(crate) async fn push_tagged(&self, desc: &Descriptor, reference: &str) -> Result<(), CopyError> {
        let mut attempts = Attempts::default();
        loop {
            let content = self.content(desc).await?;
            match self.dst.push_reference(desc, content, reference).await {
                Ok(()) => return Ok(()),
                Err(error) => {
                    let error = CopyError::destination_at(CopyOperation::PushReference, desc, error).named(reference);
                    attempts.again(self, desc, error).await?;
                }
            }
        }
    }

    /// Lets a reference stand for a node that is there.
    pub(crate) async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<(), CopyError> {
        let mut attempts = Attempts::default();
        loop {
            match self.dst.tag(desc, reference).await {
                Ok(()) => break,
                Err(error) => {
                    let error = CopyError::destination_at(CopyOperation::Tag, desc, error).named(reference);
                    attempts.again(self, desc, error).await?;
                }
            }
        }
        self.tell(&CopyEvent::Tagged { desc, reference });
        Ok(())
    }
}

impl<S, D: Storage> Context<'_, S, D> {
    pub(crate) async fn flush(&self) -> Result<(), CopyError> {
        let flushed = self.dst.flush().await;
        flushed.map_err(|error| CopyError::new(CopyOrigin::Destination, CopyOperation::Flush, error))
    }
}

impl<S, D> Context<'_, S, D> {
    async fn decide(&self, desc: &Descriptor) -> Result<Decision, CopyError> {
        let Some(hooks) = &self.options.hooks else {
            return Ok(Decision::Copy);
        };
        let decision = hooks.before_copy(desc).await;
        decision.map_err(|error| CopyError::hook_at(CopyOperation::BeforeCopy, desc, error))
    }

    async fn tell_moved(&self, desc: &Descriptor, outcome: Outcome) -> Result<(), CopyError> {
        let Some(hooks) = &self.options.hooks else {
            return Ok(());
        };
        let told = if outcome == Outcome::Mounted {
            hooks.event(&CopyEvent::Mounted { desc });
            hooks.after_mount(desc).await
        } else {
            hooks.event(&CopyEvent::Copied { desc });
            hooks.after_copy(desc).await
        };
        told.map_err(|error| CopyError::hook_at(CopyOperation::AfterCopy, desc, error))
    }

    /// Tells the progress of a blob, where there is somebody to tell.
    fn observed(&self, desc: &Descriptor, blob: Blob) -> Blob {
        let Some(hooks) = self.options.hooks.clone() else {
            return blob;
        };
        let desc = desc.plain();
        let interval = millis(self.options.progress_interval);
        let begun = Instant::now();
        let next = AtomicU64::new(interval);
        blob.observed(move |position| {
            let now = millis(begun.elapsed());
            if now >= next.load(Ordering::Relaxed) {
                next.store(now.saturating_add(interval), Ordering::Relaxed);
                hooks.event(&CopyEvent::Progress { desc: &desc, position });
            }
        })
    }
}

fn millis(duration: std::time::Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
