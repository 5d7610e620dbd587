//! Where content is.

use oras_content::AnyTarget;
use oras_layout::OciLayout;
use oras_reference::Reference;
use oras_remote::{RegistryOptions, Repository};

use crate::Result;

/// Opens `oci:directory:tag` or `host:port/repository:tag`, and gives the tag.
pub(crate) async fn open(place: &str) -> Result<(AnyTarget, String)> {
    if let Some(layout) = place.strip_prefix("oci:") {
        let (directory, tag) = layout.rsplit_once(':').ok_or("expected oci:directory:tag")?;
        let layout = OciLayout::create(directory).await?;
        return Ok((AnyTarget::with_graph(layout), tag.to_owned()));
    }
    let reference: Reference = place.parse()?;
    let tag = reference.tag().ok_or("expected host:port/repository:tag")?.to_owned();
    let repository = Repository::new(place, RegistryOptions::new().with_plain_http(true))?;
    Ok((AnyTarget::with_graph(repository), tag))
}
