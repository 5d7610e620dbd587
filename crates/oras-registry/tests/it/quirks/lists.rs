use http::StatusCode;
use oras_descriptor::MediaType;
use oras_registry::{Behaviour, ReferrersQuirk};
use serde_json::json;

use super::odd;
use crate::{
    client::{manifest, referrer},
    memory::setup::sparse,
};

#[tokio::test]
async fn referrers_can_be_missing() {
    for (quirk, status) in [
        (ReferrersQuirk::Status(StatusCode::NOT_FOUND), 404),
        (ReferrersQuirk::Status(StatusCode::NOT_ACCEPTABLE), 406),
        (ReferrersQuirk::Page, 200),
    ] {
        let client = odd(|behaviour| behaviour.lists.referrers = quirk).await;
        let subject = manifest("x");
        let pushed = client.push("/v2/a/manifests/x", &referrer(subject.desc(), "t/t", "")).await;
        assert_eq!((pushed.status.as_u16(), pushed.header("oci-subject")), (201, ""));
        let answer = client.get(&format!("/v2/a/referrers/{}", subject.digest())).await;
        assert_eq!(answer.status, status);
        assert_ne!(answer.header("content-type"), MediaType::OCI_INDEX.as_str());
    }
}

#[tokio::test]
async fn referrers_come_unfiltered_and_bare() {
    let client = odd(|behaviour| {
        behaviour.lists.ignore_filter = true;
        behaviour.lists.bare_referrers = true;
    })
    .await;
    let subject = manifest("x");
    client.push("/v2/a/manifests/x", &referrer(subject.desc(), "t/t", "")).await;
    let answer = client.get(&format!("/v2/a/referrers/{}?artifactType=other/type", subject.digest())).await;
    assert_eq!(answer.header("oci-filters-applied"), "");
    let entries = answer.json()["manifests"].as_array().unwrap().clone();
    assert_eq!(entries.len(), 1);
    assert!(entries[0].get("artifactType").is_none() && entries[0].get("annotations").is_none());
}

#[tokio::test]
async fn lists_of_tags_can_be_odd() {
    let client = sparse().await;
    for tag in ["a", "b", "c"] {
        client.push(&format!("/v2/x/manifests/{tag}"), &manifest("x")).await;
    }
    let list = |query: &'static str, change: fn(&mut Behaviour)| {
        client.0.set_behaviour(Behaviour::with(change));
        let client = client.clone();
        async move { client.get(&format!("/v2/x/tags/list{query}")).await }
    };
    let answer = list("?n=3", |behaviour| behaviour.lists.page_size = Some(2)).await;
    assert_eq!((answer.json()["tags"].clone(), answer.header("link").is_empty()), (json!(["a", "b"]), false));
    assert_eq!(list("?n=1001", |behaviour| behaviour.lists.max_n = Some(1000)).await.status, 405);
    assert_eq!(list("?last=z", |behaviour| behaviour.lists.tags_null = true).await.json()["tags"], json!(null));
    assert_eq!(list("?last=a", |behaviour| behaviour.lists.opaque_cursor = true).await.status, 405);
    let opaque = list("?n=1", |behaviour| behaviour.lists.opaque_cursor = true).await;
    assert_eq!(opaque.header("link"), "</v2/x/tags/list?n=1&last=~a>; rel=\"next\"");
    assert_eq!(client.get("/v2/x/tags/list?n=1&last=~a").await.json()["tags"], json!(["b"]));
    assert_eq!(list("", |behaviour| behaviour.lists.unsorted = true).await.json()["tags"], json!(["c", "b", "a"]));
    assert_eq!(list("?n=1", |behaviour| behaviour.lists.omit_link = true).await.header("link"), "");
    assert_eq!(list("?n=1", |behaviour| behaviour.lists.ignore_n = true).await.json()["tags"], json!(["a", "b", "c"]));
    let absolute = list("?n=1", |behaviour| behaviour.lists.absolute_link = true).await;
    assert_eq!(absolute.header("link"), "<http://h:1/v2/x/tags/list?n=1&last=a>; rel=\"next\"");
    let looping = list("?n=1&last=a", |behaviour| behaviour.lists.looping_link = true).await;
    assert_eq!(looping.header("link"), "</v2/x/tags/list?n=1&last=a>; rel=\"next\"");
}

#[tokio::test]
async fn warnings_are_quoted_and_limited() {
    let client = odd(|behaviour| {
        behaviour.warnings = vec!["so \"old\"".into(), "x".repeat(4090), "second".into()];
        behaviour.headers.push((http::HeaderName::from_static("ratelimit-limit"), "100;w=21600".parse().unwrap()));
    })
    .await;
    let answer = client.get("/v2/").await;
    let warnings: Vec<_> = answer.headers.get_all("warning").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(warnings, [r#"299 - "so \"old\"""#]);
    assert_eq!(answer.header("ratelimit-limit"), "100;w=21600");
}
