//! The index of referrers that the client keeps, where the registry lists none.

use std::sync::{Arc, Mutex};

use futures_util::future::join_all;
use http::StatusCode;
use oras_content::{
    Blob, Deleter as _, Descriptor, ErrorKind, Fetcher as _, MediaType, PredecessorFinder as _, Pusher as _,
    Resolver as _, Target as _,
};
use oras_reference::referrers_tag;
use oras_registry::{Action, Behaviour, Fault, RequestKind};
use oras_remote::Registry;

use super::harness::{Lab, manifest, options, push_manifest};
use super::referrers::{index, names, push_referrer, referrer, without_api};

#[tokio::test]
async fn fifty_pushes_at_once_write_the_index_at_most_three_times() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let before = lab.count(RequestKind::ManifestPut);
    let handles: Vec<_> = (0..50).map(|_| lab.registry.repository("acme/rocket").unwrap()).collect();
    let pushes = handles.iter().enumerate().map(|(at, repo)| {
        let subject = &subject;
        async move { push_referrer(repo, &format!("{at:02}"), subject).await }
    });
    join_all(pushes).await;
    let puts = lab.count(RequestKind::ManifestPut) - before - 50;
    assert!(puts <= 3, "{puts} index PUTs");
    assert_eq!(names(&lab.repo, &subject).await.len(), 50);
}

#[tokio::test]
async fn deferred_pushes_write_each_index_once() {
    let lab = Lab::new(without_api).await;
    let (one, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let (other, _) = push_manifest(&lab.repo, "v2", |manifest| manifest.with_artifact_type("other/type")).await;
    let before = lab.count(RequestKind::ManifestPut);
    for at in 0..10 {
        for subject in [&one, &other] {
            let (desc, bytes) = referrer(&format!("{at}"), subject);
            lab.repo.push_deferred(&desc, Blob::from_bytes(bytes)).await.unwrap();
        }
    }
    assert_eq!(lab.repo.referrers(&one, None).await.unwrap(), []);
    lab.repo.flush().await.unwrap();
    assert_eq!(lab.count(RequestKind::ManifestPut) - before, 20 + 2);
    for subject in [&one, &other] {
        assert_eq!(names(&lab.repo, subject).await.len(), 10);
    }
    lab.repo.flush().await.unwrap();
    assert_eq!(lab.count(RequestKind::ManifestPut) - before, 20 + 2);
}

#[tokio::test]
async fn an_index_that_could_not_be_written_keeps_waiting() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let (desc, bytes) = referrer("a", &subject);
    lab.repo.push_deferred(&desc, Blob::from_bytes(bytes)).await.unwrap();
    let denied = Fault::new(Action::Status(StatusCode::FORBIDDEN, None)).on(RequestKind::ManifestPut);
    lab.server.set_behaviour(Behaviour::with(|behaviour| {
        without_api(behaviour);
        behaviour.faults.push(denied);
    }));
    assert_eq!(lab.repo.flush().await.unwrap_err().kind(), ErrorKind::Denied);
    lab.server.set_behaviour(Behaviour::with(without_api));
    lab.repo.flush().await.unwrap();
    assert_eq!(names(&lab.repo, &subject).await, ["a"]);
}

