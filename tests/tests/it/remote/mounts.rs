//! Blobs that need not move.

use http::StatusCode;
use oras_content::{Blob, Descriptor, Fetcher as _, Location, MountOutcome, Pusher as _};
use oras_registry::{Behaviour, RequestKind};

use super::harness::{Lab, blob_of, options};

const LEN: usize = 100_000;

async fn mount(lab: &Lab, desc: &Descriptor, bytes: &bytes::Bytes, from: &[&str]) -> MountOutcome {
    let host = lab.server.host();
    let from: Vec<_> = from.iter().map(|name| Location::new(host.clone(), *name)).collect();
    let to = lab.registry.repository("to").unwrap();
    let outcome = to.mount(desc, &from, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert_eq!(to.fetch(desc).await.unwrap().bytes(u64::MAX).await.unwrap(), *bytes);
    outcome
}

#[tokio::test]
async fn a_mount_moves_no_byte() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    lab.registry.repository("from/here").unwrap().push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    let puts = lab.count(RequestKind::UploadFinish);
    assert_eq!(mount(&lab, &desc, &bytes, &["not/there", "from/here"]).await, MountOutcome::Mounted);
    assert_eq!(lab.count(RequestKind::UploadFinish), puts);
    assert_eq!(lab.server.open_sessions(), 0, "the session of the first answer is cancelled");
    let target = lab.targets(RequestKind::UploadStart).pop().unwrap();
    assert!(target.ends_with(&format!("?mount={}&from=from%2Fhere", desc.digest)), "{target}");
    assert_eq!(lab.registry.capabilities().mount, Some(true));
}

#[tokio::test]
async fn a_mount_that_did_not_happen_goes_on_in_its_session() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    assert_eq!(mount(&lab, &desc, &bytes, &["not/there"]).await, MountOutcome::Pushed);
    assert_eq!((lab.count(RequestKind::UploadStart), lab.count(RequestKind::UploadFinish)), (1, 1));
}

#[tokio::test]
async fn every_refusal_of_a_mount_is_followed_by_a_push() {
    for status in [400, 401, 403, 404, 405].map(|status| StatusCode::from_u16(status).unwrap()) {
        let lab = Lab::new(|behaviour| behaviour.uploads.mount_refusal = Some(status)).await;
        let (desc, bytes) = blob_of(LEN);
        assert_eq!(mount(&lab, &desc, &bytes, &["not/there"]).await, MountOutcome::Pushed, "{status}");
    }
}

#[tokio::test]
async fn a_registry_that_mounts_only_what_a_manifest_names_gets_a_push() {
    let lab = Lab::new(|behaviour| behaviour.uploads.mount_referenced_only = true).await;
    let (desc, bytes) = blob_of(LEN);
    lab.registry.repository("from").unwrap().push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert_eq!(mount(&lab, &desc, &bytes, &["from"]).await, MountOutcome::Pushed);
}

#[tokio::test]
async fn a_mount_without_source_is_asked_for_only_when_wanted() {
    for (wanted, refused, expected) in
        [(false, false, MountOutcome::Pushed), (true, false, MountOutcome::Mounted), (true, true, MountOutcome::Pushed)]
    {
        let change = |behaviour: &mut Behaviour| behaviour.uploads.refuse_anonymous_mount = refused;
        let options = options().with_automatic_mount(wanted);
        let lab = Lab::with(change, options, |builder| builder.with_automatic_mount(true)).await;
        let (desc, bytes) = blob_of(LEN);
        lab.registry.repository("from").unwrap().push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
        assert_eq!(mount(&lab, &desc, &bytes, &[]).await, expected, "{wanted} {refused}");
    }
}

#[tokio::test]
async fn a_repository_of_another_registry_is_no_source() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    let elsewhere = [Location::new("other.example", "from")];
    let outcome = lab.repo.mount(&desc, &elsewhere, Blob::from_bytes(bytes)).await.unwrap();
    assert_eq!(outcome, MountOutcome::Pushed);
    assert!(lab.targets(RequestKind::UploadStart).iter().all(|target| !target.contains("mount=")));
}

#[tokio::test]
async fn the_location_of_the_repository_is_what_a_mount_takes() {
    let lab = Lab::new(|_| {}).await;
    assert_eq!(lab.repo.location(), Some(Location::new(lab.server.host(), "acme/rocket")));
}
