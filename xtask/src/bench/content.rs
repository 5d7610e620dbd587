//! What there is to move, made once a run, the same on every machine.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::programs::Programs;
use super::work::Place;
use crate::lab::error::LabError;

const MIB: u64 = 1 << 20;
/// The tag of everything.
pub(super) const TAG: &str = "v1";

/// Something to move.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Content {
    /// One large file.
    File,
    /// Many small files.
    Files,
    /// An image of large layers.
    Layers,
    /// An index of many small images.
    Images,
    /// An image that many artifacts refer to.
    Referrers,
    /// A directory of files that compress.
    Tree,
    /// An image of one huge layer of zeros, which takes no room.
    Sparse,
}

/// How much of each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Sizes {
    /// Bytes of the file, and of all layers together.
    pub(super) file: u64,
    /// Small files of 16 KiB.
    pub(super) files: u64,
    /// Small images in the index.
    pub(super) images: u64,
    /// Artifacts that refer to the image.
    pub(super) referrers: u64,
    /// Files of 41 KiB in the directory.
    pub(super) tree: u64,
    /// Bytes of the huge layer.
    pub(super) sparse: u64,
}

impl Sizes {
    /// Those that the targets speak of.
    pub(super) const FULL: Self =
        Self { file: 1024 * MIB, files: 1000, images: 200, referrers: 300, tree: 5000, sparse: 4096 * MIB };
    /// Enough to see that everything runs.
    pub(super) const QUICK: Self =
        Self { file: 16 * MIB, files: 100, images: 20, referrers: 30, tree: 200, sparse: 256 * MIB };
}

impl Content {
    /// Whether its tag names an index.
    pub(super) fn is_index(self) -> bool {
        self == Self::Images
    }

    /// Its name: of its directory, and of its repository.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::File => "file",
            Self::Files => "files",
            Self::Layers => "layers",
            Self::Images => "images",
            Self::Referrers => "referrers",
            Self::Tree => "tree",
            Self::Sparse => "sparse",
        }
    }
}

/// The directory of all contents.
#[derive(Debug)]
pub(super) struct Store {
    directory: PathBuf,
    sizes: Sizes,
    made: BTreeSet<Content>,
}

impl Store {
    /// A store in an empty directory.
    pub(super) fn new(directory: PathBuf, sizes: Sizes) -> Self {
        Self { directory, sizes, made: BTreeSet::new() }
    }

    /// Makes content that is not there yet.
    pub(super) fn make(&mut self, programs: &Programs, content: Content) -> Result<(), LabError> {
        if !self.made.insert(content) {
            return Ok(());
        }
        let place = self.layout(content).to_string();
        let files = self.directory.join(content.name()).display().to_string();
        let Sizes { file, files: small, images, referrers, tree, sparse } = self.sizes;
        let peer = |words: &[&str]| programs.peer(words).map(drop);
        match content {
            Content::File => {
                peer(&["make-files", &files, "1", &file.to_string()])?;
                peer(&["push", &place, &self.path(content)])
            }
            Content::Files => {
                peer(&["make-files", &files, &small.to_string(), "16384"])?;
                peer(&["push", &place, &self.path(content)])
            }
            Content::Tree => {
                peer(&["make-tree", &files, &tree.to_string(), "41943"])?;
                peer(&["push", &place, &self.path(content)])
            }
            Content::Layers => peer(&["make-layers", &place, "4", &(file / 4).to_string()]),
            Content::Images => peer(&["make-images", &place, &images.to_string()]),
            Content::Referrers => peer(&["make-referrers", &place, &referrers.to_string()]),
            Content::Sparse => peer(&["make-layers", &place, "1", &format!("-{sparse}")]),
        }
    }

    /// The files, as a client is told what to push.
    pub(super) fn path(&self, content: Content) -> String {
        let directory = self.directory.join(content.name());
        match content {
            Content::File => directory.join("file-0000").display().to_string(),
            Content::Files => format!("{}/", directory.display()),
            _ => directory.display().to_string(),
        }
    }

    /// The layout that holds it.
    pub(super) fn layout(&self, content: Content) -> Place {
        Place::Layout { directory: self.layout_directory(content), tag: TAG.to_owned() }
    }

    /// The directory of that layout.
    pub(super) fn layout_directory(&self, content: Content) -> PathBuf {
        self.directory.join("layouts").join(content.name())
    }

    /// How many artifacts refer to one image.
    pub(super) fn referrers(&self) -> u64 {
        self.sizes.referrers
    }

    /// The directory of everything.
    pub(super) fn directory(&self) -> &Path {
        &self.directory
    }
}
