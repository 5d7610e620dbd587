//! What registries and networks give that is wrong: each is an error that names the thing, or is coped with.

use bytes::Bytes;
use http::StatusCode;
use oras_auth::{Credential, StaticCredential};
use oras_content::{
    Blob, Descriptor, ErrorKind, Fetcher as _, MediaType, Pusher as _, ReadOnlyTarget as _, Resolver as _,
};
use oras_registry::{
    Accounts, Action, AuthScheme, Behaviour, DigestHeader, Fault, Limits, LocationStyle, Permission, RequestKind,
    Server,
};
use oras_remote::Repository;

use crate::contract::{as_alice, guarded};
use crate::support::{assert_told, blob, image, plain, push, repository, repository_with, requests};

/// A server with a blob, that answers for it as told.
async fn server_with_blob(action: Action) -> (Server, Repository, Descriptor) {
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a/b");
    let (_, bytes) = blob(200_000, 1);
    let desc = push(&repo, &MediaType::OCI_LAYER, &bytes).await;
    server.set_behaviour(Behaviour::with(|b| b.faults.push(Fault::new(action).on(RequestKind::BlobGet))));
    (server, repo, desc)
}

/// A server with an image under `v1`, that behaves as told.
async fn server_with_image(change: impl FnOnce(&mut Behaviour)) -> (Server, Repository, Descriptor) {
    let server = Server::builder().with_recorded_requests(100).start().await.unwrap();
    let repo = repository(&server, "a/b");
    let desc = image(&repo, 1, 100, 1).await;
    let manifest = repo.fetch(&desc).await.unwrap();
    oras_content::Target::push_reference(&repo, &desc, manifest, "v1").await.unwrap();
    server.set_behaviour(Behaviour::with(change));
    (server, repo, desc)
}

async fn read(repo: &Repository, desc: &Descriptor) -> oras_content::Result<Bytes> {
    repo.fetch(desc).await?.bytes(desc.size).await
}

#[tokio::test]
async fn a_blob_of_another_digest_is_corrupt() {
    let (_server, repo, desc) = server_with_blob(Action::FlipByte(199_999)).await;
    let error = read(&repo, &desc).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_told(&error, &[desc.digest.as_str(), "expected", "found"]);
}

#[tokio::test]
async fn a_short_blob_is_corrupt() {
    let (_server, repo, desc) = server_with_blob(Action::Truncate(3)).await;
    let error = read(&repo, &desc).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_told(&error, &[desc.digest.as_str(), "199997", "200000"]);
}

#[tokio::test]
async fn a_blob_that_always_breaks_at_its_start_is_given_up() {
    let (server, repo, desc) = server_with_blob(Action::CloseAnswer(0)).await;
    let error = read(&repo, &desc).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, true));
    assert_told(&error, &[&server.host(), desc.digest.as_str(), "closed"]);
    assert!(requests(&server, &[RequestKind::BlobGet]) <= 30, "{:?}", server.counters());
}

#[tokio::test]
async fn a_long_blob_is_corrupt() {
    let (_server, repo, desc) = server_with_blob(Action::Extend(3)).await;
    let error = read(&repo, &desc).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_told(&error, &[desc.digest.as_str(), "200003", "200000"]);
}

#[tokio::test]
async fn a_short_source_pushes_nothing() {
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a/b");
    let (desc, bytes) = blob(200_000, 1);
    for wrong in [bytes.slice(..199_999), Bytes::from([&bytes[..], b"x"].concat()), blob(200_000, 2).1] {
        let error = repo.push(&desc, Blob::from_bytes(wrong)).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_told(&error, &[desc.digest.as_str()]);
        assert!(error.is_from_blob(), "the source is to blame: {error:?}");
    }
    assert!(!oras_content::ReadOnlyStorage::exists(&repo, &desc).await.unwrap());
    assert_eq!(server.open_sessions(), 0, "sessions are given back");
}

