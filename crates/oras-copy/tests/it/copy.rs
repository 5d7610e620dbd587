//! The core: what is copied, in which order, and what stands for it.

use std::sync::Arc;

use bytes::Bytes;
use oras_content::{
    AnyTarget, Blob, Descriptor, Digest, ErrorKind, MediaType, Pusher as _, Resolver as _, Tagger as _,
};
use oras_copy::{CopyError, CopyOperation, CopyOptions, CopyOrigin, copy, copy_graph};
use oras_descriptor::{ArtifactManifest, Manifest, canonical};
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording, assert_closed};

use crate::support::{Odd, assert_has_all, blob, closure, count, has, image, put, put_index, put_manifest};

async fn tagged_image(name: &str) -> (MemoryStore, Descriptor) {
    let src = MemoryStore::new();
    let root = image(&src, name).await;
    src.tag(&root, "v1").await.unwrap();
    (src, root)
}

fn pushes(calls: &[oras_testing::Call]) -> Vec<String> {
    let is_push = |method| matches!(method, Method::Push | Method::PushDeferred | Method::PushReference);
    calls.iter().filter(|call| is_push(call.method)).map(|call| call.subject.clone()).collect()
}

#[tokio::test]
async fn copies_the_graph_and_tags_the_root() {
    let (src, root) = tagged_image("a").await;
    let dst = MemoryStore::new();
    let copied = copy(&src, "v1", &dst, "latest", &CopyOptions::new()).await.unwrap();
    assert_eq!(copied, root);
    assert_eq!(dst.resolve("latest").await.unwrap(), root);
    assert_has_all(&dst, &closure(&src, &root).await).await;
}

#[tokio::test]
async fn without_a_destination_reference_the_source_reference_stands_for_the_copy() {
    let (src, root) = tagged_image("a").await;
    let dst = MemoryStore::new();
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
}

#[tokio::test]
async fn a_copy_by_digest_needs_no_tag() {
    let (src, root) = tagged_image("a").await;
    let dst = MemoryStore::new();
    let digest = root.digest.to_string();
    copy(&src, &digest, &dst, "", &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.resolve(&digest).await.unwrap().digest, root.digest);

    let other = Digest::of(b"other").to_string();
    let error = copy(&src, "v1", &dst, &other, &CopyOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::InvalidReference, CopyOrigin::Destination));
}

#[tokio::test]
async fn a_reference_that_stands_for_nothing_blames_the_source() {
    let dst = MemoryStore::new();
    let error = copy(&MemoryStore::new(), "v1", &dst, "", &CopyOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!((error.origin(), error.operation()), (CopyOrigin::Source, CopyOperation::Resolve));
    assert_eq!(error.reference(), Some("v1"));
    assert_eq!(error.to_string(), r#"source: cannot resolve "v1""#);
}

#[tokio::test]
async fn children_come_before_parents_and_the_root_last_under_its_tag() {
    let src = MemoryStore::new();
    let (a, b) = (image(&src, "a").await, image(&src, "b").await);
    let root = put_index(&src, vec![a, b]).await;
    src.tag(&root, "v1").await.unwrap();
    let dst = Recording::new(MemoryStore::new());
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();

    let order = pushes(&dst.calls());
    let position = |desc: &Descriptor| order.iter().position(|subject| *subject == desc.digest.as_str()).unwrap();
    for parent in closure(&src, &root).await.iter().filter(|node| !node.same_content(&root)) {
        for child in oras_content::successors(&src, parent).await.unwrap() {
            assert!(position(&child) < position(parent));
        }
    }
    assert_eq!(order.last().unwrap(), "v1");
    let calls = dst.calls();
    let flushed = calls.iter().rposition(|call| call.method == Method::Flush).unwrap();
    assert!(calls.iter().rposition(|call| call.method == Method::PushDeferred).unwrap() < flushed);
}

#[tokio::test]
async fn each_node_is_asked_for_fetched_and_pushed_once() {
    let src = Recording::new(MemoryStore::new());
    let shared = blob(src.target(), "shared").await;
    let mut images = Vec::new();
    for name in ["a", "b", "c"] {
        let config = blob(src.target(), name).await;
        let manifest = Manifest::new(config, vec![shared.clone(), shared.clone()]);
        images.push(put_manifest(src.target(), &manifest).await);
    }
    let root = put_index(src.target(), images).await;
    let dst = Recording::new(MemoryStore::new());
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    for node in closure(src.target(), &root).await {
        let digest = node.digest.as_str();
        assert_eq!(src.count_of(Method::Fetch, digest), 1, "{node:?}");
        assert_eq!(dst.count_of(Method::PushDeferred, digest), 1, "{node:?}");
        assert_eq!(dst.count_of(Method::Exists, digest), 1, "{node:?}");
    }
}

#[tokio::test]
async fn the_same_bytes_under_two_media_types_are_both_copied() {
    let src = MemoryStore::new();
    let config = blob(&src, "{}").await;
    let layer = put(&src, MediaType::OCI_LAYER, Bytes::from_static(b"{}")).await;
    let root = put_manifest(&src, &Manifest::new(config, vec![layer])).await;
    let dst = Recording::new(MemoryStore::new());
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert_closed(&dst, &[root]).await;
}

#[tokio::test]
async fn a_manifest_that_is_a_layer_too_is_walked_all_the_same() {
    let src = MemoryStore::new();
    let subject = image(&src, "subject").await;
    let bytes = oras_content::fetch_all(&src, &subject, 1 << 20).await.unwrap();
    let layer = put(&src, MediaType::OCTET_STREAM, bytes).await;
    let manifest = Manifest::new(blob(&src, "config").await, vec![layer]).with_subject(subject.clone());
    let root = put_manifest(&src, &manifest).await;
    // A store that knows content by nothing but its digest takes the layer for the manifest.
    let dst = Odd { knows_digests_alone: true, ..Odd::default() };
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_concurrency(count(1))).await.unwrap();
    assert_has_all(&dst.store, &closure(&src, &root).await).await;
}

#[tokio::test]
async fn a_node_said_to_have_two_sizes_is_refused() {
    let src = MemoryStore::new();
    let layer = blob(&src, "layer").await;
    let wrong = Descriptor { size: 99, ..layer.clone() };
    let root = put_manifest(&src, &Manifest::new(layer, vec![wrong])).await;
    let error = copy_graph(&src, &MemoryStore::new(), &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Corrupt, CopyOrigin::Source));
}

