//! Mirrors: whom they answer for, and what they are told about us.

use std::task::{Context, Poll};

use http::HeaderValue;
use oras_auth::{Credential, CredentialProvider};
use oras_content::{BoxFuture, Descriptor, Error, Fetcher as _, Resolver as _, Result};
use oras_remote::{Mirror, Registry, RegistryOptions, Repository};
use oras_testing::{Expected, Reply, ScriptedService};
use oras_transport::{HttpClient, Request, Response};
use tower_service::Service;

use crate::support::{MANIFEST, blob, manifest, manifest_reply};

const ORIGIN: &str = "https://registry.example";
const MIRROR: &str = "https://mirror.example";
/// `origin:secret` and `mirror:secret` for Basic.
const AS_ORIGIN: &str = "Basic b3JpZ2luOnNlY3JldA==";
const AS_MIRROR: &str = "Basic bWlycm9yOnNlY3JldA==";

fn mirror() -> Mirror {
    Mirror::new("mirror.example").unwrap()
}

/// Has a credential for whoever asks.
struct Everywhere(&'static str);

impl CredentialProvider for Everywhere {
    fn credential<'a>(&'a self, _: &'a str, _: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        Box::pin(std::future::ready(Ok(Credential::password(self.0, "secret"))))
    }
}

fn repository(options: RegistryOptions) -> Repository {
    Registry::new("registry.example", options).unwrap().repository("app").unwrap()
}

fn options(service: &ScriptedService, mirror: Mirror) -> RegistryOptions {
    let options = RegistryOptions::new().with_transport(HttpClient::from_service(service.clone()));
    options.with_credentials(Everywhere("origin")).with_mirror(mirror)
}

fn at_mirror(desc: &Descriptor) -> Expected {
    Expected::get(format!("/v2/app/blobs/{}?ns=registry.example", desc.digest)).origin(MIRROR)
}

fn at_origin(desc: &Descriptor) -> Expected {
    Expected::get(format!("/v2/app/blobs/{}", desc.digest)).origin(ORIGIN)
}

fn unauthorized() -> Reply {
    Reply::status(401).header("www-authenticate", "Basic realm=\"somewhere\"")
}

async fn read(repo: &Repository, desc: &Descriptor) -> Result<bytes::Bytes> {
    repo.fetch(desc).await?.bytes(100).await
}

#[tokio::test]
async fn a_mirror_that_asks_for_credentials_never_gets_those_of_the_registry() {
    let (desc, bytes) = blob("0123456789");
    let service = ScriptedService::new()
        .expect(at_mirror(&desc).no_header("authorization"), unauthorized())
        .expect(at_origin(&desc).no_header("authorization"), unauthorized())
        .expect(at_origin(&desc).header("authorization", AS_ORIGIN), Reply::status(200).body(bytes.clone()));
    let repo = repository(options(&service, mirror()));
    assert_eq!(read(&repo, &desc).await.unwrap(), bytes);
    service.finish();
}

#[tokio::test]
async fn a_mirror_gets_its_own_credentials_and_keeps_them_to_itself() {
    let (desc, bytes) = blob("0123456789");
    let service = ScriptedService::new()
        .expect(at_mirror(&desc).no_header("authorization"), unauthorized())
        .expect(at_mirror(&desc).header("authorization", AS_MIRROR), Reply::status(200).body(bytes.clone()))
        // From then on it is told at once; where it fails, the registry hears nothing of it.
        .expect(at_mirror(&desc).header("authorization", AS_MIRROR), Reply::status(404))
        .expect(at_origin(&desc).no_header("authorization"), Reply::status(200).body(bytes.clone()));
    let repo = repository(options(&service, mirror().with_credentials(Everywhere("mirror"))));
    assert_eq!(read(&repo, &desc).await.unwrap(), bytes);
    assert_eq!(read(&repo, &desc).await.unwrap(), bytes);
    service.finish();
}

#[tokio::test]
async fn a_mirror_that_refuses_its_credentials_is_passed_over() {
    let (desc, bytes) = manifest();
    let at = |origin, query| Expected::head(format!("/v2/app/manifests/v1{query}")).origin(origin);
    let get = Expected::get("/v2/app/manifests/v1?ns=registry.example").origin(MIRROR);
    let service = ScriptedService::new()
        .expect(at(MIRROR, "?ns=registry.example").no_header("authorization"), unauthorized())
        .expect(at(MIRROR, "?ns=registry.example").header("authorization", AS_MIRROR), unauthorized())
        .expect(get.header("authorization", AS_MIRROR), unauthorized())
        .expect(at(ORIGIN, "").no_header("authorization"), manifest_reply(MANIFEST, &bytes));
    let reply = manifest_reply(MANIFEST, &bytes);
    let service = service.expect(Expected::get("/v2/app/manifests/v1").origin(ORIGIN), reply);
    let repo = repository(options(&service, mirror().with_credentials(Everywhere("mirror"))));
    assert_eq!(repo.resolve("v1").await.unwrap(), desc);
    service.finish();
}

#[tokio::test]
async fn a_mirror_that_answers_for_another_registry_is_passed_over() {
    let (desc, bytes) = manifest();
    for (namespace, is_believed) in [
        ("registry.example", true),
        ("REGISTRY.example", true),
        ("no registry at all", true),
        ("other.example", false),
        ("docker.io", false),
    ] {
        let tag = |origin, query: &str| Expected::head(format!("/v2/app/manifests/v1{query}")).origin(origin);
        let reply = || manifest_reply(MANIFEST, &bytes).header("docker-content-digest", desc.digest.to_string());
        let mut service = ScriptedService::new()
            .expect(tag(MIRROR, "?ns=registry.example"), reply().header("oci-namespace", namespace));
        if !is_believed {
            service = service.expect(tag(ORIGIN, ""), reply());
        }
        let repo = repository(options(&service, mirror()));
        assert_eq!(repo.resolve("v1").await.unwrap(), desc, "{namespace}");
        service.finish();
    }
}

/// Says who it is on every request, wherever it goes.
#[derive(Clone)]
struct Talkative(HttpClient);

impl Service<Request> for Talkative {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let client = self.0.clone();
        request.headers_mut().insert("authorization", HeaderValue::from_static("Bearer of-the-registry"));
        Box::pin(async move { client.send(request).await })
    }
}

#[tokio::test]
async fn a_client_that_authenticates_by_itself_speaks_to_the_registry_alone() {
    let (mut desc, bytes) = blob("0123456789");
    desc.urls.push("https://elsewhere.example/blob".to_owned());
    let elsewhere = Expected::get("/blob").origin("https://elsewhere.example").no_header("authorization");
    let service = ScriptedService::new()
        .expect(at_mirror(&desc).no_header("authorization"), Reply::status(404))
        .expect(at_origin(&desc).header("authorization", "Bearer of-the-registry"), Reply::status(404))
        .expect(elsewhere, Reply::status(200).body(bytes.clone()));
    let transport = HttpClient::from_service(service.clone());
    let options = RegistryOptions::new()
        .with_client(HttpClient::from_service(Talkative(transport.clone())))
        .with_transport(transport)
        .with_mirror(mirror())
        .with_foreign_urls(true);
    assert_eq!(read(&repository(options), &desc).await.unwrap(), bytes);
    service.finish();
}
