use std::{borrow::Cow, error::Error as StdError, fmt, io, sync::Arc};

use oras_descriptor::{Descriptor, DigestError, DocumentError, EmbeddedDataError, MediaTypeError, VerifyError};
use oras_reference::ReferenceError;

/// The result of everything that works on content.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong, as far as a caller can act on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The content or name is there already.
    AlreadyExists,
    /// Content is not what its descriptor or media type says.
    Corrupt,
    /// The identity is known and not allowed to do this.
    Denied,
    /// A digest is malformed.
    InvalidDigest,
    /// A media type is malformed or missing.
    InvalidMediaType,
    /// A reference is malformed, or does not belong here.
    InvalidReference,
    /// The operating system or the network failed.
    Io,
    /// The store refuses a manifest because content that it points to is missing.
    MissingContent,
    /// A reference is needed and was not given.
    MissingReference,
    /// There is no such content, tag or repository.
    NotFound,
    /// Anything else.
    Other,
    /// The registry asks to come back later.
    RateLimited,
    /// Content is larger than a limit that the caller can set.
    SizeExceedsLimit,
    /// Something did not happen in time.
    Timeout,
    /// A list has more pages than a limit that the caller can set.
    TooManyPages,
    /// Credentials are missing or wrong.
    Unauthorized,
    /// The store, registry or library cannot do this.
    Unsupported,
    /// A document has a version that is not known.
    UnsupportedVersion,
}

impl ErrorKind {
    /// The kind in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AlreadyExists => "already exists",
            Self::Corrupt => "corrupt content",
            Self::Denied => "denied",
            Self::InvalidDigest => "invalid digest",
            Self::InvalidMediaType => "invalid media type",
            Self::InvalidReference => "invalid reference",
            Self::Io => "input or output failed",
            Self::MissingContent => "missing content",
            Self::MissingReference => "missing reference",
            Self::NotFound => "not found",
            Self::Other => "failed",
            Self::RateLimited => "rate limited",
            Self::SizeExceedsLimit => "size exceeds limit",
            Self::Timeout => "timed out",
            Self::TooManyPages => "too many pages",
            Self::Unauthorized => "unauthorized",
            Self::Unsupported => "unsupported",
            Self::UnsupportedVersion => "unsupported version",
        }
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The one error that crosses the roles.
///
/// [`kind`](Self::kind) says what a caller can do; `Display` says one level in words; what lies below is in
/// [`source`](StdError::source), and [`find`](Self::find) looks for a typed one there. Cloning is cheap, so that several
/// waiters on one operation can all be told.
#[derive(Clone)]
pub struct Error(Box<Inner>);

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: Cow<'static, str>,
    descriptor: Option<Descriptor>,
    retryable: bool,
    retries: u32,
    from_blob: bool,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    /// Whether the message is that of `source`, which a chain then need not say again.
    transparent: bool,
}

impl Error {
    /// An error of a kind, with a message of one level: lower case, no full stop.
    pub fn new(kind: ErrorKind, message: impl Into<Cow<'static, str>>) -> Self {
        let message = message.into();
        let inner = Inner {
            kind,
            message,
            descriptor: None,
            retryable: false,
            retries: 0,
            from_blob: false,
            source: None,
            transparent: false,
        };
        Self(Box::new(inner))
    }

    /// A typed error as one of ours, in the same words.
    fn transparent(kind: ErrorKind, error: impl StdError + Send + Sync + 'static) -> Self {
        let mut ours = Self::new(kind, error.to_string()).with_source(error);
        ours.0.transparent = true;
        ours
    }

    /// [`ErrorKind::NotFound`] of content.
    pub fn not_found(desc: &Descriptor) -> Self {
        Self::new(ErrorKind::NotFound, format!("{} not found", desc.digest)).with_descriptor(desc)
    }

    /// [`ErrorKind::AlreadyExists`] of content.
    pub fn already_exists(desc: &Descriptor) -> Self {
        Self::new(ErrorKind::AlreadyExists, format!("{} already exists", desc.digest)).with_descriptor(desc)
    }

    /// [`ErrorKind::Unsupported`], with what is not supported.
    pub fn unsupported(what: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Unsupported, format!("{what} is not supported"))
    }

    /// Adds what lies below.
    #[must_use]
    pub fn with_source(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        self.0.source = Some(Arc::new(source));
        self.0.transparent = false;
        self
    }

    /// Adds the content that this is about.
    #[must_use]
    pub fn with_descriptor(mut self, desc: &Descriptor) -> Self {
        self.0.descriptor = Some(desc.plain());
        self
    }

    /// Says that the same attempt may succeed later.
    #[must_use]
    pub fn with_retryable(mut self, retryable: bool) -> Self {
        self.0.retryable = retryable;
        self
    }

    /// Says how many times the attempt was already repeated below.
    #[must_use]
    pub fn with_retries(mut self, retries: u32) -> Self {
        self.0.retries = retries;
        self
    }

    /// Marks an error that came out of a blob: its source is to blame, whichever call returned it.
    pub(crate) fn out_of_blob(mut self) -> Self {
        self.0.from_blob = true;
        self
    }

    /// What went wrong, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The content that this is about, if it is about one.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        self.0.descriptor.as_ref()
    }

    /// Whether the same attempt may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.0.retryable
    }

    /// How many times the attempt was already repeated below.
    pub fn retries(&self) -> u32 {
        self.0.retries
    }

    /// Whether the error came out of a [`Blob`](crate::Blob), so that the source of the blob is to blame.
    pub fn is_from_blob(&self) -> bool {
        self.0.from_blob
    }

    /// The first error of type `T` below this one.
    pub fn find<T: StdError + 'static>(&self) -> Option<&T> {
        find(self.below())
    }

    /// Takes back an error of ours that other layers wrapped: the first one in the chain of `error`.
    pub fn find_in<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Self> {
        find(Some(error))
    }

    fn below(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

fn find<'a, T: StdError + 'static>(mut error: Option<&'a (dyn StdError + 'static)>) -> Option<&'a T> {
    while let Some(current) = error {
        if let Some(found) = current.downcast_ref::<T>() {
            return Some(found);
        }
        error = below(current);
    }
    None
}

