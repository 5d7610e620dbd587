//! Manifests, tags and lists.

use futures_util::TryStreamExt as _;
use http::StatusCode;
use oras_content::{
    Blob, Deleter as _, Descriptor, Error, ErrorKind, Fetcher as _, MediaType, Pusher as _, ReadOnlyStorage as _,
    ReadOnlyTarget as _, Resolver as _, TagLister as _, Tagger as _, Target as _, Untagger as _,
};
use oras_descriptor::{Algorithm, Digest};
use oras_registry::{Action, Behaviour, DigestHeader, Fault, RequestKind};
use oras_remote::{Capabilities, ErrorCode, Mirror, Registry, ResponseError};

use super::harness::{Lab, manifest, options, push_empty, push_manifest};

/// Whether a request was answered with some kind of error, by hand of what was found below it.
fn status(error: &Error) -> Option<u16> {
    error.find::<ResponseError>().map(|refused| refused.status().as_u16())
}

#[tokio::test]
async fn the_digest_of_a_tag_comes_from_the_content_when_the_header_is_missing() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.digest = DigestHeader::Absent));
    assert_eq!(lab.repo.resolve("v1").await.unwrap(), desc);
    assert_eq!((lab.count(RequestKind::ManifestHead), lab.count(RequestKind::ManifestGet)), (1, 1));
    let (found, blob) = lab.repo.fetch_reference("v1").await.unwrap();
    assert_eq!((found, blob.bytes(1 << 20).await.unwrap()), (desc.clone(), bytes));
    assert_eq!(lab.count(RequestKind::ManifestGet), 2);
    // By digest, HEAD is enough.
    assert_eq!(lab.repo.resolve(desc.digest.as_str()).await.unwrap(), desc);
    assert_eq!(lab.count(RequestKind::ManifestGet), 2);
}

#[tokio::test]
async fn a_wrong_digest_header_is_an_error() {
    let lab = Lab::new(|_| {}).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.digest = DigestHeader::Wrong));
    let by_tag = lab.repo.fetch_reference("v1").await.unwrap_err();
    let by_digest = lab.repo.fetch_reference(desc.digest.as_str()).await.unwrap_err();
    let head = lab.repo.resolve(desc.digest.as_str()).await.unwrap_err();
    let fetched = lab.repo.fetch(&desc).await.unwrap_err();
    for error in [by_tag, by_digest, head, fetched] {
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{error}");
    }
}

#[tokio::test]
async fn a_digest_header_of_another_algorithm_is_checked_and_the_asked_digest_stays() {
    let lab = Lab::new(|_| {}).await;
    let (desc, bytes) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.digest = DigestHeader::Sha512));
    let (found, _) = lab.repo.fetch_reference(desc.digest.as_str()).await.unwrap();
    assert_eq!(found, desc);
    assert_eq!(lab.repo.resolve(desc.digest.as_str()).await.unwrap(), desc);
    let (by_tag, blob) = lab.repo.fetch_reference("v1").await.unwrap();
    assert_eq!(by_tag.digest, Algorithm::Sha512.digest(&bytes));
    assert_eq!(blob.bytes(1 << 20).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_registry_without_head_is_asked_by_get() {
    for status in [StatusCode::METHOD_NOT_ALLOWED, StatusCode::FORBIDDEN, StatusCode::NOT_IMPLEMENTED] {
        let lab = Lab::new(|_| {}).await;
        let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
        lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.head_status = Some(status)));
        assert_eq!(lab.repo.resolve("v1").await.unwrap(), desc, "{status}");
    }
}

#[tokio::test]
async fn head_without_type_and_length_is_followed_by_get() {
    let lab = Lab::new(|behaviour| behaviour.manifests.head_without_headers = true).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    assert_eq!(lab.repo.resolve("v1").await.unwrap(), desc);
}

#[tokio::test]
async fn every_type_of_manifest_is_accepted_in_head_and_get() {
    let lab = Lab::new(|behaviour| behaviour.manifests.strict_accept = true).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    lab.repo.resolve("v1").await.unwrap();
    lab.repo.fetch_reference("v1").await.unwrap();
    lab.repo.fetch(&desc).await.unwrap();
    let requests = lab.server.requests();
    let accept = |at: usize| requests[requests.len() - at].headers["accept"].to_str().unwrap().to_owned();
    for media_type in MediaType::MANIFESTS {
        assert!(accept(3).contains(media_type.as_str()) && accept(2).contains(media_type.as_str()));
    }
    assert_eq!(accept(1), MediaType::OCI_MANIFEST.as_str());
}

