//! Blobs on their way in.

use bytes::Bytes;
use futures_util::stream;
use oras_content::{Blob, Descriptor, Error, ErrorKind, Location, MediaType, MountOutcome, Pusher as _};
use oras_descriptor::Algorithm;
use oras_remote::{Repository, ResponseError, UploadStrategy};
use oras_testing::{Expected, Reply, ScriptedService};

use crate::support::{blob, head_blob, repository, session, start_upload};

const CONTENT: &str = "0123456789";

fn missing(service: ScriptedService) -> ScriptedService {
    service.expect(head_blob(&blob(CONTENT).0), Reply::status(404))
}

fn digest() -> String {
    blob(CONTENT).0.digest.to_string()
}

async fn push(repo: &Repository) -> oras_content::Result<()> {
    let (desc, bytes) = blob(CONTENT);
    repo.push(&desc, Blob::from_bytes(bytes)).await
}

async fn push_in_chunks(repo: &Repository) -> oras_content::Result<()> {
    let (desc, bytes) = blob(CONTENT);
    repo.upload(&desc, Blob::from_bytes(bytes)).with_strategy(UploadStrategy::Chunked(4)).send().await
}

fn chunk(location: &str, range: &str, body: &'static str) -> Expected {
    Expected::patch(location)
        .header("content-range", range)
        .header("content-length", body.len().to_string())
        .header("content-type", "application/octet-stream")
        .body(body)
}

fn close(location: &str) -> Expected {
    Expected::put(location).header("content-length", "0").body("")
}

#[tokio::test]
async fn the_query_of_a_location_comes_back_byte_by_byte() {
    for (location, put) in [
        ("/u/1?_state=a%2Fb%3D&x", format!("/u/1?_state=a%2Fb%3D&x&digest={}", digest())),
        ("https://registry.example:443/u?z=%7e&a=1", format!("/u?z=%7e&a=1&digest={}", digest())),
        ("http://registry.example/u", format!("/u?digest={}", digest())),
        ("?only=query", format!("/v2/app/blobs/uploads/?only=query&digest={}", digest())),
        ("../x", format!("/v2/app/blobs/x?digest={}", digest())),
    ] {
        let expected = Expected::put(put).origin("https://registry.example").body(CONTENT);
        let service = missing(ScriptedService::new())
            .expect(start_upload(), session(location))
            .expect(expected, Reply::status(201));
        push(&repository(&service)).await.unwrap_or_else(|error| panic!("{location}: {error}"));
        service.finish();
    }
}

#[tokio::test]
async fn a_location_on_another_host_is_refused() {
    for location in ["https://evil.example/u", "https://registry.example:8443/u", "https://registry.example.evil/u"] {
        let service = missing(ScriptedService::new()).expect(start_upload(), session(location));
        assert_eq!(push(&repository(&service)).await.unwrap_err().kind(), ErrorKind::Denied, "{location}");
        service.finish();
    }
}

#[tokio::test]
async fn a_session_that_claims_all_bytes_there_can_be_takes_no_chunk() {
    let claim = Reply::status(204).header("range", format!("0-{}", u64::MAX - 1));
    let service = ScriptedService::new().expect(start_upload(), session("/u")).expect(Expected::get("/u"), claim);
    let mut session = repository(&service).start_upload(Algorithm::Sha256).await.unwrap();
    session.synchronize().await.unwrap();
    let error = session.append(Bytes::from_static(b"more")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Other);
    assert!(error.to_string().contains(&u64::MAX.to_string()), "{error}");
    service.finish();
}

#[tokio::test]
async fn a_session_without_location_is_an_error() {
    let service = missing(ScriptedService::new()).expect(start_upload(), Reply::status(202));
    assert_eq!(push(&repository(&service)).await.unwrap_err().kind(), ErrorKind::Other);
    service.finish();
}

#[tokio::test]
async fn the_registry_is_told_when_the_content_is_not_what_was_described() {
    let (desc, _) = blob(CONTENT);
    let wrong = Blob::from_stream(None, stream::iter([Ok(Bytes::from_static(b"012345678x"))]));
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u"))
        .expect(Expected::put(format!("/u?digest={}", digest())).failing_body(), Reply::status(201))
        .expect(Expected::delete("/u").header("content-length", "0"), Reply::status(204));
    let error = repository(&service).push(&desc, wrong).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Corrupt, true));
    service.finish();
}

