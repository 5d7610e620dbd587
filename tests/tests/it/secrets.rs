//! No secret is in what anybody prints: one that can be told from all else is looked for everywhere.

use std::{error::Error as StdError, fmt::Debug};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use futures_util::TryStreamExt as _;
use http::StatusCode;
use oras_auth::{AuthLayer, Credential, CredentialProvider as _, CredentialStore as _, StaticCredential, TokenCache};
use oras_content::{Blob, Error, Fetcher as _, MediaType, Pusher as _, Report, Resolver as _, TagLister as _};
use oras_credentials::{CredentialChain, DockerConfigStore, HelperStore, MemoryCredentials, SystemCredentials};
use oras_descriptor::Algorithm;
use oras_registry::{
    Accounts, Action, AuthScheme, Behaviour, Fault, LocationStyle, Permission, Redirect, RequestKind, Server,
};
use oras_remote::{RegistryOptions, Repository};
use oras_transport::{HttpBody, HttpClient};

use crate::support::{Origin, blob, builder, plain, push, repository_with};

const SECRET: &str = "marker-s3cr3t-7d1f";

/// The part of the secret that is looked for, so that one which is cut off is found as well.
const CORE: &str = "s3cr3t-7d";

/// What of the core is in any text that holds it: itself, as headers and files code it, as URLs do.
fn forms() -> Vec<String> {
    let mut forms = vec![CORE.to_owned(), CORE.bytes().map(|byte| format!("{byte:02x}")).collect()];
    // Base64 looks different for each place in a group of three; what depends on the neighbours is left out.
    for (before, skipped) in [("", 0), ("x", 2), ("xx", 3)] {
        let bytes = format!("{before}{CORE}");
        let coded = STANDARD_NO_PAD.encode(&bytes);
        forms.push(coded.get(skipped..bytes.len() * 8 / 6).unwrap().to_owned());
    }
    forms
}

fn found(text: &str) -> Option<String> {
    let lower = text.to_ascii_lowercase();
    forms().into_iter().find(|form| text.contains(form) || lower.contains(form))
}

#[track_caller]
fn assert_silent(what: &str, text: &str) {
    let form = found(text);
    assert!(form.is_none(), "{what} tells a secret as {form:?}: {text}");
}

#[track_caller]
fn assert_quiet(what: &str, value: &impl Debug) {
    assert_silent(what, &format!("{value:?} {value:#?}"));
}

