use oras::content::AnyTarget;
use oras::credentials::SystemCredentials;
use oras::layout::OciLayout;
use oras::reference::DEFAULT_TAG;
use oras::remote::{RegistryOptions, Repository};
use oras::{Reference, Result};

/// Where an artifact is, whatever kind of store that is.
#[derive(Debug)]
pub(crate) struct Place {
    pub(crate) target: AnyTarget,
    /// The tag or digest.
    pub(crate) reference: String,
}

/// What a place is opened for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

impl Place {
    /// Opens `HOST/REPOSITORY[:TAG|@DIGEST]` or `oci:DIRECTORY[:TAG]`. To write to, a layout is created where there is
    /// none.
    pub(crate) async fn open(text: &str, access: Access, plain_http: bool) -> Result<Self> {
        if let Some(path) = text.strip_prefix("oci:") {
            let (path, tag) = path.rsplit_once(':').unwrap_or((path, DEFAULT_TAG));
            let layout = match access {
                Access::Read => OciLayout::open(path).await?,
                Access::Write => OciLayout::create(path).await?,
            };
            return Ok(Self { target: AnyTarget::with_graph(layout), reference: tag.to_owned() });
        }
        let reference: Reference = text.parse()?;
        let repository = reference.clone().without_reference().to_string();
        let repository = Repository::new(&repository, registry_options(reference.registry(), plain_http))?;
        let reference = reference.reference_or_default().to_owned();
        Ok(Self { target: AnyTarget::with_graph(repository), reference })
    }
}

/// How to speak to a host: as whoever docker or podman logged in, and plain http on this machine.
pub(crate) fn registry_options(host: &str, plain_http: bool) -> RegistryOptions {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&name);
    RegistryOptions::new().with_plain_http(plain_http || is_local).with_credentials(SystemCredentials::new())
}
