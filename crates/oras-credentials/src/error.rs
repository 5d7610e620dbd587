use std::path::PathBuf;

use oras_content::{Error, ErrorKind};

/// What is wrong with a place that holds credentials: a source of [`Error`]. It never shows what such a place holds.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CredentialError {
    /// A file or variable is not what docker writes.
    #[error("{place} is no docker configuration: line {line}, column {column}")]
    InvalidConfig {
        /// The file or variable.
        place: String,
        /// The line, from 1.
        line: usize,
        /// The column, from 1.
        column: usize,
    },
    /// An entry of a file or variable is not what docker writes.
    #[error("the entry for {key} in {place} is malformed: {expected}")]
    InvalidEntry {
        /// The file or variable.
        place: String,
        /// The key of the entry.
        key: String,
        /// What it should have been.
        expected: &'static str,
    },
    /// A secret would stand readable in a file.
    #[error("no credential is written to {} in plain text; configure a credential helper, or allow it", path.display())]
    PlaintextDisabled {
        /// The file.
        path: PathBuf,
    },
    /// A credential has a form that the place cannot hold.
    #[error("{place} cannot hold this credential: {reason}")]
    Unstorable {
        /// The file or helper.
        place: String,
        /// Why not.
        reason: &'static str,
    },
    /// A helper is configured and not installed.
    #[error("the credential helper {program} is not installed, or not on the PATH{hint}")]
    HelperMissing {
        /// The program.
        program: String,
        /// What may have happened; empty, or beginning with a separator.
        hint: &'static str,
    },
    /// A helper failed.
    #[error("the credential helper {program} failed: {message}")]
    HelperFailed {
        /// The program.
        program: String,
        /// What it said.
        message: String,
    },
    /// A helper's name would lead out of the PATH.
    #[error("{name:?} is no name of a credential helper")]
    HelperName {
        /// The name as configured.
        name: String,
    },
}

impl From<CredentialError> for Error {
    fn from(error: CredentialError) -> Self {
        let kind = match error {
            CredentialError::InvalidConfig { .. } | CredentialError::InvalidEntry { .. } => ErrorKind::Corrupt,
            CredentialError::PlaintextDisabled { .. } | CredentialError::Unstorable { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Io,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}
