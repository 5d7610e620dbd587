//! Registries without the referrers API: indexes under a tag, written few times and never wrong.

use std::num::NonZeroUsize;

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use http::{Method, StatusCode};
use oras_content::{Blob, Descriptor, MediaType, PredecessorFinder as _, Pusher, Tagger as _};
use oras_copy::{CopyOptions, ExtendedCopyOptions, extended_copy};
use oras_descriptor::{Manifest, canonical};
use oras_memory::MemoryStore;
use oras_registry::{Behaviour, ReferrersQuirk, Server};

use crate::support::{image, in_time, push, repository};

async fn server() -> Server {
    let quirk = Behaviour::with(|b| b.lists.referrers = ReferrersQuirk::Status(StatusCode::NOT_FOUND));
    Server::builder().with_recorded_requests(10_000).with_behaviour(quirk).start().await.unwrap()
}

fn referrer(subject: &Descriptor, note: usize) -> (Descriptor, Bytes) {
    let manifest = Manifest::new(Descriptor::empty(), vec![Descriptor::empty()])
        .with_artifact_type(MediaType::new("application/vnd.test.note"))
        .with_subject(subject.clone())
        .with_annotations([("note".to_owned(), note.to_string())].into());
    let bytes = canonical(&manifest);
    (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes)
}

/// How often the index of a subject was written.
fn index_puts(server: &Server, subject: &Descriptor) -> usize {
    let tag = format!("sha256-{}", subject.digest.encoded());
    let puts = server.requests().into_iter().filter(|r| r.method == Method::PUT && r.target.ends_with(&tag));
    puts.count()
}

async fn subject<T: Pusher>(target: &T) -> Descriptor {
    push(target, &Descriptor::empty().media_type, &Bytes::from_static(b"{}")).await;
    image(target, 1, 100, 1).await
}

#[tokio::test]
async fn three_hundred_copied_referrers_write_few_indexes() {
    let store = MemoryStore::new();
    let root = subject(&store).await;
    for note in 0..300 {
        let (desc, bytes) = referrer(&root, note);
        store.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    }
    store.tag(&root, "v1").await.unwrap();
    let server = server().await;
    let repo = repository(&server, "a");
    let options = CopyOptions::new().with_concurrency(NonZeroUsize::new(8).unwrap());
    let options = ExtendedCopyOptions::new().with_copy(options);
    in_time("the copy", Box::pin(extended_copy(&store, "v1", &repo, "", &options))).await.unwrap();
    assert_eq!(repo.referrers(&root, None).await.unwrap().len(), 300);
    let puts = index_puts(&server, &root);
    assert!((1..=12).contains(&puts), "the index was written {puts} times");
}

#[tokio::test]
async fn fifty_referrers_pushed_at_once_write_few_indexes() {
    let server = server().await;
    let repo = repository(&server, "a");
    let root = subject(&repo).await;
    let notes: Vec<_> = (0..50).map(|note| referrer(&root, note)).collect();
    let pushes = notes.iter().map(|(desc, bytes)| repo.push(desc, Blob::from_bytes(bytes.clone())));
    for pushed in in_time("the pushes", join_all(pushes)).await {
        pushed.unwrap();
    }
    assert_eq!(repo.referrers(&root, None).await.unwrap().len(), 50, "no one is lost");
    let puts = index_puts(&server, &root);
    assert!((1..=3).contains(&puts), "the index was written {puts} times");
}

#[tokio::test]
async fn two_clients_lose_no_referrer_where_there_are_etags() {
    let server = server().await;
    let root = subject(&repository(&server, "a")).await;
    let push_all = async |client: usize| {
        let repo = repository(&server, "a");
        let pushes = stream::iter(0..30).map(|note| {
            let (repo, (desc, bytes)) = (repo.clone(), referrer(&root, client * 100 + note));
            async move { repo.push(&desc, Blob::from_bytes(bytes)).await }
        });
        pushes.buffer_unordered(4).for_each(async |pushed| pushed.unwrap()).await;
    };
    in_time("the pushes", futures_util::future::join(push_all(1), push_all(2))).await;
    let found = repository(&server, "a").referrers(&root, None).await.unwrap();
    assert_eq!(found.len(), 60);
}

#[tokio::test]
async fn deleted_referrers_leave_the_index() {
    let server = server().await;
    let repo = repository(&server, "a");
    let root = subject(&repo).await;
    let notes: Vec<_> = (0..3).map(|note| referrer(&root, note)).collect();
    for (desc, bytes) in &notes {
        repo.push(desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    }
    oras_content::Deleter::delete(&repo, &notes[1].0).await.unwrap();
    let found = repo.referrers(&root, None).await.unwrap();
    let mut digests: Vec<_> = found.into_iter().map(|desc| desc.digest).collect();
    let mut expected = vec![notes[0].0.digest.clone(), notes[2].0.digest.clone()];
    digests.sort();
    expected.sort();
    assert_eq!(digests, expected);
}
