use std::sync::Arc;

use oras_content::AnyTarget;
use oras_memory::MemoryStore;
use oras_testing::{
    Recording,
    contract::{Capabilities, Capability, check},
};

#[tokio::test]
async fn keeps_the_contract() {
    check("MemoryStore", &Capabilities::all(), async |_| MemoryStore::new()).await;
}

#[tokio::test]
async fn keeps_the_contract_behind_a_shared_pointer() {
    check("Arc<MemoryStore>", &Capabilities::all(), async |_| Arc::new(MemoryStore::new())).await;
}

#[tokio::test]
async fn keeps_the_contract_behind_a_reference() {
    let fresh = async |_| &*Box::leak(Box::new(MemoryStore::new()));
    check("&MemoryStore", &Capabilities::all(), fresh).await;
}

#[tokio::test]
async fn keeps_the_contract_behind_any_target_with_a_graph() {
    let fresh = async |_| AnyTarget::with_graph(MemoryStore::new());
    check("AnyTarget::with_graph", &Capabilities::all(), fresh).await;
}

#[tokio::test]
async fn keeps_the_contract_of_a_plain_target_behind_any_target() {
    let fresh = async |_| AnyTarget::new(MemoryStore::new());
    check("AnyTarget::new", &Capabilities::target().with(Capability::Ingest), fresh).await;
}

#[tokio::test]
async fn keeps_the_contract_while_it_is_recorded() {
    check("Recording<MemoryStore>", &Capabilities::all(), async |_| Recording::new(MemoryStore::new())).await;
}
