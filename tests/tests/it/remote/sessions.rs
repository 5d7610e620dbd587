//! Uploads that go on in another process, and sessions that are written by hand.

use std::sync::{Arc, Mutex};

use oras_content::{Blob, ErrorKind};
use oras_descriptor::Algorithm;
use oras_registry::RequestKind;
use oras_remote::{Registry, UploadState, UploadStrategy};
use oras_testing::FaultySource;

use super::harness::{Lab, blob_of, is_there, options};

const LEN: usize = 1_000_000;
const CHUNK: u64 = 200_000;

#[tokio::test]
async fn an_upload_goes_on_in_another_process() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    let saved: Arc<Mutex<Option<String>>> = Arc::default();
    let broken = FaultySource::builder(bytes.clone()).stall_at(700_000).build();
    {
        let upload = lab.repo.upload(&desc, broken.blob(&desc)).with_strategy(UploadStrategy::Chunked(CHUNK));
        let upload = upload.on_checkpoint(|state| {
            *saved.lock().unwrap() = Some(serde_json::json!(state).to_string());
        });
        let sending = std::pin::pin!(upload.send());
        let stalled = std::pin::pin!(broken.stalled());
        futures_util::future::select(sending, stalled).await;
    }
    let text = saved.lock().unwrap().clone().unwrap();
    let state: UploadState = serde_json::from_str(&text).unwrap();
    assert_eq!(state.offset(), 600_000);
    // Another process knows nothing of this one.
    let repo = Registry::new(&lab.server.host(), options()).unwrap().repository("acme/rocket").unwrap();
    let before = lab.server.counters().bytes_received();
    repo.upload(&desc, Blob::from_bytes(bytes.clone())).with_state(state).send().await.unwrap();
    is_there(&lab, &desc, &bytes).await;
    assert_eq!(lab.count(RequestKind::UploadStart), 1);
    let moved = lab.server.counters().bytes_received() - before;
    assert!(moved < 450_000, "{moved} bytes for the missing 400000");
}

#[tokio::test]
async fn an_upload_that_is_forgotten_starts_anew() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    let session = lab.repo.start_upload(Algorithm::Sha256).await.unwrap();
    let state = session.state();
    session.cancel().await;
    assert_eq!(lab.repo.resume_upload(&state).await.unwrap_err().kind(), ErrorKind::NotFound);
    lab.repo.upload(&desc, Blob::from_bytes(bytes.clone())).with_state(state).send().await.unwrap();
    is_there(&lab, &desc, &bytes).await;
}

#[tokio::test]
async fn a_session_is_written_by_hand_and_closed() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = blob_of(LEN);
    let mut session = lab.repo.start_upload(Algorithm::Sha256).await.unwrap();
    session.append(bytes.slice(..400_000)).await.unwrap();
    session.synchronize().await.unwrap();
    assert_eq!(session.offset(), 400_000);
    session.append(bytes.slice(400_000..)).await.unwrap();
    session.finish(&desc.digest).await.unwrap();
    is_there(&lab, &desc, &bytes).await;
    let session = lab.repo.start_upload(Algorithm::Sha256).await.unwrap();
    assert_eq!(session.finish(&desc.digest).await.unwrap_err().kind(), ErrorKind::InvalidDigest);
}

#[tokio::test]
async fn a_state_of_another_repository_or_host_is_refused() {
    let lab = Lab::new(|_| {}).await;
    let state = lab.repo.start_upload(Algorithm::Sha256).await.unwrap().state();
    let other = lab.registry.repository("other").unwrap();
    assert_eq!(other.resume_upload(&state).await.unwrap_err().kind(), ErrorKind::InvalidReference);
    let text = serde_json::json!(state).to_string().replace(&lab.server.url(), "http://evil.example");
    let tampered: UploadState = serde_json::from_str(&text).unwrap();
    assert_eq!(lab.repo.resume_upload(&tampered).await.unwrap_err().kind(), ErrorKind::Denied);
}
