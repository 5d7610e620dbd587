use std::sync::{Arc, RwLock, RwLockReadGuard, RwLockWriteGuard};

use bytes::Bytes;
use oras_descriptor::{Descriptor, Digest, Links, MediaType};
use oras_memory::{PredecessorGraph, TagIndex};

/// A repository: its name, and what is known of its manifests.
#[derive(Debug)]
pub(crate) struct Repository {
    name: String,
    index: RwLock<RepositoryIndex>,
}

impl Repository {
    pub(crate) fn new(name: &str, index: RepositoryIndex) -> Arc<Self> {
        Arc::new(Self { name: name.into(), index: RwLock::new(index) })
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Looks at manifests and tags; not to be held while waiting.
    pub(crate) fn read(&self) -> RwLockReadGuard<'_, RepositoryIndex> {
        self.index.read().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    pub(super) fn write(&self) -> RwLockWriteGuard<'_, RepositoryIndex> {
        self.index.write().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Manifests, tags and referrers of a repository.
#[derive(Debug, Default)]
pub(crate) struct RepositoryIndex {
    manifests: std::collections::HashMap<Digest, Descriptor>,
    tags: TagIndex,
    graph: PredecessorGraph,
}

/// How a manifest is named in a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reference {
    Tag(String),
    Digest(Digest),
}

impl RepositoryIndex {
    pub(crate) fn resolve(&self, reference: &Reference) -> Option<&Descriptor> {
        match reference {
            Reference::Tag(tag) => self.tags.get(tag),
            Reference::Digest(digest) => self.manifests.get(digest),
        }
    }

    pub(crate) fn contains(&self, digest: &Digest) -> bool {
        self.manifests.contains_key(digest)
    }

    /// Tags in bytewise order, behind `last` if it is given.
    pub(crate) fn tags_after<'a>(&'a self, last: Option<&'a str>) -> impl Iterator<Item = &'a str> {
        self.tags.after(last).map(|(tag, _)| tag)
    }

    pub(crate) fn referrers<'a>(
        &'a self,
        subject: &'a Digest,
        artifact_type: Option<&'a MediaType>,
    ) -> impl Iterator<Item = Descriptor> + 'a {
        self.graph.referrers(subject, artifact_type)
    }

    /// Whether some manifest names this content.
    pub(crate) fn is_referenced(&self, digest: &Digest) -> bool {
        self.graph.predecessors(digest).next().is_some()
    }

    /// Adds a manifest, which may be known already.
    pub(super) fn insert(&mut self, desc: &Descriptor, links: Links) {
        self.manifests.insert(desc.digest.clone(), desc.clone());
        self.graph.insert(desc, links);
    }

    pub(super) fn tag(&mut self, tag: &str, desc: &Descriptor) {
        self.tags.insert(tag, desc.clone());
    }

    /// What a change would give, without making it.
    pub(super) fn judge(&self, change: &Change) -> Outcome {
        match change {
            Change::Put(put) if !put.condition.holds(self.resolve(&put.reference)) => Outcome::ConditionFailed,
            Change::Put(_) => Outcome::Done,
            Change::DeleteTag(tag) if self.tags.get(tag).is_some() => Outcome::Done,
            Change::DeleteManifest(digest) if self.contains(digest) => Outcome::Done,
            Change::DeleteTag(_) | Change::DeleteManifest(_) => Outcome::NotFound,
        }
    }

    /// Makes a change that was judged to be possible.
    pub(super) fn apply(&mut self, change: Change) {
        match change {
            Change::Put(put) => {
                self.insert(&put.desc, put.links);
                for tag in &put.tags {
                    self.tag(tag, &put.desc);
                }
            }
            Change::DeleteTag(tag) => {
                self.tags.remove(&tag);
            }
            Change::DeleteManifest(digest) => {
                self.manifests.remove(&digest);
                self.tags.remove_content(&digest);
                self.graph.remove(&digest);
            }
        }
    }
}

/// One step in the life of a repository.
#[derive(Debug)]
pub(crate) enum Change {
    Put(Box<Put>),
    DeleteTag(String),
    DeleteManifest(Digest),
}

/// A manifest that is pushed.
#[derive(Debug)]
pub(crate) struct Put {
    pub(crate) reference: Reference,
    pub(crate) condition: Condition,
    pub(crate) desc: Descriptor,
    pub(crate) bytes: Bytes,
    pub(crate) links: Links,
    pub(crate) tags: Vec<String>,
}

/// How a change ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    NotFound,
    ConditionFailed,
}

/// `If-Match` and `If-None-Match` of a request (RFC 9110 section 13.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) if_match: Option<Vec<String>>,
    pub(crate) if_none_match: Option<Vec<String>>,
}

impl Condition {
    /// Whether the condition holds for what a reference stands for now.
    pub(crate) fn holds(&self, current: Option<&Descriptor>) -> bool {
        let matches = |tags: &Vec<String>| {
            current.is_some_and(|desc| tags.iter().any(|tag| tag == "*" || tag == desc.digest.as_str()))
        };
        self.if_match.as_ref().is_none_or(matches) && !self.if_none_match.as_ref().is_some_and(matches)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn condition(if_match: Option<&str>, if_none_match: Option<&str>) -> Condition {
        let list = |tag: Option<&str>| tag.map(|tag| vec![tag.to_owned()]);
        Condition { if_match: list(if_match), if_none_match: list(if_none_match) }
    }

    #[test]
    fn conditions_speak_of_the_current_digest() {
        let (old, new) = (Descriptor::of("a/b", b"old"), Descriptor::of("a/b", b"new"));
        let tag = old.digest.as_str();
        let cases = [
            (condition(None, None), Some(&old), true),
            (condition(Some(tag), None), Some(&old), true),
            (condition(Some(tag), None), Some(&new), false),
            (condition(Some(tag), None), None, false),
            (condition(Some("*"), None), Some(&new), true),
            (condition(Some("*"), None), None, false),
            (condition(None, Some("*")), None, true),
            (condition(None, Some("*")), Some(&old), false),
            (condition(None, Some(tag)), Some(&new), true),
        ];
        for (condition, current, expected) in cases {
            assert_eq!(condition.holds(current), expected, "{condition:?} {current:?}");
        }
    }

    #[test]
    fn a_deleted_manifest_takes_its_tags_along() {
        let mut index = RepositoryIndex::default();
        let desc = Descriptor::of("a/b", b"x");
        index.insert(&desc, Links::default());
        index.tag("one", &desc);
        index.tag("two", &desc);
        let change = Change::DeleteManifest(desc.digest.clone());
        assert_eq!(index.judge(&change), Outcome::Done);
        index.apply(change);
        assert_eq!(index.tags_after(None).count(), 0);
        assert_eq!(index.judge(&Change::DeleteManifest(desc.digest)), Outcome::NotFound);
    }
}
