//! Manifests that refer to another one, with and without the registry's help.

use futures_util::TryStreamExt as _;
use http::StatusCode;
use oras_content::{
    Blob, Deleter as _, Descriptor, ErrorKind, Fetcher as _, MediaType, PredecessorFinder as _, Pusher as _,
    Resolver as _, Target as _,
};
use oras_descriptor::{Algorithm, Index, Manifest, canonical};
use oras_reference::referrers_tag;
use oras_registry::{Action, Behaviour, Fault, ReferrersQuirk, RequestKind};
use oras_remote::{ReferrersCapability, Repository};

use super::harness::{Lab, manifest, options, page_of, push_empty, push_manifest};

const TYPE: &str = "application/vnd.acme.sbom";

pub(super) fn without_api(behaviour: &mut Behaviour) {
    behaviour.lists.referrers = ReferrersQuirk::Status(StatusCode::NOT_FOUND);
}

pub(super) fn referrer(name: &str, subject: &Descriptor) -> (Descriptor, bytes::Bytes) {
    manifest(|manifest: Manifest| {
        let annotations = [("name".to_owned(), name.to_owned())].into();
        manifest.with_artifact_type(TYPE).with_subject(subject.clone()).with_annotations(annotations)
    })
}

pub(super) async fn push_referrer(repo: &Repository, name: &str, subject: &Descriptor) -> Descriptor {
    let (desc, bytes) = referrer(name, subject);
    repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    desc.with_artifact_type(TYPE).with_annotation("name", name)
}

pub(super) async fn names(repo: &Repository, subject: &Descriptor) -> Vec<String> {
    let found = repo.referrers(subject, None).await.unwrap();
    let mut names: Vec<_> =
        found.iter().map(|desc| desc.annotations.get("name").cloned().unwrap_or_default()).collect();
    names.sort_unstable();
    names
}

pub(super) async fn index(repo: &Repository, subject: &Descriptor) -> Index {
    let desc = repo.resolve(&referrers_tag(&subject.digest)).await.unwrap();
    assert_eq!(desc.media_type, MediaType::OCI_INDEX);
    let bytes = repo.fetch(&desc).await.unwrap().bytes(4 << 20).await.unwrap();
    Index::from_slice(&bytes).unwrap()
}

#[tokio::test]
async fn the_registry_lists_them_page_by_page_and_filters() {
    let lab = Lab::with(|_| {}, options().with_page_size(page_of(2)), |builder| builder).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    for name in ["a", "b", "c", "d", "e"] {
        push_referrer(&lab.repo, name, &subject).await;
    }
    assert_eq!(names(&lab.repo, &subject).await, ["a", "b", "c", "d", "e"]);
    assert_eq!(lab.repo.predecessors(&subject).await.unwrap().len(), 5);
    assert_eq!(lab.repo.referrers(&subject, Some(&TYPE.into())).await.unwrap().len(), 5);
    assert_eq!(lab.repo.referrers(&subject, Some(&"other/type".into())).await.unwrap().len(), 0);
    let targets = lab.targets(RequestKind::Referrers);
    assert!(targets.iter().any(|target| target.contains("artifactType=application%2Fvnd.acme.sbom")), "{targets:?}");
    assert_eq!(lab.repo.referrers_capability(), ReferrersCapability::Supported);
    assert_eq!(lab.count(RequestKind::ManifestPut), 6, "no index is kept");
}

#[tokio::test]
async fn a_filter_that_the_registry_ignores_is_applied_here() {
    let lab = Lab::new(|behaviour| behaviour.lists.ignore_filter = true).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    push_referrer(&lab.repo, "a", &subject).await;
    assert_eq!(lab.repo.referrers(&subject, Some(&"other/type".into())).await.unwrap().len(), 0);
    assert_eq!(lab.repo.referrers(&subject, Some(&TYPE.into())).await.unwrap().len(), 1);
}

#[tokio::test]
async fn an_entry_without_type_is_listed_and_is_of_no_type() {
    let lab = Lab::new(|behaviour| {
        behaviour.lists.bare_referrers = true;
        behaviour.lists.ignore_filter = true;
    });
    let lab = lab.await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    push_referrer(&lab.repo, "a", &subject).await;
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap().len(), 1);
    assert_eq!(lab.repo.referrers(&subject, Some(&TYPE.into())).await.unwrap().len(), 0);
}

#[tokio::test]
async fn without_the_api_an_index_under_a_tag_says_the_same() {
    for quirk in [404, 400, 405, 406, 501].map(|status| ReferrersQuirk::Status(StatusCode::from_u16(status).unwrap())) {
        same_as_by_tag(quirk).await;
    }
    same_as_by_tag(ReferrersQuirk::Page).await;
}

async fn same_as_by_tag(quirk: ReferrersQuirk) {
    let lab = Lab::new(|behaviour| behaviour.lists.referrers = quirk).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), [], "{quirk:?}");
    assert_eq!(lab.repo.referrers_capability(), ReferrersCapability::Unsupported, "{quirk:?}");
    let expected = [push_referrer(&lab.repo, "a", &subject).await, push_referrer(&lab.repo, "b", &subject).await];
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), expected, "{quirk:?}");
    assert_eq!(lab.repo.referrers(&subject, Some(&"other/type".into())).await.unwrap(), [], "{quirk:?}");
    assert_eq!(index(&lab.repo, &subject).await.manifests, expected);
}

