//! Content goes away.

use oras_content::{Descriptor, ErrorKind};

use super::{
    Capabilities, Capability, Store, Verdict,
    sample::{Image, Sample, is_absent, is_there},
    verdict::{equal, fails},
};

/// Deletes, or holds that the store says it cannot; gives whether it can.
async fn deletes<T: Store>(
    store: &T,
    desc: &Descriptor,
    capabilities: &Capabilities,
) -> Result<bool, super::Violation> {
    let deleted = store.delete(desc).await;
    if !capabilities.has(Capability::Delete) {
        fails("deleting", deleted, ErrorKind::Unsupported)?;
        return Ok(false);
    }
    deleted?;
    Ok(true)
}

/// A deleted blob is gone, others stay, and it can be pushed again.
pub async fn deletes_a_blob<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let (going, staying) = (Sample::blob_of("going"), Sample::blob_of("staying"));
    going.push(store).await?;
    staying.push(store).await?;
    if deletes(store, &going.desc, capabilities).await? {
        is_absent(store, &going.desc).await?;
        going.push(store).await?;
    }
    is_there(store, &going).await?;
    is_there(store, &staying).await
}

/// A deleted manifest takes its tags along, and leaves other manifests theirs.
pub async fn deletes_a_manifest_with_its_tags<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let (going, staying) = (Image::new("going"), Image::new("staying"));
    for (image, tags) in [(&going, ["v1", "v2"]), (&staying, ["v3", "v4"])] {
        image.push(store).await?;
        for tag in tags {
            store.tag(&image.manifest.desc, tag).await?;
        }
    }
    if !deletes(store, &going.manifest.desc, capabilities).await? {
        return is_there(store, &going.manifest).await;
    }
    is_absent(store, &going.manifest.desc).await?;
    let digest = going.manifest.desc.digest.to_string();
    for reference in ["v1", "v2", &digest] {
        fails("resolving", store.resolve(reference).await, ErrorKind::NotFound)?;
    }
    equal("another tag", store.resolve("v3").await?.digest, staying.manifest.desc.digest.clone())?;
    is_there(store, &staying.manifest).await
}

/// A deleted referrer is not listed any more.
pub async fn forgets_a_deleted_referrer<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    if !capabilities.has(Capability::Delete) || !capabilities.has(Capability::Referrers) {
        return Ok(());
    }
    let subject = Image::new("subject");
    subject.push(store).await?;
    let referrer = Image::change("referrer", |manifest| manifest.with_subject(subject.manifest.desc.clone()));
    referrer.push(store).await?;
    equal("referrers before", store.referrers(&subject.manifest.desc, None).await?.len(), 1)?;
    store.delete(&referrer.manifest.desc).await?;
    equal("referrers after", store.referrers(&subject.manifest.desc, None).await?.len(), 0)?;
    is_there(store, &subject.manifest).await
}

/// What is not there cannot be deleted.
pub async fn does_not_delete_what_is_not_there<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    if !capabilities.has(Capability::Delete) {
        return Ok(());
    }
    let missing = Image::new("missing");
    for desc in [&missing.layer.desc, &missing.manifest.desc] {
        fails("deleting", store.delete(desc).await, ErrorKind::NotFound)?;
    }
    Ok(())
}
