//! The contract of the roles, as rules that every store keeps.
//!
//! [`check`] runs all rules over a store; each rule is a function of its own too, for those who look into one. A rule
//! that needs what the store cannot do asserts that the store says so with
//! [`Unsupported`](oras_content::ErrorKind::Unsupported).
//!
//! A store that has only the roles of a [`Target`] passes as
//! [`AnyTarget::new(store)`](oras_content::AnyTarget::new) with [`Capabilities::target`].

mod capabilities;
#[expect(clippy::missing_errors_doc, reason = "a rule fails when it is broken")]
pub mod deferred;
#[expect(clippy::missing_errors_doc, reason = "a rule fails when it is broken")]
pub mod failure;
#[expect(clippy::missing_errors_doc, reason = "a rule fails when it is broken")]
pub mod graph;
#[expect(clippy::missing_errors_doc, reason = "a rule fails when it is broken")]
pub mod push;
#[expect(clippy::missing_errors_doc, reason = "a rule fails when it is broken")]
pub mod removal;
mod sample;
#[expect(clippy::missing_errors_doc, reason = "a rule fails when it is broken")]
pub mod tags;
mod verdict;

use oras_content::{Deleter, PredecessorFinder, TagLister, Target, Untagger};

pub use capabilities::{Capabilities, Capability};
pub use verdict::{Verdict, Violation};

/// A store with every role; the ones that it cannot play answer with `Unsupported`.
pub trait Store: Target + PredecessorFinder + TagLister + Untagger + Deleter {}

impl<T: Target + PredecessorFinder + TagLister + Untagger + Deleter> Store for T {}

/// Runs every rule, each over a fresh, empty store that `fresh` makes; it is given the rule's name.
///
/// # Panics
///
/// When a rule is broken, with `name` and every broken rule.
///
/// # Cancel safety
///
/// Nothing is left but the stores that were made.
pub async fn check<T: Store>(name: &str, capabilities: &Capabilities, fresh: impl AsyncFn(&'static str) -> T) {
    let violations = violations(capabilities, fresh).await;
    let list: String = violations.iter().map(|(rule, violation)| format!("\n  {rule}: {violation}")).collect();
    assert!(violations.is_empty(), "{name} breaks {} rules of its contract:{list}", violations.len());
}

/// Runs every rule as [`check`] does, and gives the broken ones.
///
/// # Cancel safety
///
/// Nothing is left but the stores that were made.
pub async fn violations<T: Store>(
    capabilities: &Capabilities,
    fresh: impl AsyncFn(&'static str) -> T,
) -> Vec<(&'static str, Violation)> {
    let mut violations = Vec::new();
    content_rules(capabilities, &fresh, &mut violations).await;
    reference_rules(capabilities, &fresh, &mut violations).await;
    violations
}

macro_rules! rules {
    ($name:ident { $($module:ident { $($rule:ident)* })* }) => {
        async fn $name<T: Store>(
            capabilities: &Capabilities,
            fresh: &impl AsyncFn(&'static str) -> T,
            violations: &mut Vec<(&'static str, Violation)>,
        ) {
            $($(
                let store = fresh(stringify!($rule)).await;
                if let Err(violation) = Box::pin($module::$rule(&store, capabilities)).await {
                    violations.push((concat!(stringify!($module), "::", stringify!($rule)), violation));
                }
            )*)*
        }
    };
}

rules! {
    content_rules {
        push {
            gives_back_what_was_pushed
            takes_content_without_bytes
            takes_a_mebibyte_in_uneven_chunks
            takes_content_by_sha512
            knows_pushed_content
            does_not_know_content_of_another_size
            takes_the_same_content_from_many_at_once
            gives_a_blob_from_any_offset
            goes_on_where_a_source_broke
        }
        failure {
            refuses_short_content
            refuses_long_content
            refuses_wrong_content
            refuses_a_blob_of_another_descriptor
            passes_on_the_error_of_a_source
            leaves_nothing_of_a_dropped_push
            leaves_nothing_of_a_refused_manifest
        }
        deferred {
            lists_deferred_content_after_a_flush
            flushes_nothing_when_there_is_nothing
            describes_content_that_it_takes_in
            pushes_what_cannot_be_mounted
        }
    }
}

rules! {
    reference_rules {
        tags {
            resolves_a_tag
            moves_a_tag
            resolves_a_manifest_by_its_digest
            does_not_resolve_an_unknown_reference
            does_not_tag_missing_content
            wants_a_tag_to_have_a_name
            pushes_and_tags_in_one_call
            lists_tags
            removes_a_tag
            does_not_remove_an_unknown_tag
        }
        graph {
            finds_predecessors
            has_no_predecessors_of_unknown_content
            lists_referrers_with_type_and_annotations
            lists_referrers_of_one_type
            has_no_referrers_of_a_blob
        }
        removal {
            deletes_a_blob
            deletes_a_manifest_with_its_tags
            forgets_a_deleted_referrer
            does_not_delete_what_is_not_there
        }
    }
}
