use std::{fmt, io};

use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use serde_json::{Value, json};

use crate::body::Body;

/// The codes of the distribution specification, "Error Codes".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Code {
    BlobUnknown,
    BlobUploadInvalid,
    BlobUploadUnknown,
    DigestInvalid,
    ManifestBlobUnknown,
    ManifestInvalid,
    ManifestUnknown,
    NameInvalid,
    NameUnknown,
    SizeInvalid,
    Unauthorized,
    Denied,
    Unsupported,
    TooManyRequests,
    /// Not of the specification, and only for failures of the server itself.
    Unknown,
}

impl Code {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::BlobUnknown => "BLOB_UNKNOWN",
            Self::BlobUploadInvalid => "BLOB_UPLOAD_INVALID",
            Self::BlobUploadUnknown => "BLOB_UPLOAD_UNKNOWN",
            Self::DigestInvalid => "DIGEST_INVALID",
            Self::ManifestBlobUnknown => "MANIFEST_BLOB_UNKNOWN",
            Self::ManifestInvalid => "MANIFEST_INVALID",
            Self::ManifestUnknown => "MANIFEST_UNKNOWN",
            Self::NameInvalid => "NAME_INVALID",
            Self::NameUnknown => "NAME_UNKNOWN",
            Self::SizeInvalid => "SIZE_INVALID",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Denied => "DENIED",
            Self::Unsupported => "UNSUPPORTED",
            Self::TooManyRequests => "TOOMANYREQUESTS",
            Self::Unknown => "UNKNOWN",
        }
    }
}

pub(crate) type Result<T, E = ApiError> = std::result::Result<T, E>;

/// An answer that is not a success.
#[derive(Debug)]
pub(crate) struct ApiError(Box<Inner>);

#[derive(Debug)]
struct Inner {
    status: StatusCode,
    code: Code,
    message: String,
    details: Vec<Value>,
    headers: HeaderMap,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, code: Code, message: impl Into<String>) -> Self {
        let (message, details, headers) = (message.into(), Vec::new(), HeaderMap::new());
        Self(Box::new(Inner { status, code, message, details, headers }))
    }

    pub(crate) fn bad_request(code: Code, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, message)
    }

    pub(crate) fn not_found(code: Code, message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, code, message)
    }

    pub(crate) fn unknown_repository(name: &str) -> Self {
        Self::not_found(Code::NameUnknown, format!("repository {name} is not known"))
    }

    /// Something that is switched off, or that no registry can do here; `allow` lists the methods that work.
    pub(crate) fn unsupported(what: impl fmt::Display, allow: &'static str) -> Self {
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, Code::Unsupported, format!("{what} is not supported"));
        error.with_header(header::ALLOW, HeaderValue::from_static(allow))
    }

    pub(crate) fn too_large(what: &str, limit: u64) -> Self {
        let message = format!("{what} is larger than the limit of {limit} bytes");
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, Code::SizeInvalid, message)
    }

    /// One entry of the answer for each detail.
    #[must_use]
    pub(crate) fn with_details(mut self, details: Vec<Value>) -> Self {
        self.0.details = details;
        self
    }

    #[must_use]
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.append(name, value);
        self
    }

    #[must_use]
    pub(crate) fn with_status(mut self, status: StatusCode) -> Self {
        self.0.status = status;
        self
    }

    pub(crate) fn status(&self) -> StatusCode {
        self.0.status
    }

    pub(crate) fn code(&self) -> Code {
        self.0.code
    }

    pub(crate) fn into_response(self) -> Response<Body> {
        let Inner { status, code, message, details, headers } = *self.0;
        let entry = |detail: Option<Value>| match detail {
            Some(detail) => json!({"code": code.as_str(), "message": message, "detail": detail}),
            None => json!({"code": code.as_str(), "message": message}),
        };
        let entries: Vec<Value> = match details.is_empty() {
            true => vec![entry(None)],
            false => details.into_iter().map(|detail| entry(Some(detail))).collect(),
        };
        let mut response = Response::new(Body::from(json!({"errors": entries}).to_string()));
        *response.status_mut() = status;
        *response.headers_mut() = headers;
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

impl From<io::Error> for ApiError {
    /// Trouble of the storage is the server's; what it says may name paths and goes to the log alone.
    fn from(error: io::Error) -> Self {
        tracing::error!(%error, "the storage failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, Code::Unknown, "the storage failed")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_form_of_the_specification() {
        let codes = [
            (Code::BlobUnknown, "BLOB_UNKNOWN"),
            (Code::BlobUploadInvalid, "BLOB_UPLOAD_INVALID"),
            (Code::BlobUploadUnknown, "BLOB_UPLOAD_UNKNOWN"),
            (Code::DigestInvalid, "DIGEST_INVALID"),
            (Code::ManifestBlobUnknown, "MANIFEST_BLOB_UNKNOWN"),
            (Code::ManifestInvalid, "MANIFEST_INVALID"),
            (Code::ManifestUnknown, "MANIFEST_UNKNOWN"),
            (Code::NameInvalid, "NAME_INVALID"),
            (Code::NameUnknown, "NAME_UNKNOWN"),
            (Code::SizeInvalid, "SIZE_INVALID"),
            (Code::Unauthorized, "UNAUTHORIZED"),
            (Code::Denied, "DENIED"),
            (Code::Unsupported, "UNSUPPORTED"),
            (Code::TooManyRequests, "TOOMANYREQUESTS"),
        ];
        for (code, expected) in codes {
            assert_eq!(code.as_str(), expected);
            assert!(code.as_str().bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'));
        }
    }
}
