use std::time::Duration;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use oras_registry::{Accounts, AuthScheme, Behaviour, ChallengeScope, Clock, Permission, Server, TokenFields};
use serde_json::Value;

use crate::client::Client;
use crate::memory::setup::client;

fn accounts() -> Accounts {
    Accounts::new()
        .with_user("admin", "secret", [Permission::all()])
        .with_user("ci", "word", [Permission::push("team/*"), Permission::pull("base")])
        .with_anonymous([Permission::pull("public")])
}

fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

async fn status(client: &Client, method: &str, path: &str, authorization: Option<&str>) -> u16 {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    client.send(method, path, &headers, "").await.status.as_u16()
}

/// Asks for a token, and gives the answer.
async fn ask(client: &Client, query: &str, authorization: Option<&str>) -> Value {
    let headers: Vec<_> = authorization.map(|value| ("authorization", value)).into_iter().collect();
    let answer = client.send("GET", &format!("/token?service=oras-registry&{query}"), &headers, "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    answer.json()
}

async fn bearer(client: &Client, scope: &str, authorization: Option<&str>) -> String {
    let answer = ask(client, &format!("scope={scope}"), authorization).await;
    format!("Bearer {}", answer["token"].as_str().unwrap())
}

#[tokio::test]
async fn basic_auth_asks_and_remembers_permissions() {
    let client = client(Server::builder().with_auth(AuthScheme::Basic, accounts())).await;
    let challenge = client.get("/v2/").await;
    assert_eq!((challenge.status.as_u16(), challenge.code().as_str()), (401, "UNAUTHORIZED"));
    assert_eq!(challenge.header("www-authenticate"), "Basic realm=\"oras-registry\"");
    let (admin, ci, wrong) = (basic("admin", "secret"), basic("ci", "word"), basic("ci", "guess"));
    let upload = "/v2/team/a/blobs/uploads/";
    let cases = [
        ("GET", "/v2/", Some(&ci), 200),
        ("GET", "/v2/", Some(&wrong), 401),
        ("POST", upload, None, 401),
        ("POST", upload, Some(&wrong), 401),
        ("POST", upload, Some(&ci), 202),
        ("POST", "/v2/other/blobs/uploads/", Some(&ci), 403),
        ("POST", "/v2/base/blobs/uploads/", Some(&ci), 403),
        ("GET", "/v2/base/tags/list", Some(&ci), 404),
        ("GET", "/v2/public/tags/list", None, 404),
        ("POST", "/v2/public/blobs/uploads/", None, 401),
        ("DELETE", "/v2/team/a/manifests/x", Some(&ci), 403),
        ("DELETE", "/v2/team/a/manifests/x", Some(&admin), 404),
        ("GET", "/v2/_catalog", None, 401),
        ("GET", "/v2/_catalog", Some(&ci), 200),
    ];
    for (method, path, authorization, expected) in cases {
        assert_eq!(status(&client, method, path, authorization.map(String::as_str)).await, expected, "{method} {path}");
    }
}

#[tokio::test]
async fn challenges_name_what_is_needed() {
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts())).await;
    let start = "Bearer realm=\"http://h:1/token\",service=\"oras-registry\"";
    let digest = oras_descriptor::Digest::of(b"x");
    let cases = [
        ("GET", "/v2/".to_owned(), String::new()),
        ("GET", "/v2/a/tags/list".to_owned(), ",scope=\"repository:a:pull\"".to_owned()),
        ("POST", "/v2/a/b/blobs/uploads/".to_owned(), ",scope=\"repository:a/b:pull,push\"".to_owned()),
        ("DELETE", format!("/v2/a/blobs/{digest}"), ",scope=\"repository:a:delete\"".to_owned()),
        ("GET", "/v2/_catalog".to_owned(), ",scope=\"registry:catalog:*\"".to_owned()),
    ];
    for (method, path, scope) in cases {
        let answer = client.send(method, &path, &[], "").await;
        assert_eq!(answer.status, 401);
        assert_eq!(answer.header("www-authenticate"), format!("{start}{scope}"), "{method} {path}");
    }
}

