//! Requests, counted: nothing is asked that need not be.

use bytes::Bytes;
use oras_auth::{Credential, Scope, Scopes, StaticCredential};
use oras_content::{
    Blob, Descriptor, Fetcher as _, MediaType, PredecessorFinder as _, Pusher, Tagger as _, Target as _,
};
use oras_copy::{CopyOptions, ExtendedCopyOptions, PlannedAction, copy, copy_graph, extended_copy, plan};
use oras_descriptor::{Index, Manifest, canonical};
use oras_memory::MemoryStore;
use oras_registry::{Accounts, Action, AuthScheme, Behaviour, Fault, Permission, ReferrersQuirk, RequestKind, Server};
use oras_remote::Repository;
use oras_testing::assert_closed;

use crate::support::{image, plain, push, random_bytes, repository, repository_with, requests};

#[tokio::test]
async fn copying_again_what_is_there_costs_one_question_for_each_root() {
    let server = Server::builder().start().await.unwrap();
    let (store, repo) = (MemoryStore::new(), repository(&server, "a"));
    for seed in 0..10 {
        let desc = image(&store, 3, 100, seed).await;
        store.tag(&desc, &format!("v{seed}")).await.unwrap();
    }
    for round in 0..2 {
        let before = server.counters().total();
        for seed in 0..10 {
            copy(&store, &format!("v{seed}"), &repo, "", &CopyOptions::new()).await.unwrap();
        }
        let asked = server.counters().total() - before;
        assert!(round == 0 || asked == 10, "{asked} requests for ten roots that are there");
    }
}

#[tokio::test]
async fn copying_a_graph_again_costs_one_question() {
    let server = Server::builder().start().await.unwrap();
    let (store, repo) = (MemoryStore::new(), repository(&server, "a"));
    let desc = image(&store, 3, 100, 1).await;
    copy_graph(&store, &repo, &desc, &CopyOptions::new()).await.unwrap();
    let before = server.counters().total();
    copy_graph(&store, &repo, &desc, &CopyOptions::new()).await.unwrap();
    assert_eq!(server.counters().total() - before, 1);
}

#[tokio::test]
async fn copying_again_from_registry_to_registry_costs_one_question_on_each_side() {
    let (left, right) = (Server::builder().start().await.unwrap(), Server::builder().start().await.unwrap());
    let (from, to) = (repository(&left, "a"), repository(&right, "a"));
    let desc = image(&from, 3, 100, 1).await;
    let manifest = oras_content::Fetcher::fetch(&from, &desc).await.unwrap();
    from.push_reference(&desc, manifest, "v1").await.unwrap();
    copy(&from, "v1", &to, "", &CopyOptions::new()).await.unwrap();
    let before = (left.counters().total(), right.counters().total());
    copy(&from, "v1", &to, "", &CopyOptions::new()).await.unwrap();
    assert_eq!((left.counters().total() - before.0, right.counters().total() - before.1), (1, 1));
}

#[tokio::test]
async fn the_removed_endpoint_of_referrers_is_never_asked() {
    for quirk in [
        ReferrersQuirk::Supported,
        ReferrersQuirk::Page,
        ReferrersQuirk::Status(http::StatusCode::NOT_FOUND),
        ReferrersQuirk::Status(http::StatusCode::NOT_ACCEPTABLE),
    ] {
        let server = Server::builder().with_recorded_requests(1000).start().await.unwrap();
        server.set_behaviour(Behaviour::with(|behaviour| behaviour.lists.referrers = quirk));
        let repo = repository(&server, "a");
        let subject = image(&repo, 1, 10, 1).await;
        let manifest = Manifest::new(Descriptor::empty(), Vec::new()).with_subject(subject.clone());
        push(&repo, &Descriptor::empty().media_type, &Bytes::from_static(b"{}")).await;
        push(&repo, &MediaType::OCI_MANIFEST, &canonical(&manifest)).await;
        push(&repo, &MediaType::OCI_LAYER, &random_bytes(10, 9)).await;
        assert_eq!(repo.referrers(&subject, None).await.unwrap().len(), 1);
        repo.tag(&subject, "v1").await.unwrap();
        let there = MemoryStore::new();
        extended_copy(&repo, "v1", &there, "", &ExtendedCopyOptions::new()).await.unwrap();
        assert_eq!(there.referrers(&subject, None).await.unwrap().len(), 1);
        let removed: Vec<_> = server.requests().into_iter().filter(|r| r.target.contains("_oras")).collect();
        assert!(removed.is_empty(), "{quirk:?}: {removed:?}");
    }
}

/// Pushes manifests that speak of another one.
async fn refer<T: Pusher>(target: &T, subject: &Descriptor, count: usize) {
    push(target, &Descriptor::empty().media_type, &Bytes::from_static(b"{}")).await;
    for note in 0..count {
        let manifest = Manifest::new(Descriptor::empty(), vec![Descriptor::empty()])
            .with_artifact_type("application/vnd.test.note")
            .with_subject(subject.clone())
            .with_annotations([("note".to_owned(), note.to_string())].into());
        push(target, &MediaType::OCI_MANIFEST, &canonical(&manifest)).await;
    }
}

