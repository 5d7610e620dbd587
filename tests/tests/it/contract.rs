//! A repository keeps the contract of the roles, over every kind of access and every deviation of registries; and what
//! the stores' answers about existence mean for a copy.

use http::StatusCode;
use oras_auth::{Credential, StaticCredential};
use oras_content::{AnyTarget, Blob, Pusher as _, Tagger as _, fetch_all};
use oras_copy::CopyOptions;
use oras_descriptor::Descriptor;
use oras_layout::OciLayout;
use oras_memory::MemoryStore;
use oras_pack::{PackManifestOptions, PackManifestVersion, pack_manifest};
use oras_registry::{
    Accounts, AuthScheme, Behaviour, Builder, ChallengeScope, DigestHeader, Limits, LocationStyle, Permission,
    ReachedRange, Redirect, ReferrersQuirk, RequestKind, Server,
};
use oras_remote::{RegistryOptions, UploadStrategy};
use oras_testing::contract::{self, Capabilities, Capability};

use crate::support::{plain, repository_with, requests};

pub(crate) fn capabilities() -> Capabilities {
    Capabilities::all().without(Capability::Predecessors)
}

/// The name of the repository in which a rule is tried.
pub(crate) fn name(rule: &str) -> String {
    format!("contract/{}", rule.replace('_', "-"))
}

async fn check(what: &str, server: &Server, options: impl Fn() -> RegistryOptions) {
    let fresh = async |rule: &'static str| repository_with(server, &name(rule), options());
    contract::check(what, &capabilities(), fresh).await;
}

/// Checks a repository of a server that deviates.
async fn check_behaviour(what: &str, change: impl FnOnce(&mut Behaviour)) -> Server {
    let server = Server::builder().with_behaviour(Behaviour::with(change)).with_second_origin();
    let server = server.start().await.unwrap();
    check(what, &server, plain).await;
    server
}

pub(crate) fn guarded(scheme: AuthScheme) -> Builder {
    Server::builder().with_auth(scheme, Accounts::new().with_user("alice", "secret", [Permission::all()]))
}

pub(crate) fn as_alice(host: &str, options: RegistryOptions) -> RegistryOptions {
    options.with_credentials(StaticCredential::new(host, Credential::password("alice", "secret")))
}

#[tokio::test]
async fn a_repository_keeps_the_contract() {
    check_behaviour("Repository", |_| ()).await;
}

#[tokio::test]
async fn a_repository_behind_any_target_keeps_the_contract() {
    let server = Server::builder().start().await.unwrap();
    let fresh = async |rule: &'static str| AnyTarget::with_graph(repository_with(&server, &name(rule), plain()));
    contract::check("AnyTarget over Repository", &capabilities(), fresh).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_with_user_and_password() {
    let server = guarded(AuthScheme::Basic).start().await.unwrap();
    check("Repository with Basic", &server, || as_alice(&server.host(), plain())).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_with_tokens() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    check("Repository with tokens", &server, || as_alice(&server.host(), plain())).await;
    assert!(requests(&server, &[RequestKind::Token]) > 0);
}

#[tokio::test]
async fn a_repository_keeps_the_contract_with_challenges_that_name_another_scope() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    for scope in [
        ChallengeScope::Placeholder("repository:user/image:pull".into()),
        ChallengeScope::PullOnly,
        ChallengeScope::Absent,
    ] {
        server.set_behaviour(Behaviour::with(|behaviour| behaviour.tokens.scope = scope.clone()));
        let host = server.host();
        let fresh = async |rule: &'static str| {
            let name = format!("{}-{}", name(rule), format!("{scope:?}").len());
            repository_with(&server, &name, as_alice(&host, plain()))
        };
        contract::check(&format!("Repository with {scope:?}"), &capabilities(), fresh).await;
    }
}

