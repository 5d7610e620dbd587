use oras_content::{Error, ErrorKind, MediaType};
use oras_descriptor::MediaTypeError;

/// Why content cannot be packed as asked; nothing was pushed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PackError {
    /// Version 1.1 needs an artifact type, unless the configuration has a type that tells it.
    #[error("missing artifact type: expected a media type, as the configuration is {config}")]
    MissingArtifactType {
        /// The type of the configuration.
        config: MediaType,
    },
    /// The artifact type, or the type of the configuration, is not a media type of RFC 6838 section 4.2.
    #[error("invalid {what}")]
    InvalidMediaType {
        /// What has the type: `artifact type` or `type of the configuration`.
        what: &'static str,
        /// What is wrong with it.
        #[source]
        source: MediaTypeError,
    },
    /// The annotation that says when the content was created is not a date and time.
    #[error(
        "invalid annotation org.opencontainers.image.created {input:?}: expected RFC 3339, such as 2024-01-02T03:04:05Z"
    )]
    InvalidDateTime {
        /// The value of the annotation.
        input: String,
    },
    /// A manifest of version 1.0 has no subject.
    #[error("a manifest of version 1.0 cannot have a subject: expected version 1.1")]
    SubjectUnsupported,
    /// There is no such version.
    #[error("unknown version {input:?} of the image specification: expected 1.0 or 1.1")]
    UnknownVersion {
        /// The text.
        input: String,
    },
}

impl From<PackError> for Error {
    /// A missing or malformed type is [`ErrorKind::InvalidMediaType`], what a version does not have is
    /// [`ErrorKind::Unsupported`], a bad date is [`ErrorKind::Other`].
    fn from(error: PackError) -> Self {
        let kind = match error {
            PackError::MissingArtifactType { .. } | PackError::InvalidMediaType { .. } => ErrorKind::InvalidMediaType,
            PackError::SubjectUnsupported | PackError::UnknownVersion { .. } => ErrorKind::Unsupported,
            PackError::InvalidDateTime { .. } => ErrorKind::Other,
        };
        Self::new(kind, "cannot pack the manifest").with_source(error)
    }
}
