//! How manifests, tags and what else must last is written into `index.json`.

use oras_descriptor::{Descriptor, Digest, IndexEdit, annotation::REF_NAME};

/// Says of an entry that the same bytes were also pushed as a blob, so that either can be deleted without the other.
const ALSO_BLOB: &str = "land.oras.registry.also-blob";

/// The name of an entry.
pub(super) fn name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str).filter(|name| !name.is_empty())
}

pub(super) fn is_also_blob(entry: &Descriptor) -> bool {
    entry.annotations.contains_key(ALSO_BLOB)
}

/// Lists a manifest, if it is not.
pub(super) fn list(edit: &mut IndexEdit, desc: &Descriptor) {
    if !edit.entries().any(|entry| entry.digest == desc.digest) {
        edit.push(&desc.plain());
    }
}

/// Gives a tag to a manifest, and takes it from the one that had it.
pub(super) fn tag(edit: &mut IndexEdit, desc: &Descriptor, tag: &str) {
    if edit.entries().any(|entry| entry.digest == desc.digest && name(entry) == Some(tag)) {
        return;
    }
    untag(edit, tag);
    let nameless = edit.positions(|entry| entry.digest == desc.digest && name(entry).is_none());
    match nameless.first() {
        Some(position) => edit.set_annotation(*position, REF_NAME, Some(tag)),
        None => {
            let is_also_blob = edit.entries().any(|entry| entry.digest == desc.digest && is_also_blob(entry));
            edit.push(&desc.plain().with_annotation(REF_NAME, tag));
            if is_also_blob {
                mark_blob(edit, &desc.digest, true);
            }
        }
    }
}

/// Takes a tag from the manifest that has it. The manifest stays listed.
pub(super) fn untag(edit: &mut IndexEdit, tag: &str) {
    for position in edit.positions(|entry| name(entry) == Some(tag)).into_iter().rev() {
        let digest = edit.entries().find(|entry| name(entry) == Some(tag)).map(|entry| entry.digest.clone());
        let is_listed_twice =
            digest.is_some_and(|digest| edit.entries().filter(|entry| entry.digest == digest).count() > 1);
        match is_listed_twice {
            true => edit.retain(|entry| name(entry) != Some(tag)),
            false => edit.set_annotation(position, REF_NAME, None),
        }
    }
}

/// Takes a manifest out, with all its tags.
pub(super) fn remove(edit: &mut IndexEdit, digest: &Digest) {
    edit.retain(|entry| entry.digest != *digest);
}

/// Notes whether the bytes of a manifest are a blob, too.
pub(super) fn mark_blob(edit: &mut IndexEdit, digest: &Digest, is_blob: bool) {
    for position in edit.positions(|entry| entry.digest == *digest) {
        edit.set_annotation(position, ALSO_BLOB, is_blob.then_some("true"));
    }
}

#[cfg(test)]
mod tests {
    use oras_descriptor::MediaType;

    use super::*;

    fn manifest(text: &str) -> Descriptor {
        Descriptor::of(MediaType::OCI_MANIFEST, text.as_bytes())
    }

    fn listed(edit: &IndexEdit) -> Vec<(Digest, Option<&str>)> {
        edit.entries().map(|entry| (entry.digest.clone(), name(entry))).collect()
    }

    #[test]
    fn a_tag_moves_and_leaves_its_manifest_listed() {
        let (old, new) = (manifest("old"), manifest("new"));
        let mut edit = IndexEdit::new();
        for _ in 0..2 {
            list(&mut edit, &old);
            tag(&mut edit, &old, "v1");
        }
        assert_eq!(listed(&edit), [(old.digest.clone(), Some("v1"))]);
        list(&mut edit, &new);
        tag(&mut edit, &new, "v1");
        assert_eq!(listed(&edit), [(old.digest, None), (new.digest, Some("v1"))]);
    }

    #[test]
    fn a_manifest_has_an_entry_for_each_tag() {
        let desc = manifest("x");
        let mut edit = IndexEdit::new();
        list(&mut edit, &desc);
        mark_blob(&mut edit, &desc.digest, true);
        tag(&mut edit, &desc, "v1");
        tag(&mut edit, &desc, "v2");
        assert!(edit.entries().all(is_also_blob));
        untag(&mut edit, "v1");
        assert_eq!(listed(&edit), [(desc.digest.clone(), Some("v2"))]);
        untag(&mut edit, "v2");
        assert_eq!(listed(&edit), [(desc.digest.clone(), None)]);
        assert!(edit.entries().all(is_also_blob));
        remove(&mut edit, &desc.digest);
        assert!(edit.is_empty());
    }
}
