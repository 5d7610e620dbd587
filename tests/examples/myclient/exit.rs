//! Exit codes and hints.

use oras::auth::AuthError;
use oras::credentials::CredentialError;
use oras::file::NameError;
use oras::{Error, ErrorKind};

/// What a script can do about an error: 2 correct the command, 3 know that something is not there, 4 log in or ask
/// somebody, 5 try later, 6 distrust the content; 1 is everything else.
pub(crate) fn code(error: &Error) -> u8 {
    if error.find::<NameError>().is_some() {
        return 2;
    }
    match error.kind() {
        ErrorKind::InvalidReference
        | ErrorKind::InvalidDigest
        | ErrorKind::InvalidMediaType
        | ErrorKind::MissingReference => 2,
        ErrorKind::NotFound => 3,
        ErrorKind::Unauthorized | ErrorKind::Denied => 4,
        ErrorKind::Io | ErrorKind::Timeout | ErrorKind::RateLimited => 5,
        ErrorKind::Corrupt => 6,
        _ => 1,
    }
}

/// What a person can try, where the error itself cannot know it.
pub(crate) fn hint(error: &Error) -> Option<&'static str> {
    if let Some(CredentialError::PlaintextDisabled { .. }) = error.find() {
        return Some("`--plaintext` allows it");
    }
    match (error.kind(), error.find::<AuthError>()) {
        (ErrorKind::Unauthorized, Some(AuthError::NoCredential { .. })) => {
            Some("log in with `myclient login HOST --username NAME`, `docker login` or `podman login`")
        }
        (ErrorKind::Unauthorized, _) => Some("log in, or look whether the credential that is stored is still right"),
        (ErrorKind::RateLimited, _) => Some("log in to have a larger quota, or come back later"),
        _ => None,
    }
}