/// Looks at an error and at all that lies below it.
#[track_caller]
fn assert_error_quiet(what: &str, error: &Error) {
    assert_silent(what, &Report::new(error).to_string());
    let mut next: Option<&(dyn StdError + 'static)> = Some(error);
    while let Some(error) = next {
        assert_silent(what, &format!("{error} {error:?} {error:#?}"));
        next = error.source();
    }
}

/// Whether an assertion sees what it is there for.
fn notices(assertion: impl FnOnce() + std::panic::UnwindSafe) -> bool {
    std::panic::catch_unwind(assertion).is_err()
}

#[test]
fn a_secret_would_be_found_in_any_form_and_place() {
    let basic = |user: &str, behind: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{SECRET}{behind}")));
    let texts = [
        format!("Bearer {SECRET}"),
        format!("{{\"token\":\"{SECRET}\"}}"),
        "cut off: marker-s3cr3t-7d…".to_owned(),
        format!("{:?}", SECRET.as_bytes().iter().map(|byte| format!("{byte:02X}")).collect::<String>()),
        basic("alice", ""),
        basic("bob", ""),
        basic("carl", "more"),
        basic("", "x"),
    ];
    for text in &texts {
        assert!(found(text).is_some(), "{text}");
        assert!(notices(|| assert_quiet("a text", text)), "{text}");
    }
    for form in forms() {
        let is_used = texts.iter().any(|text| text.contains(&form) || text.to_ascii_lowercase().contains(&form));
        assert!(is_used, "{form} is in no text, so it finds nothing");
    }
    assert_eq!(found("alice marker 7d1f YWxpY2U6 c2VjcmV0"), None);

    let kind = oras_content::ErrorKind::Other;
    let deep = Error::new(kind, "above").with_source(Error::new(kind, "between").with_source(Error::new(kind, SECRET)));
    assert!(notices(std::panic::AssertUnwindSafe(|| assert_error_quiet("an error", &deep))));
}

fn as_alice(server: &Server, credential: Credential) -> RegistryOptions {
    plain().with_credentials(StaticCredential::new(server.host(), credential))
}

/// Every call, of which each may fail.
async fn errors_of(repo: &Repository) -> Vec<Error> {
    let (desc, bytes) = blob(1000, 77);
    let mut errors = Vec::new();
    errors.extend(repo.registry().ping().await.err());
    errors.extend(repo.resolve("v1").await.err());
    errors.extend(repo.fetch(&desc).await.unwrap().bytes(1000).await.err());
    errors.extend(repo.push(&desc, Blob::from_bytes(bytes)).await.err());
    errors.extend(repo.tags(None).try_collect::<Vec<_>>().await.err());
    errors.extend(repo.registry().repositories(None).try_collect::<Vec<_>>().await.err());
    errors
}

#[tokio::test]
async fn refused_credentials_are_in_no_error() {
    for scheme in [AuthScheme::Basic, AuthScheme::Token] {
        let accounts = Accounts::new().with_user("alice", "another", [Permission::all()]);
        let server = Server::builder().with_auth(scheme, accounts).start().await.unwrap();
        for credential in
            [Credential::password("alice", SECRET), Credential::refresh_token(SECRET), Credential::access_token(SECRET)]
        {
            let repo = repository_with(&server, "a/b", as_alice(&server, credential));
            let errors = errors_of(&repo).await;
            assert_eq!(errors.len(), 6, "everything is refused: {errors:?}");
            errors.iter().for_each(|error| assert_error_quiet(&format!("{scheme:?}"), error));
        }
    }
}

#[tokio::test]
async fn an_answer_that_repeats_a_secret_is_not_repeated() {
    // A token server whose answer is broken, and one that says the token in the place of an error.
    for answer in [
        format!("200 OK\r\ncontent-type: application/json\r\n\r\n{{\"token\":\"{SECRET}\""),
        format!("400 Bad Request\r\ncontent-type: application/json\r\n\r\n{{\"token\":\"{SECRET}\"}}"),
        format!("307 Temporary Redirect\r\nlocation: ftp://localhost/?token={SECRET}\r\n"),
        format!("307 Temporary Redirect\r\nlocation: http://alice:{SECRET}@localhost:1/x\r\n"),
    ] {
        let token_server = Origin::start(move |_, _| answer.clone()).await;
        let realm = format!("http://localhost:{}/token?account={SECRET}", token_server.port());
        let quirk = Behaviour::with(|behaviour| behaviour.tokens.realm = Some(realm));
        let accounts = Accounts::new().with_user("alice", SECRET, [Permission::all()]);
        let server =
            Server::builder().with_auth(AuthScheme::Token, accounts).with_behaviour(quirk).start().await.unwrap();
        let repo = repository_with(&server, "a/b", as_alice(&server, Credential::password("alice", SECRET)));
        let errors = errors_of(&repo).await;
        assert!(errors.len() >= 5, "there is no token: {errors:?}");
        errors.iter().for_each(|error| assert_error_quiet("a broken token", error));
    }
}

#[tokio::test]
async fn signatures_of_redirects_and_sessions_are_in_no_error() {
    let server = Server::builder().with_second_origin().with_recorded_requests(100).start().await.unwrap();
    let repo = repository_with(&server, "a/b", plain());
    let (_, bytes) = blob(1000, 1);
    let desc = push(&repo, &MediaType::OCI_LAYER, &bytes).await;
    server.set_behaviour(Behaviour::with(|behaviour| {
        behaviour.blobs.redirect = Redirect::SecondOrigin;
        behaviour.uploads.location = LocationStyle::Absolute;
        let gone = Action::Status(StatusCode::INTERNAL_SERVER_ERROR, None);
        behaviour.faults.push(Fault::new(gone.clone()).on(RequestKind::SecondOrigin));
        behaviour.faults.push(Fault::new(gone).on(RequestKind::UploadFinish));
    }));
    let fetched = repo.fetch(&desc).await.unwrap().bytes(1000).await.unwrap_err();
    let (other, bytes) = blob(1000, 2);
    let pushed = repo.push(&other, Blob::from_bytes(bytes)).await.unwrap_err();
    let mut signed = 0;
    for request in server.requests() {
        let Some((_, query)) = request.target.split_once('?') else { continue };
        let parameters = query.split('&').filter_map(|pair| pair.split_once('='));
        let mut secrets = parameters.filter(|(name, _)| *name != "digest").map(|(_, value)| value);
        let Some(secret) = secrets.next() else { continue };
        signed += 1;
        for error in [&fetched, &pushed] {
            let text = format!("{error:?} {error:#?} {}", Report::new(error));
            assert!(!text.contains(secret), "{secret} is told: {text}");
        }
    }
    assert!(signed > 1);
}

#[tokio::test]
async fn nothing_that_holds_a_secret_prints_it() {
    let server = Server::builder().start().await.unwrap();
    let credential = Credential::password("alice", SECRET).with_refresh_token(SECRET).with_access_token(SECRET);
    let provider = StaticCredential::new(server.host(), credential.clone());
    let store = MemoryCredentials::new();
    store.put(&server.host(), &credential).await.unwrap();
    let options = as_alice(&server, credential.clone());
    let repo = repository_with(&server, "a/b", options.clone());
    let session = repo.start_upload(Algorithm::Sha256).await.unwrap();
    let state = serde_json::to_string(&session.state()).unwrap();

    assert_quiet("Credential", &credential);
    assert_quiet("StaticCredential", &provider);
    assert_quiet("MemoryCredentials", &store);
    assert_quiet("AuthLayer", &AuthLayer::new(provider.clone()));
    assert_quiet("HttpClient", &builder().build().layer(&AuthLayer::new(provider)));
    let header = http::HeaderValue::from_static(SECRET);
    let configured = HttpClient::builder().with_header(http::HeaderName::from_static("x-api-key"), header);
    assert_quiet("HttpClientBuilder", &configured);
    assert_quiet("RegistryOptions", &options);
    assert_quiet("Repository", &repo);
    assert_quiet("Registry", repo.registry());
    assert_quiet("Repository::blobs", &repo.blobs());
    let location: serde_json::Value = serde_json::from_str(&state).unwrap();
    let location = location["location"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    for text in [format!("{session:?}"), format!("{:?}", session.state())] {
        assert!(!text.contains(&location), "the session is told: {text}");
    }
}

#[tokio::test]
async fn no_store_of_credentials_and_none_of_its_errors_prints_a_secret() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("config.json");
    let store = DockerConfigStore::new(&path).allow_plaintext();
    let credential = Credential::password("alice", SECRET).with_refresh_token(SECRET).with_access_token(SECRET);
    store.put("r.example", &credential).await.unwrap();
    let text = std::fs::read_to_string(&path).unwrap();
    assert!(found(&text).is_some(), "the file holds what must not be told");
    assert_quiet("DockerConfigStore", &store);
    assert_quiet("its credential", &store.credential("r.example", None).await.unwrap());
    assert_quiet("CredentialChain", &CredentialChain::new(store.clone()).or(store));
    assert_quiet("HelperStore", &HelperStore::new("pass").unwrap());

    let system = SystemCredentials::from_environment(
        |name| (name == "DOCKER_AUTH_CONFIG").then(|| text.clone().into()),
        Some(dir.path().to_owned()),
    );
    let explanation = system.explain("r.example", None).await.unwrap();
    assert_eq!(explanation.credential, credential);
    assert_quiet("SystemCredentials", &system);
    assert_quiet("Explanation", &explanation);
    assert_silent("Explanation", &explanation.to_string());

    let coded = STANDARD.encode(SECRET);
    for broken in [
        format!("{{\"auths\": {SECRET}"),
        format!("{{\"auths\":{{\"r.example\":{{\"auth\":\"{coded}\"}}}}}}"),
        format!("{{\"auths\":{{\"r.example\":{{\"auth\":\"{SECRET}!\"}}}}}}"),
        format!("{{\"auths\":{{\"r.example\":\"{SECRET}\"}}}}"),
        format!("{{\"credsStore\":[\"{SECRET}\"]}}"),
    ] {
        std::fs::write(&path, &broken).unwrap();
        let error = DockerConfigStore::new(&path).credential("r.example", None).await.unwrap_err();
        assert_error_quiet("a broken file", &error);
        let error = MemoryCredentials::from_docker_config(broken.as_bytes()).err();
        error.iter().for_each(|error| assert_error_quiet("a broken text", error));
    }
}

#[tokio::test]
async fn nothing_that_holds_a_token_prints_it() {
    let answer = format!("200 OK\r\ncontent-type: application/json\r\n\r\n{{\"token\":\"{SECRET}\"}}");
    let token_server = Origin::start(move |_, _| answer.clone()).await;
    let challenge = format!("www-authenticate: Bearer realm=\"http://localhost:{}/token\"", token_server.port());
    let registry = Origin::start(move |_, is_known| match is_known {
        true => "200 OK\r\n".to_owned(),
        false => format!("401 Unauthorized\r\n{challenge}\r\n"),
    })
    .await;
    let cache = TokenCache::new();
    let provider = StaticCredential::new("nobody.example", Credential::anonymous());
    let layer = AuthLayer::builder(provider).with_cache(cache.clone()).build();
    let client = builder().build().layer(&layer);
    let url = format!("http://127.0.0.1:{}/v2/", registry.port());
    let response = client.send(http::Request::get(url).body(HttpBody::empty()).unwrap()).await.unwrap();
    assert_eq!(response.status(), StatusCode::OK);
    assert!(registry.heads().all().iter().any(|head| found(head).is_some()), "the token was shown to the registry");
    assert_quiet("TokenCache", &cache);
    assert_quiet("AuthLayer", &layer);
    assert_quiet("HttpClient", &client);
    assert_quiet("a response", &response);
}
