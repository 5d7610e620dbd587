use std::ops::Range;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    canonical::{canonical, canonical_text},
    descriptor::Descriptor,
    document::{self, DocumentError},
    index::Index,
    media_type::MediaType,
    raw_object::{RawObject, range_in},
    wire::Object,
};

const DOCUMENT: &str = "image index";

/// Longer blanks between entries are dropped: repeated for each entry, they would make a small document a huge one.
const MAX_BLANKS: usize = 64;

/// Changes the index of somebody else: the `index.json` of a layout, or the index under a referrers tag.
///
/// Whatever is not touched is written back byte by byte: other entries, unknown members, their order, and the blanks
/// around the entries. An entry that is no descriptor, because its digest is malformed for instance, cannot be seen here
/// and stays where it is.
///
/// ```
/// use oras_descriptor::{Descriptor, IndexEdit, annotation};
///
/// let mut edit = IndexEdit::from_slice(br#"{"schemaVersion":2,"manifests":[],"vendor":{"x":1.0}}"#)?;
/// edit.push(&Descriptor::of("a/b", b"content"));
/// let added = edit.positions(|entry| entry.media_type == "a/b");
/// edit.set_annotation(added[0], annotation::REF_NAME, Some("v1"));
/// assert!(edit.to_bytes().ends_with(br#""v1"}}],"vendor":{"x":1.0}}"#));
/// # Ok::<(), oras_descriptor::DocumentError>(())
/// ```
#[derive(Clone, Debug)]
pub struct IndexEdit {
    source: Bytes,
    media_type: Option<MediaType>,
    head: Bytes,
    entries: Vec<Entry>,
    blanks: Bytes,
    tail: Bytes,
    changed: bool,
}

/// An entry as it is written, and what it says, if that is a descriptor.
#[derive(Clone, Debug)]
struct Entry {
    raw: Bytes,
    view: Option<Descriptor>,
}

impl IndexEdit {
    /// An empty OCI index.
    pub fn new() -> Self {
        Self::from_slice(&canonical(&Index::new(Vec::new()))).expect("an index that was just written can be read")
    }

    /// Reads an index.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Json`] when the bytes are not a JSON object, when `manifests` is neither an array nor null, or
    /// when `mediaType` is no text.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DocumentError> {
        let text = std::str::from_utf8(bytes).map_err(|error| document::invalid(DOCUMENT, &error))?;
        let source = Bytes::copy_from_slice(bytes);
        Self::parse(text, source).map_err(|error| document::invalid(DOCUMENT, &error))
    }

    /// Adds an entry behind all others.
    pub fn push(&mut self, desc: &Descriptor) {
        self.entries.push(Entry { raw: canonical(desc), view: Some(desc.clone()) });
        self.changed = true;
    }

    /// Sets or removes an annotation of the entry at a [position](Self::positions).
    ///
    /// All other members of the entry stay as they are. No entry there, or no difference: no change.
    pub fn set_annotation(&mut self, position: usize, key: &str, value: Option<&str>) {
        let Some(entry) = self.entries.get_mut(position) else { return };
        self.changed |= entry.set_annotation(key, value);
    }

    /// Keeps the entries for which `keep` holds, and those that are no descriptors.
    pub fn retain(&mut self, mut keep: impl FnMut(&Descriptor) -> bool) {
        self.retain_entries(|entry| entry.view.as_ref().is_none_or(&mut keep));
    }

    /// Removes the entries that are null, or have neither media type nor digest nor size.
    pub fn remove_blank(&mut self) {
        self.retain_entries(|entry| !entry.is_blank());
    }

    /// The type of the document, as it says itself.
    pub const fn media_type(&self) -> Option<&MediaType> {
        self.media_type.as_ref()
    }

    /// The entries that are descriptors, in their order.
    pub fn entries(&self) -> impl Iterator<Item = &Descriptor> {
        self.entries.iter().filter_map(|entry| entry.view.as_ref())
    }

    /// The positions of the entries for which `wanted` holds, in ascending order. Removing entries shifts positions.
    pub fn positions(&self, mut wanted: impl FnMut(&Descriptor) -> bool) -> Vec<usize> {
        let entries = self.entries.iter().enumerate();
        entries.filter(|(_, entry)| entry.view.as_ref().is_some_and(&mut wanted)).map(|(at, _)| at).collect()
    }

    /// Whether there is no entry at all; entries that are no descriptors count.
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether [`to_bytes`](Self::to_bytes) gives anything but what was read.
    pub const fn is_changed(&self) -> bool {
        self.changed
    }

    /// The document: what was read, if nothing was changed.
    pub fn to_bytes(&self) -> Bytes {
        if !self.changed {
            return self.source.clone();
        }
        let len: usize = self.entries.iter().map(|entry| entry.raw.len() + 1 + self.blanks.len()).sum();
        let mut bytes = Vec::with_capacity(self.head.len() + len + self.tail.len());
        bytes.extend_from_slice(&self.head);
        for (at, entry) in self.entries.iter().enumerate() {
            if at > 0 {
                bytes.push(b',');
                bytes.extend_from_slice(&self.blanks);
            }
            bytes.extend_from_slice(&entry.raw);
        }
        bytes.extend_from_slice(&self.tail);
        bytes.into()
    }

    fn parse(text: &str, source: Bytes) -> serde_json::Result<Self> {
        let object = RawObject::parse(text)?;
        let media_type = object.get("mediaType")?.map(serde_json::from_str::<Option<MediaType>>).transpose()?.flatten();
        let Some(manifests) = object.get("manifests")?.filter(|manifests| *manifests != "null") else {
            let with_array = object.with("manifests", "[]");
            let bytes = Bytes::copy_from_slice(with_array.as_bytes());
            return Ok(Self { source, ..Self::parse(&with_array, bytes)? });
        };
        let items: Vec<&RawValue> = serde_json::from_str(manifests)?;
        let slice = |range: Range<usize>| source.slice(range);
        let array = range_in(text, manifests);
        let first = items.first().map_or(array.start + 1, |item| range_in(text, item.get()).start);
        let last = items.last().map_or(array.start + 1, |item| range_in(text, item.get()).end);
        Ok(Self {
            media_type: media_type.filter(|media_type| !media_type.is_empty()),
            head: slice(0..first),
            entries: items.iter().map(|item| Entry::new(slice(range_in(text, item.get())))).collect(),
            blanks: Some(slice(array.start + 1..first)).filter(|blanks| blanks.len() <= MAX_BLANKS).unwrap_or_default(),
            tail: slice(last..text.len()),
            changed: false,
            source,
        })
    }

    fn retain_entries(&mut self, keep: impl FnMut(&Entry) -> bool) {
        let before = self.entries.len();
        self.entries.retain(keep);
        self.changed |= self.entries.len() != before;
    }
}