#[tokio::test]
async fn predecessors_that_come_in_pages_are_all_copied_and_each_page_is_asked_for_once() {
    let server = Server::builder().start().await.unwrap();
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.lists.page_size = Some(10)));
    let repo = repository(&server, "a");
    let subject = image(&repo, 1, 10, 1).await;
    refer(&repo, &subject, 35).await;
    repo.tag(&subject, "v1").await.unwrap();
    let before = [RequestKind::Referrers, RequestKind::ManifestGet].map(|kind| requests(&server, &[kind]));
    // Type and annotations come with the pages, so that filters read no manifest.
    let options = ExtendedCopyOptions::new()
        .with_artifact_type_filter(|kind| kind == "application/vnd.test.note")
        .with_annotation_filter("note", |note| note.len() == 2);
    let there = MemoryStore::new();
    extended_copy(&repo, "v1", &there, "", &options).await.unwrap();
    assert_eq!(there.referrers(&subject, None).await.unwrap().len(), 25, "notes 10 to 34");
    let after = [RequestKind::Referrers, RequestKind::ManifestGet].map(|kind| requests(&server, &[kind]));
    assert_eq!(after[0] - before[0], 4 + 25, "four pages for the subject, and one for each that was followed");
    assert_eq!(after[1] - before[1], 1 + 25, "the subject, and each that was followed");
}

#[tokio::test]
async fn a_plan_of_two_hundred_images_asks_about_each_node_once_and_reads_no_blob() {
    let (left, right) = (Server::builder().start().await.unwrap(), Server::builder().start().await.unwrap());
    let (from, to) = (repository(&left, "a"), repository(&right, "a"));
    let mut images = Vec::new();
    for seed in 0..200 {
        images.push(image(&from, 2, 10, seed).await);
    }
    let root = push(&from, &MediaType::OCI_INDEX, &canonical(&Index::new(images))).await;
    from.tag(&root, "v1").await.unwrap();
    let before = left.counters().total();
    let made = plan(&from, "v1", &to, "", &CopyOptions::new()).await.unwrap();
    let nodes = 1 + 200 * 4;
    assert_eq!(made.total(PlannedAction::Upload).0, nodes);
    // A copy of oras-go asks one HEAD about each node before it pushes it.
    assert_eq!(right.counters().total(), nodes as u64);
    assert_eq!(left.counters().total() - before, 1 + 200, "each manifest is read once");
    assert_eq!(requests(&left, &[RequestKind::BlobGet]), 0);
    made.run(&from, &to, &CopyOptions::new()).await.unwrap();
    assert_eq!(requests(&right, &[RequestKind::BlobHead, RequestKind::ManifestHead]), nodes as u64, "none again");
}

#[tokio::test]
async fn what_a_registry_only_claims_to_have_is_pushed_when_it_refuses_the_manifest() {
    let store = MemoryStore::new();
    let entries = vec![image(&store, 2, 10, 1).await, image(&store, 2, 10, 2).await];
    let root = push(&store, &MediaType::OCI_INDEX, &canonical(&Index::new(entries))).await;
    store.tag(&root, "v1").await.unwrap();
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a");
    // It says so each time that it is asked.
    let claim = Fault::new(Action::Status(http::StatusCode::OK, None)).on(RequestKind::BlobHead);
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(claim)));
    copy(&store, "v1", &repo, "", &CopyOptions::new()).await.unwrap();
    server.set_behaviour(Behaviour::default());
    assert_closed(&repo, std::slice::from_ref(&root)).await;
}

#[tokio::test]
async fn what_the_client_has_repeated_is_not_repeated_by_the_copy() {
    let store = MemoryStore::new();
    let (desc, bytes) = crate::support::blob(10, 1);
    push(&store, &desc.media_type, &bytes).await;
    let server = Server::builder().start().await.unwrap();
    let busy = Fault::new(Action::Status(http::StatusCode::SERVICE_UNAVAILABLE, None)).on(RequestKind::UploadStart);
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(busy)));
    let push_once = repository(&server, "a").push(&desc, Blob::from_bytes(bytes)).await;
    assert!(push_once.unwrap_err().is_retryable());
    let alone = requests(&server, &[RequestKind::UploadStart]);
    assert!(alone > 3, "the client tries again");
    let error = copy_graph(&store, &repository(&server, "b"), &desc, &CopyOptions::new()).await.unwrap_err();
    assert!(error.is_retryable());
    assert_eq!(requests(&server, &[RequestKind::UploadStart]) - alone, alone, "as often as without a copy around it");
}