#[tokio::test]
async fn old_indexes_are_deleted_and_a_failure_there_is_only_told() {
    let told: Arc<Mutex<Vec<ErrorKind>>> = Arc::default();
    let keep = Arc::clone(&told);
    let options = options().with_concern_handler(move |error| keep.lock().unwrap().push(error.kind()));
    let lab = Lab::with(without_api, options, |builder| builder).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    push_referrer(&lab.repo, "a", &subject).await;
    assert_eq!(lab.count(RequestKind::ManifestDelete), 0);
    push_referrer(&lab.repo, "b", &subject).await;
    assert_eq!(lab.count(RequestKind::ManifestDelete), 1);
    lab.server.set_behaviour(Behaviour::with(|behaviour| {
        without_api(behaviour);
        behaviour.manifests.delete_status = Some(StatusCode::METHOD_NOT_ALLOWED);
    }));
    push_referrer(&lab.repo, "c", &subject).await;
    assert_eq!(*told.lock().unwrap(), [ErrorKind::Unsupported]);
    assert_eq!(names(&lab.repo, &subject).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn old_indexes_are_kept_on_request() {
    let lab = Lab::with(without_api, options().keep_old_indexes(), |builder| builder).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let a = push_referrer(&lab.repo, "a", &subject).await;
    push_referrer(&lab.repo, "b", &subject).await;
    assert_eq!(lab.count(RequestKind::ManifestDelete), 0);
    // The last one leaves an empty index behind.
    lab.repo.delete(&a).await.unwrap();
    lab.repo.delete(&referrer("b", &subject).0).await.unwrap();
    assert_eq!(index(&lab.repo, &subject).await.manifests, []);
}

#[tokio::test]
async fn a_deleted_referrer_leaves_the_index_and_the_last_one_takes_it_along() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let a = push_referrer(&lab.repo, "a", &subject).await;
    let b = push_referrer(&lab.repo, "b", &subject).await;
    // Another process does not know yet what the registry can do.
    let repo = Registry::new(&lab.server.host(), options()).unwrap().repository("acme/rocket").unwrap();
    repo.delete(&a).await.unwrap();
    assert_eq!(names(&lab.repo, &subject).await, ["b"]);
    repo.delete(&b).await.unwrap();
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), []);
    let tag = referrers_tag(&subject.digest);
    assert_eq!(lab.repo.resolve(&tag).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn foreign_entries_of_an_index_stay_as_they_are() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let (other, bytes) = manifest(|manifest| manifest.with_artifact_type("foreign/type"));
    lab.repo.push(&other, Blob::from_bytes(bytes)).await.unwrap();
    let text = format!(
        r#"{{"schemaVersion":2,"mediaType":"{}","manifests":[{{"x":1.0,"mediaType":"{}","digest":"{}","size":{}}}],"y":[]}}"#,
        MediaType::OCI_INDEX,
        other.media_type,
        other.digest,
        other.size
    );
    let desc = Descriptor::of(MediaType::OCI_INDEX, text.as_bytes());
    let tag = referrers_tag(&subject.digest);
    lab.repo.push_reference(&desc, Blob::from_bytes(text.into()), &tag).await.unwrap();
    push_referrer(&lab.repo, "a", &subject).await;
    let desc = lab.repo.resolve(&tag).await.unwrap();
    let bytes = lab.repo.fetch(&desc).await.unwrap().bytes(1 << 20).await.unwrap();
    let text = String::from_utf8(bytes.to_vec()).unwrap();
    assert!(text.contains(r#"{"x":1.0,"mediaType""#) && text.ends_with(r#"],"y":[]}"#), "{text}");
}

#[tokio::test]
async fn deletions_at_once_ask_once_whether_there_is_an_api() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    let mut pushed = Vec::new();
    for name in ["a", "b", "c", "d"] {
        pushed.push(push_referrer(&lab.repo, name, &subject).await);
    }
    let repo = Registry::new(&lab.server.host(), options()).unwrap().repository("acme/rocket").unwrap();
    for deleted in join_all(pushed.iter().map(|desc| repo.delete(desc))).await {
        deleted.unwrap();
    }
    assert_eq!(lab.count(RequestKind::Referrers), 1);
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), []);
}

#[tokio::test]
async fn the_index_of_a_deleted_subject_is_deleted_on_request_and_nothing_else_is() {
    let lab = Lab::new(without_api).await;
    let (subject, _) = push_manifest(&lab.repo, "v1", |manifest| manifest).await;
    push_referrer(&lab.repo, "a", &subject).await;
    lab.repo.delete(&subject).await.unwrap();
    assert_eq!(names(&lab.repo, &subject).await, ["a"], "it does not go by itself");
    lab.repo.delete_referrers_index(&subject).await.unwrap();
    assert_eq!(lab.repo.referrers(&subject, None).await.unwrap(), []);
    lab.repo.delete_referrers_index(&subject).await.unwrap();
    let (taken, bytes) = manifest(|manifest| manifest.with_artifact_type("taken/type"));
    let tag = referrers_tag(&subject.digest);
    lab.repo.push_reference(&taken, Blob::from_bytes(bytes), &tag).await.unwrap();
    let refused = lab.repo.delete_referrers_index(&subject).await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::Unsupported);
    assert_eq!(lab.repo.resolve(&tag).await.unwrap().digest, taken.digest);
}
