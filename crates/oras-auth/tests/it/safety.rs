use oras_auth::{AuthError, AuthLayer, Challenge, Credential, Scopes, StaticCredential};
use oras_content::ErrorKind;
use oras_transport::HttpBody;
use proptest::prelude::*;

use crate::support::{CHALLENGE, Seen, answer, get, layer, me, status, token_registry, transport};

const SECRETS: [&str; 5] = ["pw", "cHc=", "rt-secret", "at-secret", "good"];

/// Everything that another origin was told.
fn told(seen: &[Seen]) -> bool {
    seen.iter().any(|seen| {
        let text = format!("{} {:?} {:?}", seen.uri, seen.headers.get("authorization"), seen.body);
        seen.authorization().is_some() || SECRETS.iter().any(|secret| text.contains(secret))
    })
}

#[tokio::test]
async fn a_redirect_tells_the_other_origin_nothing_and_gets_no_answer_to_its_challenge() {
    for challenge in [CHALLENGE, "Basic realm=\"evil\"", r#"Bearer realm="https://evil.example/token""#] {
        for credential in [me(), Credential::refresh_token("rt-secret"), Credential::access_token("at-secret")] {
            let (client, log) = transport(move |_, seen| match seen.host() {
                "evil.example" => answer(401, &[("www-authenticate", challenge)], ""),
                "r.example" if seen.authorization().is_some() => {
                    answer(307, &[("location", "https://evil.example/blob")], "")
                }
                _ => token_registry(seen),
            });
            let client = client.layer(&layer(credential));
            assert_eq!(status(&client, get("/v2/app/blobs/x", "repository:app:pull")).await, 401);
            let evil = log.to("evil.example");
            assert_eq!(evil.len(), 1);
            assert!(!told(&evil), "{evil:?}");
        }
    }
}

