use std::{error::Error as StdError, fmt};

use oras_content::{Descriptor, Error, ErrorKind};

/// Who is to blame for a failed copy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CopyOrigin {
    /// The source, or content that came from it, whichever call showed the error.
    Source,
    /// The destination.
    Destination,
    /// A hook of the caller.
    Hook,
}

impl CopyOrigin {
    /// The origin in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Source => "source",
            Self::Destination => "destination",
            Self::Hook => "hook",
        }
    }
}

impl fmt::Display for CopyOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What was being done when a copy failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CopyOperation {
    /// Asking whether the copy is allowed.
    Policy,
    /// Finding what a reference stands for.
    Resolve,
    /// Choosing what to copy of what the reference stands for.
    MapRoot,
    /// Choosing a platform.
    SelectPlatform,
    /// Finding what a node points to.
    Successors,
    /// Finding what points to a node.
    Predecessors,
    /// Asking whether a node is there.
    Exists,
    /// Deciding about a node before it is copied.
    BeforeCopy,
    /// Reading a node.
    Fetch,
    /// Finding where a node can be mounted from.
    MountFrom,
    /// Mounting a node, or pushing it where it could not be mounted.
    Mount,
    /// Storing a node.
    Push,
    /// Storing a node under a reference.
    PushReference,
    /// Telling that a node was copied, mounted or skipped.
    AfterCopy,
    /// Writing what the destination had deferred.
    Flush,
    /// Letting a reference stand for a node.
    Tag,
}

impl CopyOperation {
    /// The operation in words, as they stand behind "cannot".
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Policy => "admit",
            Self::Resolve => "resolve",
            Self::MapRoot => "map the root of",
            Self::SelectPlatform => "choose a platform of",
            Self::Successors => "list the successors of",
            Self::Predecessors => "list the predecessors of",
            Self::Exists => "look for",
            Self::BeforeCopy => "decide about",
            Self::Fetch => "fetch",
            Self::MountFrom => "find a mount for",
            Self::Mount => "mount",
            Self::Push | Self::PushReference => "push",
            Self::AfterCopy => "tell about",
            Self::Flush => "flush",
            Self::Tag => "tag",
        }
    }
}

/// Why a copy failed: who is to blame, what was being done, and with what.
///
/// `Display` says that in one level; the error of the store or hook is the [source](StdError::source).
#[derive(Clone)]
pub struct CopyError(Box<Inner>);

#[derive(Clone)]
struct Inner {
    origin: CopyOrigin,
    operation: CopyOperation,
    descriptor: Option<Descriptor>,
    reference: Option<String>,
    error: Error,
}

impl CopyError {
    pub(crate) fn new(origin: CopyOrigin, operation: CopyOperation, error: Error) -> Self {
        Self(Box::new(Inner { origin, operation, descriptor: None, reference: None, error }))
    }

    /// Of the source.
    pub(crate) fn source_at(operation: CopyOperation, desc: &Descriptor, error: Error) -> Self {
        Self::new(CopyOrigin::Source, operation, error).about(desc)
    }

    /// Of a hook.
    pub(crate) fn hook_at(operation: CopyOperation, desc: &Descriptor, error: Error) -> Self {
        Self::new(CopyOrigin::Hook, operation, error).about(desc)
    }

    /// Of the destination, unless the error came out of the blob that it was given.
    pub(crate) fn destination_at(operation: CopyOperation, desc: &Descriptor, error: Error) -> Self {
        if error.is_from_blob() {
            return Self::source_at(CopyOperation::Fetch, desc, error);
        }
        Self::new(CopyOrigin::Destination, operation, error).about(desc)
    }

    pub(crate) fn about(mut self, desc: &Descriptor) -> Self {
        self.0.descriptor = Some(desc.plain());
        self
    }

    pub(crate) fn named(mut self, reference: &str) -> Self {
        self.0.reference = Some(reference.into());
        self
    }

    /// Who is to blame.
    pub fn origin(&self) -> CopyOrigin {
        self.0.origin
    }

    /// What was being done.
    pub fn operation(&self) -> CopyOperation {
        self.0.operation
    }

    /// The content that it was being done with, if it was known.
    pub fn descriptor(&self) -> Option<&Descriptor> {
        self.0.descriptor.as_ref().or_else(|| self.0.error.descriptor())
    }

    /// The reference that it was being done with, if there was one.
    pub fn reference(&self) -> Option<&str> {
        self.0.reference.as_deref()
    }

    /// What went wrong, as far as a caller can act on it.
    pub fn kind(&self) -> ErrorKind {
        self.0.error.kind()
    }

    /// Whether the same copy may succeed later; what was copied already is not copied again.
    pub fn is_retryable(&self) -> bool {
        self.0.error.is_retryable()
    }

    /// The error of the store or hook.
    pub fn error(&self) -> &Error {
        &self.0.error
    }
}

impl fmt::Display for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let inner = &self.0;
        write!(f, "{}: cannot {}", inner.origin, inner.operation.as_str())?;
        match (&inner.reference, &inner.descriptor) {
            (Some(reference), _) => write!(f, " {reference:?}"),
            (None, Some(desc)) => write!(f, " {} ({}, {} bytes)", desc.digest, desc.media_type, desc.size),
            (None, None) => Ok(()),
        }
    }
}

impl fmt::Debug for CopyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CopyError")
            .field("origin", &self.0.origin)
            .field("operation", &self.0.operation)
            .field("descriptor", &self.0.descriptor.as_ref().map(|desc| &desc.digest))
            .field("reference", &self.0.reference)
            .field("error", &self.0.error)
            .finish()
    }
}

impl StdError for CopyError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0.error)
    }
}

impl From<CopyError> for Error {
    /// Kind, descriptor and hints stay; the copy's error is the source.
    fn from(error: CopyError) -> Self {
        let mut ours = Self::new(error.kind(), error.to_string())
            .with_retryable(error.is_retryable())
            .with_retries(error.error().retries());
        if let Some(desc) = error.descriptor() {
            ours = ours.with_descriptor(desc);
        }
        ours.with_source(error)
    }
}
