//! Blobs on their way out.

use oras_content::{ErrorKind, Fetcher as _, ReadOnlyStorage as _};
use oras_remote::RegistryOptions;
use oras_testing::{Expected, Reply, ScriptedService};

use crate::support::{blob, get_blob, head_blob, repository, with};

const CONTENT: &str = "0123456789";

/// An answer that breaks off after four bytes.
fn broken() -> Reply {
    Reply::status(200).body("0123").then_reset()
}

async fn read(service: &ScriptedService) -> oras_content::Result<bytes::Bytes> {
    let (desc, _) = blob(CONTENT);
    let read = repository(service).fetch(&desc).await?.bytes(100).await;
    service.finish();
    read
}

/// What follows a broken answer.
fn rest() -> Expected {
    get_blob(&blob(CONTENT).0).header("range", "bytes=4-9").header("accept-encoding", "identity")
}

fn after_a_break(reply: Reply) -> ScriptedService {
    ScriptedService::new().expect(get_blob(&blob(CONTENT).0).no_header("range"), broken()).expect(rest(), reply)
}

#[tokio::test]
async fn a_blob_asks_for_no_coding_and_no_range() {
    let (desc, _) = blob(CONTENT);
    let whole = Reply::status(200).header("content-length", "10").body(CONTENT);
    let expected = get_blob(&desc).no_header("range").no_header("authorization").header("accept-encoding", "identity");
    assert_eq!(read(&ScriptedService::new().expect(expected, whole)).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_rest_of_any_total_continues() {
    for range in ["bytes 4-9/10", "bytes 4-9/*"] {
        let service = after_a_break(Reply::status(206).header("content-range", range).body("456789"));
        assert_eq!(read(&service).await.unwrap(), CONTENT, "{range}");
    }
}

#[tokio::test]
async fn a_shorter_rest_than_asked_for_is_gone_on_with() {
    let service = after_a_break(Reply::status(206).header("content-range", "bytes 4-6/10").body("456"));
    let last = get_blob(&blob(CONTENT).0).header("range", "bytes=7-9");
    let service = service.expect(last, Reply::status(206).header("content-range", "bytes 7-9/10").body("789"));
    assert_eq!(read(&service).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn a_rest_that_is_none_is_an_error() {
    for (name, reply) in [
        ("no range", Reply::status(206).body("456789")),
        ("another start", Reply::status(206).header("content-range", "bytes 3-9/10").body("3456789")),
        ("another total", Reply::status(206).header("content-range", "bytes 4-9/11").body("456789")),
        (
            "several parts",
            Reply::status(206)
                .header("content-type", "multipart/byteranges; boundary=x")
                .header("content-range", "bytes 4-9/10")
                .body("456789"),
        ),
    ] {
        assert_eq!(read(&after_a_break(reply)).await.unwrap_err().kind(), ErrorKind::Other, "{name}");
    }
}

#[tokio::test]
async fn a_rest_that_nobody_asked_for_is_an_error() {
    let (desc, _) = blob(CONTENT);
    let service = ScriptedService::new()
        .expect(get_blob(&desc), Reply::status(206).header("content-range", "bytes 0-9/10").body(CONTENT));
    assert_eq!(read(&service).await.unwrap_err().kind(), ErrorKind::Other);
}

#[tokio::test]
async fn a_range_that_cannot_be_satisfied_is_followed_by_the_whole() {
    let (desc, _) = blob(CONTENT);
    let service = after_a_break(Reply::status(416).header("content-range", "bytes */10"))
        .expect(get_blob(&desc).no_header("range"), Reply::status(200).body(CONTENT));
    assert_eq!(read(&service).await.unwrap(), CONTENT);
}

#[tokio::test]
async fn ranges_that_break_the_registry_are_followed_by_the_whole() {
    for status in [400, 500] {
        let (desc, _) = blob(CONTENT);
        let service = after_a_break(Reply::status(status))
            .expect(get_blob(&desc).no_header("range"), Reply::status(200).body(CONTENT));
        assert_eq!(read(&service).await.unwrap(), CONTENT, "{status}");
    }
}

#[tokio::test]
async fn a_length_that_cannot_be_right_says_both_sides() {
    let (desc, _) = blob(CONTENT);
    let service = ScriptedService::new()
        .expect(get_blob(&desc), Reply::status(200).header("content-length", "11").body("0123456789x"));
    let error = read(&service).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let text = error.to_string();
    assert!(text.contains("sends 11 bytes") && text.contains("descriptor says 10"), "{text}");
}

#[tokio::test]
async fn the_length_of_a_head_is_no_matter_for_existence() {
    let (desc, _) = blob(CONTENT);
    let service = ScriptedService::new().expect(head_blob(&desc), Reply::status(200).header("content-length", "7"));
    assert!(repository(&service).exists(&desc).await.unwrap());
    service.finish();
}

#[tokio::test]
async fn the_urls_of_a_descriptor_are_asked_only_on_request_and_as_nobody() {
    let (mut desc, _) = blob(CONTENT);
    desc.urls = vec!["ftp://a.example/x".into(), "https://b.example/x".into(), "https://c.example/x".into()];
    let missing = || ScriptedService::new().expect(get_blob(&desc), Reply::status(404));
    let service = missing();
    let refused = repository(&service).fetch(&desc).await.unwrap().bytes(100).await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::NotFound);
    service.finish();
    let at = |origin: &str| Expected::get("/x").origin(origin).no_header("authorization");
    let service = missing()
        .expect(at("https://b.example"), Reply::status(500))
        .expect(at("https://c.example"), Reply::status(200).body(CONTENT));
    let repo = with(&service, RegistryOptions::new().with_foreign_urls(true));
    assert_eq!(repo.fetch(&desc).await.unwrap().bytes(100).await.unwrap(), CONTENT);
    service.finish();
}

#[tokio::test]
async fn what_a_foreign_url_gives_is_verified() {
    let (mut desc, _) = blob(CONTENT);
    desc.urls = vec!["https://b.example/x".into()];
    let service = ScriptedService::new()
        .expect(get_blob(&desc), Reply::status(404))
        .expect(Expected::get("/x"), Reply::status(200).body("012345678x"));
    let repo = with(&service, RegistryOptions::new().with_foreign_urls(true));
    assert_eq!(repo.fetch(&desc).await.unwrap().bytes(100).await.unwrap_err().kind(), ErrorKind::Corrupt);
    service.finish();
}

#[tokio::test]
async fn an_endless_error_page_is_read_to_its_limit() {
    let (desc, _) = blob(CONTENT);
    let page = (0..100).fold(Reply::status(404), |reply, _| reply.body(vec![b'x'; 4096])).then_stall();
    let service = ScriptedService::new().expect(get_blob(&desc), page);
    assert_eq!(read(&service).await.unwrap_err().kind(), ErrorKind::NotFound);
}
