//! A store written outside, and the contract that it passes.

mod store;

use std::sync::Arc;

use oras_content::AnyTarget;
use oras_testing::contract::{Capabilities, check};
use store::Shelf;

#[tokio::test]
async fn a_store_of_at_most_120_lines_passes_the_contract() {
    assert!(include_str!("store.rs").lines().count() <= 120);
    check("Shelf", &Capabilities::target(), async |_| AnyTarget::new(Shelf::default())).await;
}

#[tokio::test]
async fn it_passes_behind_a_shared_pointer_too() {
    check("Arc<Shelf>", &Capabilities::target(), async |_| AnyTarget::new(Arc::new(Shelf::default()))).await;
}
