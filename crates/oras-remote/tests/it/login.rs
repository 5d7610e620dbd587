//! Credentials are checked before they are stored.

use std::sync::Mutex;

use oras_auth::{Credential, CredentialProvider, CredentialStore};
use oras_content::{BoxFuture, ErrorKind, Result};
use oras_remote::{RegistryOptions, login, logout};
use oras_testing::{Expected, Reply, ScriptedService};
use oras_transport::HttpClient;

/// The servers whose credentials it holds.
#[derive(Default)]
struct Store(Mutex<Vec<String>>);

impl CredentialProvider for Store {
    fn credential<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(async { Ok(Credential::anonymous()) })
    }
}

impl CredentialStore for Store {
    fn put<'a>(&'a self, server: &'a str, _: &'a Credential) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap().push(server.to_owned());
        Box::pin(async { Ok(()) })
    }

    fn delete<'a>(&'a self, server: &'a str) -> BoxFuture<'a, Result<()>> {
        self.0.lock().unwrap().retain(|kept| kept != server);
        Box::pin(async { Ok(()) })
    }
}

fn over(service: &ScriptedService) -> RegistryOptions {
    RegistryOptions::new().with_transport(HttpClient::from_service(service.clone()))
}

fn challenged() -> ScriptedService {
    let challenge = Reply::status(401).header("www-authenticate", "Basic realm=x");
    ScriptedService::new().expect(Expected::get("/v2/").no_header("authorization"), challenge)
}

fn with_password() -> Expected {
    // me:secret
    Expected::get("/v2/").header("authorization", "Basic bWU6c2VjcmV0")
}

#[tokio::test]
async fn what_the_registry_takes_is_stored_and_forgotten_again() {
    for (host, key) in [("registry.example", "registry.example"), ("docker.io", "https://index.docker.io/v1/")] {
        let store = Store::default();
        let service = challenged().expect(with_password(), Reply::status(200));
        login(&store, host, &Credential::password("me", "secret"), over(&service)).await.unwrap();
        assert_eq!(*store.0.lock().unwrap(), [key]);
        service.finish();
        logout(&store, host).await.unwrap();
        assert!(store.0.lock().unwrap().is_empty());
    }
}

#[tokio::test]
async fn what_the_registry_refuses_is_not_stored() {
    let store = Store::default();
    let service = challenged().expect(with_password(), Reply::status(401).header("www-authenticate", "Basic realm=x"));
    let error =
        login(&store, "registry.example", &Credential::password("me", "secret"), over(&service)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(store.0.lock().unwrap().is_empty());
    service.finish();
}

#[tokio::test]
async fn a_client_with_an_identity_of_its_own_cannot_log_in() {
    let client = HttpClient::from_service(ScriptedService::new());
    let options = RegistryOptions::new().with_client(client);
    let refused = login(&Store::default(), "registry.example", &Credential::password("me", "secret"), options).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::Unsupported);
}
