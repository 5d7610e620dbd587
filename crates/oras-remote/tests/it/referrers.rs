//! The index of referrers under a tag.

use bytes::Bytes;
use oras_content::{Blob, Descriptor, ErrorKind, MediaType, PredecessorFinder as _, Pusher as _};
use oras_descriptor::{Index, Manifest, canonical};
use oras_reference::referrers_tag;
use oras_remote::{ReferrersCapability, Repository};
use oras_testing::{Expected, Reply, ScriptedService};

use crate::support::{ACCEPTED, INDEX, MANIFEST, manifest, manifest_reply, repository};

fn referrer(name: &str) -> (Descriptor, Bytes) {
    let manifest = Manifest::new(Descriptor::empty().plain(), Vec::new())
        .with_artifact_type("a/b")
        .with_subject(manifest().0)
        .with_annotations([("name".to_owned(), name.to_owned())].into());
    let bytes = canonical(&manifest);
    (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes)
}

fn entry(name: &str) -> Descriptor {
    referrer(name).0.with_artifact_type("a/b").with_annotation("name", name)
}

fn index(names: &[&str]) -> Bytes {
    canonical(&Index::new(names.iter().map(|name| entry(name)).collect()))
}

fn tag() -> String {
    format!("/v2/app/manifests/{}", referrers_tag(&manifest().0.digest))
}

fn get_index() -> Expected {
    Expected::get(tag()).header("accept", ACCEPTED)
}

fn put_index(names: &[&str]) -> Expected {
    Expected::put(tag()).header("content-type", INDEX).body(index(names))
}

/// The answer to the second look at the tag.
fn stands(names: &[&str]) -> Reply {
    let bytes = index(names);
    let digest = Descriptor::of("", &bytes).digest;
    Reply::status(200)
        .header("content-type", INDEX)
        .header("content-length", bytes.len().to_string())
        .header("docker-content-digest", digest.as_str())
}

fn delete_index(names: &[&str]) -> Expected {
    let digest = Descriptor::of("", &index(names)).digest;
    Expected::delete(format!("/v2/app/manifests/{digest}"))
}

/// A push of a referrer to a registry that does not know of them.
fn pushing(name: &str) -> ScriptedService {
    let digest = referrer(name).0.digest;
    let target = format!("/v2/app/manifests/{digest}");
    ScriptedService::new()
        .expect(Expected::head(&target), Reply::status(404))
        .expect(Expected::put(&target).header("content-type", MANIFEST), Reply::status(201))
}

async fn push(repo: &Repository, name: &str) -> oras_content::Result<()> {
    let (desc, bytes) = referrer(name);
    repo.push(&desc, Blob::from_bytes(bytes)).await
}

#[tokio::test]
async fn the_first_entry_makes_the_index_unless_somebody_else_did() {
    let service = pushing("a")
        .expect(get_index(), Reply::status(404))
        .expect(put_index(&["a"]).header("if-none-match", "*").no_header("if-match"), Reply::status(201))
        .expect(Expected::head(tag()), stands(&["a"]));
    let repo = repository(&service);
    push(&repo, "a").await.unwrap();
    assert_eq!(repo.referrers_capability(), ReferrersCapability::Unsupported);
    service.finish();
}

#[tokio::test(start_paused = true)]
async fn an_index_that_changed_in_between_is_read_again() {
    let old = |names: &[&str], etag: &str| manifest_reply(INDEX, &index(names)).header("etag", etag);
    let service = pushing("c")
        .expect(get_index(), old(&["a"], "\"1\""))
        .expect(put_index(&["a", "c"]).header("if-match", "\"1\"").no_header("if-none-match"), Reply::status(412))
        .expect(get_index(), old(&["a", "b"], "\"2\""))
        .expect(put_index(&["a", "b", "c"]).header("if-match", "\"2\""), Reply::status(201))
        .expect(Expected::head(tag()), stands(&["a", "b", "c"]))
        .expect(delete_index(&["a"]), Reply::status(404))
        .expect(delete_index(&["a", "b"]), Reply::status(202));
    push(&repository(&service), "c").await.unwrap();
    service.finish();
}

