//! No credential goes where it does not belong: a second origin records every request that it gets.

use futures_util::TryStreamExt as _;
use oras_auth::{Credential, CredentialProvider, StaticCredential};
use oras_content::{
    Blob, BoxFuture, Fetcher as _, MediaType, PredecessorFinder as _, Pusher as _, ReadOnlyStorage as _,
    ReadOnlyTarget as _, Resolver as _, Result, TagLister as _,
};
use oras_copy::{CopyOptions, copy_graph};
use oras_registry::{Accounts, Action, AuthScheme, Behaviour, Fault, Permission, Redirect, RequestKind, Server};
use oras_remote::{RegistryOptions, Repository};

use crate::{
    contract::{as_alice, guarded},
    support::{Authority, Origin, assert_told, blob, builder, image, in_time, plain, push, repository_with},
};

const SECRET: &str = "marker-s3cr3t-7d1f";

/// A registry that is told what to answer to who is known; all others are asked who they are.
async fn registry(answer: impl Fn(&str) -> String + Send + Sync + 'static) -> (Origin, Repository) {
    let origin = Origin::start(move |request, is_known| match is_known {
        true => answer(request),
        false => "401 Unauthorized\r\nwww-authenticate: Basic realm=\"here\"\r\n".to_owned(),
    });
    let origin = origin.await;
    let host = format!("127.0.0.1:{}", origin.port());
    let provider = StaticCredential::new(host.clone(), Credential::password("alice", SECRET));
    let repo = Repository::new(&format!("{host}/a/b"), plain().with_credentials(provider)).unwrap();
    (origin, repo)
}

#[tokio::test]
async fn a_blob_at_another_origin_is_fetched_without_credentials() {
    for scheme in [AuthScheme::Basic, AuthScheme::Token] {
        let server = guarded(scheme).with_second_origin().with_recorded_requests(1000).start().await.unwrap();
        let repo = repository_with(&server, "a/b", as_alice(&server.host(), plain()));
        let (_, bytes) = blob(300_000, 1);
        let desc = push(&repo, &MediaType::OCI_LAYER, &bytes).await;
        server.set_behaviour(Behaviour::with(|behaviour| {
            behaviour.blobs.redirect = Redirect::SecondOrigin;
            behaviour.faults.push(Fault::new(Action::CloseAnswer(100_000)).on(RequestKind::SecondOrigin).times(2));
        }));
        assert_eq!(repo.fetch(&desc).await.unwrap().bytes(desc.size).await.unwrap(), bytes);
        let second: Vec<_> =
            server.requests().into_iter().filter(|request| request.kind == RequestKind::SecondOrigin).collect();
        assert!(second.len() >= 3, "the broken ones go on there: {second:?}");
        for request in second {
            for name in ["authorization", "cookie", "proxy-authorization"] {
                assert!(!request.headers.contains_key(name), "{scheme:?}: {request:?}");
            }
        }
    }
}