#[tokio::test]
async fn parameters_of_a_content_type_are_no_matter() {
    let lab = Lab::new(|behaviour| behaviour.manifests.type_parameters = true).await;
    let (desc, bytes) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    assert_eq!(lab.repo.resolve("v1").await.unwrap(), desc);
    assert_eq!(lab.repo.fetch(&desc).await.unwrap().bytes(1 << 20).await.unwrap(), bytes);
}

#[tokio::test]
async fn a_manifest_of_another_type_than_said_is_corrupt() {
    let lab = Lab::new(|_| {}).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let other = Some(MediaType::OCI_INDEX.as_str().to_owned());
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.content_type = other));
    assert_eq!(lab.repo.fetch(&desc).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(lab.repo.fetch_reference("v1").await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn a_content_type_that_is_none_is_an_error() {
    for nothing in ["", "manifest"] {
        let lab = Lab::new(|_| {}).await;
        push_manifest(&lab.repo, "v1", |manifest| manifest).await;
        let nothing = Some(nothing.to_owned());
        lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.manifests.content_type = nothing));
        let error = lab.repo.fetch_reference("v1").await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidMediaType, "{error}");
    }
}

#[tokio::test]
async fn a_page_for_people_is_no_manifest_whatever_its_status() {
    let lab = Lab::new(|behaviour| behaviour.manifests.unknown_is_page = true).await;
    push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    // A page has a type, and no manifest of that type is known.
    let fetched = lab.repo.fetch(&Descriptor::of(MediaType::OCI_MANIFEST, b"{}")).await;
    assert!(matches!(fetched.unwrap_err().kind(), ErrorKind::Corrupt | ErrorKind::InvalidMediaType));
    let html = Fault::new(Action::Html(StatusCode::BAD_GATEWAY)).on(RequestKind::TagList);
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(html)));
    let error = lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!((error.kind(), status(&error), error.retries()), (ErrorKind::Other, Some(502), 12));
}

#[tokio::test]
async fn a_manifest_over_the_limit_is_not_read_and_the_error_names_the_option() {
    let lab = Lab::new(|_| {}).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let repo = lab.repo.clone().with_metadata_limit(desc.size - 1);
    let by_descriptor = repo.fetch(&desc).await.unwrap_err();
    let by_tag = repo.fetch_reference("v1").await.unwrap_err();
    let pushed = repo.push_reference(&desc, Blob::from_bytes("".into()), "v2").await.unwrap_err();
    for error in [by_descriptor, by_tag, pushed] {
        assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
        assert!(error.to_string().contains("with_metadata_limit"), "{error}");
    }
    let (desc, bytes) = manifest(|manifest| manifest.with_annotations([("a".into(), "b".repeat(5 << 20))].into()));
    let error = lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
}

#[tokio::test]
async fn an_unknown_tag_is_not_found_with_its_name() {
    let lab = Lab::new(|_| {}).await;
    push_empty(&lab.repo).await;
    for error in [lab.repo.resolve("v1").await.unwrap_err(), lab.repo.fetch_reference("v1").await.unwrap_err()] {
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert_eq!(error.to_string(), format!("{}/acme/rocket:v1: not found", lab.server.host()));
    }
    let refused = lab.repo.fetch_reference("v1").await.unwrap_err();
    assert_eq!(refused.find::<ResponseError>().and_then(ResponseError::code), Some(&ErrorCode::ManifestUnknown));
}