#[tokio::test]
async fn an_unsafe_token_server_is_never_asked() {
    for realm in [
        "http://auth.example/token",
        "https://127.0.0.1/token",
        "https://169.254.169.254/",
        "ftp://x/",
        "http://r.example/token",
    ] {
        let (client, log) = transport(move |_, seen| match seen.host() {
            "r.example" => answer(401, &[("www-authenticate", &format!("Bearer realm=\"{realm}\""))], ""),
            _ => token_registry(seen),
        });
        let error = client.layer(&layer(me())).send(get("/v2/app/blobs/x", "")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        assert!(matches!(error.find(), Some(AuthError::UnsafeRealm { .. })), "{realm}: {error:?}");
        assert_eq!(log.all().len(), 1);
    }
}

#[tokio::test]
async fn a_relative_realm_is_the_registry_s_own() {
    let (client, log) = transport(|at, seen| match at {
        0 => answer(401, &[("www-authenticate", "Bearer realm=\"/token\"")], ""),
        1 => answer(200, &[], r#"{"token":"good"}"#),
        _ => token_registry(seen),
    });
    assert_eq!(status(&client.layer(&layer(me())), get("/v2/app/blobs/x", "")).await, 200);
    assert_eq!(log.all()[1].uri, "https://r.example/token");
}

#[tokio::test]
async fn only_listed_token_servers_see_a_credential_when_there_is_a_list() {
    for (hosts, tells) in [(&["AUTH.example"][..], true), (&["other.example"], false), (&[], false)] {
        let (client, log) = transport(|_, seen| token_registry(seen));
        let builder = AuthLayer::builder(StaticCredential::new("r.example", me()));
        let client = client.layer(&builder.with_realm_hosts(hosts.iter().map(|host| (*host).to_owned())).build());
        assert_eq!(status(&client, get("/v2/app/blobs/x", "")).await, 200);
        assert_eq!(told(&log.to("auth.example")), tells);
    }
}

#[tokio::test]
async fn a_token_server_that_redirects_gives_nothing_away() {
    for (credential, method) in [(me(), "GET"), (Credential::refresh_token("rt-secret"), "POST")] {
        let (client, log) = transport(|_, seen| match seen.host() {
            "auth.example" => answer(307, &[("location", "https://evil.example/token")], ""),
            "evil.example" => answer(200, &[], r#"{"token":"theirs"}"#),
            _ => token_registry(seen),
        });
        let _result = client.layer(&layer(credential)).send(get("/v2/app/blobs/x", "")).await;
        assert_eq!(log.to("auth.example")[0].method, method);
        assert!(!told(&log.to("evil.example")));
    }
}

#[tokio::test]
async fn a_request_to_another_origin_gets_that_origin_s_credential() {
    // An upload's `Location` on another host, or a `Link` that leads away.
    let (client, log) = transport(|_, seen| token_registry(seen));
    let client = client.layer(&layer(me()));
    assert_eq!(status(&client, get("/v2/app/blobs/x", "repository:app:pull")).await, 200);
    for url in ["https://evil.example/upload/1", "https://r.example:8443/v2/", "http://r.example/v2/"] {
        let before = log.all().len();
        let request = http::Request::put(url).extension(Scopes::parse("repository:app:pull")).body(HttpBody::empty());
        let _result = client.send(request.unwrap()).await;
        let first = &log.all()[before];
        assert!(!told(std::slice::from_ref(first)), "{first:?}");
    }
}

#[tokio::test]
async fn errors_show_no_secret() {
    for credential in [me(), Credential::refresh_token("rt-secret"), Credential::access_token("at-secret")] {
        let (client, _) = transport(|_, seen| match seen.host() {
            "auth.example" => answer(401, &[], r#"{"message":"no"}"#),
            _ => answer(401, &[("www-authenticate", r#"Bearer realm="https://auth.example/t?sig=rt-secret""#)], ""),
        });
        let client = client.layer(&layer(credential));
        let Err(error) = client.send(get("/v2/app/blobs/x", "")).await else { continue };
        let text = format!("{error} {error:?} {client:?}");
        assert!(!SECRETS.iter().any(|secret| text.contains(secret)), "{text}");
    }
}

proptest! {
    #[test]
    fn challenges_are_read_from_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        if let Ok(value) = http::HeaderValue::from_bytes(&bytes) {
            Challenge::all(&[(http::header::WWW_AUTHENTICATE, value)].into_iter().collect());
        }
    }

    #[test]
    fn challenges_are_read_from_what_looks_right(text in "[BbearicsRlm=\",; \\\\/t0-9]{0,60}") {
        let value = http::HeaderValue::from_str(&text).unwrap();
        Challenge::all(&[(http::header::WWW_AUTHENTICATE, value)].into_iter().collect());
    }

    #[test]
    fn printed_challenges_are_read_back(
        challenges in proptest::collection::vec(
            ("[a-z][a-z0-9-]{0,8}", proptest::collection::vec(("[a-z][a-z_]{0,8}", "[ -~]{0,20}"), 0..4)),
            0..4,
        )
    ) {
        let challenges: Vec<Challenge> = challenges.into_iter().map(|(scheme, parameters)| {
            let mut challenge = Challenge::new(scheme);
            challenge.parameters = parameters;
            challenge
        }).collect();
        let line = challenges.iter().map(Challenge::to_string).collect::<Vec<_>>().join(", ");
        let value = http::HeaderValue::from_str(&line).unwrap();
        prop_assert_eq!(Challenge::all(&[(http::header::WWW_AUTHENTICATE, value)].into_iter().collect()), challenges);
    }

    #[test]
    fn scopes_are_read_from_any_text_and_read_back(text in "\\PC{0,60}|([a-c]:[a-c:]{0,3}:[a-c,*]{0,5} ){0,4}") {
        let scopes = Scopes::parse(&text);
        prop_assert_eq!(&Scopes::parse(&scopes.to_string()), &scopes);
        prop_assert!(scopes.covers(&scopes));
        prop_assert_eq!(&scopes.clone().merged(&scopes), &scopes);
    }
}
