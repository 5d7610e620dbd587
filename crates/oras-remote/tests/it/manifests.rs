//! Manifests and tags.

use oras_content::{
    Blob, Deleter as _, Descriptor, ErrorKind, Fetcher as _, Pusher as _, ReadOnlyTarget as _, Resolver as _,
    Tagger as _,
};
use oras_descriptor::Algorithm;
use oras_remote::{ErrorCode, ReferrersCapability, RegistryOptions, ResponseError};
use oras_testing::{Expected, Reply, ScriptedService};

use crate::support::{ACCEPTED, INDEX, MANIFEST, blob, manifest, manifest_reply, repository, with};

fn head(reference: &str) -> Expected {
    Expected::head(format!("/v2/app/manifests/{reference}")).header("accept", ACCEPTED)
}

fn get(reference: &str) -> Expected {
    Expected::get(format!("/v2/app/manifests/{reference}")).header("accept", ACCEPTED)
}

fn put(reference: &str) -> Expected {
    Expected::put(format!("/v2/app/manifests/{reference}")).header("content-type", MANIFEST)
}

fn described(desc: &Descriptor) -> Reply {
    Reply::status(200).header("content-type", MANIFEST).header("content-length", desc.size.to_string())
}

#[tokio::test]
async fn a_tag_is_resolved_by_one_head() {
    let (desc, _) = manifest();
    let reply = described(&desc).header("docker-content-digest", desc.digest.as_str());
    let service = ScriptedService::new().expect(head("v1"), reply);
    assert_eq!(repository(&service).resolve("v1").await.unwrap(), desc);
    service.finish();
}

#[tokio::test]
async fn an_empty_digest_header_is_a_missing_one() {
    let (desc, bytes) = manifest();
    let service = ScriptedService::new()
        .expect(head("v1"), described(&desc).header("docker-content-digest", ""))
        .expect(get("v1"), manifest_reply(MANIFEST, &bytes).header("docker-content-digest", ""));
    assert_eq!(repository(&service).resolve("v1").await.unwrap(), desc);
    service.finish();
}

#[tokio::test]
async fn a_malformed_digest_header_is_an_error() {
    let (desc, bytes) = manifest();
    let digest = desc.digest.to_string();
    for header in ["sha256:00", "v1", "sha256"] {
        let head = head("v1");
        let service = ScriptedService::new()
            .expect(head, described(&desc).header("docker-content-digest", header))
            .expect(get(&digest), manifest_reply(MANIFEST, &bytes).header("docker-content-digest", header));
        let repo = repository(&service);
        assert_eq!(repo.resolve("v1").await.unwrap_err().kind(), ErrorKind::InvalidDigest, "{header}");
        assert_eq!(repo.fetch_reference(&digest).await.unwrap_err().kind(), ErrorKind::InvalidDigest, "{header}");
        service.finish();
    }
}

#[tokio::test]
async fn a_digest_of_an_algorithm_that_is_not_known_says_nothing() {
    let (desc, bytes) = manifest();
    let reply = || manifest_reply(MANIFEST, &bytes).header("docker-content-digest", "blake3:00");
    let service = ScriptedService::new().expect(get("v1"), reply());
    assert_eq!(repository(&service).fetch_reference("v1").await.unwrap().0, desc);
    service.finish();
}

#[tokio::test]
async fn an_answer_of_unknown_length_is_counted_and_hashed_in_one_request() {
    let (desc, bytes) = manifest();
    let reply = Reply::status(200).header("content-type", MANIFEST).body(bytes.slice(..10)).body(bytes.slice(10..));
    let service = ScriptedService::new().expect(get("v1"), reply);
    let (found, blob) = repository(&service).fetch_reference("v1").await.unwrap();
    assert_eq!((found, blob.bytes(1 << 20).await.unwrap()), (desc, bytes));
    service.finish();
}

#[tokio::test]
async fn a_reference_with_tag_and_digest_is_asked_for_by_its_digest() {
    let (desc, _) = manifest();
    let digest = desc.digest.to_string();
    let service = ScriptedService::new().expect(head(&digest), described(&desc));
    let reference = format!("registry.example/app:v1@{digest}");
    assert_eq!(repository(&service).resolve(&reference).await.unwrap(), desc);
    service.finish();
}

