//! Downloads that break go on where they stopped.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use oras_content::{Descriptor, ErrorKind, Fetcher as _, MediaType, Pusher as _, ReadOnlyStorage as _};
use oras_layout::OciLayout;
use oras_registry::{Action, Behaviour, Fault, Redirect, RequestKind, Server};
use oras_remote::Repository;

use crate::support::{in_time, push, random_bytes, repository};

const SIZE: usize = 1_000_000;

async fn server() -> (Server, Repository, Descriptor) {
    let server = Server::builder().with_second_origin().with_recorded_requests(1000).start().await.unwrap();
    let repo = repository(&server, "a");
    let desc = push(&repo, &MediaType::OCI_LAYER, &random_bytes(SIZE, 1)).await;
    (server, repo, desc)
}

/// The first byte that each request for a blob asked for.
fn starts(server: &Server, kind: RequestKind) -> Vec<u64> {
    let requests = server.requests().into_iter().filter(|request| request.kind == kind);
    let ranges = requests.map(|request| {
        let range = request.headers.get("range")?.to_str().ok()?.strip_prefix("bytes=")?.to_owned();
        range.split('-').next()?.parse().ok()
    });
    ranges.map(Option::unwrap_or_default).collect()
}

/// Cuts at random places, each some bytes behind the last one.
fn cuts(seed: u64) -> Vec<u64> {
    let places = random_bytes(8 * 6, seed);
    let mut at = 0;
    let mut cuts = Vec::new();
    for place in places.chunks(8) {
        let step = u64::from_le_bytes(place.try_into().unwrap()) % 150_000 + 1;
        at += step;
        cuts.push(at);
    }
    cuts
}

#[tokio::test]
async fn a_download_asks_for_no_byte_twice() {
    for seed in 1..6 {
        let (server, repo, desc) = server().await;
        let cuts = cuts(seed);
        server.set_behaviour(Behaviour::with(|behaviour| {
            let mut start = 0;
            for cut in &cuts {
                let action = Action::CloseAnswer(cut - start);
                behaviour.faults.push(Fault::new(action).on(RequestKind::BlobGet).times(1));
                start = *cut;
            }
        }));
        let bytes = repo.fetch(&desc).await.unwrap().bytes(desc.size).await.unwrap();
        assert_eq!(bytes, random_bytes(SIZE, 1));
        let expected: Vec<u64> = std::iter::once(0).chain(cuts).collect();
        assert_eq!(starts(&server, RequestKind::BlobGet), expected, "seed {seed}");
    }
}

#[tokio::test]
async fn a_download_goes_on_after_resets() {
    for seed in 10..15 {
        let (server, repo, desc) = server().await;
        server.set_behaviour(Behaviour::with(|behaviour| {
            for cut in cuts(seed) {
                behaviour.faults.push(Fault::new(Action::ResetAnswer(cut)).on(RequestKind::BlobGet).times(1));
            }
        }));
        let bytes = repo.fetch(&desc).await.unwrap().bytes(desc.size).await.unwrap();
        assert_eq!(bytes, random_bytes(SIZE, 1));
        let starts = starts(&server, RequestKind::BlobGet);
        assert!(starts.is_sorted() && starts.len() > 1, "what was read is not asked for again: {starts:?}");
    }
}

#[tokio::test]
async fn a_byte_that_changes_between_two_parts_is_found() {
    let (server, repo, desc) = server().await;
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.faults.push(Fault::new(Action::CloseAnswer(500_000)).on(RequestKind::BlobGet).times(1));
        behaviour.faults.push(Fault::new(Action::FlipByte(400_000)).on(RequestKind::BlobGet));
    }));
    let error = repo.fetch(&desc).await.unwrap().bytes(desc.size).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn an_expired_signature_is_asked_for_anew() {
    let (server, repo, desc) = server().await;
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.blobs.redirect_uses = Some(1);
        behaviour.faults.push(Fault::new(Action::CloseAnswer(300_000)).on(RequestKind::SecondOrigin).times(3));
    }));
    let bytes = repo.fetch(&desc).await.unwrap().bytes(desc.size).await.unwrap();
    assert_eq!(bytes, random_bytes(SIZE, 1));
    assert_eq!(starts(&server, RequestKind::BlobGet), [0, 300_000, 600_000, 900_000]);
    let second: Vec<_> =
        server.requests().into_iter().filter(|request| request.kind == RequestKind::SecondOrigin).collect();
    assert!(second.windows(2).all(|pair| pair[0].target != pair[1].target), "each has a signature of its own");
}

/// The partial file of a layout, if there is one.
fn partial(root: &Path) -> Option<PathBuf> {
    let paths = std::fs::read_dir(root.join("ingest")).ok()?.flatten().map(|entry| entry.path());
    paths.into_iter().find(|path| path.extension().is_some_and(|extension| extension == "part"))
}

fn len(root: &Path) -> u64 {
    partial(root).and_then(|path| path.metadata().ok()).map_or(0, |metadata| metadata.len())
}

/// Whether nobody writes to the partial file any more.
fn is_left_alone(root: &Path) -> bool {
    partial(root).is_some_and(|path| std::fs::File::open(path).unwrap().try_lock().is_ok())
}

async fn until(what: &str, is_so: impl Fn() -> bool) {
    let so = async {
        while !is_so() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    in_time(what, so).await;
}

#[tokio::test]
async fn a_partial_file_is_continued_by_another_store() {
    let (server, repo, desc) = server().await;
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.faults.push(Fault::new(Action::StallAnswer(700_000)).on(RequestKind::BlobGet).times(1));
    }));
    let dir = tempfile::tempdir().unwrap();
    let layout = OciLayout::create(dir.path()).await.unwrap();
    let content = repo.fetch(&desc).await.unwrap();
    tokio::select! {
        pushed = layout.push(&desc, content) => panic!("it stalls: {pushed:?}"),
        () = until("the partial file", || len(dir.path()) >= 300_000) => {}
    }
    drop(layout);
    until("the thread that writes", || is_left_alone(dir.path())).await;
    let held = len(dir.path());

    let layout = OciLayout::open(dir.path()).await.unwrap();
    layout.push(&desc, repo.fetch(&desc).await.unwrap()).await.unwrap();
    assert!(layout.exists(&desc).await.unwrap());
    let starts = starts(&server, RequestKind::BlobGet);
    assert_eq!(starts.len(), 2);
    assert_eq!(starts[1], held, "it goes on behind what it holds");
    assert_eq!(partial(dir.path()), None);
}
