//! What is done about an archive that asks for more than plain files.

/// Which links an archive may bring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LinkPolicy {
    /// None: each is an error.
    Refuse,
    /// Those that stay inside the directory that is unpacked.
    #[default]
    InsideArchive,
    /// Those that stay inside the store's directory, so that one archive may link to files of another.
    InsideStore,
}

/// What is done about devices, pipes and sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SpecialFiles {
    /// Each is an error.
    Refuse,
    /// They are left out.
    #[default]
    Skip,
}

/// What is done about a second entry of one path; a directory may always come again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Duplicates {
    /// It is an error.
    Refuse,
    /// The last entry wins.
    #[default]
    LastWins,
}

/// What is done about set-user-ID, set-group-ID and sticky bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PrivilegedBits {
    /// They are an error.
    Refuse,
    /// They are cleared.
    #[default]
    Clear,
    /// They are kept.
    Keep,
}

/// The most entries in one archive: more than the largest trees that are packed, and few enough to list.
pub const DEFAULT_MAX_ENTRIES: u64 = 1_000_000;
/// The most bytes that one archive may grow to: more than any model or image, less than a disk array.
pub const DEFAULT_MAX_SIZE: u64 = 256 << 30;
/// How many times larger than its archive the content may be. Text reaches 50, and what gzip can do at most is 1,030.
pub const DEFAULT_MAX_RATIO: u64 = 250;
/// Below this size the ratio means nothing: an archive of one empty block has a large one.
pub(crate) const RATIO_FLOOR: u64 = 16 << 20;

/// How an archive is unpacked.
///
/// Names that lead out of the directory are always an error, and nothing is ever written through a link that does.
///
/// Modes and times of the last change are restored. Times of the last access are not, unlike in oras-go: few archives
/// have them, and the first reader of a file replaces them.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct UnpackPolicy {
    pub(crate) links: LinkPolicy,
    pub(crate) special_files: SpecialFiles,
    pub(crate) duplicates: Duplicates,
    pub(crate) privileged_bits: PrivilegedBits,
    pub(crate) max_entries: u64,
    pub(crate) max_size: u64,
    pub(crate) max_ratio: u64,
}

impl UnpackPolicy {
    /// The defaults.
    pub const fn new() -> Self {
        Self {
            links: LinkPolicy::InsideArchive,
            special_files: SpecialFiles::Skip,
            duplicates: Duplicates::LastWins,
            privileged_bits: PrivilegedBits::Clear,
            max_entries: DEFAULT_MAX_ENTRIES,
            max_size: DEFAULT_MAX_SIZE,
            max_ratio: DEFAULT_MAX_RATIO,
        }
    }

    /// Refuses whatever an archive of plain files and directories does not need.
    pub const fn strict() -> Self {
        Self {
            links: LinkPolicy::Refuse,
            special_files: SpecialFiles::Refuse,
            duplicates: Duplicates::Refuse,
            privileged_bits: PrivilegedBits::Refuse,
            ..Self::new()
        }
    }

    /// Sets which links are allowed.
    #[must_use]
    pub const fn with_links(mut self, links: LinkPolicy) -> Self {
        self.links = links;
        self
    }

    /// Sets what is done about devices, pipes and sockets.
    #[must_use]
    pub const fn with_special_files(mut self, special_files: SpecialFiles) -> Self {
        self.special_files = special_files;
        self
    }

    /// Sets what is done about a second entry of one path.
    #[must_use]
    pub const fn with_duplicates(mut self, duplicates: Duplicates) -> Self {
        self.duplicates = duplicates;
        self
    }

    /// Sets what is done about set-user-ID, set-group-ID and sticky bits.
    #[must_use]
    pub const fn with_privileged_bits(mut self, privileged_bits: PrivilegedBits) -> Self {
        self.privileged_bits = privileged_bits;
        self
    }

    /// Sets how many entries there may be; 1,000,000 by default.
    #[must_use]
    pub const fn with_max_entries(mut self, max_entries: u64) -> Self {
        self.max_entries = max_entries;
        self
    }

    /// Sets how many bytes the unpacked archive may have; 256 GiB by default.
    #[must_use]
    pub const fn with_max_size(mut self, max_size: u64) -> Self {
        self.max_size = max_size;
        self
    }

    /// Sets how many times larger than the compressed archive it may be; 250 by default. Below 16 MiB it does not count.
    #[must_use]
    pub const fn with_max_ratio(mut self, max_ratio: u64) -> Self {
        self.max_ratio = max_ratio;
        self
    }
}

impl Default for UnpackPolicy {
    fn default() -> Self {
        Self::new()
    }
}
