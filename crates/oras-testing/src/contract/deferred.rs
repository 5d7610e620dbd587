//! The ways in that a store may shorten: deferred entries, content that is not described, mounts.

use oras_content::{ErrorKind, Location, MediaType, MountOutcome};
use oras_descriptor::Algorithm;

use super::{
    Capabilities, Capability, Store, Verdict,
    sample::{Image, Sample, is_there},
    verdict::{equal, fails},
};

/// After a flush, deferred content is there and listed like any other.
pub async fn lists_deferred_content_after_a_flush<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let image = Image::new("deferred");
    for sample in [&image.config, &image.layer, &image.manifest] {
        store.push_deferred(&sample.desc, sample.blob()).await?;
    }
    store.flush().await?;
    for sample in [&image.config, &image.layer, &image.manifest] {
        is_there(store, sample).await?;
    }
    if capabilities.has(Capability::Predecessors) {
        let found = store.predecessors(&image.layer.desc).await?;
        equal("predecessors of a layer", found, vec![image.manifest.desc.clone()])?;
    }
    store.tag(&image.manifest.desc, "deferred").await?;
    equal("resolved", store.resolve("deferred").await?.digest, image.manifest.desc.digest)
}

/// A flush without anything to write succeeds, as often as it is asked for.
pub async fn flushes_nothing_when_there_is_nothing<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    store.flush().await?;
    store.flush().await?;
    Ok(())
}

/// Content that is not described is stored and described, or the store says that it cannot.
pub async fn describes_content_that_it_takes_in<T: Store>(store: &T, capabilities: &Capabilities) -> Verdict {
    let sample = Sample::blob_of("not described yet");
    let media_type = MediaType::OCTET_STREAM;
    let ingested = store.ingest(&media_type, Algorithm::Sha256, sample.blob()).await;
    if !capabilities.has(Capability::Ingest) {
        fails("taking content in", ingested, ErrorKind::Unsupported)?;
        return Ok(());
    }
    equal("its descriptor", ingested?, sample.desc.clone())?;
    is_there(store, &sample).await?;
    let again = store.ingest(&media_type, Algorithm::Sha256, sample.blob()).await?;
    equal("its descriptor the second time", again, sample.desc)
}

/// What cannot be mounted from elsewhere is pushed.
pub async fn pushes_what_cannot_be_mounted<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let sample = Sample::blob_of("mounted");
    let from = [Location::new("nowhere.invalid", "nothing")];
    let outcome = store.mount(&sample.desc, &from, sample.blob()).await?;
    equal("outcome", outcome, MountOutcome::Pushed)?;
    is_there(store, &sample).await
}
