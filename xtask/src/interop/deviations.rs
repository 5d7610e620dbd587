//! Rules of the contract that a registry breaks by itself, whoever the client is.
//!
//! A deviation is expected: the check fails when the registry no longer deviates, so that the table stays true.

use crate::lab::registries::Registry;

/// A rule, and what the registry does instead.
pub(super) type Deviation = (&'static str, &'static str);

/// Blobs belong to the whole registry, so what one rule pushes another finds in its own repository.
const ONE_STORE: &str = "all repositories share one store of blobs";

const CRANE: &[Deviation] = &[
    ("takes_the_same_content_from_many_at_once", ONE_STORE),
    ("gives_a_blob_from_any_offset", ONE_STORE),
    ("goes_on_where_a_source_broke", ONE_STORE),
    ("refuses_long_content", ONE_STORE),
    ("refuses_wrong_content", ONE_STORE),
    ("passes_on_the_error_of_a_source", ONE_STORE),
    ("leaves_nothing_of_a_dropped_push", ONE_STORE),
    ("lists_tags", ONE_STORE),
    ("has_no_predecessors_of_unknown_content", ONE_STORE),
    ("lists_referrers_with_type_and_annotations", ONE_STORE),
    ("lists_referrers_of_one_type", ONE_STORE),
    ("forgets_a_deleted_referrer", ONE_STORE),
    ("deletes_a_manifest_with_its_tags", "tags outlive the manifest that they stand for"),
    ("does_not_delete_what_is_not_there", "answers 500 when there is nothing to delete"),
];

/// What a registry of the lab is known to do.
pub(super) fn of(registry: &str) -> &'static [Deviation] {
    if registry.starts_with("crane") { CRANE } else { &[] }
}

/// Whether a registry keeps what it has of an upload when a chunk breaks off. Docker-registry 2.8 throws the upload away when
/// it holds more than it last told the client; crane's registry tells nobody what it holds.
pub(crate) fn keeps_broken_chunks(registry: &Registry) -> bool {
    registry.capabilities().upload_status && !registry.name().starts_with("docker-registry")
}