#[tokio::test]
async fn tokens_open_what_they_name() {
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts())).await;
    let ci = basic("ci", "word");
    let token = bearer(&client, "repository:team/a:pull,push&scope=repository:base:pull,push", Some(&ci)).await;
    let cases = [
        ("POST", "/v2/team/a/blobs/uploads/", 202),
        ("GET", "/v2/base/tags/list", 404),
        ("POST", "/v2/base/blobs/uploads/", 403),
        ("POST", "/v2/team/b/blobs/uploads/", 401),
        ("DELETE", "/v2/team/a/manifests/x", 403),
        ("GET", "/v2/", 200),
    ];
    for (method, path, expected) in cases {
        assert_eq!(status(&client, method, path, Some(&token)).await, expected, "{method} {path}");
    }
    let more = client.send("POST", "/v2/team/b/blobs/uploads/", &[("authorization", &token)], "").await;
    assert!(more.header("www-authenticate").ends_with("error=\"insufficient_scope\""));
    assert_eq!(status(&client, "GET", "/v2/", Some("Bearer made-up")).await, 401);
    assert_eq!(status(&client, "GET", "/v2/", Some(&ci)).await, 401, "a password is no token");
}

#[tokio::test]
async fn less_than_was_asked_is_no_error() {
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts())).await;
    for authorization in [None, Some(basic("", ""))] {
        let scope = "scope=repository:public:pull,push&scope=repository:team/a:pull";
        let answer = ask(&client, scope, authorization.as_deref()).await;
        assert_eq!(answer["scope"], "repository:public:pull");
        assert_eq!(answer["token"], answer["access_token"]);
        assert!(answer["expires_in"].as_u64().unwrap() >= 60);
        assert!(answer["issued_at"].as_str().unwrap().ends_with('Z'));
        assert!(answer.get("refresh_token").is_none());
    }
    let wrong = [("authorization", basic("ci", "guess"))];
    let wrong: Vec<_> = wrong.iter().map(|(name, value)| (*name, value.as_str())).collect();
    assert_eq!(client.send("GET", "/token", &wrong, "").await.status, 401);
}

#[tokio::test]
async fn tokens_are_given_by_form_and_refreshed() {
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts())).await;
    let post = |form: &str| {
        let (client, form) = (client.clone(), format!("service=oras-registry&client_id=test&{form}"));
        async move { client.send("POST", "/token", &[], form).await }
    };
    let scope = "scope=repository:team/a:pull,push+repository:base:pull";
    let answer = post(&format!("grant_type=password&username=ci&password=word&access_type=offline&{scope}")).await;
    assert_eq!(answer.json()["scope"], "repository:base:pull repository:team/a:pull,push");
    let refresh = answer.json()["refresh_token"].as_str().unwrap().to_owned();
    let renewed = post(&format!("grant_type=refresh_token&refresh_token={refresh}&{scope}")).await;
    assert_eq!(renewed.json()["refresh_token"], refresh.as_str());
    assert_ne!(renewed.json()["access_token"], answer.json()["access_token"]);
    for (form, status) in [
        ("grant_type=password&username=ci&password=guess", 401),
        ("grant_type=refresh_token&refresh_token=x", 401),
        ("grant_type=authorization_code", 400),
        ("", 400),
    ] {
        assert_eq!(post(form).await.status, status, "{form}");
    }
    assert_eq!(client.send("POST", "/token", &[], "grant_type=password").await.status, 400, "no service");
}

#[tokio::test]
async fn an_expired_token_is_refused() {
    let clock = Clock::manual();
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts()).with_clock(clock.clone())).await;
    let token = bearer(&client, "repository:base:pull", Some(&basic("ci", "word"))).await;
    assert_eq!(status(&client, "GET", "/v2/base/tags/list", Some(&token)).await, 404);
    clock.advance(Duration::from_secs(301));
    assert_eq!(status(&client, "GET", "/v2/base/tags/list", Some(&token)).await, 401);
}