#[tokio::test]
async fn what_is_there_is_skipped_with_all_that_it_points_to() {
    let (src, root) = tagged_image("a").await;
    let src = Recording::new(src);
    let dst = Recording::new(MemoryStore::new());
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    let before = (src.calls().len(), dst.calls().len());
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    let asked = |calls: &[oras_testing::Call], from: usize| -> Vec<Method> {
        let asks = |method: &Method| {
            !matches!(method, Method::Location | Method::MaxConcurrency | Method::PresumesAbsent | Method::Flush)
        };
        calls[from..].iter().map(|call| call.method).filter(asks).collect()
    };
    assert_eq!(asked(&src.calls(), before.0), []);
    assert_eq!(asked(&dst.calls(), before.1), [Method::Exists]);
}

#[tokio::test]
async fn a_copy_of_what_is_tagged_already_costs_one_question_on_each_side() {
    let (src, _) = tagged_image("a").await;
    let src = Recording::new(src);
    let dst = Recording::new(MemoryStore::new());
    copy(&src, "v1", &dst, "v1", &CopyOptions::new()).await.unwrap();
    let before = (src.calls().len(), dst.calls().len());
    copy(&src, "v1", &dst, "v1", &CopyOptions::new()).await.unwrap();
    let asked = |calls: &[oras_testing::Call], from: usize| -> Vec<Method> {
        let asks = |method: &Method| !matches!(method, Method::Location | Method::MaxConcurrency | Method::Flush);
        calls[from..].iter().map(|call| call.method).filter(asks).collect()
    };
    assert_eq!(asked(&src.calls(), before.0), [Method::FetchReference]);
    assert_eq!(asked(&dst.calls(), before.1), [Method::Resolve]);
}

#[tokio::test]
async fn tags_even_if_the_manifest_exists() {
    let (src, root) = tagged_image("a").await;
    let dst = Recording::new(MemoryStore::new());
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    copy(&src, "v1", &dst, "new", &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.resolve("new").await.unwrap(), root);
    let layers = closure(&src, &root).await;
    for blob in layers.iter().filter(|node| !node.media_type.is_manifest()) {
        assert_eq!(dst.count_of(Method::PushDeferred, blob.digest.as_str()), 1, "it was there");
    }
}

#[tokio::test]
async fn a_tag_moves_to_the_new_root() {
    let (src, root) = tagged_image("a").await;
    let dst = MemoryStore::new();
    let old = image(&dst, "old").await;
    dst.tag(&old, "v1").await.unwrap();
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
}

#[tokio::test]
async fn a_blob_can_be_the_root() {
    let src = Recording::new(MemoryStore::new());
    let root = blob(src.target(), "alone").await;
    src.target().tag(&root, "v1").await.unwrap();
    let dst = MemoryStore::new();
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
    assert_eq!(src.count(Method::Fetch), 0, "it came with its reference");
}

#[tokio::test]
async fn foreign_layers_are_not_copied_unless_asked_for() {
    let src = MemoryStore::new();
    let config = blob(&src, "config").await;
    let foreign = put(&src, MediaType::OCI_FOREIGN_LAYER_GZIP, Bytes::from_static(b"foreign")).await;
    let root = put_manifest(&src, &Manifest::new(config, vec![foreign.clone()])).await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert!(has(&dst, &root).await && !has(&dst, &foreign).await);
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_foreign_layers(true)).await.unwrap();
    assert!(has(&dst, &foreign).await);
}

#[tokio::test]
async fn manifests_alone_can_be_copied() {
    let src = MemoryStore::new();
    let (a, b) = (image(&src, "a").await, image(&src, "b").await);
    let root = put_index(&src, vec![a.clone(), b]).await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_manifests_only(true)).await.unwrap();
    for node in closure(&src, &root).await {
        assert_eq!(has(&dst, &node).await, node.media_type.is_manifest());
    }
}

