use std::{fmt, path::PathBuf, sync::Arc, time::SystemTime};

use bytes::Bytes;
use oras_copy::{CopyOptions, ResolveOptions};
use oras_descriptor::{Annotations, Descriptor, MediaType, Platform};
use oras_file::FileOptions;
use oras_pack::{PackManifestOptions, PackManifestVersion};

/// How to push files.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PushOptions {
    pub(super) base: PathBuf,
    pub(super) portable_names: bool,
    pub(super) artifact_type: Option<MediaType>,
    pub(super) version: PackManifestVersion,
    pub(super) manifest: PackManifestOptions,
    pub(super) config: Option<Config>,
    pub(super) config_annotations: Annotations,
    pub(super) store: FileOptions,
    pub(super) copy: CopyOptions,
}

#[derive(Clone, Debug)]
pub(super) struct Config {
    pub(super) media_type: MediaType,
    pub(super) bytes: Bytes,
}

impl PushOptions {
    /// An artifact of image specification 1.1 and of unknown type, with files relative to the current directory.
    pub fn new() -> Self {
        Self {
            base: PathBuf::from("."),
            portable_names: true,
            artifact_type: None,
            version: PackManifestVersion::default(),
            manifest: PackManifestOptions::new(),
            config: None,
            config_annotations: Annotations::new(),
            store: FileOptions::new(),
            copy: CopyOptions::default(),
        }
    }

    /// Sets the directory to which paths are relative (the current one).
    #[must_use]
    pub fn with_base(mut self, base: impl Into<PathBuf>) -> Self {
        self.base = base.into();
        self
    }

    /// Sets whether every name must be one that every platform can keep (yes): relative, clean, with `/` between its
    /// components, and with nothing in it that Windows reserves.
    #[must_use]
    pub fn with_portable_names(mut self, portable: bool) -> Self {
        self.portable_names = portable;
        self
    }

    /// Sets the type of the artifact ([`MediaType::UNKNOWN_ARTIFACT`], unless a configuration tells the type).
    #[must_use]
    pub fn with_artifact_type(mut self, artifact_type: impl Into<MediaType>) -> Self {
        self.artifact_type = Some(artifact_type.into());
        self
    }

    /// Sets the version of the image specification that the manifest follows (1.1).
    #[must_use]
    pub fn with_version(mut self, version: PackManifestVersion) -> Self {
        self.version = version;
        self
    }

    /// Sets the annotations of the manifest.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.manifest = self.manifest.with_annotations(annotations);
        self
    }

    /// Sets the manifest that this one speaks of, so that it is found as its referrer.
    #[must_use]
    pub fn with_subject(mut self, subject: Descriptor) -> Self {
        self.manifest = self.manifest.with_subject(subject);
        self
    }

    /// Sets the configuration (the empty one).
    #[must_use]
    pub fn with_config(mut self, media_type: impl Into<MediaType>, bytes: impl Into<Bytes>) -> Self {
        self.config = Some(Config { media_type: media_type.into(), bytes: bytes.into() });
        self
    }

    /// Sets the annotations of the configuration, the empty one or [another](Self::with_config).
    #[must_use]
    pub fn with_config_annotations(mut self, annotations: Annotations) -> Self {
        self.config_annotations = annotations;
        self
    }

    /// Sets the time of creation (now). The same files give the same digest only with the same time.
    #[must_use]
    pub fn with_created(mut self, created: SystemTime) -> Self {
        self.manifest = self.manifest.with_created(created);
        self
    }

    /// Sets how files are read: how directories are packed, and where their archives wait.
    #[must_use]
    pub fn with_store(mut self, store: FileOptions) -> Self {
        self.store = store;
        self
    }

    /// Sets how the files are copied: concurrency, hooks, retries.
    #[must_use]
    pub fn with_copy(mut self, copy: CopyOptions) -> Self {
        self.copy = copy;
        self
    }
}

impl Default for PushOptions {
    fn default() -> Self {
        Self::new()
    }
}

/// Chooses the name of a file by the descriptor of its content.
pub(super) type Names = Arc<dyn Fn(&Descriptor) -> Option<String> + Send + Sync>;

/// How to pull files.
#[derive(Clone)]
#[non_exhaustive]
pub struct PullOptions {
    pub(super) resolve: ResolveOptions,
    pub(super) allowed: Vec<MediaType>,
    pub(super) names: Option<Names>,
    pub(super) config_name: Option<String>,
    pub(super) store: FileOptions,
    pub(super) copy: CopyOptions,
}

impl PullOptions {
    /// Every file that has a name, of every platform; archives of directories are unpacked, other files replaced.
    pub fn new() -> Self {
        Self {
            resolve: ResolveOptions::new(),
            allowed: Vec::new(),
            names: None,
            config_name: None,
            store: FileOptions::new().with_skip_identical(true),
            copy: CopyOptions::default(),
        }
    }

    /// Chooses a platform of an index; without one, the files of all its manifests are pulled.
    #[must_use]
    pub fn with_platform(mut self, platform: Platform) -> Self {
        self.resolve = self.resolve.with_platform(platform);
        self
    }

    /// Pulls only content of these media types (all, also when there is none among them); the rest is reported as
    /// skipped.
    #[must_use]
    pub fn with_allowed_media_types(mut self, allowed: impl IntoIterator<Item = impl Into<MediaType>>) -> Self {
        self.allowed = allowed.into_iter().map(Into::into).collect();
        self
    }

    /// Chooses names in place of the titles; content for which there is none is reported as skipped.
    #[must_use]
    pub fn with_names(mut self, names: impl Fn(&Descriptor) -> Option<String> + Send + Sync + 'static) -> Self {
        self.names = Some(Arc::new(names));
        self
    }

    /// Pulls the configuration too, under this name (no).
    #[must_use]
    pub fn with_config_name(mut self, name: impl Into<String>) -> Self {
        self.config_name = Some(name.into());
        self
    }

    /// Sets how files are written: what may be overwritten, whether archives of directories are unpacked, and how
    /// (files are replaced, archives unpacked, and what is identical is skipped).
    #[must_use]
    pub fn with_store(mut self, store: FileOptions) -> Self {
        self.store = store;
        self
    }

    /// Sets how the files are copied: how many at once, hooks, retries. Each is the root of a copy of its own, so a
    /// platform is chosen [here](Self::with_platform) and not there.
    #[must_use]
    pub fn with_copy(mut self, copy: CopyOptions) -> Self {
        self.copy = copy;
        self
    }

    pub(super) fn allows(&self, media_type: &MediaType) -> bool {
        self.allowed.is_empty() || self.allowed.contains(media_type)
    }

    pub(super) fn name_of(&self, desc: &Descriptor) -> Option<String> {
        match &self.names {
            Some(names) => names(desc).filter(|name| !name.is_empty()),
            None => desc.title().map(str::to_owned),
        }
    }
}

impl Default for PullOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for PullOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PullOptions")
            .field("resolve", &self.resolve)
            .field("allowed", &self.allowed)
            .field("names", &self.names.is_some())
            .field("config_name", &self.config_name)
            .field("store", &self.store)
            .field("copy", &self.copy)
            .finish()
    }
}