#[tokio::test]
async fn every_kind_of_request_leaves_its_credentials_at_home_when_it_is_redirected() {
    let second = Origin::of_nothing().await;
    let port = second.port();
    let answer = move |request: &str| {
        let target = request.split(' ').nth(1).unwrap_or_default();
        format!("307 Temporary Redirect\r\nlocation: http://localhost:{port}{target}\r\n")
    };
    let (first, repo) = registry(answer).await;
    let (desc, bytes) = blob(100, 1);
    repo.resolve("v1").await.unwrap_err();
    repo.exists(&desc).await.ok();
    repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    repo.fetch(&desc).await.unwrap().bytes(100).await.unwrap_err();
    repo.tags(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert!(first.heads().all().iter().any(|head| head.contains("authorization: Basic")));
    assert!(!second.heads().all().is_empty());
    second.heads().assert_clean(&[SECRET]);
}

/// GHSA-vh4v-2xq2-g5cg: credentials followed a redirect to another port or scheme of the same host.
#[tokio::test]
async fn ghsa_vh4v_2xq2_g5cg_a_redirect_to_another_port_of_the_host_takes_no_credential_along() {
    let second = Origin::of_nothing().await;
    let port = second.port();
    let answer = move |request: &str| {
        let target = request.split(' ').nth(1).unwrap_or_default();
        format!("307 Temporary Redirect\r\nlocation: http://127.0.0.1:{port}{target}\r\n")
    };
    let (first, repo) = registry(answer).await;
    let (desc, bytes) = blob(100, 1);
    repo.resolve("v1").await.unwrap_err();
    repo.fetch_reference("v1").await.unwrap_err();
    repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    repo.fetch(&desc).await.unwrap().bytes(100).await.unwrap_err();
    assert!(first.heads().all().iter().any(|head| head.contains("authorization: Basic")));
    let methods: Vec<_> =
        second.heads().all().iter().filter_map(|head| Some(head.split_once(' ')?.0.to_owned())).collect();
    for method in ["HEAD", "GET", "POST"] {
        assert!(methods.iter().any(|found| found == method), "{method} was redirected: {methods:?}");
    }
    second.heads().assert_clean(&[SECRET, "YWxpY2U6"]);
}

/// GHSA-jxpm-75mh-9fp7: the `Location` of an upload took the credentials of its `POST` wherever it led.
#[tokio::test]
async fn ghsa_jxpm_75mh_9fp7_an_upload_goes_to_no_other_host_port_or_scheme() {
    for host in ["localhost", "127.0.0.1", "LOCALHOST", "alice:x@127.0.0.1"] {
        let second = Origin::of_nothing().await;
        let port = second.port();
        let answer = move |request: &str| match request.split(' ').next() {
            Some("POST") => format!("202 Accepted\r\nlocation: http://{host}:{port}/v2/a/b/blobs/uploads/1\r\n"),
            _ => "404 Not Found\r\n".to_owned(),
        };
        let (_first, repo) = registry(answer).await;
        let (desc, bytes) = blob(100, 1);
        let error = repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
        assert_eq!(error.kind(), oras_content::ErrorKind::Denied, "{host}: {error}");
        assert_eq!(second.heads().all(), Vec::<String>::new());
    }
    // From https to http of the very same host and port.
    let authority = Authority::new();
    let quirk = Behaviour::with(|behaviour| behaviour.uploads.location = oras_registry::LocationStyle::OtherScheme);
    let server = authority.serve(guarded(AuthScheme::Basic).with_behaviour(quirk).with_recorded_requests(100)).await;
    let options = RegistryOptions::new().with_transport(authority.trust(builder()).build());
    let repo = repository_with(&server, "a/b", as_alice(&server.host(), options));
    let (desc, bytes) = blob(100, 1);
    repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    // What came, came over TLS: the server speaks nothing else.
    assert!(server.requests().iter().any(|request| request.kind == RequestKind::UploadFinish));
}

/// GHSA-h7vf-4x9w-h99v: the `Link` to a next page led a client to any host.
#[tokio::test]
async fn ghsa_h7vf_4x9w_h99v_a_link_leads_to_no_other_host_or_port() {
    for host in ["localhost", "127.0.0.1", "169.254.169.254"] {
        let second = Origin::of_nothing().await;
        let port = second.port();
        let answer = move |request: &str| {
            let member = if request.contains("/tags/") { "tags" } else { "repositories" };
            let link = format!("link: <http://{host}:{port}/latest/meta-data>; rel=\"next\"");
            format!("200 OK\r\ncontent-type: application/json\r\n{link}\r\n\r\n{{\"{member}\":[\"v1\"]}}")
        };
        let (_first, repo) = registry(answer).await;
        let tags = in_time("a list", repo.tags(None).try_collect::<Vec<_>>()).await.unwrap_err();
        let names = in_time("a list", repo.registry().repositories(None).try_collect::<Vec<_>>()).await.unwrap_err();
        for error in [tags, names] {
            assert_eq!(error.kind(), oras_content::ErrorKind::Denied);
            assert_told(&error, &["link to the next page", "http://127.0.0.1:"]);
        }
        assert_eq!(second.heads().all(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn an_upload_is_not_sent_to_another_origin() {
    let second = Origin::of_nothing().await;
    let port = second.port();
    let answer = move |request: &str| match request.split(' ').next() {
        Some("POST") => format!("202 Accepted\r\nlocation: http://localhost:{port}/upload/1?_state=x\r\n"),
        _ => "404 Not Found\r\n".to_owned(),
    };
    let (_first, repo) = registry(answer).await;
    let (desc, bytes) = blob(100, 1);
    let error = repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(error.kind(), oras_content::ErrorKind::Denied);
    assert_told(&error, &[&format!("localhost:{port}"), "expected a URL of http://127.0.0.1"]);
    assert_eq!(second.heads().all(), Vec::<String>::new());
}

#[tokio::test]
async fn the_next_page_of_a_list_is_not_asked_for_at_another_origin_with_credentials() {
    let second = Origin::of_nothing().await;
    let port = second.port();
    let answer = move |request: &str| {
        let link = format!("link: <http://localhost:{port}/next?last=x>; rel=\"next\"");
        match request.contains("/tags/") {
            true => format!("200 OK\r\ncontent-type: application/json\r\n{link}\r\n\r\n{{\"tags\":[\"v1\"]}}"),
            false => format!(
                "200 OK\r\ncontent-type: {}\r\n{link}\r\n\r\n{{\"schemaVersion\":2,\"manifests\":[]}}",
                MediaType::OCI_INDEX
            ),
        }
    };
    let (_first, repo) = registry(answer).await;
    repo.tags(None).try_collect::<Vec<_>>().await.unwrap_err();
    let (desc, _) = blob(100, 1);
    let subject = oras_content::Descriptor { media_type: MediaType::OCI_MANIFEST, ..desc };
    repo.referrers(&subject, None).await.unwrap_err();
    second.heads().assert_clean(&[SECRET]);
}

#[tokio::test]
async fn a_token_server_where_no_credential_may_go_is_not_asked() {
    let second = Origin::of_nothing().await;
    // The registry has a name, the token server it names an address inside the client's own network.
    let realm = format!("http://127.0.0.1:{}/token", second.port());
    let quirk = Behaviour::with(|behaviour| behaviour.tokens.realm = Some(realm));
    let server = guarded(AuthScheme::Token).with_behaviour(quirk).start().await.unwrap();
    let repo = repository_with(&server, "a/b", as_alice(&server.host(), plain()));
    let error = repo.resolve("v1").await.unwrap_err();
    assert_eq!(error.kind(), oras_content::ErrorKind::Unauthorized);
    assert_told(&error, &[&server.host(), "token server", &second.port().to_string()]);
    assert_eq!(second.heads().all(), Vec::<String>::new());
}

#[tokio::test]
async fn https_does_not_lead_to_a_token_server_over_http() {
    let second = Origin::of_nothing().await;
    let realm = format!("http://localhost:{}/token", second.port());
    let quirk = Behaviour::with(|behaviour| behaviour.tokens.realm = Some(realm));
    let authority = Authority::new();
    let server = authority.serve(guarded(AuthScheme::Token).with_behaviour(quirk)).await;
    let options = RegistryOptions::new().with_transport(authority.trust(builder()).build());
    let repo = repository_with(&server, "a/b", as_alice(&server.host(), options));
    let error = repo.resolve("v1").await.unwrap_err();
    assert_eq!(error.kind(), oras_content::ErrorKind::Unauthorized);
    assert_told(&error, &["is not https"]);
    assert_eq!(second.heads().all(), Vec::<String>::new());
}

#[tokio::test]
async fn a_token_server_that_redirects_takes_no_credentials_along() {
    let second = Origin::of_nothing().await;
    let to = format!("307 Temporary Redirect\r\nlocation: http://localhost:{}/token\r\n", second.port());
    let token_server = Origin::start(move |_, _| to.clone()).await;
    let realm = format!("http://localhost:{}/token", token_server.port());
    let quirk = Behaviour::with(|behaviour| behaviour.tokens.realm = Some(realm));
    let server = guarded(AuthScheme::Token).with_behaviour(quirk).start().await.unwrap();
    let repo = repository_with(&server, "a/b", as_alice(&server.host(), plain()));
    repo.resolve("v1").await.unwrap_err();
    assert!(!token_server.heads().all().is_empty());
    second.heads().assert_clean(&["secret", "YWxpY2U6c2VjcmV0"]);
}

/// Knows an account for each of two teams on one host.
struct Teams;

impl CredentialProvider for Teams {
    fn credential<'a>(&'a self, _: &'a str, repository: Option<&'a str>) -> BoxFuture<'a, Result<Credential>> {
        let credential = match repository.and_then(|name| name.split('/').next()) {
            Some(team @ ("red" | "blue")) => Credential::password(team, format!("{team}-secret")),
            _ => Credential::anonymous(),
        };
        Box::pin(std::future::ready(Ok(credential)))
    }
}

#[tokio::test]
async fn two_accounts_on_one_host_work_in_one_copy() {
    for scheme in [AuthScheme::Basic, AuthScheme::Token] {
        let accounts = Accounts::new().with_user("red", "red-secret", [Permission::own("red/*")]).with_user(
            "blue",
            "blue-secret",
            [Permission::own("blue/*")],
        );
        let server = Server::builder().with_auth(scheme, accounts).start().await.unwrap();
        let registry = oras_remote::Registry::new(&server.host(), plain().with_credentials(Teams)).unwrap();
        let (red, blue) = (registry.repository("red/app").unwrap(), registry.repository("blue/app").unwrap());
        let desc = image(&red, 3, 10_000, 1).await;
        copy_graph(&red, &blue, &desc, &CopyOptions::new()).await.unwrap();
        oras_testing::assert_closed(&blue, std::slice::from_ref(&desc)).await;
        assert!(blue.exists(&desc).await.unwrap(), "{scheme:?}");
    }
}
