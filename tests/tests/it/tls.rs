//! Over TLS under a private authority: the contract, and what a person is told when it fails.

use futures_util::future::join_all;
use oras_content::{ErrorKind, Resolver as _};
use oras_registry::{AuthScheme, Behaviour, Builder, LocationStyle, Server};
use oras_remote::{RegistryOptions, Repository};
use oras_testing::contract;
use oras_transport::HttpClientBuilder;

use crate::{
    contract::{as_alice, capabilities, guarded, name},
    support::{Authority, assert_told, builder, image, plain, repository, repository_with},
};

async fn check(what: &str, server: Builder, client: HttpClientBuilder) -> (Server, RegistryOptions) {
    let authority = Authority::new();
    let server = authority.serve(server).await;
    let client = authority.trust(client).build();
    let options = as_alice(&server.host(), RegistryOptions::new().with_transport(client));
    let fresh = async |rule: &'static str| repository_with(&server, &name(rule), options.clone());
    contract::check(what, &capabilities(), fresh).await;
    (server, options)
}

/// Asks for the same sixteen times at once, and gives how many connections that took.
async fn new_connections(server: &Server, options: RegistryOptions) -> u64 {
    let repo = repository_with(server, "many", options);
    let desc = image(&repo, 0, 0, 1).await;
    let before = server.counters().connections();
    let found = join_all((0..16).map(|_| repo.resolve(desc.digest.as_str()))).await;
    assert!(found.into_iter().all(|found| found.unwrap().digest == desc.digest));
    server.counters().connections() - before
}

#[tokio::test]
async fn a_repository_keeps_the_contract_over_http_2() {
    let (server, options) = check("Repository over HTTP/2", guarded(AuthScheme::Token), builder()).await;
    assert_eq!(new_connections(&server, options).await, 0, "one connection is enough for all");
}

#[tokio::test]
async fn a_repository_keeps_the_contract_over_tls_and_http_1() {
    let client = builder().http1_only();
    let (server, options) = check("Repository over TLS", guarded(AuthScheme::Basic), client).await;
    assert!(new_connections(&server, options).await > 1);
}

#[tokio::test]
async fn a_repository_keeps_the_contract_where_locations_hide_tls() {
    let quirk = Behaviour::with(|behaviour| behaviour.uploads.location = LocationStyle::OtherScheme);
    check("Repository behind a proxy", guarded(AuthScheme::Token).with_behaviour(quirk), builder()).await;
}

#[tokio::test]
async fn an_unknown_authority_is_named_with_what_to_do() {
    let server = Authority::new().serve(Server::builder()).await;
    let client = Authority::new().trust(builder()).build();
    let error = repository_with(&server, "a", RegistryOptions::new().with_transport(client)).resolve("v1").await;
    let error = error.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert_told(&error, &[&server.host(), "authority", "add that authority's certificate"]);
    assert_eq!(server.counters().total(), 0);
}

#[tokio::test]
async fn a_server_of_another_name_is_refused() {
    let authority = Authority::new();
    let server = authority.serve(Server::builder()).await;
    let client = authority.trust(builder()).build();
    let host = server.addr().to_string();
    let repo = Repository::new(&format!("{host}/a"), RegistryOptions::new().with_transport(client)).unwrap();
    let error = repo.resolve("v1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert_told(&error, &[&host, "certificate"]);
}

#[tokio::test]
async fn http_where_https_is_spoken_is_explained() {
    let server = Authority::new().serve(Server::builder()).await;
    let error = repository_with(&server, "a", plain()).resolve("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_told(&error, &[&server.host(), "https"]);
}

#[tokio::test]
async fn https_where_http_is_spoken_is_explained() {
    let server = Server::builder().start().await.unwrap();
    let options = RegistryOptions::new().with_transport(builder().build());
    let error = repository_with(&server, "a", options).resolve("v1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert_told(&error, &[&server.host(), "plain http"]);
    assert!(repository(&server, "a").resolve("v1").await.is_err_and(|error| error.kind() == ErrorKind::NotFound));
}
