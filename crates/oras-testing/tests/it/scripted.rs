use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_util::{FutureExt as _, StreamExt as _};
use oras_content::ErrorKind;
use oras_testing::{Expected, Reply, ScriptedService};
use oras_transport::{HttpBody, HttpClient, Request};

fn request(method: &str, path: &str, body: &'static str) -> Request {
    let uri = format!("https://registry.example{path}");
    let request = http::Request::builder().method(method).uri(uri).header("x-test", "1");
    request.body(HttpBody::from_bytes(body.into())).unwrap()
}

/// Why the script was not kept to, or nothing.
fn report(service: &ScriptedService) -> String {
    match catch_unwind(AssertUnwindSafe(|| service.finish())) {
        Ok(()) => String::new(),
        Err(panic) => panic.downcast_ref::<String>().cloned().unwrap_or_default(),
    }
}

async fn send(service: &ScriptedService, request: Request) -> oras_content::Result<oras_transport::Response> {
    HttpClient::from_service(service.clone()).send(request).await
}

#[tokio::test]
async fn gives_the_scripted_responses_in_order() {
    let service = ScriptedService::new()
        .expect(
            Expected::get("/a").origin("https://registry.example").header("x-test", "1"),
            Reply::status(200).body("x"),
        )
        .expect(
            Expected::post("/b?c=d").no_header("authorization").body("{}"),
            Reply::status(202).header("location", "/e"),
        );
    let first = send(&service, request("GET", "/a", "")).await.unwrap();
    assert_eq!(first.into_body().bytes(10).await.unwrap(), "x");
    let second = send(&service, request("POST", "/b?c=d", "{}")).await.unwrap();
    assert_eq!((second.status().as_u16(), second.headers()["location"].as_bytes()), (202, &b"/e"[..]));
    assert_eq!(service.received(), ["GET /a", "POST /b?c=d"]);
    service.finish();
}

#[tokio::test]
async fn tells_every_difference_of_a_request() {
    let expected = Expected::put("/a").origin("http://other").header("x-test", "2").no_header("x-test").body("right");
    let service = ScriptedService::new().expect(expected, Reply::status(200));
    let error = send(&service, request("POST", "/b", "wrong")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    let report = report(&service);
    for line in [
        "request 1 was not as expected",
        "method: expected PUT, found POST",
        "path: expected /a, found /b",
        "origin: expected http://other, found https://registry.example",
        "header x-test: expected 2, found 1",
        "header x-test: expected none, found 1",
        "body: expected 5 bytes \"right\", found 5 bytes \"wrong\"",
    ] {
        assert!(report.contains(line), "{line} is not in {report}");
    }
}

#[tokio::test]
async fn tells_of_requests_that_never_came_and_that_nobody_expected() {
    let service = ScriptedService::new().expect(Expected::get("/a"), Reply::status(200));
    assert!(report(&service).contains("request 1 never came: GET /a"));
    let service = ScriptedService::new();
    send(&service, request("GET", "/b", "")).await.unwrap_err();
    assert!(report(&service).contains("expected no request, found GET /b"));
}

#[test]
fn tells_it_on_drop_when_nobody_asked() {
    let service = ScriptedService::new().expect(Expected::get("/a"), Reply::status(200));
    let other = service.clone();
    drop(service);
    let dropped = catch_unwind(AssertUnwindSafe(|| drop(other)));
    assert!(dropped.unwrap_err().downcast_ref::<String>().unwrap().contains("request 1 never came: GET /a"));
}

#[tokio::test]
async fn takes_requests_in_any_order_when_told_so() {
    let service = ScriptedService::in_any_order()
        .expect(Expected::get("/a"), Reply::status(200))
        .expect(Expected::get("/b"), Reply::status(201))
        .expect(Expected::get("/a"), Reply::status(202));
    for (path, status) in [("/b", 201), ("/a", 200), ("/a", 202)] {
        assert_eq!(send(&service, request("GET", path, "")).await.unwrap().status(), status);
    }
    service.finish();
}

#[tokio::test]
async fn resets_and_stalls_as_told() {
    let service = ScriptedService::new()
        .expect(Expected::put("/a").body_starting_with("hel"), Reply::reset_after(3))
        .expect(Expected::get("/b"), Reply::status(200).body("x").body("y").then_reset())
        .expect(Expected::get("/c"), Reply::status(200).body("z").then_stall())
        .expect(Expected::get("/d"), Reply::stall())
        .expect(Expected::put("/e").body("hello"), Reply::status(413).early(0));
    let reset = send(&service, request("PUT", "/a", "hello")).await.unwrap_err();
    assert_eq!((reset.kind(), reset.is_retryable()), (ErrorKind::Io, true));

    let mut body = send(&service, request("GET", "/b", "")).await.unwrap().into_body();
    assert_eq!(body.next().await.unwrap().unwrap(), "x");
    assert_eq!(body.next().await.unwrap().unwrap(), "y");
    assert!(body.next().await.unwrap().unwrap_err().is_retryable());

    let mut body = send(&service, request("GET", "/c", "")).await.unwrap().into_body();
    assert_eq!(body.next().await.unwrap().unwrap(), "z");
    assert!(body.next().now_or_never().is_none());

    assert!(send(&service, request("GET", "/d", "")).now_or_never().is_none());
    assert_eq!(send(&service, request("PUT", "/e", "hello")).await.unwrap().status(), 413);
    service.finish();
}

#[tokio::test]
async fn looks_into_a_body_as_told() {
    let check = |body: &[u8]| if body.len() == 2 { Ok(()) } else { Err(format!("{} bytes", body.len())) };
    let expected = || Expected::put("/a").body_with(check);
    let service = ScriptedService::new().expect(expected(), Reply::status(200)).expect(expected(), Reply::status(200));
    send(&service, request("PUT", "/a", "ok")).await.unwrap();
    send(&service, request("PUT", "/a", "not ok")).await.unwrap_err();
    assert!(report(&service).contains("body: 6 bytes"));
}
