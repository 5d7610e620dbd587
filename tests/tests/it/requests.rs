//! Requests, counted: nothing is asked that need not be.

use bytes::Bytes;
use oras_content::{Descriptor, MediaType, PredecessorFinder as _, Target as _};
use oras_copy::{CopyOptions, ExtendedCopyOptions, copy, copy_graph, extended_copy};
use oras_descriptor::{Manifest, canonical};
use oras_memory::MemoryStore;
use oras_registry::{Behaviour, ReferrersQuirk, Server};

use crate::support::{image, push, random_bytes, repository};

#[tokio::test]
async fn copying_again_what_is_there_costs_one_question_for_each_root() {
    let server = Server::builder().start().await.unwrap();
    let (store, repo) = (MemoryStore::new(), repository(&server, "a"));
    for seed in 0..10 {
        let desc = image(&store, 3, 100, seed).await;
        oras_content::Tagger::tag(&store, &desc, &format!("v{seed}")).await.unwrap();
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
        oras_content::Tagger::tag(&repo, &subject, "v1").await.unwrap();
        let there = MemoryStore::new();
        extended_copy(&repo, "v1", &there, "", &ExtendedCopyOptions::new()).await.unwrap();
        assert_eq!(there.referrers(&subject, None).await.unwrap().len(), 1);
        let removed: Vec<_> = server.requests().into_iter().filter(|r| r.target.contains("_oras")).collect();
        assert!(removed.is_empty(), "{quirk:?}: {removed:?}");
    }
}