#[tokio::test]
async fn a_manifest_over_the_limit_is_refused_on_both_sides() {
    let large = Limits::with(|limits| limits.manifest = 16 << 20);
    let server = Server::builder().with_limits(large).with_sparse(true).start().await.unwrap();
    let generous = repository_with(&server, "a/b", plain().with_metadata_limit(16 << 20));
    let config = Descriptor::of("application/vnd.test.config", b"x");
    let manifest = oras_descriptor::Manifest::new(config, Vec::new());
    let note = [("note".to_owned(), "n".repeat((4 << 20) + 1))].into();
    let bytes = oras_descriptor::canonical(&manifest.with_annotations(note));
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    let push = oras_content::Target::push_reference(&generous, &desc, Blob::from_bytes(bytes.clone()), "v1");
    push.await.unwrap();

    let repo = repository(&server, "a/b");
    let (by_tag, by_digest) = (repo.fetch_reference("v1").await.unwrap_err(), repo.fetch(&desc).await.unwrap_err());
    let pushed = repository(&server, "a/c").push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    for error in [by_tag, by_digest, pushed] {
        assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
        assert_told(&error, &["4194304", "with_metadata_limit"]);
    }
}

#[tokio::test]
async fn an_error_page_in_place_of_a_manifest_is_told_with_its_status() {
    let page = Action::Html(StatusCode::FORBIDDEN);
    let (server, repo, _) = server_with_image(|b| b.faults.push(Fault::new(page))).await;
    let error = repo.fetch_reference("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_told(&error, &[&format!("{}/a/b:v1", server.host()), "403", "GET"]);
}

#[tokio::test]
async fn an_error_page_with_status_200_is_no_manifest() {
    let page = Action::Html(StatusCode::OK);
    let (server, repo, desc) = server_with_image(|b| b.faults.push(Fault::new(page))).await;
    let _ = &server;
    for error in [repo.fetch_reference("v1").await.unwrap_err(), repo.fetch(&desc).await.unwrap_err()] {
        assert_told(&error, &["text/html"]);
        assert!(matches!(error.kind(), ErrorKind::Corrupt | ErrorKind::InvalidMediaType), "{error:?}");
    }
}

#[tokio::test]
async fn an_error_page_of_a_proxy_is_asked_past() {
    let page = Action::Html(StatusCode::BAD_GATEWAY);
    let (_server, repo, desc) = server_with_image(|b| b.faults.push(Fault::new(page).times(2))).await;
    assert_eq!(repo.fetch_reference("v1").await.unwrap().0, desc);
}

#[tokio::test]
async fn a_manifest_under_another_media_type_is_corrupt() {
    let (_server, repo, desc) = server_with_image(|b| b.manifests.content_type = Some("text/plain".into())).await;
    for error in [repo.fetch_reference("v1").await.unwrap_err(), repo.fetch(&desc).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_told(&error, &["text/plain", MediaType::OCI_MANIFEST.as_str()]);
    }
}

#[tokio::test]
async fn a_malformed_media_type_is_told() {
    let (_server, repo, _) = server_with_image(|b| b.manifests.content_type = Some("manifest".into())).await;
    let error = repo.fetch_reference("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidMediaType);
    assert_told(&error, &["\"manifest\"", "expected the type of a manifest"]);
}

#[tokio::test]
async fn content_of_an_unknown_media_type_is_a_blob() {
    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "a/b");
    let desc = push(&repo, &MediaType::new("application/vnd.nobody.knows+cbor"), &Bytes::from_static(b"x")).await;
    assert_eq!(read(&repo, &desc).await.unwrap(), "x");
    assert_eq!(requests(&server, &[RequestKind::ManifestPut]), 0);
    let error = oras_content::Tagger::tag(&repo, &desc, "v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_told(&error, &["application/vnd.nobody.knows+cbor"]);
}

#[tokio::test]
async fn a_refused_connection_is_told_at_once() {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let host = listener.local_addr().unwrap().to_string();
    drop(listener);
    let repo = Repository::new(&format!("{host}/a/b"), plain()).unwrap();
    let error = repo.resolve("v1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert_told(&error, &[&host, "connection refused", "is it running"]);
}

#[tokio::test]
async fn who_is_not_logged_in_is_told_where_to_and_for_what() {
    for scheme in [AuthScheme::Basic, AuthScheme::Token] {
        let server = guarded(scheme).start().await.unwrap();
        let (repo, host) = (repository(&server, "team/app"), server.host());
        let (desc, bytes) = blob(10, 1);
        let pulled = repo.resolve("v1").await.unwrap_err();
        let pushed = repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
        for (error, scope) in [(pulled, "repository:team/app:pull"), (pushed, "repository:team/app:pull,push")] {
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert_told(&error, &[&host, scope, &format!("log in to {host} first")]);
        }
    }
}

#[tokio::test]
async fn who_is_refused_is_told_as_whom_and_for_what() {
    for scheme in [AuthScheme::Basic, AuthScheme::Token] {
        let server = guarded(scheme).start().await.unwrap();
        let wrong = StaticCredential::new(server.host(), Credential::password("alice", "wrong"));
        let repo = repository_with(&server, "team/app", plain().with_credentials(wrong));
        let error = repo.resolve("v1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let words = [&server.host(), "the user alice", "repository:team/app:pull", "password", "log in again"];
        assert_told(&error, &words);

        let accounts = Accounts::new().with_user("alice", "secret", [Permission::own("mine/*")]);
        let server = Server::builder().with_auth(scheme, accounts).start().await.unwrap();
        let repo = repository_with(&server, "team/app", as_alice(&server.host(), plain()));
        let error = repo.resolve("v1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert_told(&error, &[&server.host(), "the user alice", "repository:team/app:pull"]);
    }
}

#[tokio::test]
async fn an_unknown_tag_is_told_with_its_whole_name() {
    let (server, repo, _) = server_with_image(|_| ()).await;
    let error = repo.fetch_reference("v2").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_told(&error, &[&format!("{}/a/b:v2", server.host())]);
}

#[tokio::test]
async fn without_a_digest_header_one_get_tells_the_digest() {
    let (server, repo, desc) = server_with_image(|b| b.manifests.digest = DigestHeader::Absent).await;
    let before = requests(&server, &[RequestKind::ManifestGet]);
    assert_eq!(repo.resolve("v1").await.unwrap(), desc);
    assert_eq!(requests(&server, &[RequestKind::ManifestGet]) - before, 1);
}

#[tokio::test]
async fn a_wrong_digest_header_is_corrupt() {
    let (_server, repo, desc) = server_with_image(|b| b.manifests.digest = DigestHeader::Wrong).await;
    for error in [repo.fetch_reference("v1").await.unwrap_err(), repo.fetch(&desc).await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::Corrupt);
        assert_told(&error, &["expected sha256:", "found sha256:"]);
    }
}

#[tokio::test]
async fn blobs_go_to_relative_and_absolute_locations() {
    let server = Server::builder().start().await.unwrap();
    let styles = [LocationStyle::Relative, LocationStyle::Absolute, LocationStyle::QueryOnly, LocationStyle::OutsideV2];
    for (style, seed) in styles.into_iter().zip(1..) {
        server.set_behaviour(Behaviour::with(|b| b.uploads.location = style));
        let repo = repository(&server, "a/b");
        let bytes = blob(1000, seed).1;
        let desc = push(&repo, &MediaType::OCI_LAYER, &bytes).await;
        assert_eq!(read(&repo, &desc).await.unwrap(), bytes, "{style:?}");
    }
}

#[tokio::test]
async fn a_manifest_is_stored_though_nobody_says_where() {
    let server = Server::builder().start().await.unwrap();
    server.set_behaviour(Behaviour::with(|b| {
        b.manifests.omit_location = true;
        b.manifests.digest = DigestHeader::Absent;
    }));
    let repo = repository(&server, "a/b");
    let desc = image(&repo, 1, 10, 1).await;
    assert_eq!(Descriptor::of(desc.media_type.clone(), &read(&repo, &desc).await.unwrap()), desc);
}
