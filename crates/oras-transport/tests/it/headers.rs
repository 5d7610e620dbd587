use std::sync::{Arc, Mutex};

use http::{HeaderMap, HeaderName, HeaderValue, header::USER_AGENT};
use oras_content::ErrorKind;
use oras_transport::{HttpClient, Link, RateLimit, Warning, redacted, resolve, retry_after};
use proptest::prelude::*;

use crate::support::{answer, client, get};

const URL: &str = "https://r.example/v2/";

#[tokio::test]
async fn every_request_names_the_program_and_refuses_codings() {
    let (plain, log) = client(HttpClient::builder(), |_, _| Ok(answer(200, &[])));
    plain.send(get(URL)).await.unwrap();
    let headers = log.all().remove(0).headers;
    assert_eq!(headers["user-agent"], format!("oras-rs/{}", env!("CARGO_PKG_VERSION")));
    assert_eq!(headers["accept-encoding"], "identity");

    let extra = HeaderName::from_static("x-team");
    let builder = HttpClient::builder()
        .with_user_agent(HeaderValue::from_static("mine/1"))
        .with_header(extra.clone(), HeaderValue::from_static("a"))
        .with_header(extra.clone(), HeaderValue::from_static("b"));
    let (own, log) = client(builder, |_, _| Ok(answer(200, &[])));
    let mut request = get(URL);
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static("this-request/2"));
    own.send(request).await.unwrap();
    let headers = log.all().remove(0).headers;
    assert_eq!(headers["user-agent"], "this-request/2");
    assert_eq!(headers.get_all(&extra).iter().collect::<Vec<_>>(), ["a", "b"]);
}

#[tokio::test]
async fn content_that_was_coded_all_the_same_is_given_as_it_came() {
    let (client, _) = client(HttpClient::builder(), |_, _| {
        let mut response = answer(200, &[("content-encoding", "x-gzip")]);
        *response.body_mut() = bytes::Bytes::from_static(&[0x1f, 0x8b, 8, 0]).into();
        Ok(response)
    });
    let response = client.send(get(URL)).await.unwrap();
    assert_eq!(response.into_body().bytes(10).await.unwrap(), &[0x1f, 0x8b, 8, 0][..]);
}

#[tokio::test]
async fn a_warning_is_shown_once_for_each_host() {
    let shown = Arc::new(Mutex::new(Vec::new()));
    let sink = Arc::clone(&shown);
    let builder = HttpClient::builder().with_warning_handler(move |host: &str, warning: &Warning| {
        sink.lock().unwrap().push(format!("{host}: {}", warning.text));
    });
    let (client, _) = client(builder, |_, seen| {
        let mut response = answer(200, &[("warning", r#"299 - "old", 199 - "code""#)]);
        if seen.uri.path() == "/new" {
            response.headers_mut().append("warning", HeaderValue::from_static(r#"299 - "a \"new\" one""#));
        }
        Ok(response)
    });
    for url in [URL, URL, "https://r.example/new", "https://other.example/"] {
        client.send(get(url)).await.unwrap();
    }
    let expected = ["r.example: old", r#"r.example: a "new" one"#, "other.example: old"];
    assert_eq!(*shown.lock().unwrap(), expected);
}

#[tokio::test]
async fn only_absolute_http_urls_are_asked() {
    let (client, log) = client(HttpClient::builder(), |_, _| Ok(answer(200, &[])));
    for url in ["/v2/", "ftp://r.example/"] {
        assert_eq!(client.send(get(url)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    }
    assert_eq!(log.len(), 0);
}

fn headers(name: &HeaderName, bytes: &[u8]) -> HeaderMap {
    HeaderValue::from_bytes(bytes).into_iter().map(|value| (name.clone(), value)).collect()
}

proptest! {
    #[test]
    fn parsers_take_any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200), text in "\\PC{0,80}") {
        for input in [&bytes[..], text.as_bytes()] {
            Link::all(&headers(&http::header::LINK, input));
            Warning::all(&headers(&http::header::WARNING, input));
            retry_after(&headers(&http::header::RETRY_AFTER, input), std::time::SystemTime::now());
            RateLimit::from_headers(&headers(&HeaderName::from_static("ratelimit-limit"), input));
        }
        let base = URL.parse().unwrap();
        if let Ok(uri) = resolve(&base, &text) {
            redacted(&uri);
        }
    }

    #[test]
    fn parsers_take_what_looks_right(text in "[<>;,=\"\\\\ relnxt0-9/-]{0,40}") {
        Link::all(&headers(&http::header::LINK, text.as_bytes()));
        Warning::all(&headers(&http::header::WARNING, text.as_bytes()));
    }

    #[test]
    fn a_printed_link_is_read_back(links in proptest::collection::vec(("[!-;=?-~]{0,20}", proptest::option::of("[ -~]{0,20}")), 0..4)) {
        let links: Vec<Link> = links.into_iter().map(|(target, rel)| match rel {
            Some(rel) => Link::new(target, rel),
            None => { let mut link = Link::new(target, ""); link.rel = None; link }
        }).collect();
        let line = links.iter().map(Link::to_string).collect::<Vec<_>>().join(", ");
        prop_assert_eq!(Link::all(&headers(&http::header::LINK, line.as_bytes())), links);
    }

    #[test]
    fn a_printed_warning_is_read_back(texts in proptest::collection::vec("[ -~]{1,40}", 0..4)) {
        let warnings: Vec<Warning> = texts.into_iter().map(Warning::new).collect();
        let line = warnings.iter().map(Warning::to_string).collect::<Vec<_>>().join(",");
        prop_assert_eq!(Warning::all(&headers(&http::header::WARNING, line.as_bytes())), warnings);
    }

    #[test]
    fn a_printed_wait_is_read_back(seconds in any::<u32>()) {
        let now = std::time::UNIX_EPOCH + std::time::Duration::from_secs(1_700_000_000);
        let wait = std::time::Duration::from_secs(seconds.into());
        let date = httpdate::fmt_http_date(now + wait);
        for text in [seconds.to_string(), date] {
            prop_assert_eq!(retry_after(&headers(&http::header::RETRY_AFTER, text.as_bytes()), now), Some(wait));
        }
    }
}
