use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    ops::Bound,
};

use oras_descriptor::{Descriptor, Digest};

/// What references stand for, and which references stand for some content.
#[derive(Clone, Debug, Default)]
pub struct TagIndex {
    tags: BTreeMap<String, Descriptor>,
    by_digest: HashMap<Digest, BTreeSet<String>>,
}

impl TagIndex {
    /// An index without tags.
    pub fn new() -> Self {
        Self::default()
    }

    /// Lets a reference stand for a descriptor, and returns the one it stood for before.
    pub fn insert(&mut self, reference: impl Into<String>, desc: Descriptor) -> Option<Descriptor> {
        let reference = reference.into();
        let before = self.remove(&reference);
        self.by_digest.entry(desc.digest.clone()).or_default().insert(reference.clone());
        self.tags.insert(reference, desc);
        before
    }

    /// Removes a reference, and returns the descriptor it stood for.
    pub fn remove(&mut self, reference: &str) -> Option<Descriptor> {
        let desc = self.tags.remove(reference)?;
        if let Some(references) = self.by_digest.get_mut(&desc.digest) {
            references.remove(reference);
            if references.is_empty() {
                self.by_digest.remove(&desc.digest);
            }
        }
        Some(desc)
    }

    /// Removes every reference to some content, and returns them in ascending order.
    pub fn remove_content(&mut self, digest: &Digest) -> Vec<String> {
        let references = self.by_digest.remove(digest).unwrap_or_default();
        for reference in &references {
            self.tags.remove(reference);
        }
        references.into_iter().collect()
    }

    /// The descriptor that a reference stands for, exactly as it was inserted.
    pub fn get(&self, reference: &str) -> Option<&Descriptor> {
        self.tags.get(reference)
    }

    /// The references to some content, in ascending order.
    pub fn of_content(&self, digest: &Digest) -> impl Iterator<Item = &str> {
        self.by_digest.get(digest).into_iter().flatten().map(String::as_str)
    }

    /// References and what they stand for, in ascending order; with `last`, only those behind it.
    pub fn after(&self, last: Option<&str>) -> impl Iterator<Item = (&str, &Descriptor)> {
        let start = last.map_or(Bound::Unbounded, Bound::Excluded);
        self.tags.range::<str, _>((start, Bound::Unbounded)).map(|(reference, desc)| (reference.as_str(), desc))
    }

    /// How many references there are.
    pub fn len(&self) -> usize {
        self.tags.len()
    }

    /// Whether there is no reference.
    pub fn is_empty(&self) -> bool {
        self.tags.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn desc(text: &str) -> Descriptor {
        Descriptor::of("a/b", text.as_bytes())
    }

    fn index() -> TagIndex {
        let mut index = TagIndex::new();
        for (reference, content) in [("v2", "x"), ("v1", "x"), ("v3", "y")] {
            assert_eq!(index.insert(reference, desc(content)), None);
        }
        index
    }

    fn of<'a>(index: &'a TagIndex, content: &str) -> Vec<&'a str> {
        index.of_content(&desc(content).digest).collect()
    }

    #[test]
    fn lists_in_order_and_after_the_last() {
        let index = index();
        let after = |last| index.after(last).map(|(reference, _)| reference).collect::<Vec<_>>();
        assert_eq!(after(None), ["v1", "v2", "v3"]);
        assert_eq!(after(Some("v1")), ["v2", "v3"]);
        assert_eq!(after(Some("v10")), ["v2", "v3"]);
        assert!(after(Some("v3")).is_empty());
    }

    #[test]
    fn a_moved_reference_leaves_its_old_content() {
        let mut index = index();
        assert_eq!(index.insert("v1", desc("y")), Some(desc("x")));
        assert_eq!((of(&index, "x"), of(&index, "y")), (vec!["v2"], vec!["v1", "v3"]));
        assert_eq!(index.len(), 3);
    }

    #[test]
    fn a_removed_reference_stands_for_nothing() {
        let mut index = index();
        assert_eq!(index.remove("v3"), Some(desc("y")));
        assert_eq!((index.remove("v3"), index.get("v3")), (None, None));
        assert!(of(&index, "y").is_empty());
    }

    #[test]
    fn removed_content_takes_its_references_along() {
        let mut index = index();
        assert_eq!(index.remove_content(&desc("x").digest), ["v1", "v2"]);
        assert!(index.remove_content(&desc("x").digest).is_empty());
        assert_eq!(index.after(None).map(|(reference, _)| reference).collect::<Vec<_>>(), ["v3"]);
    }

    #[test]
    fn keeps_descriptors_exactly_as_they_were_inserted() {
        let mut index = TagIndex::new();
        let annotated = desc("x").with_annotation("k", "v").with_artifact_type("t/t");
        index.insert("latest", annotated.clone());
        assert_eq!(index.get("latest"), Some(&annotated));
    }
}
