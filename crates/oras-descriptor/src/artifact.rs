use serde::{Deserialize, Serialize};

use crate::{
    annotation::Annotations,
    descriptor::Descriptor,
    document::{self, DocumentError},
    media_type::MediaType,
    wire,
};

/// The artifact manifest of the 1.1 release candidates of the image specification.
///
/// It never became part of the specification. Registries hold such manifests, so they are read and copied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ArtifactManifest {
    /// The type of this document.
    #[serde(default, deserialize_with = "wire::null_default")]
    pub media_type: MediaType,
    /// The type of the artifact.
    #[serde(default, deserialize_with = "wire::null_default")]
    pub artifact_type: MediaType,
    /// The content.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "wire::objects")]
    pub blobs: Vec<Descriptor>,
    /// The manifest that this one speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "wire::optional_object")]
    pub subject: Option<Descriptor>,
    /// Annotations of this manifest.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "wire::annotations")]
    pub annotations: Annotations,
}

impl ArtifactManifest {
    /// An artifact manifest of these blobs.
    pub fn new(artifact_type: impl Into<MediaType>, blobs: Vec<Descriptor>) -> Self {
        Self {
            media_type: MediaType::OCI_ARTIFACT_MANIFEST,
            artifact_type: artifact_type.into(),
            blobs,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// Reads an artifact manifest.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Json`] when the bytes are not a JSON object, or a member has the wrong form.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::parse("artifact manifest", bytes)
    }
}
