//! Over TLS under a private authority: the contract, and what a person is told when it fails.

use oras_content::{ErrorKind, Resolver as _};
use oras_registry::{AuthScheme, Behaviour, LocationStyle, Server};
use oras_remote::{RegistryOptions, Repository};
use oras_testing::contract;

use crate::{
    contract::{as_alice, capabilities, guarded, name},
    support::{Authority, Protocol, assert_told, builder, plain},
};

async fn check(what: &str, server: &Server, protocol: Protocol, change: impl FnOnce(&mut Behaviour)) {
    let authority = Authority::new();
    let host = format!("localhost:{}", authority.guard(server.addr(), protocol).await);
    let mut behaviour = Behaviour::with(change);
    // The registry behind the proxy does not know that it is asked by https.
    behaviour.tokens.realm = Some(format!("https://{host}/token"));
    server.set_behaviour(behaviour);
    let client = authority.trust(builder()).build();
    let options = as_alice(&host, RegistryOptions::new().with_transport(client));
    let fresh = async |rule: &'static str| {
        Repository::new(&format!("{host}/{}", name(rule)), options.clone()).unwrap()
    };
    contract::check(what, &capabilities(), fresh).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_under_a_private_authority() {
    let server = guarded(AuthScheme::Basic).start().await.unwrap();
    check("Repository over TLS", &server, Protocol::Http1, |_| ()).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_over_http_2() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    check("Repository over HTTP/2", &server, Protocol::Http2, |_| ()).await;
}

#[tokio::test]
async fn a_repository_keeps_the_contract_behind_a_proxy_that_hides_tls() {
    let server = guarded(AuthScheme::Token).start().await.unwrap();
    // Locations say http, at the host and port that the client asked.
    check("Repository behind a proxy", &server, Protocol::Http1, |b| b.uploads.location = LocationStyle::Absolute).await;
}

#[tokio::test]
async fn an_unknown_authority_is_named_with_what_to_do() {
    let server = Server::builder().start().await.unwrap();
    let host = format!("localhost:{}", Authority::new().guard(server.addr(), Protocol::Http1).await);
    let client = Authority::new().trust(builder()).build();
    let repo = Repository::new(&format!("{host}/a"), RegistryOptions::new().with_transport(client)).unwrap();
    let error = repo.resolve("v1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert_told(&error, &[&host, "authority", "add that authority's certificate"]);
    assert_eq!(server.counters().total(), 0);
}

#[tokio::test]
async fn http_where_https_is_spoken_is_explained() {
    let server = Server::builder().start().await.unwrap();
    let host = format!("localhost:{}", Authority::new().guard(server.addr(), Protocol::Http1).await);
    let repo = Repository::new(&format!("{host}/a"), plain()).unwrap();
    let error = repo.resolve("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_told(&error, &[&host, "https"]);
}

#[tokio::test]
async fn https_where_http_is_spoken_is_explained() {
    let server = Server::builder().start().await.unwrap();
    let client = builder().build();
    let repo = Repository::new(&format!("{}/a", server.host()), RegistryOptions::new().with_transport(client));
    let error = repo.unwrap().resolve("v1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Io, false));
    assert_told(&error, &[&server.host(), "plain http"]);
}