impl Default for IndexEdit {
    /// An empty OCI index.
    fn default() -> Self {
        Self::new()
    }
}

impl Entry {
    fn new(raw: Bytes) -> Self {
        let view = serde_json::from_slice(&raw).ok().map(|Object(view)| view);
        Self { raw, view }
    }

    /// Whether anything is changed by it.
    fn set_annotation(&mut self, key: &str, value: Option<&str>) -> bool {
        let Some(view) = &self.view else { return false };
        if view.annotations.get(key).map(String::as_str) == value {
            return false;
        }
        let mut edited = view.clone();
        match value {
            Some(value) => edited.annotations.insert(key.into(), value.into()),
            None => edited.annotations.remove(key),
        };
        let is_canonical = canonical(view) == self.raw;
        let raw = if is_canonical { Some(canonical(&edited)) } else { with_annotation(&self.raw, key, value) };
        let Some(raw) = raw else { return false };
        *self = Self { raw, view: Some(edited) };
        true
    }

    fn is_blank(&self) -> bool {
        #[derive(Default, Deserialize)]
        #[serde(default, rename_all = "camelCase")]
        struct Identity {
            media_type: Option<String>,
            digest: Option<String>,
            size: Option<u64>,
        }

        let empty = |text: &Option<String>| text.as_ref().is_none_or(String::is_empty);
        let Ok(identity) = serde_json::from_slice::<Option<Object<Identity>>>(&self.raw) else {
            return false;
        };
        let Identity { media_type, digest, size } = identity.map(|Object(identity)| identity).unwrap_or_default();
        self.view.is_none() && empty(&media_type) && empty(&digest) && size.unwrap_or_default() == 0
    }
}

/// The text of an entry with one annotation set or removed; annotations that become empty are left out.
fn with_annotation(raw: &[u8], key: &str, value: Option<&str>) -> Option<Bytes> {
    let entry = RawObject::parse(std::str::from_utf8(raw).ok()?).ok()?;
    let annotations = entry.get("annotations").ok()?.filter(|annotations| *annotations != "null").unwrap_or("{}");
    let annotations = RawObject::parse(annotations).ok()?;
    let edited = match value {
        Some(value) => annotations.with(key, &canonical_text(value)),
        None => annotations.without(key),
    };
    let is_empty = RawObject::parse(&edited).ok()?.is_empty();
    let raw = if is_empty { entry.without("annotations") } else { entry.with("annotations", &edited) };
    Some(raw.into())
}