/// An artifact of `count` layers of a few bytes, tagged `v1`.
async fn small_layers(count: u64) -> (MemoryStore, Vec<Descriptor>) {
    let store = MemoryStore::new();
    let mut layers = Vec::new();
    for seed in 0..count {
        layers.push(push(&store, &MediaType::OCI_LAYER, &random_bytes(100, seed)).await);
    }
    push(&store, &Descriptor::empty().media_type, &Bytes::from_static(b"{}")).await;
    let manifest = Manifest::new(Descriptor::empty(), layers.clone());
    let root = push(&store, &MediaType::OCI_MANIFEST, &canonical(&manifest)).await;
    store.tag(&root, "v1").await.unwrap();
    (store, layers)
}

#[tokio::test]
async fn small_blobs_are_not_asked_for_once_many_were_absent() {
    let (store, _) = small_layers(200).await;
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a");
    let root = copy(&store, "v1", &repo, "", &CopyOptions::new()).await.unwrap();
    let asked = requests(&server, &[RequestKind::BlobHead]);
    // The first four, those under way meanwhile, and one of sixteen.
    assert!((4 + 12..=4 + 10 + 13).contains(&asked), "{asked} questions about 201 blobs");
    assert_eq!(requests(&server, &[RequestKind::UploadStart]), 201);
    assert_closed(&repo, std::slice::from_ref(&root)).await;
}

#[tokio::test]
async fn small_blobs_that_are_there_all_the_same_are_noticed() {
    let (store, layers) = small_layers(200).await;
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a");
    for layer in &layers[100..] {
        repo.push(layer, store.fetch(layer).await.unwrap()).await.unwrap();
    }
    let before = requests(&server, &[RequestKind::UploadStart]);
    let root = copy(&store, "v1", &repo, "", &CopyOptions::new()).await.unwrap();
    let again = requests(&server, &[RequestKind::UploadStart]) - before - 101;
    assert!(again <= 16, "{again} blobs were stored that were there");
    assert_closed(&repo, std::slice::from_ref(&root)).await;
}

#[tokio::test]
async fn who_has_children_verified_or_a_plan_made_is_told_what_is_there() {
    let (store, _) = small_layers(200).await;
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a");
    let options = CopyOptions::new().with_verify_children(true);
    copy(&store, "v1", &repo, "", &options).await.unwrap();
    assert_eq!(requests(&server, &[RequestKind::BlobHead]), 201);
    plan(&store, "v1", &repository(&server, "b"), "", &CopyOptions::new()).await.unwrap();
    assert_eq!(requests(&server, &[RequestKind::BlobHead]), 402);
}

/// What tokens were asked for by the requests behind the first `seen`.
fn scopes_asked_for(server: &Server, seen: usize) -> Scopes {
    let requests = server.requests().into_iter().skip(seen);
    let tokens = requests.filter(|request| request.kind == RequestKind::Token);
    let queries = tokens.map(|request| request.target.replace("%3A", ":").replace("%2F", "/").replace("%2C", ","));
    queries.fold(Scopes::new(), |all, query| {
        let scopes = query.split(['?', '&']).filter_map(|part| part.strip_prefix("scope="));
        scopes.fold(all, |all, scope| all.merged(&Scopes::parse(&scope.replace("%20", " ").replace('+', " "))))
    })
}

#[tokio::test]
async fn a_plan_names_the_scopes_that_its_run_asks_for() {
    let accounts = Accounts::new().with_user("ci", "secret", [Permission::all()]);
    let builder = Server::builder().with_recorded_requests(1000).with_auth(AuthScheme::Token, accounts);
    let server = builder.start().await.unwrap();
    let open = |name: &str| -> Repository {
        let provider = StaticCredential::new(server.host(), Credential::password("ci", "secret"));
        repository_with(&server, name, plain().with_credentials(provider))
    };
    let from = open("from");
    let subject = image(&from, 1, 10, 1).await;
    refer(&from, &subject, 1).await;
    let root = from.referrers(&subject, None).await.unwrap().remove(0);
    from.tag(&root, "v1").await.unwrap();
    let made = plan(&from, "v1", &open("to"), "", &CopyOptions::new()).await.unwrap();
    let scopes = made.accesses.iter().map(|access| Scope::repository(&access.repository, access.actions()));
    let planned = Scopes::of(scopes);
    assert_eq!(planned.to_string(), "repository:from:pull repository:to:delete,pull,push");

    // Clients that have no token yet.
    let seen = server.requests().len();
    made.run(&open("from"), &open("to"), &CopyOptions::new()).await.unwrap();
    let asked = scopes_asked_for(&server, seen);
    assert!(planned.covers(&asked), "{planned} were planned, and {asked} asked for");
    let without_old_indexes = Scopes::of([Scope::pull("from"), Scope::push("to")]);
    assert!(asked.covers(&without_old_indexes), "no more was planned than was needed: {asked}");
}
