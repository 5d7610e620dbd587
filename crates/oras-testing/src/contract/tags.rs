//! References stand for content.

use futures_util::TryStreamExt as _;
use oras_content::{ErrorKind, Result, TagLister};

use super::{
    Capabilities, Capability, Store, Verdict,
    sample::{Image, is_there},
    verdict::{equal, fails},
};

async fn tags<T: TagLister>(store: &T, last: Option<&str>) -> Result<Vec<String>> {
    store.tags(last).try_collect().await
}

/// A tag resolves to what was tagged, and can be fetched in one call.
pub async fn resolves_a_tag<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let Image { manifest, .. } = pushed(store, "resolved").await?;
    store.tag(&manifest.desc, "v1").await?;
    equal("resolved", store.resolve("v1").await?.plain(), manifest.desc.clone())?;
    let (desc, blob) = store.fetch_reference("v1").await?;
    equal("fetched", desc.plain(), manifest.desc.clone())?;
    equal("content", blob.bytes(u64::MAX).await?, manifest.bytes)
}

/// A tag that is given to other content leaves the first, which stays.
pub async fn moves_a_tag<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let (one, other) = (pushed(store, "one").await?, pushed(store, "other").await?);
    store.tag(&one.manifest.desc, "latest").await?;
    store.tag(&other.manifest.desc, "latest").await?;
    store.tag(&other.manifest.desc, "latest").await?;
    equal("resolved", store.resolve("latest").await?.digest, other.manifest.desc.digest)?;
    is_there(store, &one.manifest).await
}

/// The digest of a manifest is a reference to it, without any tag.
pub async fn resolves_a_manifest_by_its_digest<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let Image { manifest, .. } = pushed(store, "by digest").await?;
    let reference = manifest.desc.digest.to_string();
    equal("resolved", store.resolve(&reference).await?.plain(), manifest.desc.clone())?;
    let (desc, blob) = store.fetch_reference(&reference).await?;
    equal("fetched", desc.plain(), manifest.desc)?;
    equal("content", blob.bytes(u64::MAX).await?, manifest.bytes)
}

/// A reference that stands for nothing is `NotFound`, a tag as well as a digest.
pub async fn does_not_resolve_an_unknown_reference<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    pushed(store, "known").await?;
    let unknown = Image::new("unknown").manifest.desc.digest.to_string();
    for reference in ["unknown", &unknown] {
        fails("resolving", store.resolve(reference).await, ErrorKind::NotFound)?;
        let fetched = async {
            let (_, blob) = store.fetch_reference(reference).await?;
            blob.bytes(u64::MAX).await
        };
        fails("fetching", fetched.await, ErrorKind::NotFound)?;
    }
    Ok(())
}

/// Only content that is there can be tagged.
pub async fn does_not_tag_missing_content<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    pushed(store, "there").await?;
    let missing = Image::new("missing").manifest.desc;
    fails("tagging", store.tag(&missing, "missing").await, ErrorKind::NotFound)?;
    fails("resolving", store.resolve("missing").await, ErrorKind::NotFound)?;
    Ok(())
}

/// The empty reference is `MissingReference`.
pub async fn wants_a_tag_to_have_a_name<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let image = pushed(store, "nameless").await?;
    fails("tagging", store.tag(&image.manifest.desc, "").await, ErrorKind::MissingReference)?;
    Ok(())
}

/// A manifest is pushed and tagged at once; that it is there already is no error.
pub async fn pushes_and_tags_in_one_call<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let image = Image::new("in one call");
    image.push_blobs(store).await?;
    for tag in ["v1", "v2"] {
        store.push_reference(&image.manifest.desc, image.manifest.blob(), tag).await?;
        equal("resolved", store.resolve(tag).await?.digest, image.manifest.desc.digest.clone())?;
    }
    is_there(store, &image.manifest).await
}

/// All tags are listed, digests are not, and a listing goes on behind any of them.
pub async fn lists_tags<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let (one, other) = (pushed(store, "one").await?, pushed(store, "other").await?);
    for tag in ["v2", "v10", "latest"] {
        store.tag(&one.manifest.desc, tag).await?;
    }
    store.tag(&other.manifest.desc, "v1").await?;
    let listed = tags(store, None).await;
    if !capabilities.has(Capability::ListTags) {
        fails("listing tags", listed, ErrorKind::Unsupported)?;
        return Ok(());
    }
    let listed = listed?;
    let mut sorted: Vec<_> = listed.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    equal("tags", sorted, vec!["latest", "v1", "v10", "v2"])?;
    for (at, last) in listed.iter().enumerate() {
        let expected = listed.get(at + 1..).unwrap_or_default().to_vec();
        equal("tags behind one", tags(store, Some(last)).await?, expected)?;
    }
    Ok(())
}

/// A removed tag stands for nothing, while content and other tags stay.
pub async fn removes_a_tag<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let image = pushed(store, "untagged").await?;
    for tag in ["going", "staying"] {
        store.tag(&image.manifest.desc, tag).await?;
    }
    let removed = store.untag("going").await;
    if !capabilities.has(Capability::Untag) {
        fails("removing a tag", removed, ErrorKind::Unsupported)?;
        return Ok(());
    }
    removed?;
    fails("resolving", store.resolve("going").await, ErrorKind::NotFound)?;
    equal("the other tag", store.resolve("staying").await?.digest, image.manifest.desc.digest.clone())?;
    is_there(store, &image.manifest).await
}

/// A tag that does not exist cannot be removed, and a digest is no tag.
pub async fn does_not_remove_an_unknown_tag<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let image = pushed(store, "not untagged").await?;
    if !capabilities.has(Capability::Untag) {
        fails("removing a tag", store.untag("unknown").await, ErrorKind::Unsupported)?;
        return Ok(());
    }
    fails("removing a tag", store.untag("unknown").await, ErrorKind::NotFound)?;
    let digest = image.manifest.desc.digest.to_string();
    fails("removing a digest", store.untag(&digest).await, ErrorKind::InvalidReference)?;
    is_there(store, &image.manifest).await
}

async fn pushed<T: Store>(store: &T, name: &str) -> Result<Image> {
    let image = Image::new(name);
    image.push(store).await?;
    Ok(image)
}
