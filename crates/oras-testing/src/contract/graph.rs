//! Which manifests point to content.

use oras_content::{Descriptor, ErrorKind, Result};
use oras_descriptor::Manifest;

use super::{
    Capabilities, Capability, Store, Verdict,
    sample::{Image, Sample},
    verdict::{equal, fails},
};

fn sorted(mut list: Vec<Descriptor>) -> Vec<Descriptor> {
    list.sort_by(|a, b| a.digest.cmp(&b.digest));
    list
}

/// An image that refers to `subject`, of a type and with an annotation.
fn referrer(name: &str, artifact_type: &'static str, subject: &Descriptor) -> Image {
    Image::change(name, |manifest: Manifest| {
        let annotations = [("org.example.name".to_owned(), name.to_owned())].into();
        manifest.with_artifact_type(artifact_type).with_subject(subject.clone()).with_annotations(annotations)
    })
}

/// As a listing gives it: with the artifact type and the annotations of the manifest.
fn listed(image: &Image, name: &str, artifact_type: &'static str) -> Descriptor {
    image.manifest.desc.clone().with_artifact_type(artifact_type).with_annotation("org.example.name", name)
}

/// A manifest is a predecessor of its configuration, layers and subject, and an index of its entries.
pub async fn finds_predecessors<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let image = Image::new("pointed to");
    image.push(store).await?;
    let index = Sample::index_of(vec![image.manifest.desc.clone()]);
    index.push(store).await?;
    let referrer = referrer("referrer", "application/vnd.oras.contract.sbom", &image.manifest.desc);
    referrer.push(store).await?;

    let of_manifest = store.predecessors(&image.manifest.desc).await;
    if !capabilities.has(Capability::Predecessors) {
        if capabilities.has(Capability::Referrers) {
            let plain = of_manifest?.iter().map(Descriptor::plain).collect();
            return equal("predecessors of a subject", plain, vec![referrer.manifest.desc]);
        }
        fails("listing predecessors", of_manifest, ErrorKind::Unsupported)?;
        return Ok(());
    }
    let plain = of_manifest?.iter().map(Descriptor::plain).collect();
    let expected = vec![index.desc.clone(), referrer.manifest.desc.clone()];
    equal("predecessors of a manifest", sorted(plain), sorted(expected))?;
    for child in [&image.config.desc, &image.layer.desc] {
        let plain: Vec<_> = store.predecessors(child).await?.iter().map(Descriptor::plain).collect();
        equal("predecessors of a blob", plain, vec![image.manifest.desc.clone()])?;
    }
    equal("predecessors of a root", store.predecessors(&index.desc).await?, Vec::new())
}

/// Content that nothing points to, and content that was never seen, have no predecessors and no referrers.
pub async fn has_no_predecessors_of_unknown_content<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let known = Image::new("known");
    known.push(store).await?;
    for desc in [known.manifest.desc, Image::new("unknown").manifest.desc] {
        if capabilities.has(Capability::Predecessors) {
            equal("predecessors", store.predecessors(&desc).await?, Vec::new())?;
        }
        if capabilities.has(Capability::Referrers) {
            equal("referrers", store.referrers(&desc, None).await?, Vec::new())?;
        }
    }
    Ok(())
}

async fn two_referrers<T: Store>(store: &T) -> Result<(Descriptor, Vec<Descriptor>)> {
    let subject = Image::new("subject");
    subject.push(store).await?;
    let mut expected = Vec::new();
    for (name, kind) in [("one", "application/vnd.oras.contract.one"), ("two", "application/vnd.oras.contract.two")] {
        let image = referrer(name, kind, &subject.manifest.desc);
        image.push(store).await?;
        expected.push(listed(&image, name, kind));
    }
    // Points to the subject, and is no referrer.
    Sample::index_of(vec![subject.manifest.desc.clone()]).push(store).await?;
    Ok((subject.manifest.desc, expected))
}

/// Referrers carry the artifact type and the annotations of their manifests.
pub async fn lists_referrers_with_type_and_annotations<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let (subject, expected) = two_referrers(store).await?;
    let found = store.referrers(&subject, None).await;
    if !capabilities.has(Capability::Referrers) {
        fails("listing referrers", found, ErrorKind::Unsupported)?;
        return Ok(());
    }
    equal("referrers", sorted(found?), sorted(expected))
}

/// With an artifact type only the referrers of that type are listed.
pub async fn lists_referrers_of_one_type<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    if !capabilities.has(Capability::Referrers) {
        return Ok(());
    }
    let (subject, expected) = two_referrers(store).await?;
    for desc in expected {
        let found = store.referrers(&subject, desc.artifact_type.as_ref()).await?;
        equal("referrers of one type", found, vec![desc])?;
    }
    let none = store.referrers(&subject, Some(&"application/vnd.oras.contract.none".into())).await?;
    equal("referrers of a type that none has", none, Vec::new())
}

/// Only a manifest can have referrers.
pub async fn has_no_referrers_of_a_blob<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = Sample::blob_of("a blob");
    sample.push(store).await?;
    fails("listing referrers of a blob", store.referrers(&sample.desc, None).await, ErrorKind::Unsupported)?;
    Ok(())
}
