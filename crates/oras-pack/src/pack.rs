use std::time::SystemTime;

use bytes::Bytes;
use oras_content::{Blob, Descriptor, ErrorKind, MediaType, Result, Storage};
use oras_descriptor::{Annotations, Manifest, annotation, canonical};

use crate::{datetime, error::PackError, options::PackManifestOptions, version::PackManifestVersion};

/// Packs an image manifest and pushes it.
///
/// `artifact_type` may be empty where the configuration tells the type: version 1.0 then takes
/// [`MediaType::UNKNOWN_CONFIG`], version 1.1 needs a configuration of another type than the empty one. The descriptor
/// returned has the type of the artifact and the annotations of the manifest. Everything is checked before anything is
/// pushed; what is there already is not pushed again.
///
/// # Errors
///
/// With a [`PackError`] as source: [`ErrorKind::InvalidMediaType`] for a missing or malformed type,
/// [`ErrorKind::Unsupported`] for a subject in version 1.0, [`ErrorKind::Other`] for a malformed time of creation.
/// Anything else is what the target gives.
///
/// # Cancel safety
///
/// A dropped future leaves at most the empty JSON object.
pub async fn pack_manifest<T: Storage>(
    target: &T,
    version: PackManifestVersion,
    artifact_type: impl Into<MediaType>,
    options: &PackManifestOptions,
) -> Result<Descriptor> {
    let manifest = compose(version, artifact_type.into(), options)?;
    push_empty(target, &manifest).await?;
    let bytes = canonical(&manifest);
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    push(target, &desc, bytes).await?;
    let artifact_type = match version {
        PackManifestVersion::V1_0 => Some(manifest.config.media_type),
        PackManifestVersion::V1_1 => manifest.artifact_type,
    };
    Ok(Descriptor { artifact_type, annotations: manifest.annotations, ..desc })
}

fn compose(
    version: PackManifestVersion,
    artifact_type: MediaType,
    options: &PackManifestOptions,
) -> Result<Manifest, PackError> {
    let manifest = match version {
        PackManifestVersion::V1_0 => compose_1_0(artifact_type, options)?,
        PackManifestVersion::V1_1 => compose_1_1(artifact_type, options)?,
    };
    Ok(manifest.with_annotations(annotations(options)?))
}

fn compose_1_0(artifact_type: MediaType, options: &PackManifestOptions) -> Result<Manifest, PackError> {
    if options.subject.is_some() {
        return Err(PackError::SubjectUnsupported);
    }
    let config = match &options.config {
        Some(config) => config.clone(),
        None => {
            let kind = if artifact_type.is_empty() { MediaType::UNKNOWN_CONFIG } else { artifact_type };
            check("artifact type", &kind)?;
            Descriptor::of(kind, EMPTY).with_annotations(options.config_annotations.clone())
        }
    };
    check("type of the configuration", &config.media_type)?;
    Ok(Manifest::new(config, options.layers.clone()))
}

fn compose_1_1(artifact_type: MediaType, options: &PackManifestOptions) -> Result<Manifest, PackError> {
    let config = match &options.config {
        Some(config) => config.clone(),
        None => Descriptor::empty().with_annotations(options.config_annotations.clone()),
    };
    if !artifact_type.is_empty() {
        check("artifact type", &artifact_type)?;
    } else if config.media_type == MediaType::OCI_EMPTY {
        return Err(PackError::MissingArtifactType { config: config.media_type });
    }
    check("type of the configuration", &config.media_type)?;
    let layers = if options.layers.is_empty() { vec![Descriptor::empty()] } else { options.layers.clone() };
    let mut manifest = Manifest::new(config, layers);
    manifest.artifact_type = Some(artifact_type).filter(|kind| !kind.is_empty());
    manifest.subject = options.subject.clone();
    Ok(manifest)
}

fn check(what: &'static str, media_type: &MediaType) -> Result<(), PackError> {
    media_type.validate().map_err(|source| PackError::InvalidMediaType { what, source })
}

fn annotations(options: &PackManifestOptions) -> Result<Annotations, PackError> {
    let mut annotations = options.annotations.clone();
    match annotations.get(annotation::CREATED) {
        Some(created) if !datetime::is_rfc_3339(created) => {
            return Err(PackError::InvalidDateTime { input: created.clone() });
        }
        Some(_) => {}
        None => {
            let created = datetime::to_rfc_3339(options.created.unwrap_or_else(SystemTime::now));
            annotations.insert(annotation::CREATED.into(), created);
        }
    }
    Ok(annotations)
}

/// The empty JSON object: a registry refuses a blob of no bytes (Google Artifact Registry, with status 400).
const EMPTY: &[u8] = b"{}";

/// Pushes the empty JSON object if the manifest points to it.
async fn push_empty<T: Storage>(target: &T, manifest: &Manifest) -> Result<()> {
    let empty = Descriptor::empty();
    let mut nodes = std::iter::once(&manifest.config).chain(&manifest.layers);
    match nodes.find(|node| node.digest == empty.digest) {
        Some(node) if !target.exists(node).await? => push(target, &node.plain(), Bytes::from_static(EMPTY)).await,
        _ => Ok(()),
    }
}

/// Pushes content that may be there; a store that has it says so without reading.
async fn push<T: Storage>(target: &T, desc: &Descriptor, bytes: Bytes) -> Result<()> {
    match target.push(desc, Blob::from_bytes(bytes).verify(desc)).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        pushed => pushed,
    }
}
