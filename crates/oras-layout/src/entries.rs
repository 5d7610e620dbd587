//! Entries of an index: listed content, and names for it.

use std::collections::HashSet;

use oras_descriptor::{Descriptor, IndexEdit, annotation::REF_NAME};

/// The name of an entry; an empty one is none.
pub(crate) fn name(entry: &Descriptor) -> Option<&str> {
    entry.annotations.get(REF_NAME).map(String::as_str).filter(|name| !name.is_empty())
}

pub(crate) fn nameless(entry: &Descriptor) -> Descriptor {
    let mut desc = entry.clone();
    desc.annotations.remove(REF_NAME);
    desc
}

/// Lists content without a name, each once.
pub(crate) fn list(edit: &mut IndexEdit, descs: &[Descriptor]) {
    let mut listed: HashSet<_> = match descs {
        [] => return,
        [desc] => {
            edit.entries().filter(|entry| entry.digest == desc.digest).map(|entry| entry.digest.clone()).collect()
        }
        _ => edit.entries().map(|entry| entry.digest.clone()).collect(),
    };
    for desc in descs {
        if listed.insert(desc.digest.clone()) {
            edit.push(&nameless(desc));
        }
    }
}

/// Gives a name to content, and takes it from whatever had it.
pub(crate) fn tag(edit: &mut IndexEdit, desc: &Descriptor, tag: &str) {
    let wanted = nameless(desc);
    let agrees = |entry: &Descriptor| entry.digest == wanted.digest && nameless(entry) == wanted;
    let named: Vec<_> = edit.entries().filter(|entry| name(entry) == Some(tag)).cloned().collect();
    if matches!(named.as_slice(), [entry] if agrees(entry)) {
        return;
    }
    untag(edit, tag);
    // A nameless entry of the same content has served its purpose; one that says the same becomes the named one.
    let is_nameless = |entry: &Descriptor| entry.digest == wanted.digest && name(entry).is_none();
    match edit.positions(|entry| is_nameless(entry) && agrees(entry)).first() {
        Some(position) => edit.set_annotation(*position, REF_NAME, Some(tag)),
        None => {
            edit.retain(|entry| !is_nameless(entry));
            edit.push(&wanted.with_annotation(REF_NAME, tag));
        }
    }
}

/// Takes a name from what has it, and says whether anything had. The content stays listed.
pub(crate) fn untag(edit: &mut IndexEdit, tag: &str) -> bool {
    let named = edit.positions(|entry| name(entry) == Some(tag));
    let digests: HashSet<_> =
        edit.entries().filter(|entry| name(entry) == Some(tag)).map(|entry| entry.digest.clone()).collect();
    for position in &named {
        edit.set_annotation(*position, REF_NAME, None);
    }
    // One entry of each content is enough when none of them has a name, and none is needed beside a named one.
    let named_elsewhere: HashSet<_> = edit
        .entries()
        .filter(|entry| digests.contains(&entry.digest) && name(entry).is_some())
        .map(|entry| entry.digest.clone())
        .collect();
    let mut kept = HashSet::new();
    edit.retain(|entry| {
        !digests.contains(&entry.digest)
            || name(entry).is_some()
            || (!named_elsewhere.contains(&entry.digest) && kept.insert(entry.digest.clone()))
    });
    !named.is_empty()
}
