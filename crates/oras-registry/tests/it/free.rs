use oras_descriptor::Digest;
use oras_registry::Server;

use crate::client::{Client, manifest};

#[tokio::test]
async fn what_is_pushed_counts_and_is_not_kept() {
    let service = Server::builder().with_nothing_kept(None).with_sparse(true).service().await.unwrap();
    let client = Client(service, None);
    let claimed = Digest::of(b"anything");
    let location = client.open("a").await;
    client.send("PATCH", &location, &[], "something ").await;
    assert_eq!(client.send("PUT", &format!("{location}?digest={claimed}"), &[], "else").await.status, 201);
    let path = format!("/v2/a/blobs/{claimed}");
    assert_eq!(client.head(&path).await.header("content-length"), "14");
    assert_eq!(client.get(&path).await.status, 404);
    assert_eq!(client.push("/v2/a/manifests/v1", &manifest("x")).await.status, 201);
    assert_eq!(client.get("/v2/a/manifests/v1").await.body, manifest("x").1);
}

#[tokio::test]
async fn a_layout_can_be_pulled_under_any_name() {
    let filled = crate::disk::setup::sparse().await;
    let blob = filled.push_blob("a", "content").await;
    filled.push("/v2/a/manifests/v1", &manifest("x")).await;
    let layout = filled.1.as_ref().unwrap().path().join("a/_oci");
    let service = Server::builder().with_nothing_kept(Some(layout)).service().await.unwrap();
    let client = Client(service, None);
    assert_eq!(client.get("/v2/any/name/manifests/v1").await.body, manifest("x").1);
    assert_eq!(client.get(&format!("/v2/other/blobs/{blob}")).await.text(), "content");
    let nowhere = Server::builder().with_nothing_kept(Some("/nowhere".into())).service().await;
    assert_eq!(nowhere.unwrap_err().kind(), std::io::ErrorKind::NotFound);
}
