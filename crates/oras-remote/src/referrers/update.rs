use std::{
    collections::{HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
};

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{Descriptor, Digest, Result};
use oras_descriptor::links;

use crate::{capability::ReferrersCapability, manifest::Accepted, repository::Repository};

/// How many indexes are written at once when deferred changes are.
const FLUSHED_AT_ONCE: usize = 4;

/// A change of the index of a subject's referrers.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Add(Descriptor),
    Remove(Descriptor),
}

/// The changes of indexes that are to be written.
#[derive(Default)]
pub(crate) struct Updates {
    pub(super) ping: tokio::sync::Mutex<()>,
    subjects: Mutex<HashMap<Digest, Arc<Queue>>>,
    deferred: Mutex<Vec<(Digest, Change)>>,
    flushing: tokio::sync::Mutex<()>,
}

/// The changes of one index. Whoever holds the turn writes those of all who wait.
#[derive(Default)]
struct Queue {
    turn: tokio::sync::Mutex<()>,
    waiting: Mutex<Vec<Waiting>>,
}

#[derive(Clone)]
struct Waiting {
    change: Change,
    outcome: Arc<OnceLock<Result<()>>>,
}

/// The changes that are being written; they go back to the queue when the writer is dropped.
struct Turn<'a> {
    queue: &'a Queue,
    taken: Vec<Waiting>,
}

impl<'a> Turn<'a> {
    fn take(queue: &'a Queue) -> Self {
        let taken = std::mem::take(&mut *lock(&queue.waiting));
        Self { queue, taken }
    }

    fn end(mut self, result: &Result<()>) {
        for waiting in self.taken.drain(..) {
            let _ = waiting.outcome.set(result.clone());
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut waiting = lock(&self.queue.waiting);
        let later = std::mem::take(&mut *waiting);
        *waiting = self.taken.drain(..).chain(later).collect();
    }
}

impl Repository {
    /// Lists a manifest that was just stored among the referrers of its subject, if it has one and the registry does not.
    pub(crate) async fn pushed(
        &self,
        desc: &Descriptor,
        bytes: &Bytes,
        accepted: &Accepted,
        deferred: bool,
    ) -> Result<()> {
        let Some((subject, entry)) = referrer(desc, bytes) else {
            return Ok(());
        };
        let memory = self.registry().memory();
        if accepted.subject.as_ref() == Some(&subject) {
            memory.learn_referrers(self.name(), ReferrersCapability::Supported);
            return Ok(());
        }
        if self.referrers_capability() == ReferrersCapability::Supported {
            return Ok(());
        }
        memory.learn_referrers(self.name(), ReferrersCapability::Unsupported);
        if deferred {
            lock(&self.state().updates.deferred).push((subject, Change::Add(entry)));
            return Ok(());
        }
        Box::pin(self.update_index(&subject, vec![Change::Add(entry)])).await
    }

    /// Takes a manifest that is about to be deleted out of the index of its subject.
    pub(crate) async fn deleting(&self, desc: &Descriptor) -> Result<()> {
        if self.referrers_capability() == ReferrersCapability::Supported {
            return Ok(());
        }
        let bytes = oras_content::fetch_all(self, &desc.plain(), self.metadata_limit()).await?;
        let Some((subject, entry)) = referrer(desc, &bytes) else {
            return Ok(());
        };
        match self.learn_referrers_capability().await? {
            ReferrersCapability::Unsupported => self.update_index(&subject, vec![Change::Remove(entry)]).await,
            _ => Ok(()),
        }
    }

    /// Writes the changes that were deferred, each index once.
    pub(crate) async fn flush_indexes(&self) -> Result<()> {
        let updates = &self.state().updates;
        let _one_at_a_time = updates.flushing.lock().await;
        let mut by_subject: HashMap<Digest, Vec<Change>> = HashMap::new();
        let count = {
            let deferred = lock(&updates.deferred);
            for (subject, change) in deferred.iter() {
                by_subject.entry(subject.clone()).or_default().push(change.clone());
            }
            deferred.len()
        };
        let written = stream::iter(by_subject).map(|(subject, changes)| async move {
            let result = self.update_index(&subject, changes).await;
            (subject, result)
        });
        let mut written = written.buffer_unordered(FLUSHED_AT_ONCE);
        let (mut failed, mut first_error) = (HashSet::new(), Ok(()));
        while let Some((subject, result)) = written.next().await {
            if let Err(error) = result {
                failed.insert(subject);
                first_error = first_error.and(Err(error));
            }
        }
        // What could not be written keeps waiting, and so does what came in between.
        let mut seen = 0;
        lock(&updates.deferred).retain(|(subject, _)| {
            seen += 1;
            seen > count || failed.contains(subject)
        });
        first_error
    }

    /// Changes an index, together with all others who want to change it at the same time.
    async fn update_index(&self, subject: &Digest, changes: Vec<Change>) -> Result<()> {
        let queue = self.state().updates.queue(subject);
        let mine: Vec<Waiting> =
            changes.into_iter().map(|change| Waiting { change, outcome: Arc::default() }).collect();
        lock(&queue.waiting).extend(mine.iter().cloned());
        let _turn = queue.turn.lock().await;
        if let Some(outcome) = mine.first().and_then(|waiting| waiting.outcome.get()) {
            return outcome.clone();
        }
        let turn = Turn::take(&queue);
        let changes: Vec<Change> = turn.taken.iter().map(|waiting| waiting.change.clone()).collect();
        let result = self.rewrite_index(subject, &changes).await;
        turn.end(&result);
        result
    }
}

impl Updates {
    fn queue(&self, subject: &Digest) -> Arc<Queue> {
        let mut subjects = lock(&self.subjects);
        if let Some(queue) = subjects.get(subject) {
            return Arc::clone(queue);
        }
        // Nobody waits where only the map knows the queue.
        subjects.retain(|_, queue| Arc::strong_count(queue) > 1 || !lock(&queue.waiting).is_empty());
        let queue = Arc::<Queue>::default();
        subjects.insert(subject.clone(), Arc::clone(&queue));
        queue
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The subject of a manifest, and the entry by which its index lists it.
fn referrer(desc: &Descriptor, bytes: &[u8]) -> Option<(Digest, Descriptor)> {
    let links = links(&desc.media_type, bytes).ok()?;
    let mut entry = desc.plain();
    entry.artifact_type = links.artifact_type;
    entry.annotations = links.annotations;
    Some((links.subject?.digest, entry))
}

#[cfg(test)]
mod tests {
    use oras_content::MediaType;

    use super::*;

    #[test]
    fn an_entry_has_the_type_and_the_annotations_of_its_manifest() {
        let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"subject");
        let manifest = oras_descriptor::Manifest::new(Descriptor::of("config/type", b"{}"), Vec::new())
            .with_subject(subject.clone())
            .with_annotations([("k".to_owned(), "v".to_owned())].into());
        let bytes = oras_descriptor::canonical(&manifest);
        let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes).with_annotation("not", "of the manifest");
        let (of, entry) = referrer(&desc, &bytes).unwrap();
        assert_eq!(of, subject.digest);
        assert_eq!(entry, desc.plain().with_artifact_type("config/type").with_annotation("k", "v"));
    }
}
