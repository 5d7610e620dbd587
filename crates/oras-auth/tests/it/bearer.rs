use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use oras_auth::{AuthError, AuthLayer, Credential, Refused, Scopes, StaticCredential, TokenCache};
use oras_content::ErrorKind;

use crate::support::{Asked, CHALLENGE, ME, Seen, answer, get, layer, me, status, token_registry, transport};

const PULL: &str = "repository:app:pull";

fn all(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_token_is_fetched_with_service_and_one_scope_parameter_each() {
    let (client, log) = transport(|at, seen| {
        let challenge = r#"Bearer realm="https://auth.example/token?a=b",service="r s",scope="repository:b:pull repository:app:push""#;
        if at == 0 { answer(401, &[("www-authenticate", challenge)], "") } else { token_registry(seen) }
    });
    assert_eq!(status(&client.layer(&layer(me())), get("/v2/app/tags/list", PULL)).await, 200);
    let token = log.to("auth.example").remove(0);
    assert_eq!((token.method.as_str(), token.authorization()), ("GET", Some(ME)));
    let expected =
        [("a", "b"), ("service", "r s"), ("scope", "repository:app:pull,push"), ("scope", "repository:b:pull")];
    assert_eq!(token.query(), all(&expected));
    assert_eq!(log.all().len(), 3);
}

#[tokio::test]
async fn nobody_in_particular_gets_a_token_too() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    assert_eq!(status(&client.layer(&AuthLayer::anonymous()), get("/v2/app/tags/list", PULL)).await, 200);
    assert_eq!(log.to("auth.example")[0].authorization(), None);
}

#[tokio::test]
async fn a_known_token_serves_subsets_and_other_scopes_cost_one_request_more() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(me()));
    for scopes in ["repository:app:pull,push", PULL, "repository:app:push", "", PULL] {
        assert_eq!(status(&client, get("/v2/app/tags/list", scopes)).await, 200);
    }
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (6, 1));
    // No challenge is needed to know that another repository needs another token.
    assert_eq!(status(&client, get("/v2/b/tags/list", "repository:b:pull")).await, 200);
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (7, 2));
}

#[tokio::test]
async fn sixteen_cold_requests_at_once_cost_one_token_and_one_lookup() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let provider = Asked(Arc::clone(&asked), |_, _: &str, _: Option<&str>| Ok(me()));
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&AuthLayer::new(provider));
    let statuses = join_all((0..16).map(|_| status(&client, get("/v2/app/blobs/x", PULL)))).await;
    assert_eq!(statuses, [200; 16]);
    assert_eq!((log.to("auth.example").len(), asked.lock().unwrap().len()), (1, 1));
    // One of them learned for all how the registry wants to be told.
    assert_eq!(log.to("r.example").len(), 17);
}