#[tokio::test]
async fn wrong_content_without_bytes_sends_nothing() {
    let desc = Descriptor::of("a/b", b"");
    let wrong = Blob::from_stream(None, stream::iter([Ok(Bytes::from_static(b"x"))]));
    let service = ScriptedService::new().expect(head_blob(&desc), Reply::status(404));
    assert_eq!(repository(&service).push(&desc, wrong).await.unwrap_err().kind(), ErrorKind::Corrupt);
    service.finish();
}

#[tokio::test]
async fn a_broken_put_asks_how_much_arrived_and_sends_the_rest() {
    let put = || Expected::put(format!("/u?digest={}", digest()));
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u"))
        .expect(put().no_header("content-range"), Reply::reset_after(5))
        .expect(Expected::get("/u"), Reply::status(204).header("range", "0-5").header("location", "/u2"))
        .expect(
            Expected::put(format!("/u2?digest={}", digest())).header("content-range", "6-9").body("6789"),
            Reply::status(201),
        );
    push(&repository(&service)).await.unwrap();
    service.finish();
}

#[tokio::test]
async fn a_put_whose_answer_was_lost_is_found_done() {
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u"))
        .expect(Expected::put(format!("/u?digest={}", digest())), Reply::reset_after(10))
        .expect(Expected::get("/u"), Reply::status(404))
        .expect(head_blob(&blob(CONTENT).0), Reply::status(200));
    push(&repository(&service)).await.unwrap();
    service.finish();
}

#[tokio::test]
async fn a_session_that_is_gone_is_followed_by_a_new_one() {
    let document = r#"{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}"#;
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u"))
        .expect(Expected::put(format!("/u?digest={}", digest())), Reply::status(404).body(document))
        .expect(head_blob(&blob(CONTENT).0), Reply::status(404))
        .expect(start_upload(), session("/w"))
        .expect(Expected::put(format!("/w?digest={}", digest())).body(CONTENT), Reply::status(201));
    push(&repository(&service)).await.unwrap();
    service.finish();
}

#[tokio::test]
async fn chunks_use_the_newest_location_and_a_short_count_is_gone_on_from() {
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u0"))
        .expect(chunk("/u0", "0-3", "0123"), session("/u1").header("range", "0-3"))
        .expect(chunk("/u1", "4-7", "4567"), session("/u2").header("range", "0-5"))
        .expect(chunk("/u2", "6-7", "67"), session("/u3").header("range", "bytes=0-7"))
        .expect(chunk("/u3", "8-9", "89"), session("/u4").header("range", "0-9"))
        .expect(close(&format!("/u4?digest={}", digest())), Reply::status(201));
    push_in_chunks(&repository(&service)).await.unwrap();
    service.finish();
}

#[tokio::test]
async fn a_chunk_out_of_order_asks_once_where_the_session_stands() {
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u"))
        .expect(chunk("/u", "0-3", "0123"), Reply::status(202))
        .expect(chunk("/u", "4-7", "4567"), Reply::status(416))
        .expect(Expected::get("/u"), Reply::status(204).header("range", "0-5"))
        .expect(chunk("/u", "6-7", "67"), Reply::status(202))
        .expect(chunk("/u", "8-9", "89"), Reply::status(202))
        .expect(close(&format!("/u?digest={}", digest())), Reply::status(201));
    push_in_chunks(&repository(&service)).await.unwrap();
    service.finish();
}

/// What broke before may have left one byte, and `0-0` is said of none and of one.
#[tokio::test]
async fn a_session_that_holds_none_or_one_byte_is_tried_both_ways() {
    let stands = || Reply::status(204).header("range", "0-0");
    let broken = || {
        missing(ScriptedService::new())
            .expect(start_upload(), session("/u"))
            .expect(chunk("/u", "0-3", "0123"), Reply::reset_after(2))
            .expect(Expected::get("/u"), stands())
    };
    let none = broken().expect(chunk("/u", "0-3", "0123"), Reply::status(202));
    let one = broken()
        .expect(chunk("/u", "0-3", "0123"), Reply::status(416))
        .expect(Expected::get("/u"), stands())
        .expect(chunk("/u", "1-3", "123"), Reply::status(202));
    for service in [none, one] {
        let service = service
            .expect(chunk("/u", "4-7", "4567"), Reply::status(202))
            .expect(chunk("/u", "8-9", "89"), Reply::status(202))
            .expect(close(&format!("/u?digest={}", digest())), Reply::status(201));
        push_in_chunks(&repository(&service)).await.unwrap();
        service.finish();
    }
}