#[tokio::test(start_paused = true)]
async fn an_entry_that_was_overwritten_is_added_again() {
    let service = pushing("b")
        .expect(get_index(), Reply::status(404))
        .expect(put_index(&["b"]), Reply::status(201))
        // Somebody who read nothing wrote the own entry.
        .expect(Expected::head(tag()), stands(&["a"]))
        .expect(get_index(), manifest_reply(INDEX, &index(&["a"])))
        .expect(put_index(&["a", "b"]).no_header("if-match"), Reply::status(201))
        .expect(Expected::head(tag()), stands(&["a", "b"]))
        .expect(delete_index(&["b"]), Reply::status(202))
        .expect(delete_index(&["a"]), Reply::status(202));
    push(&repository(&service), "b").await.unwrap();
    service.finish();
}

#[tokio::test]
async fn an_entry_that_is_there_writes_nothing() {
    let service = pushing("a").expect(get_index(), manifest_reply(INDEX, &index(&["a", "b"])));
    push(&repository(&service), "a").await.unwrap();
    service.finish();
}

#[tokio::test]
async fn a_subject_that_the_registry_lists_needs_no_index() {
    let digest = referrer("a").0.digest;
    let target = format!("/v2/app/manifests/{digest}");
    let service = ScriptedService::new()
        .expect(Expected::head(&target), Reply::status(404))
        .expect(Expected::put(&target), Reply::status(201).header("oci-subject", manifest().0.digest.as_str()));
    let repo = repository(&service);
    push(&repo, "a").await.unwrap();
    assert_eq!(repo.referrers_capability(), ReferrersCapability::Supported);
    service.finish();
}

#[tokio::test]
async fn a_listing_tells_of_the_filter_in_a_header_or_an_annotation_and_else_is_filtered() {
    let target = format!("/v2/app/referrers/{}?artifactType=a%2Fb%2Bc", manifest().0.digest);
    let wanted = MediaType::from("a/b+c");
    let annotated = Index::new(vec![entry("a")]).with_annotations(
        [("org.opencontainers.referrers.filtersApplied".to_owned(), "x, artifactType".to_owned())].into(),
    );
    for (name, reply, listed) in [
        ("neither", manifest_reply(INDEX, &index(&["a"])), 0),
        ("header", manifest_reply(INDEX, &index(&["a"])).header("oci-filters-applied", "other,artifactType"), 1),
        ("annotation", manifest_reply(INDEX, &canonical(&annotated)), 1),
    ] {
        let service = ScriptedService::new().expect(Expected::get(&target).header("accept", INDEX), reply);
        let found = repository(&service).referrers(&manifest().0, Some(&wanted)).await.unwrap();
        assert_eq!(found.len(), listed, "{name}");
        service.finish();
    }
}

#[tokio::test]
async fn a_404_that_names_the_repository_is_no_answer_about_the_api() {
    let target = format!("/v2/app/referrers/{}", manifest().0.digest);
    let document = r#"{"errors":[{"code":"NAME_UNKNOWN"}]}"#;
    let service = ScriptedService::new()
        .expect(Expected::get(target), Reply::status(404).body(document))
        .expect(get_index(), Reply::status(404).body(document));
    let repo = repository(&service);
    assert_eq!(repo.referrers(&manifest().0, None).await.unwrap(), []);
    assert_eq!(repo.referrers_capability(), ReferrersCapability::Unknown);
    service.finish();
}

#[tokio::test]
async fn a_page_that_is_no_index_is_an_error() {
    let target = format!("/v2/app/referrers/{}", manifest().0.digest);
    let service = ScriptedService::new()
        .expect(Expected::get(target), manifest_reply(INDEX, &"[]".into()).header("link", "</next>; rel=next"));
    assert_eq!(repository(&service).referrers(&manifest().0, None).await.unwrap_err().kind(), ErrorKind::Other);
    service.finish();
}