#[tokio::test]
async fn a_push_with_a_subject_tells_whether_there_is_an_api() {
    for (change, expected) in [
        ((|_| {}) as fn(&mut Behaviour), ReferrersCapability::Supported),
        (without_api, ReferrersCapability::Unsupported),
    ] {
        let lab = Lab::new(change).await;
        let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
        assert_eq!(lab.repo.referrers_capability(), ReferrersCapability::Unknown, "no subject, nothing learned");
        push_referrer(&lab.repo, "a", &subject).await;
        assert_eq!(lab.repo.referrers_capability(), expected);
        assert_eq!(lab.count(RequestKind::Referrers), 0);
    }
}

#[tokio::test]
async fn forbidden_and_broken_are_no_empty_list_and_teach_nothing() {
    for (status, kind) in [(401, ErrorKind::Unauthorized), (403, ErrorKind::Denied), (500, ErrorKind::Other)] {
        let status = StatusCode::from_u16(status).unwrap();
        let lab = Lab::new(|_| {}).await;
        let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
        let fault = Fault::new(Action::Status(status, None)).on(RequestKind::Referrers);
        lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(fault)));
        assert_eq!(lab.repo.referrers(&subject, None).await.unwrap_err().kind(), kind, "{status}");
        assert_eq!(lab.repo.referrers_capability(), ReferrersCapability::Unknown);
    }
}

#[tokio::test]
async fn an_api_that_was_promised_and_is_not_there_is_unsupported() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    lab.repo.set_referrers_capability(ReferrersCapability::Supported);
    let error = lab.repo.referrers(&subject, None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("has no referrers API"), "{error}");
    // It can be set again.
    lab.repo.set_referrers_capability(ReferrersCapability::Unsupported);
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), []);
    assert_eq!(lab.count(RequestKind::Referrers), 1);
}

#[tokio::test]
async fn an_unknown_repository_says_nothing_about_the_api() {
    let lab = Lab::new(|_| {}).await;
    let unknown = lab.registry.repository("unknown").unwrap();
    let (subject, _) = manifest(|manifest| manifest);
    let fault = Fault::new(Action::Status(StatusCode::NOT_FOUND, None)).on(RequestKind::TagList);
    lab.server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(fault)));
    let found = unknown.referrers(&subject, None).await;
    assert!(found.is_ok_and(|found| found.is_empty()));
    assert_ne!(unknown.referrers_capability(), ReferrersCapability::Unsupported);
}

#[tokio::test]
async fn a_tag_that_gives_the_subject_itself_lists_nothing_and_is_not_overwritten() {
    let lab = Lab::new(|behaviour| {
        without_api(behaviour);
        behaviour.manifests.tag_is_digest = true;
    });
    let lab = lab.await;
    push_empty(&lab.repo).await;
    let (child, child_bytes) = manifest(|manifest| manifest);
    lab.repo.push(&child, Blob::from_bytes(child_bytes)).await.unwrap();
    let bytes = canonical(&Index::new(vec![child]));
    let subject = Descriptor::of(MediaType::OCI_INDEX, &bytes);
    lab.repo.push(&subject, Blob::from_bytes(bytes)).await.unwrap();
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), []);
    let (desc, bytes) = referrer("a", &subject);
    let error = lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "{error}");
}

#[tokio::test]
async fn a_tag_that_stands_for_something_else_is_not_overwritten() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let (taken, bytes) = manifest(|manifest| manifest.with_artifact_type("taken/type"));
    lab.repo.push_reference(&taken, Blob::from_bytes(bytes), &referrers_tag(&subject.digest)).await.unwrap();
    let (desc, bytes) = referrer("a", &subject);
    assert_eq!(lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err().kind(), ErrorKind::Unsupported);
    assert_eq!(lab.repo.resolve(&referrers_tag(&subject.digest)).await.unwrap().digest, taken.digest);
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), []);
}

#[tokio::test]
async fn the_tag_of_a_sha512_subject_is_a_tag() {
    let lab = Lab::new(without_api).await;
    push_empty(&lab.repo).await;
    let (_, bytes) = manifest(|manifest| manifest);
    let subject = Descriptor::of_with(Algorithm::Sha512, MediaType::OCI_MANIFEST, &bytes);
    lab.repo.push(&subject, Blob::from_bytes(bytes)).await.unwrap();
    push_referrer(&lab.repo, "a", &subject).await;
    assert_eq!(names(&lab.repo, &subject).await, ["a"]);
}

#[tokio::test]
async fn an_index_with_a_subject_is_a_referrer_of_its_own_type() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let bytes = canonical(&Index::new(Vec::new()).with_subject(subject.clone()));
    let desc = Descriptor::of(MediaType::OCI_INDEX, &bytes);
    lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), [desc]);
}

#[tokio::test]
async fn a_push_with_a_subject_that_is_refused_is_an_error_to_show() {
    let lab = Lab::new(|behaviour| behaviour.manifests.subject_status = Some(StatusCode::METHOD_NOT_ALLOWED)).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let (desc, bytes) = referrer("a", &subject);
    assert_eq!(lab.repo.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn the_endpoints_of_the_artifacts_specification_are_never_asked() {
    for change in [(|_| {}) as fn(&mut Behaviour), without_api] {
        let lab = Lab::new(change).await;
        let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
        let pushed = push_referrer(&lab.repo, "a", &subject).await;
        lab.repo.referrers_stream(&subject, None).try_collect::<Vec<_>>().await.unwrap();
        lab.repo.delete(&pushed).await.unwrap();
        let targets: Vec<_> = lab.server.requests().into_iter().map(|request| request.target).collect();
        assert!(targets.iter().all(|target| !target.contains("_oras") && !target.contains("/oras/")), "{targets:?}");
    }
}
