use oras_descriptor::{Descriptor, Index, MediaType, canonical};
use oras_registry::{Limits, Server};
use serde_json::{Value, json};

use super::setup::{client, sparse};
use crate::client::{Client, Document, manifest, referrer};

async fn with_tags(tags: &[&str]) -> Client {
    let client = sparse().await;
    for tag in tags {
        client.push(&format!("/v2/a/manifests/{tag}"), &manifest("x")).await;
    }
    client
}

#[tokio::test]
async fn lists_tags_in_pages() {
    let client = with_tags(&["b", "A", "c", "a", "_"]).await;
    let cases = [
        ("", json!(["A", "_", "a", "b", "c"]), ""),
        ("?n=2", json!(["A", "_"]), "</v2/a/tags/list?n=2&last=_>; rel=\"next\""),
        ("?n=2&last=_", json!(["a", "b"]), "</v2/a/tags/list?n=2&last=b>; rel=\"next\""),
        ("?n=2&last=b", json!(["c"]), ""),
        ("?n=5", json!(["A", "_", "a", "b", "c"]), ""),
        ("?n=99", json!(["A", "_", "a", "b", "c"]), ""),
        ("?n=0", json!([]), ""),
        ("?last=aa", json!(["b", "c"]), ""),
        ("?last=z", json!([]), ""),
    ];
    for (query, tags, link) in cases {
        let answer = client.get(&format!("/v2/a/tags/list{query}")).await;
        assert_eq!(answer.json(), json!({"name": "a", "tags": tags}), "{query}");
        assert_eq!(answer.header("link"), link, "{query}");
    }
    for bad in ["?n=x", "?n=-1", "?n="] {
        assert_eq!(client.get(&format!("/v2/a/tags/list{bad}")).await.status, 400, "{bad}");
    }
}

#[tokio::test]
async fn a_repository_without_tags_has_an_empty_list() {
    let client = sparse().await;
    client.push_blob("a", "x").await;
    assert_eq!(client.get("/v2/a/tags/list").await.json(), json!({"name": "a", "tags": []}));
}

#[tokio::test]
async fn lists_repositories_in_pages() {
    let client = sparse().await;
    for name in ["b", "a/x", "c"] {
        client.push_blob(name, "x").await;
    }
    assert_eq!(client.get("/v2/_catalog").await.json(), json!({"repositories": ["a/x", "b", "c"]}));
    let page = client.get("/v2/_catalog?n=1").await;
    assert_eq!(page.json(), json!({"repositories": ["a/x"]}));
    assert_eq!(page.header("link"), "</v2/_catalog?n=1&last=a/x>; rel=\"next\"");
    assert_eq!(client.get("/v2/_catalog?last=b").await.json(), json!({"repositories": ["c"]}));
}

#[tokio::test]
async fn nothing_refers_to_what_nobody_knows() {
    let client = sparse().await;
    let digest = oras_descriptor::Digest::of(b"x");
    for name in ["a", "unknown"] {
        let answer = client.get(&format!("/v2/{name}/referrers/{digest}")).await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), "application/vnd.oci.image.index.v1+json");
        let empty = json!({"schemaVersion": 2, "mediaType": MediaType::OCI_INDEX.as_str(), "manifests": []});
        assert_eq!(answer.json(), empty);
        client.push_blob("a", "x").await;
    }
}

fn entries(answer: &crate::client::Answer) -> Vec<Value> {
    answer.json()["manifests"].as_array().unwrap().clone()
}

#[tokio::test]
async fn lists_referrers_with_type_and_annotations() {
    let client = sparse().await;
    let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"not there");
    let (one, two) = (referrer(subject.clone(), "t/one", "1"), referrer(subject.clone(), "t/two+x", "2"));
    let index = Document(MediaType::OCI_INDEX, canonical(&Index::new(Vec::new()).with_subject(subject.clone())));
    for document in [&one, &two, &index] {
        client.push(&format!("/v2/a/manifests/{}", document.digest()), document).await;
    }
    let path = format!("/v2/a/referrers/{}", subject.digest);
    let all = client.get(&path).await;
    assert_eq!((entries(&all).len(), all.header("oci-filters-applied")), (3, ""));
    let plain = entries(&all).into_iter().find(|entry| entry["digest"] == index.digest().as_str()).unwrap();
    assert!(plain.get("artifactType").is_none(), "an index without a type has none here");
    for query in ["t/two%2Bx", "t%2Ftwo+x"] {
        let filtered = client.get(&format!("{path}?artifactType={query}")).await;
        assert_eq!(filtered.header("oci-filters-applied"), "artifactType");
        let expected = json!({
            "mediaType": two.0.as_str(), "digest": two.digest().as_str(), "size": two.1.len(),
            "artifactType": "t/two+x", "annotations": {"note": "2"},
        });
        assert_eq!(entries(&filtered), [expected]);
    }
}

#[tokio::test]
async fn pages_of_referrers_keep_their_filter() {
    let client =
        client(Server::builder().with_sparse(true).with_limits(Limits::with(|limits| limits.page_size = 2))).await;
    let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"not there");
    for n in 0..5 {
        client.push("/v2/a/manifests/x", &referrer(subject.clone(), "t/one+x", &n.to_string())).await;
    }
    client.push("/v2/a/manifests/x", &referrer(subject.clone(), "t/two", "")).await;
    let mut target = format!("/v2/a/referrers/{}?artifactType=t/one%2Bx", subject.digest);
    let mut sizes = Vec::new();
    let mut found = Vec::new();
    loop {
        let page = client.get(&target).await;
        sizes.push(entries(&page).len());
        found.extend(entries(&page).into_iter().map(|entry| entry["digest"].to_string()));
        let Some(next) = page.header("link").strip_prefix('<').and_then(|link| link.split('>').next()) else { break };
        target = next.to_owned();
    }
    found.dedup();
    assert_eq!((sizes, found.len()), (vec![2, 2, 1], 5));
}

#[tokio::test]
async fn pages_of_referrers_stay_below_four_mebibytes() {
    let client = sparse().await;
    let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"not there");
    for n in 0..5 {
        let note = format!("{n}{}", "x".repeat(1_500_000));
        client.push("/v2/a/manifests/x", &referrer(subject.clone(), "t/one", &note)).await;
    }
    let page = client.get(&format!("/v2/a/referrers/{}", subject.digest)).await;
    assert_eq!(entries(&page).len(), 2);
    assert!(page.body.len() < 4 * 1024 * 1024 && page.header("link").contains("last="));
}
