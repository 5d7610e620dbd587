//! A registry, who one is there, and what one is called.

use std::fs;

use http::HeaderValue;
use oras::auth::{Credential, CredentialProvider, StaticCredential};
use oras::content::Resolver as _;
use oras::copy::tag_bytes;
use oras::credentials::{DockerConfigStore, MemoryCredentials};
use oras::descriptor::{Index, canonical};
use oras::registry::{Accounts, AuthScheme, Permission, Server};
use oras::remote::{Registry, RegistryOptions, Repository, login, logout};
use oras::transport::{HttpBody, HttpClient};
use oras::{ErrorKind, MediaType, Result};

async fn guarded(scheme: AuthScheme) -> Server {
    let accounts = Accounts::new().with_user("alice", "secret", [Permission::all()]);
    Server::builder().with_auth(scheme, accounts).start().await.unwrap()
}

fn plain() -> RegistryOptions {
    RegistryOptions::new().with_plain_http(true)
}

async fn push(host: &str, options: RegistryOptions) -> Result<()> {
    let repository = Repository::new(&format!("{host}/team/app"), options)?;
    tag_bytes(&repository, MediaType::OCI_INDEX, canonical(&Index::new(Vec::new())), "v1").await.map(drop)
}

#[tokio::test]
async fn requests_carry_the_name_of_the_program() {
    let server = Server::builder().with_recorded_requests(10).start().await.unwrap();
    let client = HttpClient::builder().with_user_agent(HeaderValue::from_static("my-program/1.0")).build();
    push(&server.host(), plain().with_transport(client)).await.unwrap();
    let requests = server.requests();
    assert!(!requests.is_empty() && requests.iter().all(|request| request.headers["user-agent"] == "my-program/1.0"));
}

#[tokio::test]
async fn a_registry_knows_us_by_a_given_credential_or_by_dockers_files() {
    let server = guarded(AuthScheme::Basic).await;
    let host = server.host();
    assert_eq!(push(&host, plain()).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    let alice = StaticCredential::new(host.as_str(), Credential::password("alice", "secret"));
    push(&host, plain().with_credentials(alice)).await.unwrap();

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    // base64 of `alice:secret`
    fs::write(&path, format!(r#"{{"auths":{{"{host}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#)).unwrap();
    push(&host, plain().with_credentials(DockerConfigStore::new(path))).await.unwrap();
}

#[tokio::test]
async fn one_registry_gives_all_its_repositories() {
    let server = Server::builder().start().await.unwrap();
    let registry = Registry::new(&server.host(), plain()).unwrap();
    for name in ["a", "b/c"] {
        let repository = registry.repository(name).unwrap();
        let index = canonical(&Index::new(Vec::new()));
        let index = tag_bytes(&repository, MediaType::OCI_INDEX, index, "v1").await.unwrap();
        assert_eq!(repository.resolve("v1").await.unwrap().digest, index.digest);
    }
}

#[tokio::test]
async fn logging_in_stores_what_the_registry_took_and_logging_out_forgets_it() {
    let server = guarded(AuthScheme::Basic).await;
    let (host, dir) = (server.host(), tempfile::tempdir().unwrap());
    let store = DockerConfigStore::new(dir.path().join("config.json")).allow_plaintext();
    let wrong = login(&store, &host, &Credential::password("alice", "wrong"), plain()).await.unwrap_err();
    assert_eq!(wrong.kind(), ErrorKind::Unauthorized);
    assert!(!store.path().exists(), "nothing is stored that the registry refuses");

    login(&store, &host, &Credential::password("alice", "secret"), plain()).await.unwrap();
    push(&host, plain().with_credentials(store.clone())).await.unwrap();
    for _ in 0..2 {
        // The second time there is nothing to forget, which is no error.
        logout(&store, &host).await.unwrap();
        assert!(store.credential(&host, None).await.unwrap().is_anonymous());
    }
    assert_eq!(push(&host, plain().with_credentials(store)).await.unwrap_err().kind(), ErrorKind::Unauthorized);
}

/// An identity token, as a login gives it to who asks for one.
async fn identity_token(server: &Server) -> String {
    let url = format!("{}/token?service={}&offline_token=true", server.url(), server.host());
    // base64 of `alice:secret`
    let request = http::Request::get(url).header("authorization", "Basic YWxpY2U6c2VjcmV0").body(HttpBody::empty());
    let answer = HttpClient::new().send(request.unwrap()).await.unwrap().into_body().bytes(64 << 10).await.unwrap();
    let answer: serde_json::Value = serde_json::from_slice(&answer).unwrap();
    answer["refresh_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn an_identity_token_is_a_credential_without_a_user_name() {
    let server = guarded(AuthScheme::Token).await;
    let (host, store) = (server.host(), MemoryCredentials::new());
    let token = Credential::refresh_token(identity_token(&server).await);
    login(&store, &host, &token, plain()).await.unwrap();
    push(&host, plain().with_credentials(store.clone())).await.unwrap();
    let wrong = login(&store, &host, &Credential::refresh_token("made up"), plain()).await.unwrap_err();
    assert!(matches!(wrong.kind(), ErrorKind::Unauthorized | ErrorKind::Denied), "{:?}", wrong.kind());
}
