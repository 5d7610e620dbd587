//! Destinations that say that they have what they have not.

use oras_content::{Descriptor, ErrorKind, Resolver as _, Tagger as _};
use oras_copy::{CopyOptions, CopyOrigin, copy, copy_graph};
use oras_descriptor::Manifest;
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};

use crate::support::{Odd, assert_has_all, blob, closure, has, image, put_index, put_manifest, referrer};

async fn index_of_images() -> (MemoryStore, Descriptor, Vec<Descriptor>) {
    let src = MemoryStore::new();
    let images = vec![image(&src, "a").await, image(&src, "b").await];
    let root = put_index(&src, images.clone()).await;
    src.tag(&root, "v1").await.unwrap();
    (src, root, images)
}

#[tokio::test]
async fn blobs_that_are_only_claimed_are_pushed_when_their_manifest_is_refused() {
    let (src, root, _) = index_of_images().await;
    let nodes = closure(&src, &root).await;
    let blobs: Vec<_> = nodes.iter().filter(|node| !node.media_type.is_manifest()).cloned().collect();
    let dst = Odd::strict();
    dst.claim(&blobs);
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    assert_has_all(&dst.store, &nodes).await;
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
}

#[tokio::test]
async fn manifests_that_are_only_claimed_are_pushed_with_what_is_missing_below_them() {
    let (src, root, images) = index_of_images().await;
    let dst = Odd::strict();
    dst.claim(&images);
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    assert_has_all(&dst.store, &closure(&src, &root).await).await;
    // Manifests and, below them, blobs: one heals after the other.
    let dst = Odd::strict();
    dst.claim(&closure(&src, &root).await);
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    assert_has_all(&dst.store, &closure(&src, &root).await).await;
}

#[tokio::test]
async fn only_what_is_named_as_missing_is_pushed_again() {
    let src = MemoryStore::new();
    let (config, layer) = (blob(&src, "config").await, blob(&src, "layer").await);
    let root = put_manifest(&src, &Manifest::new(config.clone(), vec![layer.clone()])).await;
    let dst = Odd::default();
    dst.claim(&[config.clone(), layer.clone()]);
    let refused = oras_content::Error::new(ErrorKind::MissingContent, "no layer").with_descriptor(&layer);
    dst.fail_push(&root, [refused]);
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert!(has(&dst.store, &layer).await && !has(&dst.store, &config).await);
}

#[tokio::test]
async fn a_refusal_that_nothing_can_help_is_the_error() {
    let (src, root, _) = index_of_images().await;
    let refused = || oras_content::Error::new(ErrorKind::MissingContent, "no");
    let dst = Odd::default();
    dst.fail_push(&root, [refused(), refused()]);
    let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::MissingContent, CopyOrigin::Destination));
}

#[tokio::test]
async fn a_manifest_is_healed_once() {
    let (src, root, images) = index_of_images().await;
    let refused = || oras_content::Error::new(ErrorKind::MissingContent, "no");
    let dst = Odd::default();
    dst.claim(&images);
    dst.fail_push(&root, [refused(), refused(), refused()]);
    let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::MissingContent);
    assert_eq!(dst.push_errors.lock().unwrap()[&root.digest].len(), 1, "two attempts were made");
}

#[tokio::test]
async fn an_existing_root_is_trusted_unless_its_children_are_to_be_verified() {
    let (src, root, images) = index_of_images().await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    oras_content::Deleter::delete(&dst, &images[0]).await.unwrap();

    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert!(!has(&dst, &images[0]).await);
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_verify_children(true)).await.unwrap();
    assert!(has(&dst, &images[0]).await);
}

#[tokio::test]
async fn verifying_children_finds_a_blob_that_is_missing_below_what_exists() {
    let (src, root, _) = index_of_images().await;
    let dst = MemoryStore::new();
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    let layer = closure(&src, &root).await.pop().unwrap();
    oras_content::Deleter::delete(&dst, &layer).await.unwrap();
    let dst = Recording::new(dst);
    copy(&src, "v1", &dst, "", &CopyOptions::new().with_verify_children(true)).await.unwrap();
    assert!(has(&dst, &layer).await);
    assert_eq!(dst.count(Method::PushDeferred), 1, "what is there is not pushed");
    assert_eq!(dst.count(Method::PushReference), 0);
}

#[tokio::test]
async fn verifying_children_pushes_a_referrer_again_so_that_it_is_listed() {
    let src = MemoryStore::new();
    let subject = image(&src, "a").await;
    let sbom = referrer(&src, &subject, "t/sbom").await;
    let dst = Recording::new(MemoryStore::new());
    copy_graph(&src, &dst, &sbom, &CopyOptions::new()).await.unwrap();
    copy_graph(&src, &dst, &sbom, &CopyOptions::new().with_verify_children(true)).await.unwrap();
    assert_eq!(dst.count_of(Method::PushDeferred, sbom.digest.as_str()), 2);
    assert_eq!(dst.count_of(Method::PushDeferred, subject.digest.as_str()), 1);
}
