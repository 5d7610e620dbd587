use std::{fmt, num::NonZeroUsize, sync::Arc};

use oras_content::Descriptor;

use crate::options::CopyOptions;

/// Whether to follow a predecessor, told by its descriptor with artifact type and annotations.
pub(crate) type Filter = Arc<dyn Fn(&Descriptor) -> bool + Send + Sync>;

/// How to copy a node with what points to it; `Default` is what oras-go does by default.
#[derive(Clone, Default)]
#[non_exhaustive]
pub struct ExtendedCopyOptions {
    pub(crate) copy: CopyOptions,
    pub(crate) depth: Option<NonZeroUsize>,
    pub(crate) filters: Vec<Filter>,
    pub(crate) children: bool,
    pub(crate) digest_tags: bool,
}

impl ExtendedCopyOptions {
    /// The default options: everything that points to the node, at any distance.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how each node is copied.
    #[must_use]
    pub fn with_copy(mut self, options: CopyOptions) -> Self {
        self.copy = options;
        self
    }

    /// Follows predecessors only so many steps away from the node (no bound).
    #[must_use]
    pub fn with_depth(mut self, depth: NonZeroUsize) -> Self {
        self.depth = Some(depth);
        self
    }

    /// Follows only predecessors whose artifact type `keep` accepts; one without a type is not followed.
    ///
    /// The type is that of the descriptor, else the manifest's own, else that of its configuration. A match by a
    /// regular expression is a closure too: `move |kind| regex.is_match(kind)`.
    #[must_use]
    pub fn with_artifact_type_filter(self, keep: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        self.with_filter(move |desc| desc.artifact_type.as_ref().is_some_and(|kind| keep(kind.as_str())))
    }

    /// Follows only predecessors that have the annotation `key` with a value that `keep` accepts.
    ///
    /// Annotations are those of the descriptor, else those of the manifest.
    #[must_use]
    pub fn with_annotation_filter(
        self,
        key: impl Into<String>,
        keep: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        let key = key.into();
        self.with_filter(move |desc| desc.annotations.get(&key).is_some_and(|value| keep(value)))
    }

    /// Follows only predecessors that `keep` accepts, by their descriptors with artifact type and annotations. Several
    /// filters must all accept.
    #[must_use]
    pub fn with_filter(mut self, keep: impl Fn(&Descriptor) -> bool + Send + Sync + 'static) -> Self {
        self.filters.push(Arc::new(keep));
        self
    }

    /// Sets whether what points to the manifests of an index is followed too (no).
    #[must_use]
    pub fn with_children(mut self, followed: bool) -> Self {
        self.children = followed;
        self
    }

    /// Sets whether what is tagged by the node's digest is copied too, with its tag: signatures, attestations and SBOMs
    /// as cosign stores them (no).
    #[must_use]
    pub fn with_digest_tags(mut self, copied: bool) -> Self {
        self.digest_tags = copied;
        self
    }
}

impl fmt::Debug for ExtendedCopyOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtendedCopyOptions")
            .field("copy", &self.copy)
            .field("depth", &self.depth)
            .field("filters", &self.filters.len())
            .field("children", &self.children)
            .field("digest_tags", &self.digest_tags)
            .finish()
    }
}