#[tokio::test]
async fn who_may_not_look_may_still_push() {
    let lab = Lab::new(|behaviour| behaviour.manifests.unknown_is_denied = true).await;
    let (desc, bytes) = manifest(|manifest| manifest);
    push_empty(&lab.repo).await;
    assert!(!lab.repo.exists(&desc).await.unwrap());
    lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    // A real read keeps what the registry said: this one names the reason.
    let error = lab.repo.fetch_reference("unknown").await.unwrap_err();
    assert_eq!((error.kind(), status(&error)), (ErrorKind::NotFound, Some(403)));
    let denied = Fault::new(Action::Status(StatusCode::FORBIDDEN, None)).on(RequestKind::ManifestGet);
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(denied)));
    assert_eq!(lab.repo.fetch_reference("unknown").await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_manifest_is_not_looked_for_among_the_blobs() {
    let lab = Lab::new(|behaviour| behaviour.blobs.manifests_as_blobs = true).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    lab.repo.delete(&desc).await.unwrap();
    let before = lab.count(RequestKind::BlobHead);
    assert!(!lab.repo.exists(&desc).await.unwrap());
    assert_eq!(lab.repo.resolve(desc.digest.as_str()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(lab.count(RequestKind::BlobHead), before);
}

#[tokio::test]
async fn a_push_without_location_or_digest_header_is_a_push() {
    let lab = Lab::new(|behaviour| {
        behaviour.manifests.omit_location = true;
        behaviour.manifests.digest = DigestHeader::Absent;
        behaviour.uploads.omit_location = true;
        behaviour.uploads.omit_digest = true;
    });
    let lab = lab.await;
    push_manifest(&lab.repo, "v1", |manifest| manifest).await;
}

#[tokio::test]
async fn a_manifest_without_its_children_is_missing_content() {
    let lab = Lab::with(|_| {}, options(), |builder| builder.with_sparse(false)).await;
    let (desc, bytes) = manifest(|manifest| manifest);
    let error = lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContent, "{error}");
}

#[tokio::test]
async fn a_manifest_by_sha512_gets_its_tag() {
    let lab = Lab::new(|_| {}).await;
    let (_, bytes) = manifest(|manifest| manifest);
    let desc = Descriptor::of_with(Algorithm::Sha512, MediaType::OCI_MANIFEST, &bytes);
    push_empty(&lab.repo).await;
    lab.repo.push_reference(&desc, Blob::from_bytes(bytes), "v1").await.unwrap();
    assert_eq!(lab.repo.resolve("v1").await.unwrap().digest, desc.digest);
}

#[tokio::test]
async fn many_tags_are_set_by_few_requests_and_one_by_one_where_that_fails() {
    let tags: Vec<String> = (0..25).map(|at| format!("v{at}")).collect();
    for (max, puts) in [(None, 3), (Some(4), 3 + 6 + 6 + 1), (Some(0), 1 + 25)] {
        let lab = Lab::new(|behaviour| behaviour.manifests.max_tag_parameters = max).await;
        let (desc, _) = push_manifest(&lab.repo, "latest", |manifest| manifest).await;
        let before = lab.count(RequestKind::ManifestPut);
        lab.repo.tag_many(&desc, &tags).await.unwrap();
        assert_eq!(lab.count(RequestKind::ManifestPut) - before, puts, "{max:?}");
        for tag in &tags {
            assert_eq!(lab.repo.resolve(tag).await.unwrap().digest, desc.digest);
        }
        assert_eq!(lab.registry.capabilities().multi_tag, Some(max != Some(0)));
        assert_eq!(lab.repo.tag_many(&desc, &["-"]).await.unwrap_err().kind(), ErrorKind::InvalidReference);
    }
}

#[tokio::test]
async fn deletion_that_is_switched_off_is_unsupported_and_takes_nothing_along() {
    let lab = Lab::with(|_| {}, options(), |builder| builder.with_deletes(false)).await;
    let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    for error in [
        lab.repo.untag("v1").await.unwrap_err(),
        lab.repo.delete(&desc).await.unwrap_err(),
        lab.repo.delete(&Descriptor::empty().plain()).await.unwrap_err(),
    ] {
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
    }
    assert_eq!(lab.repo.resolve("v1").await.unwrap().digest, desc.digest);
}

#[tokio::test]
async fn a_tag_that_cannot_be_deleted_alone_does_not_take_its_manifest_along() {
    for status in [StatusCode::BAD_REQUEST, StatusCode::METHOD_NOT_ALLOWED] {
        let lab = Lab::new(|behaviour| behaviour.manifests.delete_tag_status = Some(status)).await;
        let (desc, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
        assert_eq!(lab.repo.untag("v1").await.unwrap_err().kind(), ErrorKind::Unsupported);
        assert!(lab.repo.exists(&desc).await.unwrap());
        lab.repo.delete(&desc).await.unwrap();
        assert_eq!(lab.repo.delete(&desc).await.unwrap_err().kind(), ErrorKind::NotFound);
    }
}

#[tokio::test]
async fn what_the_registry_refuses_is_shown_as_it_is() {
    let lab = Lab::new(|behaviour| behaviour.manifests.refuse_unknown_configs = true).await;
    let (desc, bytes) = manifest(|manifest| manifest);
    let config = Descriptor::of("application/vnd.acme.config", b"config");
    lab.repo.push(&config, Blob::from_bytes("config".into())).await.unwrap();
    let _ = (desc, bytes);
    let (desc, bytes) = manifest(|mut manifest| {
        manifest.config = config;
        manifest
    });
    let error = lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    let refused = error.find::<ResponseError>().unwrap();
    assert_eq!(refused.code(), Some(&ErrorCode::ManifestInvalid));
    assert_eq!(error.descriptor().map(|desc| &desc.digest), Some(&desc.digest));
}

#[tokio::test]
async fn what_a_registry_can_do_is_set_by_hand() {
    let lab = Lab::new(|_| {}).await;
    let (desc, _) = push_manifest(&lab.repo, "v0", |manifest| manifest).await;
    lab.registry.set_capabilities(Capabilities::new().with_multi_tag(false));
    let before = lab.count(RequestKind::ManifestPut);
    lab.repo.tag_many(&desc, &["v1", "v2", "v3"]).await.unwrap();
    assert_eq!(lab.count(RequestKind::ManifestPut) - before, 3);
}

#[tokio::test]
async fn a_mirror_answers_for_tags_unless_only_digests_are_asked_of_it() {
    let origin = Lab::new(|_| {}).await;
    let mirror = Lab::new(|_| {}).await;
    let (old, _) = push_manifest(&mirror.repo, "v1", |manifest| manifest).await;
    let (new, _) = push_manifest(&origin.repo, "v1", |manifest| manifest.with_artifact_type("new/type")).await;
    let at = || Mirror::new(&mirror.server.host()).unwrap().with_plain_http(true);
    for (mirror, expected) in [(at(), &old), (at().digests_only(), &new)] {
        let registry = Registry::new(&origin.server.host(), options().with_mirror(mirror)).unwrap();
        let repo = registry.repository("acme/rocket").unwrap();
        assert_eq!(repo.resolve("v1").await.unwrap(), *expected);
        assert_eq!(repo.fetch_reference("v1").await.unwrap().0, *expected);
    }
}

#[tokio::test]
async fn a_mirror_that_lies_is_passed_over() {
    let origin = Lab::new(|_| {}).await;
    let mirror = Lab::new(|_| {}).await;
    let (desc, bytes) = push_manifest(&origin.repo, "v1", |manifest| manifest).await;
    push_manifest(&mirror.repo, "v1", |manifest| manifest).await;
    let flipped = Fault::new(Action::FlipByte(5)).on(RequestKind::ManifestGet);
    mirror.server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(flipped)));
    let options = options().with_mirror(Mirror::new(&mirror.server.host()).unwrap().with_plain_http(true));
    let repo = Registry::new(&origin.server.host(), options).unwrap().repository("acme/rocket").unwrap();
    assert_eq!(repo.fetch(&desc).await.unwrap().bytes(1 << 20).await.unwrap(), bytes);
    assert_eq!(repo.fetch_reference("v1").await.unwrap().0, desc);
    assert!(mirror.count(RequestKind::ManifestGet) >= 2);
}

#[tokio::test]
async fn a_manifest_travels_byte_by_byte() {
    let lab = Lab::new(|_| {}).await;
    push_empty(&lab.repo).await;
    let empty = Digest::of(b"{}");
    let odd = format!(
        "{{\n \"layers\" : [ ],\"unknown\":1.0, \"config\":{{\"size\":2,\"digest\":\"{empty}\",\"mediaType\":\"application/vnd.oci.empty.v1+json\"}},\"schemaVersion\":2}}\n"
    );
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, odd.as_bytes());
    lab.repo.push_reference(&desc, Blob::from_bytes(odd.clone().into()), "odd").await.unwrap();
    lab.repo.tag(&desc, "again").await.unwrap();
    let (found, blob) = lab.repo.fetch_reference("again").await.unwrap();
    assert_eq!((found, blob.bytes(1 << 20).await.unwrap()), (desc, odd.into()));
}
