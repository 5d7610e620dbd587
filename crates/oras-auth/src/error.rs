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
    #[error(
        "no credential for {registry}: it wants a user name and a password{}; log in to {registry} first",
        wanted(.scopes)
    )]
    NoCredential {
        /// The registry's authority.
        registry: String,
        /// What the operation needs.
        scopes: Scopes,
    },
    /// The registry wants a user name and a password, and one of them is missing.
    #[error(
        "incomplete credential for {registry}: it wants a user name and a password{}, and the credential has not both; log in to {registry} with both",
        wanted(.scopes)
    )]
    Incomplete {
        /// The registry's authority.
        registry: String,
        /// What the operation needs.
        scopes: Scopes,
    },
    /// The registry names a token server to which no credential may go.
    #[error("no token for {registry}: it names a token server that is not asked: {reason}")]
    UnsafeRealm {
        /// The registry's authority.
        registry: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The token server gives no token.
    #[error("no token for {registry}{} from the token server {server}: {answer}", as_access(.scopes))]
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

/// What is wanted, behind the name of the registry that has it.
fn as_access(scopes: &Scopes) -> String {
    if scopes.is_empty() { String::new() } else { format!(" ({scopes})") }
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::new(ErrorKind::Unauthorized, error.to_string()).with_source(error)
    }
}
