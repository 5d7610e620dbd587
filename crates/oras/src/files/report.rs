use std::{fmt, path::PathBuf};

use oras_descriptor::Descriptor;

/// What [`push`](super::push) stored.
#[derive(Clone, Debug)]
pub struct Pushed {
    pub(super) root: Descriptor,
    pub(super) layers: Vec<Descriptor>,
}

impl Pushed {
    /// The manifest, with its artifact type and annotations.
    pub fn root(&self) -> &Descriptor {
        &self.root
    }

    /// The files, in the order in which they were given.
    pub fn layers(&self) -> &[Descriptor] {
        &self.layers
    }
}

/// What [`pull`](super::pull) did.
#[derive(Clone, Debug)]
pub struct Pulled {
    pub(super) root: Descriptor,
    pub(super) files: Vec<PulledFile>,
    pub(super) skipped: Vec<SkippedContent>,
}

impl Pulled {
    /// What the reference stands for; with a platform, the manifest of that platform.
    pub fn root(&self) -> &Descriptor {
        &self.root
    }

    /// The files, in the order of the manifest.
    pub fn files(&self) -> &[PulledFile] {
        &self.files
    }

    /// What was left where it was, and why.
    pub fn skipped(&self) -> &[SkippedContent] {
        &self.skipped
    }
}

/// A file that is in the directory now.
#[derive(Clone, Debug)]
pub struct PulledFile {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) descriptor: Descriptor,
    pub(super) unchanged: bool,
}

impl PulledFile {
    /// The name, as mapped.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where the file is.
    pub fn path(&self) -> &PathBuf {
        &self.path
    }

    /// The descriptor as it stands in the manifest.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Whether the file was there already with the same bytes, so that nothing was written.
    pub fn is_unchanged(&self) -> bool {
        self.unchanged
    }
}

/// Content that was not pulled.
#[derive(Clone, Debug)]
pub struct SkippedContent {
    pub(super) descriptor: Descriptor,
    pub(super) reason: SkipReason,
}

impl SkippedContent {
    /// The descriptor as it stands in the manifest.
    pub fn descriptor(&self) -> &Descriptor {
        &self.descriptor
    }

    /// Why.
    pub fn reason(&self) -> SkipReason {
        self.reason
    }
}

/// Why content was not pulled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SkipReason {
    /// Its media type is not among the [allowed](super::PullOptions::with_allowed_media_types).
    MediaType,
    /// It is not to be distributed, and the registry does not have it.
    Foreign,
    /// It has no title, and so no name for a file; or the [mapping](super::PullOptions::with_names) gave none.
    Unnamed,
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::MediaType => "its media type is not allowed",
            Self::Foreign => "it is not to be distributed",
            Self::Unnamed => "it has no name",
        })
    }
}