#[tokio::test]
async fn a_mount_does_not_tell_what_others_have() {
    let client = client(Server::builder().with_auth(AuthScheme::Basic, accounts())).await;
    let (admin, ci) = (basic("admin", "secret"), basic("ci", "word"));
    let digest = oras_descriptor::Digest::of(b"hidden");
    let target = format!("/v2/secret/blobs/uploads/?digest={digest}");
    client.send("POST", &target, &[("authorization", &admin)], "hidden").await;
    for from in ["&from=secret", "&from=unknown", ""] {
        let mount = format!("/v2/team/a/blobs/uploads/?mount={digest}{from}");
        assert_eq!(status(&client, "POST", &mount, Some(&ci)).await, 202, "{from}");
        assert_eq!(
            status(&client, "POST", &mount, Some(&admin)).await,
            if from.ends_with("unknown") { 202 } else { 201 }
        );
        let blob = format!("/v2/team/a/blobs/{digest}");
        status(&client, "DELETE", &blob, Some(&admin)).await;
    }
}

#[tokio::test]
async fn a_token_mounts_from_where_it_may_read() {
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts())).await;
    let admin = basic("admin", "secret");
    let digest = oras_descriptor::Digest::of(b"x");
    let both = bearer(&client, "repository:one:pull,push&scope=repository:two:pull,push", Some(&admin)).await;
    let target = format!("/v2/one/blobs/uploads/?digest={digest}");
    client.send("POST", &target, &[("authorization", &both)], "x").await;
    let two = bearer(&client, "repository:two:pull,push", Some(&admin)).await;
    let named = format!("/v2/two/blobs/uploads/?mount={digest}&from=one");
    let more = client.send("POST", &named, &[("authorization", &two)], "").await;
    assert_eq!(more.status, 401, "the token does not name the source");
    let scope = "scope=\"repository:two:pull,push repository:one:pull\"";
    assert!(more.header("www-authenticate").contains(scope), "{}", more.header("www-authenticate"));
    assert_eq!(status(&client, "POST", &named, Some(&both)).await, 201);
}

#[tokio::test]
async fn challenges_and_tokens_deviate_on_demand() {
    let client = client(Server::builder().with_auth(AuthScheme::Token, accounts())).await;
    client.0.set_behaviour(Behaviour::with(|behaviour| {
        let tokens = &mut behaviour.tokens;
        tokens.capital_scheme = true;
        tokens.scope = ChallengeScope::Placeholder("repository:user/image:pull".into());
        tokens.realm = Some("http://elsewhere/token".into());
        tokens.fields = TokenFields::AccessToken;
        tokens.omit_expiry = true;
        tokens.uses = Some(1);
        tokens.post_status = Some(http::StatusCode::NOT_FOUND);
        tokens.first_scope_only = true;
    }));
    let challenge = client.post("/v2/a/blobs/uploads/").await;
    assert_eq!(
        challenge.header("www-authenticate"),
        "BEARER realm=\"http://elsewhere/token\",service=\"oras-registry\",scope=\"repository:user/image:pull\""
    );
    let scope = "scope=repository:team/a:pull&scope=repository:base:pull";
    let answer = ask(&client, scope, Some(&basic("ci", "word"))).await;
    assert_eq!(answer["scope"], "repository:team/a:pull");
    assert!(answer.get("token").is_none() && answer.get("expires_in").is_none() && answer.get("issued_at").is_none());
    let token = format!("Bearer {}", answer["access_token"].as_str().unwrap());
    assert_eq!(status(&client, "GET", "/v2/team/a/tags/list", Some(&token)).await, 404);
    assert_eq!(status(&client, "GET", "/v2/team/a/tags/list", Some(&token)).await, 401);
    assert_eq!(client.post("/token").await.status, 404);
}

#[tokio::test]
async fn there_is_no_token_server_without_tokens() {
    let client = client(Server::builder()).await;
    assert_eq!(client.get("/token").await.status, 404);
}
