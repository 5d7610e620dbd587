//! What is to be done: a task moves something from one place to another.

use std::fmt;
use std::path::PathBuf;

use super::content::TAG;

/// Where content is; printed as our client and that on oras-go read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Registry { host: String, repository: String, tag: String },
    Layout { directory: PathBuf, tag: String },
}

impl Place {
    /// A repository of the benchmark.
    pub(super) fn registry(host: &str, name: &str) -> Self {
        Self::Registry { host: host.to_owned(), repository: format!("bench/{name}"), tag: TAG.to_owned() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Registry { host, repository, tag } => write!(f, "{host}/{repository}:{tag}"),
            Self::Layout { directory, tag } => write!(f, "oci:{}:{tag}", directory.display()),
        }
    }
}

/// What a client is asked to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Task {
    /// Packs a file, a directory, or, when the path ends in `/`, each file of a directory.
    Push { path: String, to: Place },
    /// Writes the files of an artifact into a directory.
    Pull { from: Place, to: PathBuf },
    /// Copies what a tag names.
    Copy { from: Place, to: Place, is_index: bool },
    /// Copies what a tag names, and all that refers to it.
    Extended { from: Place, to: Place },
    /// Adds artifacts that refer to one manifest, and lists them.
    Referrers { layout: PathBuf, count: u64 },
    /// Packs a directory and says its digest.
    Add { path: String },
}

impl Task {
    /// The directory that comes to be, to be removed after.
    pub(super) fn leaves(&self) -> Option<&PathBuf> {
        match self {
            Self::Pull { to, .. } => Some(to),
            Self::Referrers { layout, .. } => Some(layout),
            Self::Push { to, .. } | Self::Copy { to, .. } | Self::Extended { to, .. } => match to {
                Place::Layout { directory, .. } => Some(directory),
                Place::Registry { .. } => None,
            },
            Self::Add { .. } => None,
        }
    }
}