#[tokio::test]
async fn an_empty_session_that_broke_and_takes_no_large_chunk_is_not_taken_for_one_byte() {
    let stands = || Reply::status(204).header("range", "0-0");
    let content = Bytes::from(vec![b'x'; 200 << 10]);
    let desc = Descriptor::of(MediaType::OCTET_STREAM, &content);
    let part = |first: usize, end: usize| {
        let expected = Expected::patch("/u").header("content-range", format!("{first}-{}", end - 1));
        expected.body(content.slice(first..end))
    };
    let all = content.len();
    let service = ScriptedService::new()
        .expect(head_blob(&desc), Reply::status(404))
        .expect(start_upload(), session("/u"))
        .expect(part(0, all), Reply::reset_after(0))
        .expect(Expected::get("/u"), stands())
        .expect(part(0, all), Reply::status(416))
        .expect(Expected::get("/u"), stands())
        .expect(part(1, all), Reply::status(416))
        .expect(Expected::get("/u"), stands())
        .expect(part(0, all / 2), Reply::status(202))
        .expect(part(all / 2, all), Reply::status(202))
        .expect(close(&format!("/u?digest={}", desc.digest)), Reply::status(201));
    let repo = repository(&service);
    let upload = repo.upload(&desc, Blob::from_bytes(content.clone()));
    upload.with_strategy(UploadStrategy::Chunked(all as u64)).send().await.unwrap();
    service.finish();
}

#[tokio::test]
async fn the_own_count_stands_where_the_registry_says_none_or_one() {
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u").header("range", "0-0"))
        .expect(chunk("/u", "0-3", "0123"), Reply::status(202).header("range", "0-0"))
        .expect(chunk("/u", "4-7", "4567"), Reply::status(202).header("range", "0-0"))
        .expect(chunk("/u", "8-9", "89"), Reply::status(202).header("range", "0-0"))
        .expect(close(&format!("/u?digest={}", digest())), Reply::status(201));
    push_in_chunks(&repository(&service)).await.unwrap();
    service.finish();
}

/// A byte that is there unseen makes the whole, sent again, something else: the session is given up for a new one.
#[tokio::test(start_paused = true)]
async fn a_put_into_a_session_that_holds_an_unseen_byte_is_followed_by_a_new_session() {
    let put = |location: &str| Expected::put(format!("{location}?digest={}", digest())).body(CONTENT);
    let wrong = r#"{"errors":[{"code":"DIGEST_INVALID"}]}"#;
    for refusal in [Reply::status(416), Reply::status(400).body(wrong)] {
        let service = missing(ScriptedService::new())
            .expect(start_upload(), session("/u"))
            .expect(Expected::put(format!("/u?digest={}", digest())), Reply::reset_after(1))
            .expect(Expected::get("/u"), Reply::status(204).header("range", "0-0"))
            .expect(put("/u").header("content-range", "0-9"), refusal)
            .expect(Expected::delete("/u"), Reply::status(204))
            .expect(head_blob(&blob(CONTENT).0), Reply::status(404))
            .expect(start_upload(), session("/w"))
            .expect(put("/w").no_header("content-range"), Reply::status(201));
        push(&repository(&service)).await.unwrap();
        service.finish();
    }
}

