use oras_content::{Error, ErrorKind};

/// Why nobody could be identified: a source of errors of kind [`ErrorKind::Unauthorized`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuthError {
    /// The registry wants a user name and a password, and there are none.
    #[error("{registry} wants a user name and a password, and none are known for it; log in first")]
    NoCredential {
        /// The registry's authority.
        registry: String,
    },
    /// The registry wants a user name and a password, and one of them is missing.
    #[error("{registry} wants a user name and a password, and the credential for it has not both; log in with both")]
    Incomplete {
        /// The registry's authority.
        registry: String,
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
    #[error("the token server {server} gives no token for {registry}: {answer}")]
    NoToken {
        /// The registry's authority.
        registry: String,
        /// The token server's origin.
        server: String,
        /// What it said.
        answer: String,
    },
}

impl From<AuthError> for Error {
    fn from(error: AuthError) -> Self {
        Self::new(ErrorKind::Unauthorized, error.to_string()).with_source(error)
    }
}