#[tokio::test]
async fn only_200_gives_a_manifest() {
    let (desc, bytes) = manifest();
    for status in [201, 204, 206, 304] {
        let reply = Reply::status(status).header("content-type", MANIFEST).body(bytes.clone());
        let expected = Expected::get(format!("/v2/app/manifests/{}", desc.digest)).header("accept", MANIFEST);
        let service = ScriptedService::new().expect(expected, reply);
        assert_eq!(repository(&service).fetch(&desc).await.unwrap_err().kind(), ErrorKind::Other, "{status}");
        service.finish();
    }
}

#[tokio::test]
async fn a_manifest_that_calls_itself_something_else_is_corrupt() {
    let bytes: bytes::Bytes = format!(r#"{{"mediaType":"{MANIFEST}","manifests":[]}}"#).into();
    let service = ScriptedService::new().expect(get("v1"), manifest_reply(INDEX, &bytes));
    assert_eq!(repository(&service).fetch_reference("v1").await.unwrap_err().kind(), ErrorKind::Corrupt);
    service.finish();
}

#[tokio::test]
async fn an_endless_manifest_is_read_to_the_limit() {
    let chunk = vec![b' '; 1 << 20];
    let reply = (0..6).fold(Reply::status(200).header("content-type", MANIFEST), |reply, _| reply.body(chunk.clone()));
    let service = ScriptedService::new().expect(get("v1"), reply.then_stall());
    let error = repository(&service).fetch_reference("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    assert!(error.to_string().contains("with_metadata_limit"), "{error}");
    service.finish();
}

#[tokio::test]
async fn a_flipped_byte_of_a_manifest_is_corrupt() {
    let (desc, bytes) = manifest();
    let mut flipped = bytes.to_vec();
    flipped[20] ^= 1;
    let service = ScriptedService::new()
        .expect(Expected::get(format!("/v2/app/manifests/{}", desc.digest)), manifest_reply(MANIFEST, &flipped.into()));
    let blob = repository(&service).fetch(&desc).await.unwrap();
    assert_eq!(blob.bytes(1 << 20).await.unwrap_err().kind(), ErrorKind::Corrupt);
    service.finish();
}

#[tokio::test]
async fn a_push_is_checked_against_what_the_registry_says_it_stored() {
    let (desc, bytes) = manifest();
    let other = Algorithm::Sha256.digest(b"other").to_string();
    let sha512 = Algorithm::Sha512.digest(&bytes).to_string();
    let wrong512 = Algorithm::Sha512.digest(b"other").to_string();
    for (header, is_right) in [(other, false), (sha512, true), (wrong512, false)] {
        let digest = desc.digest.to_string();
        let service = ScriptedService::new()
            .expect(head(&digest), Reply::status(404))
            .expect(put(&digest).body(bytes.clone()), Reply::status(201).header("docker-content-digest", &header));
        let pushed = repository(&service).push(&desc, Blob::from_bytes(bytes.clone())).await;
        assert_eq!(pushed.map_err(|error| error.kind()), if is_right { Ok(()) } else { Err(ErrorKind::Corrupt) });
        service.finish();
    }
}

#[tokio::test]
async fn a_manifest_that_is_too_large_for_the_registry_is_a_typed_error() {
    let (desc, bytes) = manifest();
    let digest = desc.digest.to_string();
    let service = ScriptedService::new()
        .expect(head(&digest), Reply::status(404))
        .expect(put(&digest), Reply::status(413).body("<html>too large</html>"));
    let error = repository(&service).push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    assert!(error.find::<ResponseError>().unwrap().to_string().contains("too large"));
    service.finish();
}

#[tokio::test]
async fn a_tag_is_set_by_pushing_the_same_bytes_again() {
    let (desc, bytes) = manifest();
    let service = ScriptedService::new()
        .expect(
            Expected::get(format!("/v2/app/manifests/{}", desc.digest)).header("accept", MANIFEST),
            manifest_reply(MANIFEST, &bytes),
        )
        .expect(put("v2").body(bytes), Reply::status(201));
    repository(&service).tag(&desc, "v2").await.unwrap();
    service.finish();
}

#[tokio::test]
async fn many_tags_in_a_header_of_any_form_are_read_and_a_long_request_is_halved() {
    let (desc, bytes) = manifest();
    let digest = desc.digest.to_string();
    let tags = |tags: &[&str]| format!("{digest}?tag={}", tags.join("&tag="));
    let service = ScriptedService::new()
        .expect(Expected::get(format!("/v2/app/manifests/{digest}")), manifest_reply(MANIFEST, &bytes))
        .expect(put(&tags(&["a", "b", "c", "d"])), Reply::status(414))
        .expect(put(&tags(&["a", "b"])), Reply::status(201).header("oci-tag", "a").header("oci-tag", " b ,other"))
        .expect(put(&tags(&["c", "d"])), Reply::status(201).header("oci-tag", "d"))
        .expect(put("c"), Reply::status(201));
    repository(&service).tag_many(&desc, &["a", "b", "c", "d"]).await.unwrap();
    service.finish();
}

#[tokio::test]
async fn what_a_registry_says_is_below_the_error() {
    let document = r#"{"errors":[{"code":"DENIED","message":"not for you","detail":{"a":1}}]}"#;
    let service = ScriptedService::new().expect(get("v1"), Reply::status(403).body(document));
    let error = repository(&service).fetch_reference("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    let refused = error.find::<ResponseError>().unwrap();
    assert_eq!((refused.status().as_u16(), refused.code()), (403, Some(&ErrorCode::Denied)));
    assert_eq!(
        refused.to_string(),
        "GET \"https://registry.example/v2/app/manifests/v1\": response status code 403: denied: not for you: {\"a\":1}"
    );
    service.finish();
}

#[tokio::test]
async fn the_error_of_a_head_is_explained_by_a_get() {
    let document = r#"{"errors":[{"code":"TOOMANYREQUESTS","message":"slow down"}]}"#;
    let service = ScriptedService::new()
        .expect(head("v1"), Reply::status(429))
        .expect(get("v1"), Reply::status(429).body(document));
    let error = repository(&service).resolve("v1").await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::RateLimited, true));
    assert_eq!(error.find::<ResponseError>().unwrap().errors()[0].message(), "slow down");
    service.finish();
}

#[tokio::test]
async fn a_deletion_is_done_by_any_status_of_success_and_of_the_right_digest() {
    let (desc, _) = manifest();
    let (blob_desc, _) = blob("0123456789");
    let other = Algorithm::Sha256.digest(b"other").to_string();
    for status in [200, 202, 204] {
        for (desc, collection) in [(&desc, "manifests"), (&blob_desc, "blobs")] {
            let target = format!("/v2/app/{collection}/{}", desc.digest);
            let wrong = Reply::status(status).header("docker-content-digest", &other);
            let service = ScriptedService::new()
                .expect(Expected::delete(&target), Reply::status(status))
                .expect(Expected::delete(&target), wrong);
            let repo = repository(&service);
            repo.set_referrers_capability(ReferrersCapability::Supported);
            repo.delete(desc).await.unwrap();
            assert_eq!(repo.delete(desc).await.unwrap_err().kind(), ErrorKind::Corrupt, "{status} {collection}");
            service.finish();
        }
    }
}

#[tokio::test]
async fn https_is_spoken_unless_plain_http_is_asked_for() {
    let (desc, _) = manifest();
    for (plain, origin) in [(false, "https://registry.example"), (true, "http://registry.example")] {
        let reply = described(&desc).header("docker-content-digest", desc.digest.as_str());
        let service = ScriptedService::new().expect(head("v1").origin(origin), reply);
        let repo = with(&service, RegistryOptions::new().with_plain_http(plain));
        assert_eq!(repo.resolve("v1").await.unwrap(), desc);
        service.finish();
    }
}

#[tokio::test]
async fn a_manifest_that_says_another_type_than_its_descriptor_is_not_sent() {
    let bytes: bytes::Bytes = format!(r#"{{"mediaType":"{INDEX}","manifests":[]}}"#).into();
    let desc = Descriptor::of(MANIFEST, &bytes);
    let service = ScriptedService::new().expect(head(desc.digest.as_str()), Reply::status(404));
    let refused = repository(&service).push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Corrupt);
    service.finish();
}
