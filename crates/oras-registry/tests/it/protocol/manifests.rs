use oras_descriptor::{Algorithm, Descriptor, Digest, Index, Manifest, MediaType, canonical};
use oras_registry::{Limits, Server};

use super::setup::{client, plain, sparse};
use crate::client::{Document, manifest, referrer};

#[tokio::test]
async fn a_push_says_where_the_manifest_is() {
    let client = sparse().await;
    let document = manifest("x");
    for reference in ["v1", document.digest().as_str()] {
        let answer = client.push(&format!("/v2/a/manifests/{reference}"), &document).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        assert_eq!(answer.header("docker-content-digest"), document.digest().as_str());
        assert_eq!(client.get(answer.header("location")).await.body, document.1);
    }
}

#[tokio::test]
async fn bytes_are_kept_as_they_are() {
    let client = sparse().await;
    let odd =
        format!("\n {} \t", String::from_utf8(manifest("x").1.to_vec()).unwrap().replacen('{', "{ \"x\" : [ 1 ],", 1));
    let document = Document(MediaType::OCI_MANIFEST, odd.clone().into());
    assert_eq!(client.push("/v2/a/manifests/odd", &document).await.status, 201);
    assert_eq!(client.get("/v2/a/manifests/odd").await.text(), odd);
}

#[tokio::test]
async fn a_digest_must_be_that_of_the_body() {
    let client = sparse().await;
    let document = manifest("x");
    let padded = Document(document.0.clone(), [document.1.as_ref(), b"  "].concat().into());
    let answer = client.push(&format!("/v2/a/manifests/{}", document.digest()), &padded).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "DIGEST_INVALID"));
    assert_eq!(client.get(&format!("/v2/a/manifests/{}", document.digest())).await.status, 404);
    let unknown = client.push("/v2/a/manifests/md5:00", &document).await;
    assert_eq!(unknown.code(), "DIGEST_INVALID");
}

#[tokio::test]
async fn the_type_must_be_that_of_the_document() {
    let client = sparse().await;
    let document = manifest("x");
    let wrong = Document(MediaType::OCI_INDEX, document.1.clone());
    let answer = client.push("/v2/a/manifests/x", &wrong).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (400, "MANIFEST_INVALID"));
    let parameters = format!("{};charset=utf-8", document.0);
    let answer = client.send("PUT", "/v2/a/manifests/x", &[("content-type", &parameters)], document.1.clone()).await;
    assert_eq!(answer.status, 201);
    assert_eq!(client.get("/v2/a/manifests/x").await.header("content-type"), document.0.as_str());
    let untyped = client.send("PUT", "/v2/a/manifests/y", &[], document.1.clone()).await;
    assert_eq!(untyped.status, 201, "the document says its type");
}

#[tokio::test]
async fn missing_references_are_named() {
    let client = plain().await;
    let there = Descriptor::new("a/b", client.push_blob("a", "there").await, 5);
    let (gone, foreign) = (Descriptor::of("a/b", b"gone"), Descriptor::of(MediaType::OCI_FOREIGN_LAYER, b"foreign"));
    let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"subject");
    let push = |layers: Vec<Descriptor>| {
        let bytes = canonical(&Manifest::new(there.clone(), layers).with_subject(subject.clone()));
        let (client, document) = (client.clone(), Document(MediaType::OCI_MANIFEST, bytes));
        async move { client.push("/v2/a/manifests/x", &document).await }
    };
    let other = Descriptor::of("a/b", b"other");
    let answer = push(vec![gone.clone(), there.clone(), other.clone(), gone.clone(), foreign.clone()]).await;
    assert_eq!(answer.status, 404);
    let errors = answer.json()["errors"].clone();
    let digests: Vec<_> = errors.as_array().unwrap().iter().map(|error| error["detail"]["digest"].clone()).collect();
    assert_eq!(digests, [gone.digest.as_str(), other.digest.as_str()]);
    assert_eq!(errors[0]["code"], "MANIFEST_BLOB_UNKNOWN");
    assert_eq!(push(vec![there.clone(), foreign]).await.status, 201);
    let index = Document(MediaType::OCI_INDEX, canonical(&Index::new(vec![gone])));
    assert_eq!(client.push("/v2/a/manifests/i", &index).await.code(), "MANIFEST_BLOB_UNKNOWN");
}

#[tokio::test]
async fn indexes_may_be_empty_and_nested() {
    let client = plain().await;
    let empty = Document(MediaType::OCI_INDEX, canonical(&Index::new(Vec::new())));
    assert_eq!(client.push("/v2/a/manifests/empty", &empty).await.status, 201);
    let nested = Document(MediaType::OCI_INDEX, canonical(&Index::new(vec![empty.desc()])));
    assert_eq!(client.push("/v2/a/manifests/nested", &nested).await.status, 201);
}

