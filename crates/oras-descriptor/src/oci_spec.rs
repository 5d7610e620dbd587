//! Conversions from and to the types of the `oci-spec` crate, version 0.10.

use std::collections::HashMap;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oci_spec::{
    OciSpecError,
    image::{self, DescriptorBuilder, ImageIndexBuilder, ImageManifestBuilder, PlatformBuilder},
};

use crate::{
    annotation::Annotations,
    descriptor::Descriptor,
    digest::{Digest, DigestError},
    index::Index,
    manifest::Manifest,
    media_type::MediaType,
    platform::Platform,
};

/// Why a value of the `oci-spec` crate cannot be taken over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum FromOciSpecError {
    /// A digest is malformed.
    #[error("a digest of an oci-spec value is malformed")]
    Digest(#[from] DigestError),
    /// The inline data of a descriptor is not base64.
    #[error("inline data of an oci-spec descriptor is not base64")]
    Data {
        /// The data.
        data: String,
    },
}

impl From<&MediaType> for image::MediaType {
    fn from(media_type: &MediaType) -> Self {
        media_type.as_str().into()
    }
}

impl From<&image::MediaType> for MediaType {
    fn from(media_type: &image::MediaType) -> Self {
        Self::new(media_type.to_string())
    }
}

impl TryFrom<&Digest> for image::Digest {
    type Error = OciSpecError;

    fn try_from(digest: &Digest) -> Result<Self, OciSpecError> {
        digest.as_str().try_into()
    }
}

impl TryFrom<&image::Digest> for Digest {
    type Error = DigestError;

    fn try_from(digest: &image::Digest) -> Result<Self, DigestError> {
        digest.as_ref().parse()
    }
}

impl TryFrom<&Platform> for image::Platform {
    type Error = OciSpecError;

    fn try_from(platform: &Platform) -> Result<Self, OciSpecError> {
        let builder = PlatformBuilder::default().architecture(platform.architecture.as_str()).os(platform.os.as_str());
        let builder = set(builder, text(&platform.os_version), PlatformBuilder::os_version);
        let builder = set(builder, list(&platform.os_features), PlatformBuilder::os_features);
        set(builder, text(&platform.variant), PlatformBuilder::variant).build()
    }
}

impl From<&image::Platform> for Platform {
    /// The member `features`, which the image specification reserves, is left out.
    fn from(platform: &image::Platform) -> Self {
        Self {
            architecture: platform.architecture().to_string(),
            os: platform.os().to_string(),
            os_version: platform.os_version().clone().unwrap_or_default(),
            os_features: platform.os_features().clone().unwrap_or_default(),
            variant: platform.variant().clone().unwrap_or_default(),
        }
    }
}

impl TryFrom<&Descriptor> for image::Descriptor {
    type Error = OciSpecError;

    fn try_from(desc: &Descriptor) -> Result<Self, OciSpecError> {
        let builder = DescriptorBuilder::default()
            .media_type(&desc.media_type)
            .digest(image::Digest::try_from(&desc.digest)?)
            .size(desc.size);
        let builder = set(builder, list(&desc.urls), DescriptorBuilder::urls);
        let builder = set(builder, annotations(&desc.annotations), DescriptorBuilder::annotations);
        let builder = set(builder, desc.data.as_ref().map(|data| STANDARD.encode(data)), DescriptorBuilder::data);
        let builder = set(builder, media_type(desc.artifact_type.as_ref()), DescriptorBuilder::artifact_type);
        let platform = desc.platform.as_ref().map(image::Platform::try_from).transpose()?;
        set(builder, platform, DescriptorBuilder::platform).build()
    }
}

impl TryFrom<&image::Descriptor> for Descriptor {
    type Error = FromOciSpecError;

    fn try_from(desc: &image::Descriptor) -> Result<Self, FromOciSpecError> {
        let decode =
            |data: &String| STANDARD.decode(data).map_err(|_no_base64| FromOciSpecError::Data { data: data.clone() });
        Ok(Self {
            urls: desc.urls().clone().unwrap_or_default(),
            annotations: sorted(desc.annotations().as_ref()),
            data: desc.data().as_ref().map(decode).transpose()?.map(Into::into),
            platform: desc.platform().as_ref().map(Into::into),
            artifact_type: desc.artifact_type().as_ref().map(Into::into),
            ..Self::new(desc.media_type(), desc.digest().try_into()?, desc.size())
        })
    }
}

