use std::time::SystemTime;

use oras_content::Descriptor;
use oras_descriptor::Annotations;

/// What a packed manifest holds beside its type; the default is nothing.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct PackManifestOptions {
    pub(crate) subject: Option<Descriptor>,
    pub(crate) layers: Vec<Descriptor>,
    pub(crate) annotations: Annotations,
    pub(crate) config: Option<Descriptor>,
    pub(crate) config_annotations: Annotations,
    pub(crate) created: Option<SystemTime>,
}

impl PackManifestOptions {
    /// No subject, no layers, no annotations, and no configuration but the empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the manifest that this one speaks of; only version 1.1 has one.
    #[must_use]
    pub fn with_subject(mut self, subject: Descriptor) -> Self {
        self.subject = Some(subject);
        self
    }

    /// Sets the layers, which are stored already.
    #[must_use]
    pub fn with_layers(mut self, layers: Vec<Descriptor>) -> Self {
        self.layers = layers;
        self
    }

    /// Sets the annotations of the manifest.
    ///
    /// Where `org.opencontainers.image.created` is missing it is added; to pack the same bytes again, set it.
    #[must_use]
    pub fn with_annotations(mut self, annotations: Annotations) -> Self {
        self.annotations = annotations;
        self
    }

    /// Sets the configuration, which is stored already.
    #[must_use]
    pub fn with_config(mut self, config: Descriptor) -> Self {
        self.config = Some(config);
        self
    }

    /// Sets the annotations of the empty configuration; they do not apply to one [set](Self::with_config).
    #[must_use]
    pub fn with_config_annotations(mut self, annotations: Annotations) -> Self {
        self.config_annotations = annotations;
        self
    }

    /// Sets the time for `org.opencontainers.image.created` where the annotations do not say it, in place of the
    /// system's clock. The environment is never asked.
    #[must_use]
    pub fn with_created(mut self, created: SystemTime) -> Self {
        self.created = Some(created);
        self
    }
}
