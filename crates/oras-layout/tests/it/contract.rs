use std::time::Duration;

use oras_layout::{LayoutOptions, OciLayout};
use oras_testing::contract::{self, Capabilities};

#[tokio::test]
async fn a_layout_keeps_the_contract_of_the_roles() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let fresh = async |rule: &'static str| OciLayout::create(root.join(rule)).await.unwrap();
    contract::check("OciLayout", &Capabilities::all(), fresh).await;
}

#[tokio::test]
async fn a_layout_keeps_the_contract_with_every_file_synced_and_no_lease() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path();
    let options = LayoutOptions::new().with_sync_blobs(true).with_lease(Duration::ZERO);
    let fresh = async |rule: &'static str| OciLayout::create_with(root.join(rule), options.clone()).await.unwrap();
    contract::check("OciLayout", &Capabilities::all(), fresh).await;
}
