use oras_content::{Error, ErrorKind};

use crate::scope::Scopes;

/// Whom a registry refused what: an extension of responses with status 401 and 403.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refused {
    /// Who asked, in words: `the user alice`; none when it was nobody in particular.
    pub holder: Option<String>,
    /// What the operation needs.
    pub scopes: Scopes,
}

/// Why nobody could be identified: a source of errors of kind [`ErrorKind::Unauthorized`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The registry wants a user name and a password, and there are none.
    #[error("{registry} wants a user name and a password{}, and none are known; log in to {registry} first", wanted(.scopes))]
    NoCredential {
        /// The registry's authority.
        registry: String,
        /// What the operation needs.
        scopes: Scopes,
    },
    /// The registry wants a user name and a password, and one of them is missing.
    #[error(
        "{registry} wants a user name and a password{}, and the credential for it has not both; log in to {registry} with both",
        wanted(.scopes)
    )]
    Incomplete {
        /// The registry's authority.
        registry: String,
        /// What the operation needs.
        scopes: Scopes,
    },
    /// The registry names a token server to which no credential may go.
    #[error("{registry} names a token server that is not asked: {reason}")]
    UnsafeRealm {
        /// The registry's authority.
        registry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token server gives no token.
    #[error("the token server {server} gives no token for {registry}{}: {answer}", wanted(.scopes))]
    NoToken {
        /// The registry's authority.
        registry: String,
        /// What it was asked for.
        scopes: Scopes,
        /// The token server's origin.
        server: String,
        /// What it said.
        answer: String,
    },
}

/// What is wanted, as a part of a sentence.
fn wanted(scopes: &Scopes) -> String {
    if scopes.is_empty() { String::new() } else { format!(" for {scopes}") }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::new(ErrorKind::Unauthorized, error.to_string()).with_source(error)
    }
}