impl TryFrom<&Manifest> for image::ImageManifest {
    type Error = OciSpecError;

    fn try_from(manifest: &Manifest) -> Result<Self, OciSpecError> {
        let builder = ImageManifestBuilder::default()
            .schema_version(version(manifest.schema_version)?)
            .config(image::Descriptor::try_from(&manifest.config)?)
            .layers(descriptors(&manifest.layers)?);
        let builder = set(builder, media_type(manifest.media_type.as_ref()), ImageManifestBuilder::media_type);
        let builder = set(builder, media_type(manifest.artifact_type.as_ref()), ImageManifestBuilder::artifact_type);
        let builder = set(builder, annotations(&manifest.annotations), ImageManifestBuilder::annotations);
        let subject = manifest.subject.as_ref().map(image::Descriptor::try_from).transpose()?;
        set(builder, subject, ImageManifestBuilder::subject).build()
    }
}

impl TryFrom<&image::ImageManifest> for Manifest {
    type Error = FromOciSpecError;

    fn try_from(manifest: &image::ImageManifest) -> Result<Self, FromOciSpecError> {
        Ok(Self {
            schema_version: manifest.schema_version().into(),
            media_type: manifest.media_type().as_ref().map(Into::into),
            artifact_type: manifest.artifact_type().as_ref().map(Into::into),
            config: manifest.config().try_into()?,
            layers: manifest.layers().iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            subject: manifest.subject().as_ref().map(TryInto::try_into).transpose()?,
            annotations: sorted(manifest.annotations().as_ref()),
        })
    }
}

impl TryFrom<&Index> for image::ImageIndex {
    type Error = OciSpecError;

    fn try_from(index: &Index) -> Result<Self, OciSpecError> {
        let builder = ImageIndexBuilder::default()
            .schema_version(version(index.schema_version)?)
            .manifests(descriptors(&index.manifests)?);
        let builder = set(builder, media_type(index.media_type.as_ref()), ImageIndexBuilder::media_type);
        let builder = set(builder, media_type(index.artifact_type.as_ref()), ImageIndexBuilder::artifact_type);
        let builder = set(builder, annotations(&index.annotations), ImageIndexBuilder::annotations);
        let subject = index.subject.as_ref().map(image::Descriptor::try_from).transpose()?;
        set(builder, subject, ImageIndexBuilder::subject).build()
    }
}

impl TryFrom<&image::ImageIndex> for Index {
    type Error = FromOciSpecError;

    fn try_from(index: &image::ImageIndex) -> Result<Self, FromOciSpecError> {
        Ok(Self {
            schema_version: index.schema_version().into(),
            media_type: index.media_type().as_ref().map(Into::into),
            artifact_type: index.artifact_type().as_ref().map(Into::into),
            manifests: index.manifests().iter().map(TryInto::try_into).collect::<Result<_, _>>()?,
            subject: index.subject().as_ref().map(TryInto::try_into).transpose()?,
            annotations: sorted(index.annotations().as_ref()),
        })
    }
}

/// Gives a builder an optional value.
fn set<B, T>(builder: B, value: Option<T>, setter: impl FnOnce(B, T) -> B) -> B {
    match value {
        Some(value) => setter(builder, value),
        None => builder,
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned()).filter(|text| !text.is_empty())
}

fn list(list: &[String]) -> Option<Vec<String>> {
    Some(list.to_vec()).filter(|list| !list.is_empty())
}

fn media_type(media_type: Option<&MediaType>) -> Option<image::MediaType> {
    media_type.map(Into::into)
}

fn annotations(annotations: &Annotations) -> Option<HashMap<String, String>> {
    Some(annotations.clone().into_iter().collect()).filter(|annotations: &HashMap<_, _>| !annotations.is_empty())
}

fn sorted(annotations: Option<&HashMap<String, String>>) -> Annotations {
    annotations.into_iter().flatten().map(|(key, value)| (key.clone(), value.clone())).collect()
}

fn descriptors(descs: &[Descriptor]) -> Result<Vec<image::Descriptor>, OciSpecError> {
    descs.iter().map(TryInto::try_into).collect()
}

fn version(version: u64) -> Result<u32, OciSpecError> {
    version.try_into().map_err(|_too_large| OciSpecError::Other(format!("schemaVersion {version} is too large")))
}
