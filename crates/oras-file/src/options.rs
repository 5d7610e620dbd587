use std::{fmt, path::PathBuf, sync::Arc};

use oras_content::Descriptor;

use crate::{pack::PackOptions, policy::UnpackPolicy};

/// How a [`FileStore`](crate::FileStore) behaves.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct FileOptions {
    pub(crate) keep_existing: bool,
    pub(crate) allow_traversal: bool,
    pub(crate) portable_names: bool,
    pub(crate) force_cas: bool,
    pub(crate) ignore_unnamed: bool,
    pub(crate) skip_unpack: bool,
    pub(crate) preserve_permissions: bool,
    pub(crate) keep_metadata: bool,
    pub(crate) skip_identical: bool,
    pub(crate) resume: bool,
    pub(crate) sync: bool,
    pub(crate) rename: Option<Rename>,
    pub(crate) pack: PackOptions,
    pub(crate) unpack: UnpackPolicy,
    pub(crate) temp_dir: Option<PathBuf>,
}

/// Gives content another name than its own.
pub(crate) type Rename = Arc<dyn Fn(&Descriptor, &str) -> String + Send + Sync>;

impl FileOptions {
    /// The defaults: everything is off.
    pub fn new() -> Self {
        Self::default()
    }

    /// Whether a file that is there is an error instead of being overwritten.
    #[must_use]
    pub const fn with_keep_existing(mut self, keep_existing: bool) -> Self {
        self.keep_existing = keep_existing;
        self
    }

    /// Whether names may lead out of the store's directory when content is written.
    ///
    /// Names come from whoever made the artifact: switch this on for trusted sources only.
    #[must_use]
    pub const fn with_path_traversal(mut self, allow_traversal: bool) -> Self {
        self.allow_traversal = allow_traversal;
        self
    }

    /// Whether names must be [portable](crate::check_portable_name), when content is added and when it is written.
    ///
    /// Without it a name must only lead somewhere inside the directory on the platform at hand; on Windows, names must
    /// always be portable.
    #[must_use]
    pub const fn with_portable_names(mut self, portable_names: bool) -> Self {
        self.portable_names = portable_names;
        self
    }

    /// Whether equal content under several names is kept once, under the name that came first.
    #[must_use]
    pub const fn with_force_cas(mut self, force_cas: bool) -> Self {
        self.force_cas = force_cas;
        self
    }

    /// Whether content without a name is dropped instead of going to the fallback storage.
    #[must_use]
    pub const fn with_ignore_unnamed(mut self, ignore_unnamed: bool) -> Self {
        self.ignore_unnamed = ignore_unnamed;
        self
    }

    /// Whether packed directories are written as the archives that they are.
    #[must_use]
    pub const fn with_skip_unpack(mut self, skip_unpack: bool) -> Self {
        self.skip_unpack = skip_unpack;
        self
    }

    /// Whether unpacked files and directories get the very modes of the archive, whatever the process's mask says.
    #[must_use]
    pub const fn with_preserve_permissions(mut self, preserve_permissions: bool) -> Self {
        self.preserve_permissions = preserve_permissions;
        self
    }

    /// Whether single files keep their mode and time: added files are annotated with them, and files that are written
    /// get what the annotations say.
    #[must_use]
    pub const fn with_metadata(mut self, keep_metadata: bool) -> Self {
        self.keep_metadata = keep_metadata;
        self
    }

    /// Whether a file that is there already with the right content is left alone, so that it is not fetched.
    #[must_use]
    pub const fn with_skip_identical(mut self, skip_identical: bool) -> Self {
        self.skip_identical = skip_identical;
        self
    }

    /// Whether a file whose writing broke off stays beside its place, and is continued by the next attempt.
    #[must_use]
    pub const fn with_resume(mut self, resume: bool) -> Self {
        self.resume = resume;
        self
    }

    /// Whether each file is on the disk before its push ends.
    #[must_use]
    pub const fn with_sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Gives content that is written another name: `rename` takes its descriptor and name.
    #[must_use]
    pub fn with_rename(mut self, rename: impl Fn(&Descriptor, &str) -> String + Send + Sync + 'static) -> Self {
        self.rename = Some(Arc::new(rename));
        self
    }

    /// Sets how directories are packed.
    #[must_use]
    pub fn with_pack(mut self, pack: PackOptions) -> Self {
        self.pack = pack;
        self
    }

    /// Sets how packed directories are unpacked.
    #[must_use]
    pub fn with_unpack(mut self, unpack: UnpackPolicy) -> Self {
        self.unpack = unpack;
        self
    }

    /// Sets where archives are kept until the store is closed; the system's directory for temporary files by default.
    #[must_use]
    pub fn with_temp_dir(mut self, temp_dir: impl Into<PathBuf>) -> Self {
        self.temp_dir = Some(temp_dir.into());
        self
    }
}

impl fmt::Debug for FileOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FileOptions")
            .field("keep_existing", &self.keep_existing)
            .field("allow_traversal", &self.allow_traversal)
            .field("skip_unpack", &self.skip_unpack)
            .field("pack", &self.pack)
            .field("unpack", &self.unpack)
            .finish_non_exhaustive()
    }
}