#[tokio::test]
async fn a_repository_behind_any_target_keeps_the_contract_with_tokens() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    let options = || as_alice(&server.host(), plain());
    let fresh = async |rule: &'static str| AnyTarget::with_graph(repository_with(&server, &name(rule), options()));
    contract::check("AnyTarget over Repository with tokens", &capabilities(), fresh).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_without_the_referrers_api() {
    for status in [StatusCode::NOT_FOUND, StatusCode::NOT_ACCEPTABLE] {
        check_behaviour("Repository without referrers", |behaviour| {
            behaviour.lists.referrers = ReferrersQuirk::Status(status);
        })
        .await;
    }
    check_behaviour("Repository with a page for referrers", |b| b.lists.referrers = ReferrersQuirk::Page).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_without_digest_headers() {
    check_behaviour("Repository without Docker-Content-Digest", |behaviour| {
        behaviour.blobs.digest = DigestHeader::Absent;
        behaviour.manifests.digest = DigestHeader::Absent;
        behaviour.uploads.omit_digest = true;
        behaviour.uploads.omit_location = true;
        behaviour.manifests.omit_location = true;
    })
    .await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_with_every_form_of_location() {
    for style in [
        LocationStyle::Relative,
        LocationStyle::Absolute,
        LocationStyle::Rotating,
        LocationStyle::QueryOnly,
        LocationStyle::OutsideV2,
    ] {
        check_behaviour(&format!("Repository with {style:?}"), |behaviour| behaviour.uploads.location = style).await;
    }
}

#[tokio::test]
async fn a_repository_keeps_the_contract_with_blobs_at_another_origin() {
    let server = check_behaviour("Repository with redirects", |behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
    })
    .await;
    assert!(requests(&server, &[RequestKind::SecondOrigin]) > 0);
    check_behaviour("Repository with redirects at home", |b| b.blobs.redirect = Redirect::SameOrigin).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_in_chunks() {
    let server = Server::builder().with_limits(Limits::with(|limits| limits.min_chunk = Some(64 << 10)));
    let server = server.start().await.unwrap();
    let options = || plain().with_upload_strategy(UploadStrategy::Chunked(10_000));
    check("Repository in chunks of a minimum", &server, options).await;
    assert!(requests(&server, &[RequestKind::UploadChunk]) > 10);
}

#[tokio::test]
async fn a_repository_keeps_the_contract_whatever_is_said_about_chunks() {
    for range in [ReachedRange::Stuck, ReachedRange::OffByOne, ReachedRange::WithUnit, ReachedRange::Absent] {
        let server = Server::builder().with_behaviour(Behaviour::with(|behaviour| behaviour.uploads.range = range));
        let server = server.start().await.unwrap();
        let options = || plain().with_upload_strategy(UploadStrategy::Chunked(300_000));
        check(&format!("Repository with {range:?}"), &server, options).await;
    }
}

#[tokio::test]
async fn a_repository_keeps_the_contract_with_every_way_of_upload() {
    for strategy in [UploadStrategy::Post, UploadStrategy::Stream] {
        let server = Server::builder().start().await.unwrap();
        check(&format!("Repository by {strategy:?}"), &server, || plain().with_upload_strategy(strategy)).await;
    }
}

/// A file under a manifest's digest, left there with nothing that it points to, does not stand for a whole graph.
#[tokio::test]
async fn a_copy_into_a_layout_is_whole_though_a_file_lies_under_the_digest_of_its_root() {
    let source = MemoryStore::new();
    let layer = Descriptor::of("application/x-layer", b"layer");
    source.push(&layer, Blob::from_bytes("layer".into())).await.unwrap();
    let options = PackManifestOptions::new().with_layers(vec![layer.clone()]);
    let root = pack_manifest(&source, PackManifestVersion::V1_1, "application/x-artifact", &options).await.unwrap();
    source.tag(&root, "v1").await.unwrap();
    let bytes = fetch_all(&source, &root, 1 << 20).await.unwrap();

    let dir = tempfile::tempdir().unwrap();
    let layout = OciLayout::create(dir.path()).await.unwrap();
    let as_layer = Descriptor::of("application/x-layer", &bytes);
    layout.push(&as_layer, Blob::from_bytes(bytes)).await.unwrap();
    oras_copy::copy(&source, "v1", &layout, "v1", &CopyOptions::new()).await.unwrap();
    assert_eq!(fetch_all(&layout, &layer, 100).await.unwrap(), "layer");
    assert!(layout.fsck().await.unwrap().is_clean());
}
