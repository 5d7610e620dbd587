//! Tags of a layout: names that entries of its index have.

use std::fmt;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oras_content::{
    Blob, BoxStream, Error, ErrorKind, Pusher as _, ReadOnlyTarget, Resolver, Result, TagLister, Tagger, Target,
    Untagger,
};
use oras_descriptor::{Descriptor, Digest, IndexEdit, MediaType, Platform};

use crate::{
    entries,
    index::Snapshot,
    layout::{Inner, OciLayout, Reach},
};

impl OciLayout {
    /// What a tag stands for on a platform, where several entries have one name and differ by platform.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] when no entry of that name serves the platform.
    ///
    /// # Cancel safety
    ///
    /// The thread that reads the index ends by itself; nothing changes.
    pub async fn resolve_platform(&self, tag: &str, wanted: &Platform) -> Result<Descriptor> {
        let (name, platform) = (tag.to_owned(), wanted.clone());
        let found = self.run(move |inner| Ok(inner.snapshot()?.tagged_for(&name, &platform))).await?;
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("no {tag:?} for platform {wanted}")))
    }
}

impl Inner {
    fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let snapshot = self.snapshot()?;
        let node = |digest: &Digest| self.with_graph(|graph| graph.node(digest).cloned()).unwrap_or_default();
        let size = |digest: &Digest| self.blobs.size(digest);
        if let Some(waiting) = reference.parse().ok().and_then(|digest| self.pending(&digest)) {
            return Ok(waiting.plain());
        }
        resolve_in(&snapshot, reference, size, node)?.ok_or_else(|| unknown(reference, self.blobs.root().display()))
    }
}

/// What a reference stands for in an index and beside it.
pub(crate) fn resolve_in(
    snapshot: &Snapshot,
    reference: &str,
    size: impl FnOnce(&Digest) -> Result<Option<u64>>,
    node: impl FnOnce(&Digest) -> Option<Descriptor>,
) -> Result<Option<Descriptor>> {
    if let Some(desc) = snapshot.tagged(reference) {
        return Ok(Some(desc.clone()));
    }
    let Ok(digest) = reference.parse::<Digest>() else {
        return Ok(None);
    };
    if let Some(desc) = snapshot.entry(&digest) {
        return Ok(Some(desc));
    }
    let Some(size) = size(&digest)? else {
        return Ok(None);
    };
    // Content that the index only leads to: what points to it knows its type, unless the walk fails elsewhere.
    Ok(Some(node(&digest).unwrap_or_else(|| Descriptor::new(MediaType::OCTET_STREAM, digest, size))))
}

/// The error of a reference that stands for nothing in `place`.
pub(crate) fn unknown(reference: &str, place: impl fmt::Display) -> Error {
    if reference.is_empty() {
        return Error::new(ErrorKind::MissingReference, "a reference is needed");
    }
    Error::new(ErrorKind::NotFound, format!("no reference {reference:?} in {place}"))
}

impl Resolver for OciLayout {
    /// A name is looked for exactly as it stands, then a digest among manifests, then among blobs, whose type is
    /// `application/octet-stream` for want of a better one.
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let reference = reference.to_owned();
        self.run(move |inner| inner.resolve(&reference)).await
    }
}

impl Tagger for OciLayout {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        check_name(desc, reference)?;
        let (wanted, tag) = (desc.clone(), reference.to_owned());
        let known = self
            .run(move |inner| {
                if !inner.blobs.holds(&wanted)? {
                    return Err(Error::not_found(&wanted));
                }
                inner.adopt_unlisted(&wanted)
            })
            .await;
        known?;
        let desc = desc.clone();
        self.update(Reach::Same, move |edit| {
            if tag.parse::<Digest>().is_ok() {
                entries::list(edit, &[desc]);
            } else {
                entries::tag(edit, &desc, &tag);
            }
            Ok(())
        })
        .await
    }
}

/// A name is what a registry takes as a tag, or what the image specification allows ("Pre-Defined Annotation Keys"), or
/// the digest of the content itself.
pub(crate) fn check_name(desc: &Descriptor, reference: &str) -> Result<()> {
    if reference.is_empty() {
        return Err(Error::new(ErrorKind::MissingReference, "a tag needs a name").with_descriptor(desc));
    }
    let problem = match reference.parse::<Digest>() {
        Ok(digest) if digest == desc.digest => return Ok(()),
        Ok(digest) => format!("{digest} cannot stand for {}", desc.digest),
        Err(_) if oras_reference::validate_tag(reference).is_ok() || is_ref_name(reference) => return Ok(()),
        Err(_) => format!("invalid tag {reference:?}: expected letters, digits and separators between them"),
    };
    Err(Error::new(ErrorKind::InvalidReference, problem).with_descriptor(desc))
}

/// `component ("/" component)*`, `component = alphanum (separator alphanum)*`, `separator = [-._:@+] | "--"`
fn is_ref_name(text: &str) -> bool {
    let is_component = |component: &str| {
        component
            .replace("--", "-")
            .split(['-', '.', '_', ':', '@', '+'])
            .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    text.split('/').all(is_component)
}

impl Untagger for OciLayout {
    async fn untag(&self, reference: &str) -> Result<()> {
        if reference.parse::<Digest>().is_ok() {
            return Err(Error::new(ErrorKind::InvalidReference, format!("{reference} is a digest, not a tag")));
        }
        let tag = reference.to_owned();
        let root = self.root().display().to_string();
        let edit =
            move |edit: &mut IndexEdit| if entries::untag(edit, &tag) { Ok(()) } else { Err(unknown(&tag, root)) };
        self.update(Reach::Same, edit).await
    }
}

impl TagLister for OciLayout {
    /// In ascending order.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let last = last.map(ToOwned::to_owned);
        let listing = self.run(move |inner| Ok(inner.snapshot()?.tags(last.as_deref())));
        stream::once(listing).map_ok(|tags| stream::iter(tags.into_iter().map(Ok))).try_flatten().boxed()
    }
}

impl ReadOnlyTarget for OciLayout {}

impl Target for OciLayout {
    /// The index is written once, with the name. A name that is not allowed is refused before anything is read.
    async fn push_reference(&self, desc: &Descriptor, content: Blob, reference: &str) -> Result<()> {
        check_name(desc, reference)?;
        match self.push_deferred(desc, content).await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            pushed => pushed?,
        }
        self.tag(desc, reference).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_the_grammar_of_reference_names() {
        for good in ["v1", "1.0", "docker.io/library/x:1", "a--b", "a+b", "a@b", "A_b-c.d"] {
            assert!(is_ref_name(good), "{good}");
        }
        for bad in ["", "/", "a/", "-a", "a-", "a..b", "a---b", "a b", "a//b", "é", "a\n"] {
            assert!(!is_ref_name(bad), "{bad}");
        }
    }
}
