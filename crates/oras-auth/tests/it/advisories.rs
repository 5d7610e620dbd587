//! What was once wrong elsewhere: the realm of a challenge is the registry's to choose, and a registry may be hostile.

use oras_auth::{AuthError, AuthLayer, Credential, StaticCredential};
use oras_content::ErrorKind;

use crate::support::{Seen, answer, get, layer, me, status, token_registry, transport};

const SECRETS: [&str; 4] = ["pw", "bWU6cHc=", "rt-secret", "OnJ0LXNlY3JldA"];

fn credentials() -> [Credential; 3] {
    [me(), Credential::refresh_token("rt-secret"), me().with_refresh_token("rt-secret")]
}

fn challenge(realm: &str) -> String {
    format!("Bearer realm=\"{realm}\",service=\"r\",scope=\"repository:app:pull\"")
}

fn tells(seen: &[Seen]) -> bool {
    seen.iter().any(|seen| {
        let text = format!("{} {:?} {:?} {:?}", seen.uri, seen.headers, seen.authorization(), seen.body);
        SECRETS.iter().any(|secret| text.contains(secret))
    })
}

/// GHSA-xf85-363p-868w (CVE-2026-48978): a realm was asked whatever its scheme and wherever it led, with password and
/// refresh token.
#[tokio::test]
async fn ghsa_xf85_363p_868w_a_realm_without_tls_or_inside_the_network_is_not_asked() {
    for realm in [
        "http://r.example/token",
        "http://auth.example/token",
        "HTTP://auth.example/token",
        "https://127.0.0.1/token",
        "https://127.1/token",
        "https://[::1]/token",
        "https://[::ffff:169.254.169.254]/token",
        "https://169.254.169.254/latest/api/token",
        "https://10.1.2.3:8443/token",
        "https://192.168.0.1/token",
        "https://172.16.0.1/token",
        "https://[fd00:ec2::254]/token",
        "https://localhost/token",
        "https://a.localhost./token",
        "https://2852039166/token",
        "file:///etc/passwd",
        "gopher://auth.example/token",
    ] {
        for credential in credentials() {
            let (client, log) = transport(move |_, seen| match seen.host() {
                "r.example" => answer(401, &[("www-authenticate", &challenge(realm))], ""),
                _ => token_registry(seen),
            });
            let request = get("/v2/app/blobs/x", "repository:app:pull");
            let error = client.layer(&layer(credential)).send(request).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unauthorized);
            assert!(matches!(error.find(), Some(AuthError::UnsafeRealm { .. })), "{realm}: {error:?}");
            assert_eq!(log.lines(), ["GET r.example/v2/app/blobs/x -"], "{realm}");
        }
    }
}

/// GHSA-28r5-37g7-p6mp: a hostile registry named a token server of its own, and got the credentials. Whoever knows which
/// token servers are right can say so.
#[tokio::test]
async fn ghsa_28r5_37g7_p6mp_a_token_server_that_is_not_trusted_gets_no_credential() {
    for credential in credentials() {
        let (client, log) = transport(|_, seen| match seen.host() {
            "evil.example" => answer(200, &[], r#"{"token":"good"}"#),
            "r.example" if seen.authorization() == Some("Bearer good") => answer(200, &[], ""),
            _ => answer(401, &[("www-authenticate", &challenge("https://evil.example/token"))], ""),
        });
        let builder = AuthLayer::builder(StaticCredential::new("r.example", credential));
        let client = client.layer(&builder.with_realm_hosts(["auth.example".to_owned()]).build());
        assert_eq!(status(&client, get("/v2/app/blobs/x", "repository:app:pull")).await, 200);
        let evil = log.to("evil.example");
        assert_eq!(evil.len(), 1, "it may say what anybody may do");
        assert!(!tells(&evil) && evil[0].authorization().is_none(), "{evil:?}");
        assert!(!tells(&log.to("r.example")));
    }
}
