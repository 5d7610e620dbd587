//! Annotations, and the keys that the image specification and ORAS define.

use std::collections::BTreeMap;

/// Annotations: sorted, so that writing them is deterministic.
pub type Annotations = BTreeMap<String, String>;

/// When the content was created, RFC 3339.
pub const CREATED: &str = "org.opencontainers.image.created";
/// The name of a tag; valid on entries of a layout's `index.json`.
pub const REF_NAME: &str = "org.opencontainers.image.ref.name";
/// The human-readable title; ORAS keeps a file's name here.
pub const TITLE: &str = "org.opencontainers.image.title";
/// When an artifact manifest of the 1.1 release candidates was created.
pub const ARTIFACT_CREATED: &str = "org.opencontainers.artifact.created";
/// The filters that a registry applied to a list of referrers.
pub const REFERRERS_FILTERS_APPLIED: &str = "org.opencontainers.referrers.filtersApplied";
/// The digest of a packed directory's uncompressed archive.
pub const CONTENT_DIGEST: &str = "io.deis.oras.content.digest";
/// `true` on an archive that is to be unpacked when it is pulled.
pub const CONTENT_UNPACK: &str = "io.deis.oras.content.unpack";