#[tokio::test]
async fn manifests_are_limited() {
    let client = client(Server::builder().with_limits(Limits::with(|limits| limits.manifest = 100))).await;
    let answer = client.push("/v2/a/manifests/x", &manifest("x")).await;
    assert_eq!((answer.status.as_u16(), answer.code().as_str()), (413, "SIZE_INVALID"));
}

#[tokio::test]
async fn one_push_can_create_many_tags() {
    let client = sparse().await;
    let document = manifest("x");
    let digest = Algorithm::Sha512.digest(&document.1);
    let tags: Vec<String> = (0..12).map(|n| format!("t{n:02}")).collect();
    let query = tags.iter().map(|tag| format!("tag={tag}")).collect::<Vec<_>>().join("&");
    let answer = client.push(&format!("/v2/a/manifests/{digest}?{query}"), &document).await;
    assert_eq!(answer.status, 201);
    let created: Vec<_> = answer.headers.get_all("oci-tag").iter().map(|tag| tag.to_str().unwrap()).collect();
    assert_eq!(created, tags);
    let tagged = client.head("/v2/a/manifests/t11").await;
    assert_eq!(tagged.header("docker-content-digest"), digest.as_str(), "a tag remembers its digest");
}

#[tokio::test]
async fn a_bad_tag_parameter_creates_nothing() {
    let client = sparse().await;
    let document = manifest("x");
    let answer = client.push(&format!("/v2/a/manifests/{}?tag=good&tag=.bad", document.digest()), &document).await;
    assert_eq!(answer.status, 400);
    assert_eq!(client.get("/v2/a/tags/list").await.status, 404);
    let many = (0..101).map(|n| format!("tag=t{n}")).collect::<Vec<_>>().join("&");
    let answer = client.push(&format!("/v2/a/manifests/{}?{many}", document.digest()), &document).await;
    assert_eq!(answer.status, 414);
}

#[tokio::test]
async fn a_subject_is_acknowledged() {
    let client = sparse().await;
    let subject = Descriptor::of(MediaType::OCI_MANIFEST, b"not there");
    let document = referrer(subject.clone(), "t/t", "");
    let index = Document(MediaType::OCI_INDEX, canonical(&Index::new(Vec::new()).with_subject(subject.clone())));
    for (reference, document) in
        [("tag".to_owned(), &document), (document.digest().to_string(), &document), ("index".to_owned(), &index)]
    {
        let answer = client.push(&format!("/v2/a/manifests/{reference}"), document).await;
        assert_eq!((answer.status.as_u16(), answer.header("oci-subject")), (201, subject.digest.as_str()));
    }
    assert_eq!(client.push("/v2/a/manifests/x", &manifest("x")).await.header("oci-subject"), "");
}

#[tokio::test]
async fn conditions_guard_a_tag() {
    let client = sparse().await;
    let (old, new) = (manifest("old"), manifest("new"));
    let put = |document: Document, name: &'static str, value: String| {
        let client = client.clone();
        let headers = [("content-type", document.0.to_string()), (name, value)];
        async move {
            let headers: Vec<_> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
            client.send("PUT", "/v2/a/manifests/x", &headers, document.1.clone()).await
        }
    };
    let tag = |document: &Document| format!("\"{}\"", document.digest());
    assert_eq!(put(old.clone(), "if-match", tag(&old)).await.status, 412);
    assert_eq!(put(old.clone(), "if-none-match", "*".into()).await.status, 201);
    assert_eq!(put(new.clone(), "if-none-match", "*".into()).await.status, 412);
    assert_eq!(put(new.clone(), "if-match", tag(&new)).await.status, 412);
    let answer = put(new.clone(), "if-match", format!("\"x\", {}", tag(&old))).await;
    assert_eq!((answer.status.as_u16(), answer.header("etag")), (201, tag(&new).as_str()));
    assert_eq!(client.get("/v2/a/manifests/x").await.body, new.1);
}

#[tokio::test]
async fn of_many_guarded_pushes_one_wins() {
    let client = sparse().await;
    let pushes = (0..16).map(|n| {
        let client = client.clone();
        tokio::task::spawn(async move {
            let document = manifest(&n.to_string());
            let headers = [("content-type", document.0.as_str()), ("if-none-match", "*")];
            client.send("PUT", "/v2/a/manifests/x", &headers, document.1.clone()).await.status.as_u16()
        })
    });
    let mut statuses = Vec::new();
    for push in pushes.collect::<Vec<_>>() {
        statuses.push(push.await.unwrap());
    }
    assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1);
    assert_eq!(statuses.iter().filter(|status| **status == 412).count(), 15);
    let body = client.get("/v2/a/manifests/x").await;
    assert_eq!(body.header("docker-content-digest"), Digest::of(&body.body).as_str());
}
