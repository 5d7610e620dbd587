//! What meets a client on the way to a registry.

use futures_util::TryStreamExt as _;
use http::StatusCode;
use oras_content::{
    Blob, Deleter as _, Error, ErrorKind, Fetcher as _, PredecessorFinder as _, Pusher as _, ReadOnlyStorage as _,
    ReadOnlyTarget as _, Resolver as _, TagLister as _, Untagger as _,
};
use oras_descriptor::Algorithm;
use oras_registry::{Action, Behaviour, Fault, RequestKind, Server};
use oras_remote::{Registry, ResponseError, UploadStrategy};

use super::harness::{Lab, blob_of, manifest, options};

#[tokio::test]
async fn a_host_that_is_no_registry_is_not_found() {
    let server = Server::builder().start().await.unwrap();
    let html = Fault::new(Action::Html(StatusCode::NOT_FOUND));
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(html)));
    let error = Registry::new(&server.host(), options()).unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

/// Every call against a registry that never recovers.
async fn failures(lab: &Lab) -> Vec<(&'static str, Error)> {
    let (repo, desc, blob) = (&lab.repo, manifest(|manifest| manifest), blob_of(100));
    let content = || Blob::from_bytes(blob.1.clone());
    let (lists, reads, writes) = tokio::join!(
        async {
            [
                ("ping", lab.registry.ping().await.map(drop)),
                ("catalog", lab.registry.repositories(None).try_collect::<Vec<_>>().await.map(drop)),
                ("extensions", lab.registry.extensions().await.map(drop)),
                ("tags", repo.tags(None).try_collect::<Vec<_>>().await.map(drop)),
                ("referrers", repo.referrers(&desc.0, None).await.map(drop)),
            ]
        },
        async {
            [
                ("exists", repo.exists(&blob.0).await.map(drop)),
                ("resolve", repo.resolve("v1").await.map(drop)),
                ("fetch a tag", repo.fetch_reference("v1").await.map(drop)),
                ("fetch a manifest", repo.fetch(&desc.0).await.map(drop)),
                ("fetch a blob", repo.fetch(&blob.0).await.unwrap().bytes(100).await.map(drop)),
                ("fetch a part", repo.fetch_range(&blob.0, 1..2).unwrap().bytes(100).await.map(drop)),
            ]
        },
        async {
            let chunked = repo.upload(&blob.0, content()).with_strategy(UploadStrategy::CHUNKED);
            [
                ("push", repo.push(&blob.0, content()).await.map(drop)),
                ("push in chunks", chunked.send().await.map(drop)),
                ("push a manifest", repo.push(&desc.0, Blob::from_bytes(desc.1.clone())).await.map(drop)),
                ("start an upload", repo.start_upload(Algorithm::Sha256).await.map(drop)),
                ("delete", repo.delete(&blob.0).await.map(drop)),
                ("untag", repo.untag("v1").await.map(drop)),
            ]
        }
    );
    let all = lists.into_iter().chain(reads).chain(writes);
    all.map(|(name, result)| (name, result.expect_err(name))).collect()
}

#[tokio::test]
async fn an_error_tells_how_often_the_client_tried() {
    for status in [StatusCode::BAD_GATEWAY, StatusCode::SERVICE_UNAVAILABLE] {
        let lab = Lab::new(|behaviour| behaviour.faults.push(Fault::new(Action::Status(status, None)))).await;
        for (name, error) in failures(&lab).await {
            let told = error.find::<ResponseError>().map(ResponseError::status);
            assert_eq!((told, error.retries()), (Some(status), 12), "{name}: {error}");
            assert!(error.is_retryable(), "{name}");
        }
    }
}

/// Where bytes of an upload fail, the client itself asks and sends again.
#[tokio::test]
async fn an_upload_that_is_refused_all_the_time_tells_how_often_it_was_tried() {
    let refuse = |kind| {
        move |behaviour: &mut Behaviour| {
            behaviour.faults.push(Fault::new(Action::Status(StatusCode::SERVICE_UNAVAILABLE, None)).on(kind));
        }
    };
    let (put, patch) =
        (Lab::new(refuse(RequestKind::UploadFinish)).await, Lab::new(refuse(RequestKind::UploadChunk)).await);
    let (desc, bytes) = blob_of(100);
    let chunked = patch.repo.upload(&desc, Blob::from_bytes(bytes.clone())).with_strategy(UploadStrategy::Chunked(10));
    let (put, patch) = tokio::join!(put.repo.push(&desc, Blob::from_bytes(bytes.clone())), chunked.send());
    for error in [put.unwrap_err(), patch.unwrap_err()] {
        assert!(error.retries() >= 4, "{} retries: {error}", error.retries());
    }
}

#[test]
fn names_that_break_the_grammar_are_refused_before_any_request() {
    for host in ["", "host:", "....", "host:99999", "a/b", "https://host/x"] {
        let refused = Registry::new(host, options()).map(|_| ());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidReference, "{host}");
    }
    let registry = Registry::new("localhost:5000", options()).unwrap();
    for name in ["", "UPPER", "a//b", "../a", "a/"] {
        let refused = registry.repository(name).map(|_| ());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidReference, "{name}");
    }
}
