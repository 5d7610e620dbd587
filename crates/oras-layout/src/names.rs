//! What the files and directories of a layout are called.

/// The index of a layout.
pub(crate) const INDEX_FILE: &str = "index.json";
/// The directory for what is not whole yet; others ignore it.
pub(crate) const INGEST: &str = "ingest";
