//! Registries without the referrers API: indexes under a tag, written few times and never wrong.

use std::{collections::HashSet, num::NonZeroUsize};

use bytes::Bytes;
use futures_util::{StreamExt as _, future::join_all, stream};
use http::{Method, StatusCode};
use oras_content::{Blob, Descriptor, MediaType, PredecessorFinder as _, Pusher, ReadOnlyStorage as _, Tagger as _};
use oras_copy::{CopyOptions, ExtendedCopyOptions, extended_copy};
use oras_descriptor::{Manifest, canonical};
use oras_memory::MemoryStore;
use oras_registry::{Behaviour, ReferrersQuirk, Server};
use oras_remote::Repository;
use tokio::process::Command;

use crate::support::{image, in_time, plain, push, repository};

/// What a process of its own is to do.
const JOB: &str = "ORAS_TEST_REFERRERS";

async fn server(change: impl FnOnce(&mut Behaviour)) -> Server {
    let quirk = Behaviour::with(|behaviour| {
        behaviour.lists.referrers = ReferrersQuirk::Status(StatusCode::NOT_FOUND);
        change(behaviour);
    });
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
    let server = server(|_| ()).await;
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
    let server = server(|_| ()).await;
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

/// How many referrers each of two processes pushes.
const EACH: usize = 100;

/// What a process does in place of the test: it pushes referrers, with notes from a number on.
async fn push_as_a_process(job: &str) {
    let [host, digest, size, first] = job.split(' ').collect::<Vec<_>>().try_into().unwrap();
    let subject = Descriptor::new(MediaType::OCI_MANIFEST, digest.parse().unwrap(), size.parse().unwrap());
    let repo = Repository::new(&format!("{host}/a"), plain()).unwrap();
    let first: usize = first.parse().unwrap();
    let pushes = (first..first + EACH).map(|note| {
        let (repo, (desc, bytes)) = (repo.clone(), referrer(&subject, note));
        async move { repo.push(&desc, Blob::from_bytes(bytes)).await }
    });
    stream::iter(pushes).buffer_unordered(4).for_each(async |pushed| pushed.unwrap()).await;
}

/// Two processes push at once; each is this program again, and runs `test` alone. Gives what is listed in the end.
async fn listed_after_two_processes(test: &str, server: &Server) -> Vec<Descriptor> {
    let root = subject(&repository(server, "a")).await;
    let start = |first: usize| {
        let job = format!("{} {} {} {first}", server.host(), root.digest, root.size);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", &format!("referrers::{test}")]).env(JOB, job).kill_on_drop(true);
        command.output()
    };
    let (one, other) = in_time("the processes", async { tokio::join!(start(0), start(EACH)) }).await;
    for ended in [one.unwrap(), other.unwrap()] {
        assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
    }
    let found = repository(server, "a").referrers(&root, None).await.unwrap();
    let names: HashSet<_> = found.iter().map(|desc| &desc.digest).collect();
    assert_eq!(names.len(), found.len(), "no entry stands there twice");
    // Whatever the index says, the content itself is there.
    for note in 0..2 * EACH {
        assert!(repository(server, "a").exists(&referrer(&root, note).0).await.unwrap(), "{note}");
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn two_processes_lose_no_referrer_where_there_are_etags() {
    if let Ok(job) = std::env::var(JOB) {
        return push_as_a_process(&job).await;
    }
    let server = server(|_| ()).await;
    let found = listed_after_two_processes("two_processes_lose_no_referrer_where_there_are_etags", &server).await;
    assert_eq!(found.len(), 2 * EACH);
}

/// What the documentation says is lost: only what another process read before, and wrote after, the second look.
#[tokio::test(flavor = "multi_thread")]
#[expect(clippy::print_stdout, reason = "figures for who measures")]
async fn two_processes_lose_few_referrers_where_there_are_no_etags() {
    if let Ok(job) = std::env::var(JOB) {
        return push_as_a_process(&job).await;
    }
    let server = server(|behaviour| behaviour.manifests.ignore_conditions = true).await;
    let found = listed_after_two_processes("two_processes_lose_few_referrers_where_there_are_no_etags", &server).await;
    println!("figures: {} of {} referrers listed, without ETags", found.len(), 2 * EACH);
    assert!(found.len() >= 2 * EACH * 3 / 4, "{} of {} are listed", found.len(), 2 * EACH);
}

#[tokio::test]
async fn deleted_referrers_leave_the_index() {
    let server = server(|_| ()).await;
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
