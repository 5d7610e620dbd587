//! Uploads that break land all the same, and send little again.

use bytes::Bytes;
use oras_content::{Blob, Deleter as _, Descriptor, Fetcher as _, Pusher as _, ReadOnlyStorage as _};
use oras_descriptor::{Algorithm, MediaType};
use oras_registry::{Action, Behaviour, Fault, RequestKind, RequestRecord, Server};
use oras_remote::{Repository, UploadState, UploadStrategy};

use crate::support::{blob, repository, requests};

const SIZE: usize = 1_000_000;
const CHUNK: u64 = 100_000;

async fn server(faults: impl IntoIterator<Item = Fault>) -> (Server, Repository, Descriptor, Bytes) {
    let server = Server::builder().with_recorded_requests(1000).start().await.unwrap();
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.extend(faults)));
    let repo = repository(&server, "a");
    let (desc, bytes) = blob(SIZE, 1);
    (server, repo, desc, bytes)
}

async fn assert_landed(server: &Server, desc: &Descriptor, bytes: &Bytes) {
    let fetched = repository(server, "a").fetch(desc).await.unwrap().bytes(desc.size).await.unwrap();
    assert_eq!(fetched, *bytes);
}

async fn push_in_chunks(repo: &Repository, desc: &Descriptor, bytes: &Bytes) {
    let upload = repo.upload(desc, Blob::from_bytes(bytes.clone())).with_strategy(UploadStrategy::Chunked(CHUNK));
    upload.send().await.unwrap();
}

#[tokio::test]
async fn content_that_was_stored_undescribed_and_deleted_is_gone() {
    let (_server, repo, _, bytes) = server([]).await;
    let content = Blob::from_bytes(bytes);
    let desc = repo.ingest(&MediaType::OCI_LAYER, Algorithm::Sha256, content).await.unwrap();
    repo.delete(&desc).await.unwrap();
    assert!(!repo.exists(&desc).await.unwrap());
}

#[tokio::test]
async fn an_upload_that_is_reset_half_way_lands() {
    for cut in [0, 1, 500_000, SIZE as u64 - 1] {
        let reset = Fault::new(Action::ResetRequest(cut)).on(RequestKind::UploadFinish).times(2);
        let (server, repo, desc, bytes) = server([reset]).await;
        repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
        assert_landed(&server, &desc, &bytes).await;
        let finishes = requests(&server, &[RequestKind::UploadFinish]);
        assert!((3..=4).contains(&finishes), "cut at {cut}: {finishes} requests");
        // What sockets hold is lost when a connection is reset. One byte cannot be told from none: `0-0` says both.
        let received = server.counters().bytes_received();
        assert!(cut == 1 || received <= SIZE as u64 * 3 / 2, "cut at {cut}: {received} bytes");
        assert_eq!(server.open_sessions(), 0, "cut at {cut}");
    }
}

#[tokio::test]
async fn an_upload_whose_last_answer_is_lost_is_not_sent_again() {
    let lost = Fault::new(Action::LoseAnswer).on(RequestKind::UploadFinish).times(1);
    let (server, repo, desc, bytes) = server([lost]).await;
    repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert_landed(&server, &desc, &bytes).await;
    assert_eq!(server.counters().bytes_received(), SIZE as u64);
}

/// Where a chunk begins.
fn chunk_start(request: &RequestRecord) -> Option<u64> {
    request.headers.get("content-range")?.to_str().ok()?.split('-').next()?.parse().ok()
}

#[tokio::test]
async fn a_chunk_that_breaks_goes_on_where_the_session_stands() {
    let reset = Fault::new(Action::ResetRequest(30_000)).on(RequestKind::UploadChunk).after(3).times(2);
    let (server, repo, desc, bytes) = server([reset]).await;
    push_in_chunks(&repo, &desc, &bytes).await;
    assert_landed(&server, &desc, &bytes).await;
    assert_eq!(requests(&server, &[RequestKind::UploadStatus]), 2);
    assert_eq!(requests(&server, &[RequestKind::UploadStart]), 1);
    let starts: Vec<u64> = server.requests().iter().filter_map(chunk_start).collect();
    let expected =
        [0, 100_000, 200_000, 300_000, 330_000, 360_000, 400_000, 500_000, 600_000, 700_000, 800_000, 900_000];
    assert_eq!(starts, expected, "no byte is sent again that was taken");
}

#[tokio::test]
async fn a_chunk_whose_answer_is_lost_is_not_sent_again() {
    let lost = Fault::new(Action::LoseAnswer).on(RequestKind::UploadChunk).after(3).times(1);
    let (server, repo, desc, bytes) = server([lost]).await;
    push_in_chunks(&repo, &desc, &bytes).await;
    assert_landed(&server, &desc, &bytes).await;
    assert_eq!(requests(&server, &[RequestKind::UploadChunk]), SIZE as u64 / CHUNK);
    assert_eq!(server.counters().bytes_received(), SIZE as u64);
}

/// Uploads in chunks until some have arrived, drops the upload, and gives what it saved last, as text.
async fn interrupted(repo: &Repository, desc: &Descriptor, bytes: &Bytes) -> String {
    let (saved, mut states) = tokio::sync::mpsc::unbounded_channel();
    let upload = repo.upload(desc, Blob::from_bytes(bytes.clone())).with_strategy(UploadStrategy::Chunked(CHUNK));
    let upload = upload.on_checkpoint(move |state| {
        // Nobody listens any more when enough has arrived.
        let _ = saved.send(serde_json::to_string(state).unwrap());
    });
    let enough = async {
        loop {
            let text = states.recv().await.unwrap();
            let state: UploadState = serde_json::from_str(&text).unwrap();
            if state.offset() >= 4 * CHUNK {
                return text;
            }
        }
    };
    tokio::select! {
        biased;
        text = enough => text,
        done = upload.send() => panic!("it was not interrupted: {done:?}"),
    }
}

#[tokio::test]
async fn a_saved_upload_is_continued_by_another_client() {
    let (server, repo, desc, bytes) = server([]).await;
    let text = interrupted(&repo, &desc, &bytes).await;
    drop(repo);

    let state: UploadState = serde_json::from_str(&text).unwrap();
    let other = repository(&server, "a");
    other.upload(&desc, Blob::from_bytes(bytes.clone())).with_state(state).send().await.unwrap();
    assert_landed(&server, &desc, &bytes).await;
    assert_eq!(requests(&server, &[RequestKind::UploadStart]), 1);
    let received = server.counters().bytes_received();
    assert!(received <= SIZE as u64 + CHUNK, "{received} bytes for {SIZE}");
    assert_eq!(server.open_sessions(), 0);
}

#[tokio::test]
async fn a_saved_upload_that_nobody_remembers_begins_anew() {
    let (server, repo, desc, bytes) = server([]).await;
    let text = interrupted(&repo, &desc, &bytes).await;
    repo.resume_upload(&serde_json::from_str(&text).unwrap()).await.unwrap().cancel().await;
    let upload = repository(&server, "a");
    let upload = upload.upload(&desc, Blob::from_bytes(bytes.clone()));
    upload.with_state(serde_json::from_str(&text).unwrap()).send().await.unwrap();
    assert_landed(&server, &desc, &bytes).await;
    assert_eq!(requests(&server, &[RequestKind::UploadStart]), 2);
}
