use std::{collections::HashSet, time::Duration};

use bytes::Bytes;
use http::StatusCode;
use oras_content::{Descriptor, Digest, Error, ErrorKind, MediaType, Result};
use oras_descriptor::IndexEdit;
use tokio::time::Instant;

use super::update::Change;
use crate::{manifest::Condition, repository::Repository};

/// How often an index is read and written again because somebody else wrote it in between.
const MAX_ROUNDS: u32 = 32;

/// The pause after the first lost round; each further one waits as much longer.
const PAUSE: Duration = Duration::from_millis(5);

/// How long the second look waits at most for others who read before the index was written.
const MAX_WAIT: Duration = Duration::from_secs(1);

impl Repository {
    /// Reads an index, changes it and writes it, until nobody else wrote it in between.
    pub(super) async fn rewrite_index(&self, subject: &Digest, changes: &[Change]) -> Result<()> {
        let mut garbage = Vec::new();
        for round in 1..=MAX_ROUNDS {
            let begun = Instant::now();
            let (old, mut edit) = match self.read_index(subject).await? {
                Some((old, edit)) => (Some(old), edit),
                None => (None, IndexEdit::new()),
            };
            apply(&mut edit, changes);
            let is_same =
                old.as_ref().map_or(edit.is_empty(), |old| !edit.is_changed() || edit.to_bytes() == old.bytes);
            if is_same {
                self.collect(&garbage, old.as_ref().map(|old| &old.desc)).await;
                return Ok(());
            }
            if let Some(old) = old.as_ref().filter(|_| edit.is_empty() && !self.registry().options().keep_old_indexes) {
                match self.delete_manifest(&old.desc.digest).await {
                    Ok(()) => return Ok(()),
                    Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
                    // An index without entries says the same.
                    Err(error) => self.concern(&error),
                }
            }
            let condition = match &old {
                Some(old) => old.etag.clone().map_or(Condition::Always, Condition::IfMatch),
                None => Condition::IfNoneMatch,
            };
            garbage.extend(old.map(|old| old.desc));
            if let Some(new) = self.write_index(subject, edit.to_bytes(), condition).await? {
                // Who read before this was written takes about as long as it took here to write.
                tokio::time::sleep(begun.elapsed().min(MAX_WAIT)).await;
                if self.still_stands(subject, &new).await? {
                    self.collect(&garbage, Some(&new)).await;
                    return Ok(());
                }
                garbage.push(new);
            }
            tokio::time::sleep(PAUSE * round).await;
        }
        let message = format!("the referrers of {subject} in {} were changed by others all the time", self.reference());
        Err(Error::new(ErrorKind::Other, message).with_retryable(true))
    }

    /// Writes an index; none when somebody else was faster.
    async fn write_index(&self, subject: &Digest, bytes: Bytes, condition: Condition) -> Result<Option<Descriptor>> {
        let desc = Descriptor::of(MediaType::OCI_INDEX, &bytes);
        if desc.size > self.metadata_limit() {
            let message = format!(
                "the index of the referrers of {subject} has {} bytes, more than the metadata limit of {} \
                 (see RegistryOptions::with_metadata_limit)",
                desc.size,
                self.metadata_limit()
            );
            return Err(Error::new(ErrorKind::SizeExceedsLimit, message));
        }
        let reference = self.referrers_reference(subject)?;
        let tag = reference.reference_or_default();
        let answer = self.send_manifest(&desc, &bytes, tag, &[], &condition).await?;
        if answer.status() == StatusCode::PRECONDITION_FAILED {
            return Ok(None);
        }
        self.accepted_manifest(&desc, &bytes, tag, answer).await?;
        Ok(Some(desc))
    }

    /// Whether what was written is still there: most registries take no condition, whatever they send as an ETag.
    async fn still_stands(&self, subject: &Digest, written: &Descriptor) -> Result<bool> {
        let found = self.resolve_at_origin(&self.referrers_reference(subject)?).await;
        match found {
            Ok(found) => Ok(found.digest == written.digest),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes old indexes. The operation has succeeded already, so a failure is only told.
    async fn collect(&self, garbage: &[Descriptor], current: Option<&Descriptor>) {
        if self.registry().options().keep_old_indexes {
            return;
        }
        let mut seen = HashSet::new();
        for old in garbage {
            if current.is_some_and(|current| current.digest == old.digest) || !seen.insert(&old.digest) {
                continue;
            }
            match self.delete_manifest(&old.digest).await {
                Err(error) if error.kind() != ErrorKind::NotFound => self.concern(&error.with_descriptor(old)),
                _ => {}
            }
        }
    }

    fn concern(&self, error: &Error) {
        #[cfg(feature = "tracing")]
        tracing::warn!(target: "oras::remote", %error, "an old index of referrers stays");
        if let Some(concern) = &self.registry().options().concern {
            concern(error);
        }
    }
}

/// Changes an index. What is nobody's entry, or one that stands there twice, goes away with it.
fn apply(edit: &mut IndexEdit, changes: &[Change]) {
    edit.remove_blank();
    let mut seen = HashSet::new();
    edit.retain(|entry| seen.insert((entry.media_type.clone(), entry.digest.clone(), entry.size)));
    for change in changes {
        match change {
            Change::Add(desc) if edit.entries().any(|entry| entry.same_content(desc)) => {}
            Change::Add(desc) => edit.push(desc),
            Change::Remove(desc) => edit.retain(|entry| !entry.same_content(desc)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str) -> Descriptor {
        Descriptor::of(MediaType::OCI_MANIFEST, name.as_bytes())
    }

    fn edit_of(entries: &[Descriptor]) -> IndexEdit {
        let index = oras_descriptor::Index::new(entries.to_vec());
        IndexEdit::from_slice(&oras_descriptor::canonical(&index)).unwrap()
    }

    fn names(edit: &IndexEdit) -> Vec<Descriptor> {
        edit.entries().cloned().collect()
    }

    #[test]
    fn adds_what_is_not_there_and_removes_what_is() {
        let mut edit = edit_of(&[entry("a"), entry("b")]);
        apply(&mut edit, &[Change::Add(entry("c")), Change::Remove(entry("a"))]);
        assert_eq!(names(&edit), [entry("b"), entry("c")]);
    }

    #[test]
    fn changes_nothing_when_there_is_nothing_to_change() {
        let mut edit = edit_of(&[entry("a")]);
        apply(&mut edit, &[Change::Add(entry("a")), Change::Remove(entry("b"))]);
        assert!(!edit.is_changed());
    }

    #[test]
    fn drops_blank_and_duplicate_entries_and_keeps_the_order() {
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{b},null,{a},{b},{{}}]}}"#,
            a = String::from_utf8(oras_descriptor::canonical(&entry("a")).to_vec()).unwrap(),
            b = String::from_utf8(oras_descriptor::canonical(&entry("b")).to_vec()).unwrap()
        );
        let mut edit = IndexEdit::from_slice(text.as_bytes()).unwrap();
        apply(&mut edit, &[]);
        assert_eq!(names(&edit), [entry("b"), entry("a")]);
        assert!(edit.is_changed());
    }
}
