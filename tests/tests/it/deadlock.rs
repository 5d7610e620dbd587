//! What waits for itself would hang here.

use std::num::NonZeroUsize;

use bytes::Bytes;
use oras_auth::{Credential, StaticCredential};
use oras_content::{Blob, Descriptor, MediaType, Pusher as _, ReadOnlyStorage as _};
use oras_copy::{CopyOptions, copy_graph};
use oras_descriptor::{Index, Manifest, canonical};
use oras_memory::MemoryStore;
use oras_registry::{Accounts, AuthScheme, Behaviour, Permission, RequestKind, Server};
use oras_remote::Registry;
use oras_testing::assert_closed;
use oras_transport::HostLimits;

use crate::support::{builder, image, in_time, plain, push, repository, repository_with, requests};

fn one_at_a_time() -> CopyOptions {
    CopyOptions::new().with_concurrency(NonZeroUsize::MIN).with_metadata_concurrency(NonZeroUsize::MIN)
}

#[tokio::test]
async fn a_copy_within_a_registry_ends_at_one_request_at_a_time() {
    // Who may write to one may not read the other, so that nothing can be mounted.
    let accounts = Accounts::new().with_user("reader", "secret", [Permission::own("from")]).with_user(
        "writer",
        "secret",
        [Permission::own("to")],
    );
    let server = Server::builder().with_auth(AuthScheme::Token, accounts).start().await.unwrap();
    let client = builder().with_host_limits(HostLimits::new().with_concurrency(1)).build();
    let open = |name, user| {
        let provider = StaticCredential::new(server.host(), Credential::password(user, "secret"));
        repository_with(&server, name, plain().with_transport(client.clone()).with_credentials(provider))
    };
    let (from, to) = (open("from", "reader"), open("to", "writer"));
    // More than sockets hold, so that a body waits for its source.
    let desc = image(&from, 8, 2 << 20, 1).await;
    server.set_behaviour(Behaviour::with(|b| b.uploads.mount_refusal = Some(http::StatusCode::FORBIDDEN)));
    let before = requests(&server, &[RequestKind::BlobGet]);
    let options = CopyOptions::new().with_concurrency(NonZeroUsize::new(8).unwrap());
    in_time("the copy", copy_graph(&from, &to, &desc, &options)).await.unwrap();
    assert_closed(&to, std::slice::from_ref(&desc)).await;
    assert_eq!(requests(&server, &[RequestKind::BlobGet]) - before, 9, "bytes moved, and nothing was mounted");
}

/// An index in an index, so many times, over one image.
async fn deep(store: &MemoryStore, depth: usize) -> Descriptor {
    let mut desc = image(store, 1, 10, 1).await;
    for _ in 0..depth {
        desc = push(store, &MediaType::OCI_INDEX, &canonical(&Index::new(vec![desc]))).await;
    }
    desc
}

/// An image with so many layers.
async fn wide(store: &MemoryStore, width: u64) -> Descriptor {
    let config = push(store, &MediaType::new("application/vnd.test.config"), &Bytes::from_static(b"{}")).await;
    let mut layers = Vec::new();
    for at in 0..width {
        layers.push(push(store, &MediaType::OCI_LAYER, &Bytes::copy_from_slice(&at.to_le_bytes())).await);
    }
    push(store, &MediaType::OCI_MANIFEST, &canonical(&Manifest::new(config, layers))).await
}

#[tokio::test]
async fn deep_and_wide_graphs_are_copied_one_node_at_a_time() {
    let store = MemoryStore::new();
    let server = Server::builder().start().await.unwrap();
    for (name, root) in [("deep", deep(&store, 50).await), ("wide", wide(&store, 1000).await)] {
        let repo = repository(&server, name);
        in_time(name, copy_graph(&store, &repo, &root, &one_at_a_time())).await.unwrap();
        assert!(repo.exists(&root).await.unwrap());
        let back = MemoryStore::new();
        in_time(name, copy_graph(&repo, &back, &root, &one_at_a_time())).await.unwrap();
        assert_closed(&back, std::slice::from_ref(&root)).await;
        assert!(back.exists(&root).await.unwrap(), "{name}");
    }
}

#[tokio::test]
async fn a_source_in_the_same_registry_is_opened_again_while_its_upload_holds_the_only_place() {
    let server = Server::builder().start().await.unwrap();
    let client = builder().with_host_limits(HostLimits::new().with_concurrency(1)).build();
    let registry = Registry::new(&server.host(), plain().with_transport(client)).unwrap();
    let (from, to) = (registry.repository("from").unwrap(), registry.repository("to").unwrap());
    let (desc, bytes) = crate::support::blob(3 << 20, 1);
    from.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    server.set_behaviour(Behaviour::with(|behaviour| {
        let cut = oras_registry::Action::CloseAnswer(1 << 20);
        behaviour.faults.push(oras_registry::Fault::new(cut).on(RequestKind::BlobGet).times(2));
    }));
    let content = oras_content::Fetcher::fetch(&from, &desc).await.unwrap();
    in_time("the push", to.push(&desc, content)).await.unwrap();
    assert_eq!(requests(&server, &[RequestKind::BlobGet]), 3);
}
