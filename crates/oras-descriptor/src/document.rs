use serde::de::DeserializeOwned;

use crate::{media_type::MediaType, wire::Object};

/// The only `schemaVersion` there is.
pub const SCHEMA_VERSION: u64 = 2;

/// Why bytes are not the document that they should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DocumentError {
    /// The bytes are not JSON, or a member has the wrong form.
    #[error("invalid {document}: {reason}")]
    Json {
        /// What was read, such as `image manifest`.
        document: &'static str,
        /// What was found, with line and column.
        reason: String,
    },
    /// A rule of the image specification does not hold.
    #[error("invalid {document}: {member} {found:?}: expected {expected}")]
    Rule {
        /// What was read.
        document: &'static str,
        /// The member that breaks the rule.
        member: &'static str,
        /// What the member holds.
        found: String,
        /// What the rule asks.
        expected: &'static str,
    },
    /// The media type names a document that is known and not supported.
    #[error("unsupported document of type {media_type}")]
    Unsupported {
        /// The media type.
        media_type: MediaType,
    },
}

pub(crate) fn parse<T: DeserializeOwned>(document: &'static str, bytes: &[u8]) -> Result<T, DocumentError> {
    match serde_json::from_slice(bytes) {
        Ok(Object(value)) => Ok(value),
        Err(error) => Err(invalid(document, &error)),
    }
}

pub(crate) fn invalid(document: &'static str, error: &dyn std::error::Error) -> DocumentError {
    DocumentError::Json { document, reason: error.to_string() }
}

/// The rules that image manifests and indexes share: MUST of "Image Manifest" and "Image Index".
pub(crate) struct Rules {
    pub(crate) document: &'static str,
}

impl Rules {
    pub(crate) fn schema_version(&self, found: u64) -> Result<(), DocumentError> {
        self.check(found == SCHEMA_VERSION, "schemaVersion", &found, "2")
    }

    pub(crate) fn media_type(
        &self,
        found: Option<&MediaType>,
        allowed: &[MediaType],
        expected: &'static str,
    ) -> Result<(), DocumentError> {
        let Some(found) = found else { return Ok(()) };
        self.check(allowed.contains(found), "mediaType", found, expected)
    }

    pub(crate) fn well_formed(&self, member: &'static str, found: Option<&MediaType>) -> Result<(), DocumentError> {
        let Some(found) = found else { return Ok(()) };
        self.check(found.validate().is_ok(), member, found, "a media type")
    }

    pub(crate) fn check(
        &self,
        holds: bool,
        member: &'static str,
        found: &dyn std::fmt::Display,
        expected: &'static str,
    ) -> Result<(), DocumentError> {
        if holds {
            return Ok(());
        }
        Err(DocumentError::Rule { document: self.document, member, found: found.to_string(), expected })
    }
}