/// The source of an error; for those whose `source` skips the error they were made of, that one.
fn below<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(ours) = error.downcast_ref::<Error>() {
        return ours.below();
    }
    match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
        Some(inner) => Some(inner),
        None => error.source(),
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Error");
        debug.field("kind", &self.0.kind).field("message", &self.0.message);
        if let Some(desc) = &self.0.descriptor {
            debug.field("descriptor", &format_args!("{} {} {}", desc.media_type, desc.digest, desc.size));
        }
        if self.0.retryable {
            debug.field("retryable", &true).field("retries", &self.0.retries);
        }
        if let Some(source) = &self.0.source {
            debug.field("source", source);
        }
        debug.finish()
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        let source = self.below()?;
        if self.0.transparent { source.source() } else { Some(source) }
    }
}

impl From<io::Error> for Error {
    /// An error of ours that travelled inside an `io::Error` comes out as it went in.
    fn from(error: io::Error) -> Self {
        match Self::find_in(&error) {
            Some(ours) => ours.clone(),
            None => Self::transparent(ErrorKind::Io, error),
        }
    }
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        Self::other(error)
    }
}

impl From<DigestError> for Error {
    fn from(error: DigestError) -> Self {
        let kind = match error {
            DigestError::UnsupportedAlgorithm { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::InvalidDigest,
        };
        Self::transparent(kind, error)
    }
}

impl From<VerifyError> for Error {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Digest(error) => error.into(),
            other => Self::transparent(ErrorKind::Corrupt, other),
        }
    }
}

impl From<MediaTypeError> for Error {
    fn from(error: MediaTypeError) -> Self {
        Self::transparent(ErrorKind::InvalidMediaType, error)
    }
}

impl From<ReferenceError> for Error {
    fn from(error: ReferenceError) -> Self {
        Self::new(ErrorKind::InvalidReference, error.to_string()).with_source(error)
    }
}

impl From<DocumentError> for Error {
    fn from(error: DocumentError) -> Self {
        let kind = match error {
            DocumentError::Unsupported { .. } => ErrorKind::Unsupported,
            _ => ErrorKind::Corrupt,
        };
        Self::transparent(kind, error)
    }
}

impl From<EmbeddedDataError> for Error {
    fn from(error: EmbeddedDataError) -> Self {
        Self::transparent(ErrorKind::Corrupt, error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comes_out_of_an_io_error_as_it_went_in() {
        let error = Error::new(ErrorKind::RateLimited, "later").with_retryable(true).with_retries(2).out_of_blob();
        let back = Error::from(io::Error::from(error));
        assert_eq!((back.kind(), back.is_retryable(), back.retries()), (ErrorKind::RateLimited, true, 2));
        assert!(back.is_from_blob());
    }

    #[test]
    fn comes_out_of_io_errors_in_io_errors() {
        let nested = io::Error::other(io::Error::other(Error::new(ErrorKind::Denied, "no")));
        assert_eq!(Error::from(nested).kind(), ErrorKind::Denied);
    }

    #[test]
    fn a_chain_says_nothing_twice_and_hides_nothing() {
        let error = Error::from(DigestError::UnsupportedAlgorithm { algorithm: "md5".into() });
        assert!(error.source().is_none());
        let outer = Error::new(ErrorKind::Other, "copying failed").with_source(error);
        assert!(outer.find::<DigestError>().is_some());
    }

    #[test]
    fn finds_a_typed_source() {
        let error = Error::from("x".parse::<oras_descriptor::Digest>().unwrap_err());
        assert_eq!(error.kind(), ErrorKind::InvalidDigest);
        assert!(matches!(error.find::<DigestError>(), Some(DigestError::Malformed { .. })));
        assert!(error.find::<io::Error>().is_none());
    }

    #[test]
    fn an_unknown_algorithm_is_unsupported_wherever_it_is_met() {
        let digest: oras_descriptor::Digest = "md5:00".parse().unwrap();
        let error = digest.known_algorithm().unwrap_err();
        assert_eq!(Error::from(error.clone()).kind(), ErrorKind::Unsupported);
        assert_eq!(Error::from(VerifyError::from(error)).kind(), ErrorKind::Unsupported);
    }
}