#[tokio::test]
async fn deprecated_artifact_manifests_are_copied() {
    let src = MemoryStore::new();
    let artifact = ArtifactManifest::new("t/t", vec![blob(&src, "content").await]);
    let root = put(&src, MediaType::OCI_ARTIFACT_MANIFEST, canonical(&artifact)).await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert_has_all(&dst, &closure(&src, &root).await).await;
}

#[tokio::test]
async fn a_subject_that_is_missing_is_no_error_but_a_layer_is() {
    let src = MemoryStore::new();
    let config = blob(&src, "config").await;
    let gone = Descriptor::of(MediaType::OCI_MANIFEST, b"gone");
    let root = put_manifest(&src, &Manifest::new(config.clone(), Vec::new()).with_subject(gone.clone())).await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert!(has(&dst, &root).await);

    let root = put_manifest(&src, &Manifest::new(config, vec![gone.clone()]).with_subject(gone)).await;
    let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::NotFound, CopyOrigin::Source));
    assert!(!has(&dst, &root).await);
}

#[tokio::test]
async fn an_index_may_miss_entries_where_that_is_allowed() {
    let src = MemoryStore::new();
    let here = image(&src, "here").await;
    let gone = [Descriptor::of(MediaType::OCI_MANIFEST, b"gone"), Descriptor::of(MediaType::OCTET_STREAM, b"gone")];
    let root = put_index(&src, [gone.as_slice(), std::slice::from_ref(&here)].concat()).await;
    let dst = MemoryStore::new();
    let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_missing_entries(true)).await.unwrap();
    assert!(has(&dst, &root).await && has(&dst, &here).await);
}

#[tokio::test]
async fn content_that_came_to_exist_meanwhile_is_no_error() {
    let (src, root) = tagged_image("a").await;
    let dst = Odd::default();
    for node in closure(&src, &root).await {
        dst.fail_push(&node, [oras_content::Error::already_exists(&node)]);
    }
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
}

#[tokio::test]
async fn the_destination_is_blamed_for_its_own_errors() {
    let (src, root) = tagged_image("a").await;
    let layer = closure(&src, &root).await.into_iter().find(|node| !node.media_type.is_manifest()).unwrap();
    let dst = Odd::default();
    dst.fail_push(&layer, [oras_content::Error::new(ErrorKind::Denied, "no")]);
    let error = copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Denied, CopyOrigin::Destination));
    assert_eq!((error.operation(), error.descriptor()), (CopyOperation::Push, Some(&layer)));
    assert!(dst.resolve("v1").await.is_err());
    let as_content_error = oras_content::Error::from(error);
    assert_eq!(as_content_error.kind(), ErrorKind::Denied);
    assert!(as_content_error.find::<CopyError>().is_some());
}

#[tokio::test]
async fn inline_content_is_not_fetched() {
    let src = Recording::new(MemoryStore::new());
    let config = Descriptor::empty();
    src.target().push(&config, Blob::from_bytes("{}".into())).await.unwrap();
    let lying = blob(src.target(), "layer").await.with_data(Bytes::from_static(b"laser"));
    let root = put_manifest(src.target(), &Manifest::new(config.clone(), vec![lying.clone()])).await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert_eq!(src.count_of(Method::Fetch, config.digest.as_str()), 0);
    assert_eq!(src.count_of(Method::Fetch, lying.digest.as_str()), 1, "inline content that lies is not used");
    assert_closed(&dst, &[root]).await;
}

#[tokio::test]
async fn copies_over_erased_shared_and_borrowed_targets_on_another_task() {
    let (src, root) = tagged_image("a").await;
    let (src, dst) = (AnyTarget::with_graph(src), Arc::new(AnyTarget::new(MemoryStore::new())));
    let to = Arc::clone(&dst);
    #[expect(clippy::disallowed_methods, reason = "the future must be able to move to another thread")]
    let copied = tokio::spawn(async move { copy(&src, "v1", &&*to, "", &CopyOptions::new()).await }).await.unwrap();
    assert_eq!(copied.unwrap(), root);
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
}

#[tokio::test]
async fn a_manifest_larger_than_the_cap_is_refused_before_it_is_read() {
    let src = Recording::new(MemoryStore::new());
    let root = image(src.target(), "a").await;
    src.target().tag(&root, "v1").await.unwrap();
    let options = CopyOptions::new().with_max_metadata_bytes(root.size - 1);
    let error = copy_graph(&src, &MemoryStore::new(), &root, &options).await.unwrap_err();
    assert_eq!((error.kind(), src.count(Method::Fetch)), (ErrorKind::SizeExceedsLimit, 0));
    let error = copy(&src, "v1", &MemoryStore::new(), "", &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    assert!(error.error().to_string().contains("max_metadata_bytes"), "the error names the option");
    let enough = CopyOptions::new().with_max_metadata_bytes(root.size).with_concurrency(count(1));
    copy(&src, "v1", &MemoryStore::new(), "", &enough).await.unwrap();
}
