use oras_file::FileStore;
use oras_testing::contract::{self, Capabilities, Capability};

#[tokio::test]
async fn a_file_store_keeps_the_contract_of_the_roles() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let fresh = async |rule: &'static str| FileStore::new(root.join(rule)).unwrap();
    contract::check("FileStore", &Capabilities::all().without(Capability::Delete), fresh).await;
}
