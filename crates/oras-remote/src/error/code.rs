use std::fmt;

use http::Method;
use oras_content::ErrorKind;

macro_rules! codes {
    ($($(#[$doc:meta])* $name:ident = $text:literal;)*) => {
        /// What a registry says is wrong (distribution specification, "Error Codes").
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum ErrorCode {
            $($(#[$doc])* $name,)*
            /// A code that the specification does not know.
            Unknown(String),
        }

        impl ErrorCode {
            /// The code as it stands in an answer.
            pub fn as_str(&self) -> &str {
                match self {
                    $(Self::$name => $text,)*
                    Self::Unknown(text) => text,
                }
            }
        }

        impl From<&str> for ErrorCode {
            fn from(text: &str) -> Self {
                match text {
                    $($text => Self::$name,)*
                    other => Self::Unknown(other.into()),
                }
            }
        }
    };
}

codes! {
    /// The blob is not known to the registry.
    BlobUnknown = "BLOB_UNKNOWN";
    /// The upload of the blob cannot go on.
    BlobUploadInvalid = "BLOB_UPLOAD_INVALID";
    /// The upload is not known to the registry.
    BlobUploadUnknown = "BLOB_UPLOAD_UNKNOWN";
    /// The digest is not that of the content.
    DigestInvalid = "DIGEST_INVALID";
    /// The manifest points to content that the registry does not know.
    ManifestBlobUnknown = "MANIFEST_BLOB_UNKNOWN";
    /// The manifest is not valid.
    ManifestInvalid = "MANIFEST_INVALID";
    /// The manifest is not known to the registry.
    ManifestUnknown = "MANIFEST_UNKNOWN";
    /// The name of the repository is not valid.
    NameInvalid = "NAME_INVALID";
    /// The repository is not known to the registry.
    NameUnknown = "NAME_UNKNOWN";
    /// The size is not that of the content.
    SizeInvalid = "SIZE_INVALID";
    /// Credentials are missing or wrong.
    Unauthorized = "UNAUTHORIZED";
    /// The identity may not do this.
    Denied = "DENIED";
    /// The registry cannot do this.
    Unsupported = "UNSUPPORTED";
    /// There were too many requests.
    TooManyRequests = "TOOMANYREQUESTS";
}

impl ErrorCode {
    /// What a caller can do about it, in the answer to a request of this method.
    pub(super) fn kind(&self, method: &Method) -> Option<ErrorKind> {
        Some(match self {
            Self::BlobUnknown if *method == Method::PUT => ErrorKind::MissingContent,
            Self::ManifestBlobUnknown => ErrorKind::MissingContent,
            Self::BlobUnknown | Self::BlobUploadUnknown | Self::ManifestUnknown | Self::NameUnknown => {
                ErrorKind::NotFound
            }
            Self::DigestInvalid => ErrorKind::InvalidDigest,
            Self::SizeInvalid => ErrorKind::Corrupt,
            Self::NameInvalid => ErrorKind::InvalidReference,
            Self::Unauthorized => ErrorKind::Unauthorized,
            Self::Denied => ErrorKind::Denied,
            Self::Unsupported => ErrorKind::Unsupported,
            Self::TooManyRequests => ErrorKind::RateLimited,
            Self::BlobUploadInvalid | Self::ManifestInvalid | Self::Unknown(_) => return None,
        })
    }
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_prints_as_it_is_read() {
        for code in ["BLOB_UNKNOWN", "SIZE_INVALID", "TOOMANYREQUESTS", "SOMETHING_ELSE"] {
            assert_eq!(ErrorCode::from(code).as_str(), code);
        }
    }
}
