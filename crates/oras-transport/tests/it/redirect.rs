use bytes::Bytes;
use futures_util::stream;
use http::{HeaderName, HeaderValue};
use oras_content::{Blob, ErrorKind};
use oras_transport::{FinalUri, HttpBody, HttpClient, RequestOptions};

use crate::support::{answer, client, get};

const HOME: &str = "https://r.example/v2/app/blobs/x";

#[tokio::test]
async fn every_method_follows_and_keeps_its_body() {
    for status in [301, 302, 307, 308] {
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"] {
            let (client, log) = client(HttpClient::builder(), move |at, _| {
                Ok(match at {
                    0 => answer(status, &[("location", "/second")]),
                    1 => answer(status, &[("location", "https://r.example/third?x=1")]),
                    2 => answer(status, &[("location", "fourth")]),
                    _ => answer(200, &[]),
                })
            });
            let body = if method == "GET" || method == "HEAD" { "" } else { "body" };
            let request = http::Request::builder()
                .method(method)
                .uri(HOME)
                .header("range", "bytes=0-")
                .body(HttpBody::from_bytes(body.into()));
            let response = client.send(request.unwrap()).await.unwrap();
            assert_eq!(response.extensions().get::<FinalUri>().unwrap().0, "https://r.example/fourth");
            let all = log.all();
            assert_eq!(all.len(), 4);
            assert!(
                all.iter().all(|seen| seen.method == method && seen.body == body && seen.headers.contains_key("range"))
            );
        }
    }
}

#[tokio::test]
async fn see_other_asks_for_the_other_resource() {
    let (client, log) = client(HttpClient::builder(), |at, _| {
        Ok(if at == 0 { answer(303, &[("location", "/other")]) } else { answer(200, &[]) })
    });
    let request = http::Request::post(HOME).header("content-type", "text/plain").body(HttpBody::from_bytes("x".into()));
    client.send(request.unwrap()).await.unwrap();
    let last = log.all().remove(1);
    assert_eq!((last.method.as_str(), last.body.len()), ("GET", 0));
    assert!(!last.headers.contains_key("content-type"));
}

#[tokio::test]
async fn no_credential_follows_to_another_origin() {
    for (to, keeps) in [
        ("https://r.example:443/b", true),
        ("https://cdn.example/b", false),
        ("https://sub.r.example/b", false),
        ("https://r.example:8443/b", false),
    ] {
        let key = HeaderName::from_static("x-api-key");
        let builder = HttpClient::builder().with_header(key, HeaderValue::from_static("secret"));
        let (client, log) =
            client(builder, move |at, _| Ok(if at == 0 { answer(307, &[("location", to)]) } else { answer(200, &[]) }));
        let request = http::Request::get(HOME)
            .header("host", "registry.internal")
            .header("authorization", "Bearer secret")
            .header("cookie", "secret")
            .header("proxy-authorization", "secret")
            .body(HttpBody::empty());
        client.send(request.unwrap()).await.unwrap();
        let second = log.all().remove(1);
        for name in ["host", "authorization", "cookie", "proxy-authorization", "x-api-key"] {
            assert_eq!(second.headers.contains_key(name), keeps, "{name} to {to}");
        }
        assert!(second.headers.contains_key("user-agent"));
    }
}

#[tokio::test]
async fn a_credential_does_not_come_back_after_a_detour() {
    let (client, log) = client(HttpClient::builder(), |at, _| {
        Ok(match at {
            0 => answer(302, &[("location", "https://evil.example/")]),
            1 => answer(302, &[("location", HOME)]),
            _ => answer(200, &[]),
        })
    });
    let request = http::Request::get(HOME).header("authorization", "Bearer secret").body(HttpBody::empty());
    client.send(request.unwrap()).await.unwrap();
    let with: Vec<bool> = log.all().iter().map(|seen| seen.headers.contains_key("authorization")).collect();
    assert_eq!(with, [true, false, false]);
}

#[tokio::test]
async fn https_never_leads_to_http_nor_to_anything_else() {
    for to in ["http://r.example/b", "http://r.example:443/b", "ftp://r.example/b", "file:///etc/passwd"] {
        let (client, log) = client(HttpClient::builder(), move |_, _| Ok(answer(302, &[("location", to)])));
        let kind = client.send(get(HOME)).await.unwrap_err().kind();
        assert!(matches!(kind, ErrorKind::Unsupported | ErrorKind::Corrupt), "{to}: {kind}");
        assert_eq!(log.len(), 1);
    }
}

#[tokio::test]
async fn ten_redirects_are_followed_and_no_more() {
    let (client, log) = client(HttpClient::builder(), |at, _| {
        Ok(if at < 10 { answer(302, &[("location", HOME)]) } else { answer(200, &[]) })
    });
    assert_eq!(client.send(get(HOME)).await.unwrap().status(), 200);
    assert_eq!(log.len(), 11);

    let (endless, log) = crate::support::client(HttpClient::builder(), |_, _| Ok(answer(302, &[("location", HOME)])));
    assert_eq!(endless.send(get(HOME)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(log.len(), 11);
}

#[tokio::test]
async fn a_redirect_of_a_spent_body_is_refused_clearly() {
    let (client, log) = client(HttpClient::builder(), |_, _| Ok(answer(307, &[("location", "/other")])));
    let chunks = stream::iter([Ok(Bytes::from_static(b"once"))]);
    let body = HttpBody::from_blob(Blob::from_stream(Some(4), chunks));
    let error = client.send(http::Request::put(HOME).body(body).unwrap()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("read only once"), "{error}");
    assert_eq!(log.len(), 1);
}

#[tokio::test]
async fn a_secret_in_a_body_stays_with_its_origin() {
    for (to, requests) in [("https://r.example/other", 2), ("https://other.example/", 1)] {
        let (client, log) = client(HttpClient::builder(), move |at, _| {
            Ok(if at == 0 { answer(307, &[("location", to)]) } else { answer(200, &[]) })
        });
        let request = http::Request::post(HOME)
            .extension(RequestOptions::new().without_foreign_redirects())
            .body(HttpBody::from_bytes("refresh_token=secret".into()));
        assert_eq!(client.send(request.unwrap()).await.is_ok(), requests == 2);
        assert_eq!(log.len(), requests);
    }
}

#[tokio::test]
async fn what_is_no_redirect_is_returned() {
    for (status, location) in [(201, Some("/made")), (202, Some("/upload")), (304, Some("/x")), (307, None)] {
        let (client, log) = client(HttpClient::builder(), move |_, _| {
            Ok(location.map_or_else(|| answer(status, &[]), |to| answer(status, &[("location", to)])))
        });
        assert_eq!(client.send(get(HOME)).await.unwrap().status(), status);
        assert_eq!(log.len(), 1);
    }
}

#[tokio::test]
async fn a_failure_behind_a_redirect_is_tried_again_from_the_start() {
    let (client, log) = client(HttpClient::builder(), |at, _| {
        Ok(match at {
            0 | 2 => answer(307, &[("location", "https://cdn.example/signed")]),
            1 => answer(503, &[]),
            _ => answer(200, &[]),
        })
    });
    assert_eq!(client.send(get(HOME)).await.unwrap().status(), 200);
    let hosts: Vec<_> = log.all().iter().map(|seen| seen.uri.host().unwrap().to_owned()).collect();
    assert_eq!(hosts, ["r.example", "cdn.example", "r.example", "cdn.example"]);
}
