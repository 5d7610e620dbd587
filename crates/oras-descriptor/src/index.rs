use serde::{Deserialize, Serialize};

use crate::{
    annotation::Annotations,
    descriptor::Descriptor,
    document::{self, DocumentError, Rules, SCHEMA_VERSION},
    media_type::MediaType,
    wire,
};

/// An image index or a docker manifest list (image specification, "OCI Image Index").
///
/// Reading is tolerant: absent and null arrays are empty, unknown members are skipped. To change the index of somebody
/// else use [`IndexEdit`](crate::IndexEdit).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Always 2.
    #[serde(default, deserialize_with = "wire::null_default")]
    pub schema_version: u64,
    /// The type of this document.
    #[serde(default, skip_serializing_if = "wire::no_media_type", deserialize_with = "wire::optional_media_type")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact.
    #[serde(default, skip_serializing_if = "wire::no_media_type", deserialize_with = "wire::optional_media_type")]
    pub artifact_type: Option<MediaType>,
    /// The entries: manifests, nested indexes, or anything else.
    #[serde(default, deserialize_with = "wire::objects")]
    pub manifests: Vec<Descriptor>,
    /// The manifest that this one speaks of: a weak link, whose target may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "wire::optional_object")]
    pub subject: Option<Descriptor>,
    /// Annotations of this index.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "wire::annotations")]
    pub annotations: Annotations,
}

impl Index {
    /// An OCI index of these entries.
    pub fn new(manifests: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(MediaType::OCI_INDEX),
            artifact_type: None,
            manifests,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// Reads an index.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Json`] when the bytes are not a JSON object, or a member has the wrong form.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::parse("image index", bytes)
    }

    /// Sets the type of the artifact.
    #[must_use]
    pub fn with_artifact_type(mut self, artifact_type: impl Into<MediaType>) -> Self {
        self.artifact_type = Some(artifact_type.into());
        self
    }

    /// Sets the subject.
    #[must_use]
    pub fn with_subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Sets the annotations.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = annotations;
        self
    }

    /// Checks what the image specification demands of the document itself.
    ///
    /// Entries of any type, and an empty list of them, are never an error.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Rule`] names the first rule that does not hold.
    pub fn validate(&self) -> Result<(), DocumentError> {
        let rules = Rules { document: "image index" };
        rules.schema_version(self.schema_version)?;
        let allowed = [MediaType::OCI_INDEX, MediaType::DOCKER_MANIFEST_LIST];
        rules.media_type(self.media_type.as_ref(), &allowed, "the type of an image index")?;
        rules.well_formed("artifactType", self.artifact_type.as_ref())?;
        for platform in self.manifests.iter().filter_map(|entry| entry.platform.as_ref()) {
            rules.check(!platform.os.is_empty(), "platform.os", &"", "an operating system")?;
            rules.check(!platform.architecture.is_empty(), "platform.architecture", &"", "an architecture")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::Platform;

    #[test]
    fn reads_an_index_without_manifests() {
        for text in ["{}", r#"{"manifests":null}"#, r#"{"schemaVersion":2,"manifests":[],"x":1}"#] {
            assert!(Index::from_slice(text.as_bytes()).unwrap().manifests.is_empty(), "{text}");
        }
    }

    #[test]
    fn refuses_another_version_or_the_type_of_another_document() {
        let good = || Index::new(Vec::new());
        let rule = |index: Index| match index.validate() {
            Ok(()) => "",
            Err(DocumentError::Rule { member, .. }) => member,
            Err(other) => panic!("{other}"),
        };
        assert_eq!(rule(good()), "");
        assert_eq!(rule(Index { media_type: None, ..good() }), "");
        assert_eq!(rule(Index { media_type: Some(MediaType::DOCKER_MANIFEST_LIST), ..good() }), "");
        assert_eq!(rule(Index { media_type: Some(MediaType::OCI_MANIFEST), ..good() }), "mediaType");
        assert_eq!(rule(Index { schema_version: 1, ..good() }), "schemaVersion");
        assert_eq!(rule(good().with_artifact_type("not a type")), "artifactType");
    }

    #[test]
    fn writes_an_empty_list_of_manifests_as_an_array() {
        let text = String::from_utf8(crate::canonical(&Index::new(Vec::new())).to_vec()).unwrap();
        assert!(text.contains(r#""manifests":[]"#), "{text}");
    }

    #[test]
    fn an_entry_of_any_type_is_no_error() {
        let digest = crate::Digest::of(b"");
        let text = format!(
            r#"{{"schemaVersion":2,"manifests":[{{"mediaType":"application/xml","digest":"{digest}","size":7}}]}}"#
        );
        let index = Index::from_slice(text.as_bytes()).unwrap();
        assert_eq!((index.manifests[0].media_type.as_str(), index.validate()), ("application/xml", Ok(())));
    }

    #[test]
    fn a_platform_needs_system_and_architecture() {
        let entry = |platform| Descriptor::of(MediaType::OCI_MANIFEST, b"x").with_platform(platform);
        assert_eq!(Index::new(vec![entry(Platform::new("linux", "arm64"))]).validate(), Ok(()));
        assert!(Index::new(vec![entry(Platform::new("", "arm64"))]).validate().is_err());
        assert!(Index::new(vec![entry(Platform::new("linux", ""))]).validate().is_err());
    }
}
