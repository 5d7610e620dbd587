use std::{borrow::Cow, fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A media type as it stands in a descriptor.
///
/// Documents of others may carry any text here, and none of it is an error while content is only moved: so [`new`](Self::new)
/// and deserialization take any text, and [`FromStr`] takes only what RFC 6838 section 4.2 allows. Equality is by text;
/// [`matches`](Self::matches) compares as HTTP does. Cloning is cheap.
#[derive(Clone)]
pub struct MediaType(Text);

#[derive(Clone)]
enum Text {
    Static(&'static str),
    Shared(Arc<str>),
}

macro_rules! known {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        impl MediaType {
            $($(#[$doc])* pub const $name: Self = Self(Text::Static($text));)*

            const KNOWN: &'static [&'static str] = &[$($text),*];
        }
    };
}

known! {
    /// OCI image manifest.
    OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json";
    /// OCI image index.
    OCI_INDEX = "application/vnd.oci.image.index.v1+json";
    /// The artifact manifest of the 1.1 release candidates of the image specification; read, never written anew.
    OCI_ARTIFACT_MANIFEST = "application/vnd.oci.artifact.manifest.v1+json";
    /// Docker image manifest, schema 2.
    DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json";
    /// Docker manifest list.
    DOCKER_MANIFEST_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
    /// Docker manifest, schema 1 with signatures: not supported.
    DOCKER_MANIFEST_SCHEMA1 = "application/vnd.docker.distribution.manifest.v1+prettyjws";
    /// OCI image configuration.
    OCI_CONFIG = "application/vnd.oci.image.config.v1+json";
    /// Docker image configuration.
    DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json";
    /// The empty JSON object, `{}`.
    OCI_EMPTY = "application/vnd.oci.empty.v1+json";
    /// OCI layer, a plain tar archive.
    OCI_LAYER = "application/vnd.oci.image.layer.v1.tar";
    /// OCI layer, a gzip-compressed tar archive.
    OCI_LAYER_GZIP = "application/vnd.oci.image.layer.v1.tar+gzip";
    /// OCI layer, a zstd-compressed tar archive.
    OCI_LAYER_ZSTD = "application/vnd.oci.image.layer.v1.tar+zstd";
    /// OCI layer that is not to be distributed, a plain tar archive.
    OCI_FOREIGN_LAYER = "application/vnd.oci.image.layer.nondistributable.v1.tar";
    /// OCI layer that is not to be distributed, a gzip-compressed tar archive.
    OCI_FOREIGN_LAYER_GZIP = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";
    /// OCI layer that is not to be distributed, a zstd-compressed tar archive.
    OCI_FOREIGN_LAYER_ZSTD = "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd";
    /// Docker layer, a gzip-compressed tar archive.
    DOCKER_LAYER_GZIP = "application/vnd.docker.image.rootfs.diff.tar.gzip";
    /// Docker layer that is not to be distributed.
    DOCKER_FOREIGN_LAYER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    /// The configuration of an artifact of unknown type, as ORAS writes it.
    UNKNOWN_CONFIG = "application/vnd.unknown.config.v1+json";
    /// An artifact of unknown type, as ORAS writes it.
    UNKNOWN_ARTIFACT = "application/vnd.unknown.artifact.v1";
    /// Bytes of which nothing more is known.
    OCTET_STREAM = "application/octet-stream";
}

/// RFC 6838 section 4.2: each half has at most 127 characters.
const MAX_HALF_LEN: usize = 127;

impl MediaType {
    /// The five types that are pushed and fetched as manifests.
    pub const MANIFESTS: [Self; 5] = [
        Self::OCI_MANIFEST,
        Self::OCI_INDEX,
        Self::DOCKER_MANIFEST,
        Self::DOCKER_MANIFEST_LIST,
        Self::OCI_ARTIFACT_MANIFEST,
    ];

    /// Takes any text as it is.
    pub fn new(text: impl Into<Cow<'static, str>>) -> Self {
        match text.into() {
            Cow::Borrowed(text) => Self(Text::Static(text)),
            Cow::Owned(text) => Self::from_text(&text),
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Text::Static(text) => text,
            Text::Shared(text) => text,
        }
    }

    /// The text without parameters, `type/subtype`.
    pub fn essence(&self) -> &str {
        self.as_str().split(';').next().unwrap_or_default().trim()
    }

    /// Whether both have the same essence, in any letter case.
    pub fn matches(&self, other: &Self) -> bool {
        self.essence().eq_ignore_ascii_case(other.essence())
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.as_str().is_empty()
    }

    /// Whether content of this type is pushed and fetched as a manifest.
    pub fn is_manifest(&self) -> bool {
        Self::MANIFESTS.contains(self)
    }

    /// Whether this is an index or a manifest list.
    pub fn is_index(&self) -> bool {
        [Self::OCI_INDEX, Self::DOCKER_MANIFEST_LIST].contains(self)
    }

    /// Whether this is an image manifest, of OCI or docker.
    pub fn is_image_manifest(&self) -> bool {
        [Self::OCI_MANIFEST, Self::DOCKER_MANIFEST].contains(self)
    }

    /// Whether this is an image configuration, of OCI or docker.
    pub fn is_image_config(&self) -> bool {
        [Self::OCI_CONFIG, Self::DOCKER_CONFIG].contains(self)
    }

    /// Whether this is a layer that is not to be distributed.
    pub fn is_foreign_layer(&self) -> bool {
        [
            Self::OCI_FOREIGN_LAYER,
            Self::OCI_FOREIGN_LAYER_GZIP,
            Self::OCI_FOREIGN_LAYER_ZSTD,
            Self::DOCKER_FOREIGN_LAYER,
        ]
        .contains(self)
    }

    /// Checks the text against RFC 6838 section 4.2.
    ///
    /// # Errors
    ///
    /// [`MediaTypeError`] when it is anything but `type/subtype` of allowed characters.
    pub fn validate(&self) -> Result<(), MediaTypeError> {
        check(self.as_str())
    }

    fn from_text(text: &str) -> Self {
        match Self::KNOWN.iter().find(|known| **known == text) {
            Some(known) => Self(Text::Static(known)),
            None => Self(Text::Shared(text.into())),
        }
    }
}

impl Default for MediaType {
    /// The empty text.
    fn default() -> Self {
        Self(Text::Static(""))
    }
}

impl FromStr for MediaType {
    type Err = MediaTypeError;

    fn from_str(input: &str) -> Result<Self, MediaTypeError> {
        check(input)?;
        Ok(Self::from_text(input))
    }
}

impl From<&'static str> for MediaType {
    fn from(text: &'static str) -> Self {
        Self::new(text)
    }
}

impl From<String> for MediaType {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl PartialEq for MediaType {
    fn eq(&self, other: &Self) -> bool {
        self.as_str() == other.as_str()
    }
}

impl Eq for MediaType {}

impl PartialEq<str> for MediaType {
    fn eq(&self, other: &str) -> bool {
        self.as_str() == other
    }
}

impl PartialEq<&str> for MediaType {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

impl std::hash::Hash for MediaType {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.as_str().hash(state);
    }
}

impl PartialOrd for MediaType {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for MediaType {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.as_str().cmp(other.as_str())
    }
}

impl AsRef<str> for MediaType {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl fmt::Display for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for MediaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl Serialize for MediaType {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for MediaType {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<'de, str>::deserialize(deserializer)?;
        Ok(Self::from_text(&text))
    }
}

/// A text that is not a media type of RFC 6838 section 4.2.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid media type {input:?}: expected type/subtype, each half starting with a letter or digit")]
pub struct MediaTypeError {
    input: String,
}

impl MediaTypeError {
    /// The text.
    pub fn input(&self) -> &str {
        &self.input
    }
}

fn check(input: &str) -> Result<(), MediaTypeError> {
    match input.split_once('/') {
        Some((kind, subtype)) if is_half(kind) && is_half(subtype) => Ok(()),
        _ => Err(MediaTypeError { input: input.into() }),
    }
}

fn is_half(text: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b);
    text.len() <= MAX_HALF_LEN
        && text.bytes().next().is_some_and(|first| first.is_ascii_alphanumeric())
        && text.bytes().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_what_rfc_6838_allows() {
        let longest = format!("{}/{}", "a".repeat(127), "b".repeat(127));
        for input in ["text/plain", "application/vnd.acme.rocket.config.v1+json", "a/b", "0/9", &longest] {
            let parsed: MediaType = input.parse().unwrap();
            assert_eq!(parsed.to_string(), input);
        }
    }

    #[test]
    fn rejects_the_rest() {
        let too_long = format!("{}/b", "a".repeat(128));
        for input in
            ["", "a", "a/", "/b", "a/b/c", "a b/c", "a/b;charset=utf-8", ".a/b", "a/+b", "x/!", "ä/b", &too_long]
        {
            let error = input.parse::<MediaType>().expect_err(input);
            assert_eq!(error.input(), input);
        }
    }

    #[test]
    fn compares_as_http_does() {
        let wire = MediaType::new("Application/VND.oci.image.index.v1+JSON ; charset=utf-8".to_owned());
        assert!(wire.matches(&MediaType::OCI_INDEX));
        assert_ne!(wire, MediaType::OCI_INDEX);
        assert!(!wire.matches(&MediaType::OCI_MANIFEST));
    }

    #[test]
    fn a_known_text_is_not_copied() {
        let parsed = MediaType::new(String::from("application/vnd.oci.image.index.v1+json"));
        assert!(matches!(parsed.0, Text::Static(_)));
    }

    #[test]
    fn knows_the_five_types_of_manifests() {
        let manifests = [
            ("application/vnd.oci.image.manifest.v1+json", true, false),
            ("application/vnd.docker.distribution.manifest.v2+json", true, false),
            ("application/vnd.oci.image.index.v1+json", false, true),
            ("application/vnd.docker.distribution.manifest.list.v2+json", false, true),
            ("application/vnd.oci.artifact.manifest.v1+json", false, false),
        ];
        for (text, is_image, is_index) in manifests {
            let media_type = MediaType::new(text);
            assert!(media_type.is_manifest(), "{text}");
            assert_eq!((media_type.is_image_manifest(), media_type.is_index()), (is_image, is_index), "{text}");
        }
        assert!(!MediaType::OCI_CONFIG.is_manifest() && !MediaType::DOCKER_MANIFEST_SCHEMA1.is_manifest());
    }

    #[test]
    fn names_the_layer_types_of_the_specification() {
        let layers = [
            (MediaType::OCI_LAYER, "application/vnd.oci.image.layer.v1.tar"),
            (MediaType::OCI_LAYER_GZIP, "application/vnd.oci.image.layer.v1.tar+gzip"),
            (MediaType::OCI_LAYER_ZSTD, "application/vnd.oci.image.layer.v1.tar+zstd"),
            (MediaType::DOCKER_LAYER_GZIP, "application/vnd.docker.image.rootfs.diff.tar.gzip"),
        ];
        for (layer, text) in layers {
            assert!(layer == text && !layer.is_foreign_layer(), "{text}");
        }
    }

    #[test]
    fn knows_foreign_layers() {
        let foreign = [
            "application/vnd.oci.image.layer.nondistributable.v1.tar",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
            "application/vnd.oci.image.layer.nondistributable.v1.tar+zstd",
            "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        ];
        for text in foreign {
            assert!(MediaType::new(text).is_foreign_layer(), "{text}");
        }
        assert!(!MediaType::OCI_LAYER.is_foreign_layer());
    }
}
