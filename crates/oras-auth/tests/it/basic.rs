use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::{future::join_all, stream};
use oras_auth::{AuthError, AuthLayer, Credential, Scopes, StaticCredential};
use oras_content::{Blob, ErrorKind};
use oras_transport::HttpBody;

use crate::support::{Asked, CHALLENGE, ME, answer, get, layer, me, status, token_registry, transport};

const BASIC: &str = r#"Basic realm="r""#;

fn basic_registry(seen: &crate::support::Seen) -> oras_transport::Response {
    if seen.authorization() == Some(ME) {
        answer(200, &[], "")
    } else {
        answer(401, &[("www-authenticate", BASIC)], "")
    }
}

#[tokio::test]
async fn a_basic_registry_is_told_after_its_challenge_and_at_once_from_then_on() {
    let (client, log) = transport(|_, seen| basic_registry(seen));
    let client = client.layer(&layer(me()));
    for _ in 0..3 {
        assert_eq!(status(&client, get("/v2/app/tags/list", "repository:app:pull")).await, 200);
    }
    let path = "GET r.example/v2/app/tags/list";
    let expected = [format!("{path} -"), format!("{path} {ME}"), format!("{path} {ME}"), format!("{path} {ME}")];
    assert_eq!(log.lines(), expected);
}

#[tokio::test]
async fn without_a_cache_every_request_is_challenged() {
    let (client, log) = transport(|_, seen| token_registry(seen));
    let provider = StaticCredential::new("r.example", me());
    let client = client.layer(&AuthLayer::builder(provider).without_cache().build());
    for _ in 0..2 {
        assert_eq!(status(&client, get("/v2/", "")).await, 200);
    }
    assert_eq!(log.all().len(), 6);
}

#[tokio::test]
async fn a_missing_or_half_credential_is_an_error_that_names_the_registry() {
    for (credential, half) in [
        (Credential::anonymous(), false),
        (Credential::password("me", ""), true),
        (Credential::password("", "pw"), true),
        (Credential::access_token("t"), true),
    ] {
        let (client, _) = transport(|_, seen| basic_registry(seen));
        let error = client.layer(&layer(credential)).send(get("/v2/", "repository:app:pull")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unauthorized);
        let (registry, scopes) = ("r.example".to_owned(), Scopes::parse("repository:app:pull"));
        let expected = match half {
            true => AuthError::Incomplete { registry, scopes },
            false => AuthError::NoCredential { registry, scopes },
        };
        assert_eq!(error.find::<AuthError>(), Some(&expected));
        for said in ["r.example", "repository:app:pull", "log in"] {
            assert!(error.to_string().contains(said), "{error}");
        }
    }
}

#[tokio::test]
async fn a_wrong_password_is_tried_once_and_the_refusal_returned() {
    let (client, log) = transport(|_, seen| basic_registry(seen));
    let client = client.layer(&layer(Credential::password("me", "wrong")));
    assert_eq!(status(&client, get("/v2/", "")).await, 401);
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn a_rotated_password_is_found_after_a_refusal() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let provider = Asked(Arc::clone(&asked), |at, _: &str, _: Option<&str>| {
        Ok(if at == 0 { Credential::password("me", "old") } else { me() })
    });
    let (client, log) = transport(|at, seen| {
        if at < 3 && seen.authorization() != Some(ME) && at > 0 { answer(200, &[], "") } else { basic_registry(seen) }
    });
    let client = client.layer(&AuthLayer::new(provider));
    // The old password is good for two requests, then only the new one is.
    for _ in 0..3 {
        assert_eq!(status(&client, get("/v2/", "")).await, 200);
    }
    assert_eq!(asked.lock().unwrap().len(), 2);
    assert_eq!(log.all().len(), 5);
}

