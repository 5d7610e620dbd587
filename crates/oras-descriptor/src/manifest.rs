use serde::{Deserialize, Serialize};

use crate::{
    annotation::Annotations,
    descriptor::Descriptor,
    document::{self, DocumentError, Rules, SCHEMA_VERSION},
    media_type::MediaType,
    wire,
};

/// An image manifest, of OCI or docker (image specification, "OCI Image Manifest").
///
/// Reading is tolerant: absent and null arrays are empty, unknown members are skipped. A manifest that was fetched keeps
/// its raw bytes; this is only a view of them, and [`canonical`](crate::canonical) is for manifests made here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Manifest {
    /// Always 2.
    #[serde(default, deserialize_with = "wire::null_default")]
    pub schema_version: u64,
    /// The type of this document.
    #[serde(default, skip_serializing_if = "wire::no_media_type", deserialize_with = "wire::optional_media_type")]
    pub media_type: Option<MediaType>,
    /// The type of the artifact.
    #[serde(default, skip_serializing_if = "wire::no_media_type", deserialize_with = "wire::optional_media_type")]
    pub artifact_type: Option<MediaType>,
    /// The configuration.
    #[serde(deserialize_with = "wire::object")]
    pub config: Descriptor,
    /// The layers, base first.
    #[serde(default, deserialize_with = "wire::objects")]
    pub layers: Vec<Descriptor>,
    /// The manifest that this one speaks of: a weak link, whose target may be absent.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "wire::optional_object")]
    pub subject: Option<Descriptor>,
    /// Annotations of this manifest.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "wire::annotations")]
    pub annotations: Annotations,
}

impl Manifest {
    /// An OCI image manifest of a configuration and layers.
    pub fn new(config: Descriptor, layers: Vec<Descriptor>) -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            media_type: Some(MediaType::OCI_MANIFEST),
            artifact_type: None,
            config,
            layers,
            subject: None,
            annotations: Annotations::new(),
        }
    }

    /// Reads a manifest.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Json`] when the bytes are not a JSON object with a configuration, or a member has the wrong form.
    pub fn from_slice(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::parse("image manifest", bytes)
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

    /// The type of the artifact: `artifactType`, else the type of the configuration.
    pub fn effective_artifact_type(&self) -> &MediaType {
        self.artifact_type.as_ref().unwrap_or(&self.config.media_type)
    }

    /// Checks what the image specification demands of the document itself.
    ///
    /// Unknown types of configuration, layers and artifact are never an error, and neither is an empty list of layers.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Rule`] names the first rule that does not hold.
    pub fn validate(&self) -> Result<(), DocumentError> {
        let rules = Rules { document: "image manifest" };
        rules.schema_version(self.schema_version)?;
        let allowed = [MediaType::OCI_MANIFEST, MediaType::DOCKER_MANIFEST];
        rules.media_type(self.media_type.as_ref(), &allowed, "the type of an image manifest")?;
        rules.well_formed("artifactType", self.artifact_type.as_ref())?;
        rules.well_formed("config.mediaType", Some(&self.config.media_type))?;
        let typed = self.artifact_type.is_some() || self.config.media_type != MediaType::OCI_EMPTY;
        rules.check(typed, "artifactType", &"", "a media type, as the configuration is empty")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_null_and_unknown_members() {
        let config = Descriptor::empty().plain();
        let text = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"{}","digest":"{}","size":2}},"layers":null,"annotations":null,"x":{{}}}}"#,
            config.media_type, config.digest
        );
        let manifest = Manifest::from_slice(text.as_bytes()).unwrap();
        assert_eq!((manifest.config, manifest.layers.len()), (config, 0));
    }

    #[test]
    fn refuses_what_is_no_manifest() {
        let digest = crate::Digest::of(b"");
        let array = format!(r#"["a/b","{digest}",0]"#);
        let object = format!(r#"{{"digest":"{digest}","size":0}}"#);
        for bad in [
            "",
            "[]",
            "{}",
            "null",
            "<html>",
            r#"{"config":null}"#,
            &format!(r#"{{"config":{object}}}{{}}"#),
            &format!(r#"{{"config":{object},"config":{object}}}"#),
            &format!(r#"[2,null,null,{object}]"#),
            &format!(r#"{{"config":{array}}}"#),
            &format!(r#"{{"config":{object},"layers":[{array}]}}"#),
            &format!(r#"{{"config":{object},"layers":[null]}}"#),
            &format!(r#"{{"config":{object},"subject":{array}}}"#),
        ] {
            assert!(matches!(Manifest::from_slice(bad.as_bytes()), Err(DocumentError::Json { .. })), "{bad}");
        }
    }

    #[test]
    fn writes_an_empty_list_of_layers_as_an_array() {
        let text =
            String::from_utf8(crate::canonical(&Manifest::new(Descriptor::empty(), Vec::new())).to_vec()).unwrap();
        assert!(text.contains(r#""layers":[]"#), "{text}");
    }

    #[test]
    fn layers_of_any_type_are_no_error_and_keep_their_order() {
        let layers = ["not a type", "application/vnd.acme.layer", "a/b"].map(|kind| Descriptor::of(kind, b"x"));
        let manifest = Manifest::new(Descriptor::of("application/vnd.acme.config", b"PK"), layers.to_vec());
        assert_eq!(manifest.validate(), Ok(()));
        assert_eq!(Manifest::from_slice(&crate::canonical(&manifest)).unwrap().layers, layers);
    }

    #[test]
    fn validates_the_rules_of_the_specification() {
        let config = || Descriptor::of("application/vnd.acme.config", b"{}");
        let rule = |manifest: Manifest| match manifest.validate() {
            Ok(()) => "",
            Err(DocumentError::Rule { member, .. }) => member,
            Err(other) => panic!("{other}"),
        };
        let good = || Manifest::new(config(), Vec::new());
        let bad_version = Manifest { schema_version: 1, ..good() };
        let bad_type = Manifest { media_type: Some(MediaType::OCI_INDEX), ..good() };
        let untyped = Manifest::new(Descriptor::empty(), Vec::new());
        assert_eq!(rule(good()), "");
        assert_eq!(rule(Manifest { media_type: None, ..good() }), "");
        assert_eq!(rule(bad_version), "schemaVersion");
        assert_eq!(rule(bad_type), "mediaType");
        assert_eq!(rule(good().with_artifact_type("not a type")), "artifactType");
        assert_eq!(rule(untyped.clone()), "artifactType");
        assert_eq!(rule(untyped.with_artifact_type("a/b")), "");
    }
}
