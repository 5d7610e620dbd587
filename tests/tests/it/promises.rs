//! What the guides promise, where no other test shows it.

use bytes::Bytes;
use http::header::AUTHORIZATION;
use oras_auth::{Credential, StaticCredential};
use oras_content::{Blob, Descriptor, ErrorKind, Fetcher as _, Pusher as _};
use oras_registry::{Accounts, AuthScheme, Permission, Server};
use oras_remote::{Mirror, RegistryOptions, Repository};

fn alice(server: &Server) -> StaticCredential {
    StaticCredential::new(server.host(), Credential::password("alice", "secret"))
}

async fn asks_for_a_password() -> Server {
    let accounts = Accounts::new().with_user("alice", "secret", [Permission::all()]);
    Server::builder().with_auth(AuthScheme::Basic, accounts).with_recorded_requests(100).start().await.unwrap()
}

#[tokio::test]
async fn a_mirror_does_not_get_the_credentials_of_the_registry() {
    let (origin, mirror) = (asks_for_a_password().await, asks_for_a_password().await);
    let content = Bytes::from_static(b"for alice");
    let desc = Descriptor::of("a/b", &content);
    let options = RegistryOptions::new()
        .with_plain_http(true)
        .with_credentials(alice(&origin))
        .with_mirror(Mirror::new(&mirror.host()).unwrap().with_plain_http(true));
    let repository = Repository::new(&format!("{}/demo", origin.host()), options).unwrap();
    repository.push(&desc, Blob::from_bytes(content.clone())).await.unwrap();

    assert_eq!(repository.fetch(&desc).await.unwrap().bytes(100).await.unwrap(), content);
    let asked = mirror.requests();
    assert!(!asked.is_empty() && asked.iter().all(|request| !request.headers.contains_key(AUTHORIZATION)), "{asked:?}");
    assert!(origin.requests().iter().any(|request| request.headers.contains_key(AUTHORIZATION)));
}

#[tokio::test]
async fn plain_http_is_not_spoken_unless_asked_for() {
    let server = Server::builder().with_recorded_requests(100).start().await.unwrap();
    let repository = Repository::new(&format!("{}/demo", server.host()), RegistryOptions::new()).unwrap();
    let error = repository.fetch(&Descriptor::of("a/b", b"x")).await.unwrap().bytes(100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(server.requests().is_empty());
}