#[tokio::test]
async fn bearer_is_preferred_wherever_it_stands() {
    for lines in [&[BASIC, CHALLENGE][..], &[CHALLENGE, BASIC], &["Negotiate abc==", BASIC, CHALLENGE]] {
        for joined in [false, true] {
            let lines =
                if joined { vec![lines.join(", ")] } else { lines.iter().map(|line| (*line).to_owned()).collect() };
            let (client, log) = transport(move |at, seen| {
                let lines: Vec<_> = lines.iter().map(|line| ("www-authenticate", line.as_str())).collect();
                if at == 0 { answer(401, &lines, "") } else { token_registry(seen) }
            });
            assert_eq!(status(&client.layer(&layer(me())), get("/v2/", "")).await, 200);
            assert_eq!(log.to("auth.example").len(), 1);
        }
    }
}

#[tokio::test]
async fn an_upper_case_scheme_is_understood() {
    let (client, _) = transport(|at, seen| {
        if at == 0 {
            answer(401, &[("www-authenticate", r#"BASIC realm="Sonatype Nexus""#)], "")
        } else {
            basic_registry(seen)
        }
    });
    assert_eq!(status(&client.layer(&layer(me())), get("/v2/", "")).await, 200);
}

#[tokio::test]
async fn a_request_that_says_who_asks_is_left_alone() {
    let (client, log) = transport(|_, seen| basic_registry(seen));
    let mut request = get("/v2/", "");
    request.headers_mut().insert("authorization", "Bearer mine".parse().unwrap());
    assert_eq!(status(&client.layer(&layer(me())), request).await, 401);
    assert_eq!(log.lines(), ["GET r.example/v2/ Bearer mine"]);
}

#[tokio::test]
async fn a_challenge_that_is_not_understood_is_returned() {
    for challenge in ["Negotiate", "Digest realm=\"x\"", "", "Bearer service=\"no realm\""] {
        let (client, log) = transport(move |_, _| answer(401, &[("www-authenticate", challenge)], ""));
        assert_eq!(status(&client.layer(&layer(me())), get("/v2/", "")).await, 401);
        assert_eq!(log.all().len(), 1);
    }
}

#[tokio::test]
async fn a_change_of_scheme_replaces_what_was_known() {
    let (client, log) = transport(|at, seen| if at < 2 { basic_registry(seen) } else { token_registry(seen) });
    let client = client.layer(&layer(me()));
    for _ in 0..3 {
        assert_eq!(status(&client, get("/v2/", "")).await, 200);
    }
    let auth: Vec<_> = log.to("r.example").iter().map(|seen| seen.authorization().unwrap_or("-").to_owned()).collect();
    assert_eq!(auth, ["-", ME, ME, "Bearer good", "Bearer good"]);
}

#[tokio::test]
async fn a_credential_is_for_its_host_and_port_alone() {
    let (client, log) = transport(|_, seen| basic_registry(seen));
    let client = client.layer(&layer(me()));
    for url in ["https://r.example:8443/v2/", "https://sub.r.example/v2/", "https://docker.io/v2/"] {
        let request = http::Request::get(url).body(HttpBody::empty()).unwrap();
        assert_eq!(client.send(request).await.unwrap_err().kind(), ErrorKind::Unauthorized);
    }
    assert!(log.all().iter().all(|seen| seen.authorization().is_none()));

    let (client, _) = transport(|_, seen| basic_registry(seen));
    let client = client.layer(&AuthLayer::new(StaticCredential::new("docker.io", me())));
    let request = http::Request::get("https://registry-1.docker.io/v2/").body(HttpBody::empty()).unwrap();
    assert_eq!(status(&client, request).await, 200);
}

#[tokio::test]
async fn credentials_are_looked_up_by_the_host_header_where_there_is_one() {
    let asked = Arc::new(Mutex::new(Vec::new()));
    let provider = Asked(Arc::clone(&asked), |_, _: &str, _: Option<&str>| Ok(me()));
    let (client, _) = transport(|_, seen| basic_registry(seen));
    let client = client.layer(&AuthLayer::new(provider));
    let mut request = get("/v2/team/app/manifests/v1", "");
    request.headers_mut().insert("host", "registry.internal:5000".parse().unwrap());
    assert_eq!(status(&client, request).await, 200);
    // The name is part of what is remembered: under another one it may be another account.
    assert_eq!(status(&client, get("/v2/team/app/manifests/v1", "")).await, 200);
    assert_eq!(*asked.lock().unwrap(), ["registry.internal:5000/team/app", "r.example/team/app"]);
}

#[tokio::test]
async fn two_accounts_on_one_host_do_not_mix() {
    let provider = Asked(Arc::default(), |_, _: &str, repository: Option<&str>| {
        Ok(Credential::password(repository.unwrap_or("none"), "pw"))
    });
    let (client, log) = transport(|_, seen| {
        let name = seen.uri.path().trim_start_matches("/v2/").split('/').next().unwrap();
        let expected = match name {
            "alice" => "Basic YWxpY2U6cHc=",
            _ => "Basic Ym9iOnB3",
        };
        if seen.authorization() == Some(expected) {
            answer(200, &[], "")
        } else {
            answer(401, &[("www-authenticate", BASIC)], "")
        }
    });
    let client = client.layer(&AuthLayer::new(provider));
    let paths = ["/v2/alice/blobs/x", "/v2/bob/blobs/x"];
    let all = join_all((0..10).map(|at| status(&client, get(paths[at % 2], "")))).await;
    assert_eq!(all, [200; 10]);
    // Both stay known: no request is challenged any more.
    let before = log.all().len();
    for path in paths {
        assert_eq!(status(&client, get(path, "")).await, 200);
    }
    assert_eq!(log.all().len(), before + 2);
}

#[tokio::test]
async fn a_body_is_sent_again_whole_after_a_challenge() {
    let (client, log) = transport(|_, seen| basic_registry(seen));
    let client = client.layer(&layer(me()));
    let body = HttpBody::from_bytes("manifest".into());
    let request = http::Request::put("https://r.example/v2/app/manifests/v1").body(body).unwrap();
    assert_eq!(status(&client, request).await, 200);
    assert!(log.all().iter().all(|seen| seen.body == "manifest"));
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn a_streamed_body_is_not_sent_in_vain_when_nothing_is_known_of_a_registry() {
    let streamed = |replayable| {
        let chunks = stream::iter([Ok(Bytes::from_static(b"large"))]);
        let blob = if replayable { Blob::from_bytes("large".into()) } else { Blob::from_stream(Some(5), chunks) };
        http::Request::put("https://r.example/v2/app/blobs/uploads/1").body(HttpBody::from_blob(blob)).unwrap()
    };
    for replayable in [true, false] {
        let (client, log) = transport(|_, seen| basic_registry(seen));
        let client = client.layer(&layer(me()));
        for _ in 0..2 {
            assert_eq!(status(&client, streamed(replayable)).await, 200);
        }
        let upload = format!("PUT r.example/v2/app/blobs/uploads/1 {ME}");
        assert_eq!(log.lines(), ["GET r.example/v2/ -", &upload, &upload]);
    }
}

#[tokio::test]
async fn a_refused_body_that_was_read_is_an_error_that_says_so() {
    let (client, log) = transport(|at, seen| {
        // The probe is welcome, the upload is not.
        if at == 0 { answer(200, &[], "") } else { basic_registry(seen) }
    });
    let chunks = stream::iter([Ok(Bytes::from_static(b"once"))]);
    let body = HttpBody::from_blob(Blob::from_stream(Some(4), chunks));
    let request = http::Request::put("https://r.example/v2/app/blobs/uploads/1").body(body).unwrap();
    let error = client.layer(&layer(me())).send(request).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unauthorized);
    assert!(error.to_string().contains("read only once"), "{error}");
    assert_eq!(log.all().len(), 2);
}

#[tokio::test]
async fn a_provider_that_fails_stops_the_request() {
    let provider = Asked(Arc::default(), |_, _: &str, _: Option<&str>| {
        Err(oras_content::Error::new(ErrorKind::Io, "config.json is broken"))
    });
    let (client, _) = transport(|_, seen| basic_registry(seen));
    let error = client.layer(&AuthLayer::new(provider)).send(get("/v2/", "")).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Io, "config.json is broken"));
}