#[tokio::test]
async fn a_400_where_416_is_meant_is_taken_as_that_once() {
    for (document, resumes) in [("", true), (r#"{"errors":[{"code":"DENIED"}]}"#, false)] {
        let service = missing(ScriptedService::new())
            .expect(start_upload(), session("/u"))
            .expect(chunk("/u", "0-3", "0123"), Reply::status(400).body(document));
        let service = if resumes {
            service
                .expect(Expected::get("/u"), Reply::status(204).header("range", "0-3"))
                .expect(chunk("/u", "4-7", "4567"), Reply::status(202))
                .expect(chunk("/u", "8-9", "89"), Reply::status(202))
                .expect(close(&format!("/u?digest={}", digest())), Reply::status(400))
                .expect(Expected::get("/u"), Reply::status(204).header("range", "0-9"))
                .expect(close(&format!("/u?digest={}", digest())), Reply::status(201))
        } else {
            service.expect(Expected::delete("/u"), Reply::status(204))
        };
        assert_eq!(push_in_chunks(&repository(&service)).await.is_ok(), resumes);
        service.finish();
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_takes_no_byte_is_given_up() {
    let mut service = missing(ScriptedService::new()).expect(start_upload(), session("/u"));
    for _ in 0..5 {
        service = service
            .expect(chunk("/u", "0-3", "0123"), Reply::reset_after(0))
            .expect(Expected::get("/u"), Reply::status(204).header("range", "0-0"));
    }
    let service = service.expect(Expected::delete("/u"), Reply::status(204));
    assert!(push_in_chunks(&repository(&service)).await.is_err());
    service.finish();
}

#[tokio::test]
async fn a_failed_cancel_does_not_hide_the_failure() {
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u"))
        .expect(Expected::put(format!("/u?digest={}", digest())), Reply::status(403))
        .expect(Expected::delete("/u"), Reply::error(Error::new(ErrorKind::Io, "gone")));
    assert_eq!(push(&repository(&service)).await.unwrap_err().kind(), ErrorKind::Denied);
    service.finish();
}

#[tokio::test]
async fn a_wrong_digest_in_the_answer_to_a_push_is_corrupt() {
    let other = Algorithm::Sha256.digest(b"other").to_string();
    let service = missing(ScriptedService::new()).expect(start_upload(), session("/u")).expect(
        Expected::put(format!("/u?digest={}", digest())),
        Reply::status(201).header("docker-content-digest", other),
    );
    assert_eq!(push(&repository(&service)).await.unwrap_err().kind(), ErrorKind::Corrupt);
    service.finish();
}

#[tokio::test]
async fn content_of_unknown_digest_goes_in_by_three_requests() {
    let (desc, _) = blob(CONTENT);
    let service = ScriptedService::new()
        .expect(start_upload(), session("/u0"))
        .expect(
            Expected::patch("/u0").no_header("content-range").no_header("content-length").body(CONTENT),
            session("/u1"),
        )
        .expect(close(&format!("/u1?digest={}", digest())), Reply::status(201));
    let once =
        Blob::from_stream(None, stream::iter(["01234", "56789"].map(|part| Ok(Bytes::from_static(part.as_bytes())))));
    let found = repository(&service).ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, once).await.unwrap();
    assert_eq!(found, desc);
    service.finish();
}

#[tokio::test]
async fn a_registry_without_streamed_uploads_gets_replayable_content_in_two_passes() {
    let (desc, bytes) = blob(CONTENT);
    let service = ScriptedService::new()
        .expect(start_upload(), session("/u"))
        .expect(Expected::patch("/u").body_starting_with(""), Reply::status(405).early(0))
        .expect(Expected::delete("/u"), Reply::status(204));
    let service = missing(service)
        .expect(start_upload(), session("/w"))
        .expect(Expected::put(format!("/w?digest={}", digest())).body(CONTENT), Reply::status(201));
    let repo = repository(&service);
    let found = repo.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, Blob::from_bytes(bytes)).await.unwrap();
    assert_eq!(found, desc);
    // What can be read once is refused from now on before any of it is read.
    let once = Blob::from_stream(None, stream::iter([Ok(Bytes::from_static(b"x"))]));
    let refused = repo.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, once).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    service.finish();
}

#[tokio::test]
async fn a_mount_that_the_token_server_refuses_is_a_push() {
    let (desc, bytes) = blob(CONTENT);
    let target = format!("/v2/app/blobs/uploads/?mount={}&from=other%2Frepo", desc.digest);
    let refused = Error::new(ErrorKind::Unauthorized, "no token");
    let service = missing(ScriptedService::new())
        .expect(Expected::post(target), Reply::error(refused))
        .expect(start_upload(), session("/u"))
        .expect(Expected::put(format!("/u?digest={}", desc.digest)), Reply::status(201));
    let from = [Location::new("registry.example", "other/repo")];
    let outcome = repository(&service).mount(&desc, &from, Blob::from_bytes(bytes)).await.unwrap();
    assert_eq!(outcome, MountOutcome::Pushed);
    service.finish();
}

#[tokio::test]
async fn a_denied_existence_check_does_not_stop_a_push() {
    let (desc, bytes) = blob(CONTENT);
    let service = ScriptedService::new()
        .expect(head_blob(&desc), Reply::status(403))
        .expect(start_upload(), session("/u"))
        .expect(Expected::put(format!("/u?digest={}", desc.digest)), Reply::status(201));
    repository(&service).push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    service.finish();
}

#[tokio::test]
async fn a_secret_of_a_location_is_shown_in_no_error() {
    let service = missing(ScriptedService::new())
        .expect(start_upload(), session("/u?_state=secret"))
        .expect(Expected::put(format!("/u?_state=secret&digest={}", digest())), Reply::status(403))
        .expect(Expected::delete("/u?_state=secret"), Reply::status(204));
    let error = push(&repository(&service)).await.unwrap_err();
    let refused = error.find::<ResponseError>().unwrap();
    assert!(!format!("{error} {error:?} {refused} {refused:?}").contains("secret"));
    service.finish();
}
