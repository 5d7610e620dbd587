use bytes::Bytes;
use serde::{Deserialize, Serialize};

use crate::{
    algorithm::Algorithm,
    annotation::{self, Annotations},
    digest::{Digest, DigestError},
    media_type::MediaType,
    platform::Platform,
    verifier::{Verifier, VerifyError},
    wire,
};

/// What identifies content: its media type, digest and size (image specification, "OCI Content Descriptors").
///
/// Fields are public and assignable, as those of every document of the specifications. `==` compares all of them;
/// [`same_content`](Self::same_content) only those that identify content.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Descriptor {
    /// The type of the content.
    #[serde(default, deserialize_with = "wire::null_default")]
    pub media_type: MediaType,
    /// The digest of the content.
    pub digest: Digest,
    /// The size of the content in bytes.
    #[serde(deserialize_with = "wire::size")]
    pub size: u64,
    /// Other places where the content may be downloaded.
    #[serde(default, skip_serializing_if = "Vec::is_empty", deserialize_with = "wire::null_default")]
    pub urls: Vec<String>,
    /// Annotations of this descriptor.
    #[serde(default, skip_serializing_if = "Annotations::is_empty", deserialize_with = "wire::annotations")]
    pub annotations: Annotations,
    /// The content itself. It is not to be trusted: read it by [`embedded`](Self::embedded).
    #[serde(default, skip_serializing_if = "wire::no_data", with = "wire::data")]
    pub data: Option<Bytes>,
    /// The platform of the content, on entries of an index.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "wire::optional_object")]
    pub platform: Option<Platform>,
    /// The type of the artifact, on descriptors of manifests.
    #[serde(default, skip_serializing_if = "wire::no_media_type", deserialize_with = "wire::optional_media_type")]
    pub artifact_type: Option<MediaType>,
}

impl Descriptor {
    /// A descriptor with the three required fields.
    pub fn new(media_type: impl Into<MediaType>, digest: Digest, size: u64) -> Self {
        Self {
            media_type: media_type.into(),
            digest,
            size,
            urls: Vec::new(),
            annotations: Annotations::new(),
            data: None,
            platform: None,
            artifact_type: None,
        }
    }

    /// Describes `content` by its SHA-256 digest; an empty media type becomes `application/octet-stream`.
    pub fn of(media_type: impl Into<MediaType>, content: &[u8]) -> Self {
        Self::of_with(Algorithm::Sha256, media_type, content)
    }

    /// Describes `content` by its digest of the given algorithm; an empty media type becomes `application/octet-stream`.
    pub fn of_with(algorithm: Algorithm, media_type: impl Into<MediaType>, content: &[u8]) -> Self {
        let media_type = media_type.into();
        let media_type = if media_type.is_empty() { MediaType::OCTET_STREAM } else { media_type };
        Self::new(media_type, algorithm.digest(content), content.len() as u64)
    }

    /// The empty JSON object `{}` with its inline data (image specification, "Guidance for an Empty Descriptor").
    pub fn empty() -> Self {
        let content = Bytes::from_static(b"{}");
        Self::of(MediaType::OCI_EMPTY, &content).with_data(content)
    }

    /// Sets the annotations.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = annotations;
        self
    }

    /// Adds an annotation.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// Sets the inline content.
    #[must_use]
    pub fn with_data(mut self, data: Bytes) -> Self {
        self.data = Some(data);
        self
    }

    /// Sets the platform.
    #[must_use]
    pub fn with_platform(mut self, platform: Platform) -> Self {
        self.platform = Some(platform);
        self
    }

    /// Sets the type of the artifact.
    #[must_use]
    pub fn with_artifact_type(mut self, artifact_type: impl Into<MediaType>) -> Self {
        self.artifact_type = Some(artifact_type.into());
        self
    }

    /// The descriptor with nothing but media type, digest and size.
    #[must_use]
    pub fn plain(&self) -> Self {
        Self::new(self.media_type.clone(), self.digest.clone(), self.size)
    }

    /// Whether both describe the same content: equal media type, digest and size.
    pub fn same_content(&self, other: &Self) -> bool {
        self.size == other.size && self.digest == other.digest && self.media_type == other.media_type
    }

    /// The title, which ORAS takes for a file's name; an empty one counts as none.
    pub fn title(&self) -> Option<&str> {
        self.annotations.get(annotation::TITLE).map(String::as_str).filter(|title| !title.is_empty())
    }

    /// The inline content, if there is any and it is what the descriptor says.
    ///
    /// # Errors
    ///
    /// [`EmbeddedDataError`] when digest or size do not agree: such data must not be used.
    pub fn embedded(&self) -> Result<Option<Bytes>, EmbeddedDataError> {
        let Some(data) = &self.data else {
            return Ok(None);
        };
        let check = || -> Result<(), VerifyError> {
            let mut verifier = Verifier::new(self)?;
            verifier.update(data)?;
            verifier.finish()
        };
        check().map_err(EmbeddedDataError)?;
        Ok(Some(data.clone()))
    }

    /// Checks that the digest can be computed here.
    ///
    /// # Errors
    ///
    /// [`DigestError::UnsupportedAlgorithm`] when it cannot.
    pub fn algorithm(&self) -> Result<Algorithm, DigestError> {
        self.digest.known_algorithm()
    }
}