#[tokio::test]
async fn a_failing_token_server_is_not_asked_by_each_who_waits() {
    let (client, log) = transport(|_, seen| match seen.host() {
        "auth.example" => answer(401, &[], r#"{"details":"incorrect username or password"}"#),
        _ => token_registry(seen),
    });
    let client = client.layer(&layer(me()));
    let errors = join_all((0..16).map(|_| client.send(get("/v2/app/blobs/x", PULL)))).await;
    for error in errors {
        let error = error.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let expected = AuthError::NoToken {
            registry: "r.example".to_owned(),
            scopes: Scopes::parse(PULL),
            server: "https://auth.example".to_owned(),
            answer:
                "401 Unauthorized: incorrect username or password (the user me asked); if the password or token is \
                     wrong or no longer valid, log in again"
                    .to_owned(),
        };
        assert_eq!(error.find::<AuthError>(), Some(&expected));
    }
    // The first one asks, and one for all who waited for it.
    assert_eq!(log.to("auth.example").len(), 2);
}

#[tokio::test]
async fn an_answer_without_a_usable_token_is_an_error() {
    let large: &'static str = Box::leak(format!(r#"{{"token":"{}"}}"#, "x".repeat(128 * 1024)).into_boxed_str());
    for (status, body, kind) in [
        (200, "{}", ErrorKind::Unauthorized),
        (200, "<html>", ErrorKind::Unauthorized),
        (200, large, ErrorKind::SizeExceedsLimit),
        (400, "", ErrorKind::Unauthorized),
        (403, "", ErrorKind::Denied),
        (429, "", ErrorKind::RateLimited),
        (503, "", ErrorKind::Io),
    ] {
        let (client, _) = transport(move |_, seen| match seen.host() {
            "auth.example" => answer(status, &[], body),
            _ => token_registry(seen),
        });
        let error = client.layer(&layer(me())).send(get("/v2/app/blobs/x", PULL)).await.unwrap_err();
        assert_eq!(error.kind(), kind, "{status} {error}");
    }
}

#[tokio::test]
async fn a_refresh_token_is_posted_to_the_token_server_and_never_to_the_registry() {
    let (client, log) = transport(|_, seen| match seen.host() {
        "auth.example" => answer(200, &[], r#"{"access_token":"good"}"#),
        _ => token_registry(seen),
    });
    let credential = Credential::refresh_token("refresh-secret");
    assert_eq!(status(&client.layer(&layer(credential)), get("/v2/app/blobs/x", PULL)).await, 200);
    let token = log.to("auth.example").remove(0);
    assert_eq!(token.headers["content-type"], "application/x-www-form-urlencoded");
    let expected = [
        ("service", "r"),
        ("client_id", "oras-rs"),
        ("scope", PULL),
        ("grant_type", "refresh_token"),
        ("refresh_token", "refresh-secret"),
    ];
    assert_eq!((token.method.as_str(), token.authorization(), token.form()), ("POST", None, all(&expected)));
    for seen in log.to("r.example") {
        assert!(!format!("{seen:?}").contains("refresh-secret"));
    }
}

/// A token server that gives another refresh token each time, and takes only the last one.
#[tokio::test]
async fn a_refresh_token_that_its_server_replaces_is_replaced() {
    let (client, log) = transport(|_, seen| match seen.host() {
        "auth.example" => {
            let form = seen.form();
            match form.last().map_or("", |(_, shown)| shown) {
                "rt-0" => answer(200, &[], r#"{"access_token":"good","expires_in":300,"refresh_token":"rt-1"}"#),
                "rt-1" => answer(200, &[], r#"{"access_token":"good","expires_in":300,"refresh_token":"rt-2"}"#),
                _ => answer(400, &[], r#"{"error":"invalid_grant"}"#),
            }
        }
        _ => token_registry(seen),
    });
    let client = client.layer(&layer(Credential::refresh_token("rt-0")));
    for repository in ["a", "b", "c"] {
        let scopes = format!("repository:{repository}:pull");
        assert_eq!(status(&client, get("/v2/", &scopes)).await, 200, "{repository}");
    }
    let posts = log.to("auth.example").into_iter().filter(|seen| seen.method == "POST");
    let shown: Vec<String> = posts.map(|seen| seen.form().last().unwrap().1.clone()).collect();
    // The third one is not good any more, so the credential's own is tried again.
    assert_eq!(shown, ["rt-0", "rt-1", "rt-2", "rt-0"]);
    assert!(log.to("r.example").iter().all(|seen| !format!("{seen:?}").contains("rt-")));
}

#[tokio::test]
async fn a_token_server_that_knows_no_form_is_asked_by_get() {
    for refusal in [404, 400, 401, 405] {
        for (credential, authorization) in
            [(Credential::refresh_token("rt"), "Basic OnJ0"), (me().with_refresh_token("rt"), ME)]
        {
            let (client, log) = transport(move |_, seen| match seen.method.as_str() {
                "POST" => answer(refusal, &[], ""),
                _ => token_registry(seen),
            });
            assert_eq!(status(&client.layer(&layer(credential)), get("/v2/app/blobs/x", PULL)).await, 200);
            let tokens = log.to("auth.example");
            let methods: Vec<_> = tokens.iter().map(|seen| seen.method.as_str()).collect();
            assert_eq!(methods, ["POST", "GET"]);
            assert_eq!(tokens[1].authorization(), Some(authorization));
        }
    }
}

#[tokio::test]
async fn passwords_go_in_the_form_when_that_is_wanted() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let provider = StaticCredential::new("r.example", me());
    let layer = AuthLayer::builder(provider).with_oauth2_passwords().with_client_id("mine").build();
    assert_eq!(status(&client.layer(&layer), get("/v2/app/blobs/x", PULL)).await, 200);
    let token = log.to("auth.example").remove(0);
    let expected = [
        ("service", "r"),
        ("client_id", "mine"),
        ("scope", PULL),
        ("grant_type", "password"),
        ("username", "me"),
        ("password", "pw"),
    ];
    assert_eq!((token.authorization(), token.form()), (None, all(&expected)));
}

#[tokio::test]
async fn an_access_token_goes_to_the_registry_as_it_is() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client =
        client.layer(&layer(Credential::access_token("good").with_password("me", "pw").with_refresh_token("rt")));
    for _ in 0..2 {
        assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    }
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (3, 0));

    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(Credential::access_token("bad")));
    assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 401);
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn a_second_refusal_is_final() {
    let (client, log) = transport(|_, seen| match seen.host() {
        "auth.example" => answer(200, &[], r#"{"token":"weak"}"#),
        _ => answer(
            401,
            &[("www-authenticate", r#"Bearer realm="https://auth.example/token",error="insufficient_scope""#)],
            "",
        ),
    });
    let response = client.layer(&layer(me())).send(get("/v2/app/blobs/x", PULL)).await.unwrap();
    let challenge = oras_auth::Challenge::all(response.headers()).remove(0);
    assert_eq!((response.status().as_u16(), challenge.parameter("error")), (401, Some("insufficient_scope")));
    let refused = response.extensions().get::<Refused>().unwrap();
    assert_eq!((refused.holder.as_deref(), refused.scopes.to_string().as_str()), (Some("the user me"), PULL));
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (2, 1));
}

#[tokio::test]
async fn fewer_actions_than_asked_for_are_the_registry_s_to_refuse() {
    let (client, _) = transport(|_, seen| match seen.host() {
        "auth.example" => answer(200, &[], r#"{"token":"weak","scope":"repository:app:pull"}"#),
        _ if seen.authorization() == Some("Bearer weak") => answer(403, &[], ""),
        _ => token_registry(seen),
    });
    let client = client.layer(&layer(me()));
    assert_eq!(status(&client, get("/v2/app/blobs/x", "repository:app:pull,push")).await, 403);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_and_for_all() {
    let (client, log) = transport(|at, seen| match seen.host() {
        "auth.example" if at < 3 => answer(200, &[], r#"{"token":"old","expires_in":3000}"#),
        "r.example" if at < 4 && seen.authorization() == Some("Bearer old") => answer(200, &[], ""),
        _ => token_registry(seen),
    });
    let client = client.layer(&layer(me()));
    for _ in 0..4 {
        assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    }
    let auth: Vec<_> = log.to("r.example").iter().map(|seen| seen.authorization().unwrap_or("-").to_owned()).collect();
    let (old, good) = ("Bearer old", "Bearer good");
    assert_eq!(auth, ["-", old, old, old, good, good]);
}

#[tokio::test]
async fn a_token_that_ended_is_replaced_when_a_400_or_403_says_so() {
    const ECR: &str = r#"{"errors":[{"code":"DENIED","message":"Your authorization token has expired. Reauthenticate and try again."}]}"#;
    for refusal in [400, 403] {
        let (client, log) = transport(move |at, seen| match (seen.host(), at) {
            ("auth.example", 0..=2) => answer(200, &[], r#"{"token":"old"}"#),
            ("r.example", 0..=2) if seen.authorization().is_some() => answer(200, &[], ""),
            ("r.example", 3) => answer(refusal, &[], ECR),
            _ => token_registry(seen),
        });
        let client = client.layer(&layer(me()));
        for _ in 0..2 {
            assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
        }
        assert_eq!(log.to("auth.example").len(), 2);
    }
}

#[tokio::test]
async fn any_other_403_is_returned_with_its_document() {
    let (client, log) = transport(|at, seen| match at {
        0..=2 => token_registry(seen),
        _ => answer(403, &[], r#"{"errors":[{"code":"DENIED","message":"not yours"}]}"#),
    });
    let client = client.layer(&layer(me()));
    assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    let response = client.send(get("/v2/app/blobs/x", PULL)).await.unwrap();
    assert_eq!(response.status(), 403);
    let body = response.into_body().bytes(1000).await.unwrap();
    assert!(body.ends_with(b"\"not yours\"}]}"));
    assert_eq!(log.all().len(), 4);
}

#[tokio::test]
async fn a_placeholder_scope_is_replaced_and_the_challenge_s_own_is_merged() {
    for (scope, expected) in [
        ("repository:user/image:pull", &["repository:app:pull,push"][..]),
        ("repository:app:pull", &["repository:app:pull,push"]),
        ("repository:other:pull", &["repository:app:pull,push", "repository:other:pull"]),
    ] {
        let (client, log) = transport(move |at, seen| {
            let challenge = format!(r#"{CHALLENGE},scope="{scope}""#);
            if at == 0 { answer(401, &[("www-authenticate", &challenge)], "") } else { token_registry(seen) }
        });
        let request = get("/v2/app/blobs/x", "repository:app:pull,push");
        assert_eq!(status(&client.layer(&layer(me())), request).await, 200);
        let scopes: Vec<_> =
            log.to("auth.example")[0].query().into_iter().filter(|(name, _)| name == "scope").collect();
        assert_eq!(scopes.iter().map(|(_, scope)| scope.as_str()).collect::<Vec<_>>(), expected);
    }
}

/// A registry whose challenge names a scope of its own, and a token server that takes one scope only.
fn one_scope_at_a_time(seen: &Seen) -> oras_transport::Response {
    let scopes: Vec<_> = seen.query().into_iter().filter(|(name, _)| name == "scope").map(|(_, scope)| scope).collect();
    match (seen.host(), &scopes[..]) {
        ("auth.example", [one]) if one.contains("mirror") => answer(200, &[], r#"{"token":"mirror","expires_in":300}"#),
        ("auth.example", [_]) => answer(200, &[], r#"{"token":"app","expires_in":300}"#),
        ("auth.example", _) => answer(400, &[], ""),
        _ => {
            let name = if seen.uri.path().contains("/app/") { "app" } else { "mirror" };
            if seen.authorization() == Some(&format!("Bearer {name}")) {
                return answer(200, &[], "");
            }
            let challenge = format!(r#"{CHALLENGE},scope="repository:{name}/x:pull""#);
            answer(401, &[("www-authenticate", &challenge)], "")
        }
    }
}

#[tokio::test]
async fn a_token_server_that_fails_on_several_scopes_is_asked_for_the_challenge_s_alone() {
    let (client, log) = transport(|_, seen| one_scope_at_a_time(seen));
    let client = client.layer(&layer(me()));
    let both = "repository:app/x:pull repository:mirror/x:pull";
    assert_eq!(status(&client, get("/v2/mirror/x/blobs/x", both)).await, 200);
    let scopes = log.to("auth.example").iter().map(|seen| seen.query().len() - 1).collect::<Vec<_>>();
    assert_eq!(scopes, [2, 1]);
    assert!(log.to("auth.example")[1].query().contains(&("scope".to_owned(), "repository:mirror/x:pull".to_owned())));
    // The same again costs nothing more, and neither does what the token is for.
    for scopes in [both, "repository:mirror/x:pull"] {
        assert_eq!(status(&client, get("/v2/mirror/x/blobs/x", scopes)).await, 200);
    }
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (4, 2));
    // It is not taken for what the server left out: that costs a token, and no refusal.
    for _ in 0..2 {
        assert_eq!(status(&client, get("/v2/app/x/blobs/x", "repository:app/x:pull")).await, 200);
    }
    assert_eq!((log.to("r.example").len(), log.to("auth.example").len()), (6, 3));
}

#[tokio::test]
async fn a_registry_with_meaningless_scopes_can_share_one_token() {
    let (client, log) = transport(|at, seen| {
        let challenge = format!(r#"{CHALLENGE},scope="aws""#);
        if at == 0 { answer(401, &[("www-authenticate", &challenge)], "") } else { token_registry(seen) }
    });
    let provider = StaticCredential::new("r.example", me());
    let client = client.layer(&AuthLayer::builder(provider).with_cache(TokenCache::ignoring_scopes()).build());
    for scopes in ["repository:a:pull", "repository:b:pull", "repository:c:pull,push"] {
        assert_eq!(status(&client, get("/v2/", scopes)).await, 200);
    }
    assert_eq!(log.to("auth.example").len(), 1);
}

#[tokio::test]
async fn layers_that_share_a_cache_share_tokens_of_the_same_account_only() {
    let (base, log) = transport(|_, seen| token_registry(seen));
    let cache = TokenCache::new();
    let of = |user: &str| {
        let provider = StaticCredential::new("r.example", Credential::password(user, "pw"));
        base.clone().layer(&AuthLayer::builder(provider).with_cache(cache.clone()).build())
    };
    for (user, tokens) in [("me", 1), ("me", 1), ("you", 2), ("me", 2)] {
        assert_eq!(status(&of(user), get("/v2/app/blobs/x", PULL)).await, 200);
        assert_eq!(log.to("auth.example").len(), tokens, "{user}");
    }
}

#[tokio::test]
async fn rotated_credentials_make_the_next_token() {
    let provider = Asked(Arc::default(), |at, _: &str, _: Option<&str>| {
        Ok(Credential::password(if at == 0 { "old" } else { "new" }, "pw"))
    });
    let (client, log) = transport(|at, seen: &Seen| match at {
        3 => answer(401, &[("www-authenticate", CHALLENGE)], ""),
        _ => token_registry(seen),
    });
    let client = client.layer(&AuthLayer::new(provider));
    for _ in 0..2 {
        assert_eq!(status(&client, get("/v2/app/blobs/x", PULL)).await, 200);
    }
    let tokens: Vec<_> = log.to("auth.example").iter().map(|seen| seen.authorization().unwrap().to_owned()).collect();
    assert_eq!(tokens, ["Basic b2xkOnB3", "Basic bmV3OnB3"]);
}