/// The inline data of a descriptor is not the content that it describes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("embedded data does not agree with its descriptor")]
pub struct EmbeddedDataError(#[source] VerifyError);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_media_type_becomes_octet_stream() {
        assert_eq!(Descriptor::of("", b"x").media_type, MediaType::OCTET_STREAM);
    }

    #[test]
    fn the_empty_descriptor_is_that_of_the_specification() {
        let empty = Descriptor::empty();
        assert_eq!(empty.digest.as_str(), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
        assert_eq!((empty.size, empty.embedded().unwrap().as_deref()), (2, Some(&b"{}"[..])));
    }

    #[test]
    fn same_content_ignores_what_does_not_identify() {
        let a = Descriptor::of("a/b", b"x").with_annotation("k", "v");
        assert!(a.same_content(&a.plain()));
        assert_ne!(a, a.plain());
        assert!(!a.same_content(&Descriptor::of("a/c", b"x")));
    }

    #[test]
    fn embedded_data_that_holds_is_given() {
        let data = Bytes::from_static(b"x");
        assert_eq!(Descriptor::of("a/b", b"x").with_data(data.clone()).embedded(), Ok(Some(data)));
        assert_eq!(Descriptor::of("a/b", b"x").embedded(), Ok(None));
    }

    #[test]
    fn embedded_data_that_lies_is_refused() {
        let desc = Descriptor::of("a/b", b"x").with_data(Bytes::from_static(b"y"));
        assert!(desc.embedded().is_err());
        let desc = Descriptor::of("a/b", b"x").with_data(Bytes::from_static(b"xx"));
        assert!(desc.embedded().is_err());
        let desc = Descriptor::new("a/b", "blake3:00".parse().unwrap(), 1).with_data(Bytes::from_static(b"x"));
        assert!(desc.embedded().is_err());
    }

    #[test]
    fn plain_keeps_only_what_identifies() {
        let desc = Descriptor::empty().with_platform(Platform::new("linux", "arm64")).with_artifact_type("t/t");
        assert_eq!(desc.plain(), Descriptor::new(MediaType::OCI_EMPTY, desc.digest, 2));
    }

    #[test]
    fn a_null_annotation_is_the_empty_one() {
        let text = format!(r#"{{"digest":"{}","size":0,"annotations":{{"k":null}}}}"#, Digest::of(b""));
        let desc: Descriptor = serde_json::from_str(&text).unwrap();
        assert_eq!(desc.annotations.get("k").map(String::as_str), Some(""));
    }

    #[test]
    fn reads_null_members_and_refuses_bad_ones() {
        let digest = Digest::of(b"");
        let parse = |text: String| serde_json::from_str::<Descriptor>(&text);
        let desc = parse(format!(
            r#"{{"mediaType":null,"digest":"{digest}","size":0,"urls":null,"annotations":null,"data":null,"platform":null,"artifactType":"","x":[1]}}"#
        ))
        .unwrap();
        assert_eq!(desc, Descriptor::new("", digest.clone(), 0));
        for bad in [
            format!(r#"{{"digest":"{digest}","size":-1}}"#),
            format!(r#"{{"digest":"{digest}"}}"#),
            format!(r#"{{"digest":"{digest}","size":1,"data":"!"}}"#),
            r#"{"digest":"sha256:x","size":1}"#.to_owned(),
            format!(r#"{{"digest":"{digest}","size":1,"annotations":{{"k":"1","k":"2"}}}}"#),
            format!(r#"{{"digest":"{digest}","size":1,"annotations":["k"]}}"#),
            format!(r#"{{"digest":"{digest}","size":1,"size":2}}"#),
            format!(r#"{{"digest":"{digest}","size":1.5}}"#),
            format!(r#"{{"digest":"{digest}","size":9223372036854775808}}"#),
            r#"{"size":1}"#.to_owned(),
        ] {
            assert!(parse(bad.clone()).is_err(), "{bad}");
        }
    }
}
