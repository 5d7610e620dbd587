//! What points to a node goes with it.

use std::sync::Arc;

use bytes::Bytes;
use oras_content::{BoxFuture, Descriptor, ErrorKind, PredecessorFinder as _, Resolver as _, Result, Tagger as _};
use oras_copy::{
    CopyHooks, CopyOperation, CopyOptions, CopyOrigin, ExtendedCopyOptions, extended_copy, extended_copy_graph,
};
use oras_descriptor::{Annotations, Index, Manifest, canonical};
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording, assert_closed};

use crate::support::{Odd, blob, count, has, image, put, put_index, put_manifest, referrer};

/// An image, an SBOM and a signature of it, and a signature of the SBOM.
struct Supply {
    src: MemoryStore,
    image: Descriptor,
    sbom: Descriptor,
    signature: Descriptor,
    sbom_signature: Descriptor,
}

async fn supply() -> Supply {
    let src = MemoryStore::new();
    let image = image(&src, "a").await;
    src.tag(&image, "v1").await.unwrap();
    let sbom = referrer(&src, &image, "t/sbom").await;
    let signature = referrer(&src, &image, "t/signature").await;
    let sbom_signature = referrer(&src, &sbom, "t/signature").await;
    Supply { src, image, sbom, signature, sbom_signature }
}

impl Supply {
    /// Copies, and tells which of image, SBOM, signature and signature of the SBOM came along.
    async fn copy(&self, options: &ExtendedCopyOptions) -> [bool; 4] {
        let dst = MemoryStore::new();
        extended_copy(&self.src, "v1", &dst, "", options).await.unwrap();
        assert_eq!(dst.resolve("v1").await.unwrap(), self.image);
        let nodes = [&self.image, &self.sbom, &self.signature, &self.sbom_signature];
        assert_closed(&dst, &nodes.map(Clone::clone)).await;
        [has(&dst, nodes[0]).await, has(&dst, nodes[1]).await, has(&dst, nodes[2]).await, has(&dst, nodes[3]).await]
    }
}

#[tokio::test]
async fn takes_along_everything_that_points_to_the_node() {
    let supply = supply().await;
    assert_eq!(supply.copy(&ExtendedCopyOptions::new()).await, [true; 4]);
    let dst = MemoryStore::new();
    extended_copy_graph(&supply.src, &dst, &supply.image, &ExtendedCopyOptions::new()).await.unwrap();
    assert_eq!(dst.referrers(&supply.image, None).await.unwrap().len(), 2);
}

#[tokio::test]
async fn runs_on_another_task() {
    let supply = supply().await;
    let dst = MemoryStore::new();
    let to = dst.clone();
    #[expect(clippy::disallowed_methods, reason = "the future must be able to move to another thread")]
    let copied = tokio::spawn(async move {
        extended_copy(&supply.src, "v1", &to, "", &ExtendedCopyOptions::new().with_children(true)).await
    });
    let copied = copied.await.unwrap().unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), copied);
}

#[tokio::test]
async fn the_depth_bounds_the_steps_away_from_the_node() {
    let supply = supply().await;
    let depth = |n| ExtendedCopyOptions::new().with_depth(count(n));
    assert_eq!(supply.copy(&depth(1)).await, [true, true, true, false]);
    assert_eq!(supply.copy(&depth(2)).await, [true; 4]);
}

#[tokio::test]
async fn filters_by_the_artifact_type_of_the_manifest_when_the_descriptor_lacks_it() {
    let supply = supply().await;
    // Predecessors in memory are plain: the type is only in the manifest.
    let predecessors = supply.src.predecessors(&supply.image).await.unwrap();
    assert!(predecessors.iter().all(|desc| desc.artifact_type.is_none()));
    let signatures = ExtendedCopyOptions::new().with_artifact_type_filter(|kind| kind == "t/signature");
    assert_eq!(supply.copy(&signatures).await, [true, false, true, false]);
    let empty = ExtendedCopyOptions::new().with_artifact_type_filter(|kind| kind.contains("oci.empty"));
    assert_eq!(supply.copy(&empty).await, [true, false, false, false], "the manifest's own type goes first");
}

#[tokio::test]
async fn filters_by_the_type_of_the_configuration_and_of_an_index() {
    let src = MemoryStore::new();
    let subject = image(&src, "a").await;
    src.tag(&subject, "v1").await.unwrap();
    let config = put(&src, "t/config".into(), Bytes::from_static(b"x")).await;
    let by_config = put_manifest(&src, &Manifest::new(config, Vec::new()).with_subject(subject.clone())).await;
    let index = Index::new(Vec::new()).with_artifact_type("t/index").with_subject(subject.clone());
    let by_index = put(&src, oras_content::MediaType::OCI_INDEX, canonical(&index)).await;
    for (kind, wanted, other) in [("t/config", &by_config, &by_index), ("t/index", &by_index, &by_config)] {
        let dst = MemoryStore::new();
        let options = ExtendedCopyOptions::new().with_artifact_type_filter(move |found| found == kind);
        extended_copy(&src, "v1", &dst, "", &options).await.unwrap();
        assert!(has(&dst, wanted).await && !has(&dst, other).await, "{kind}");
    }
}

#[tokio::test]
async fn filters_by_annotations_of_the_manifest_when_the_descriptor_lacks_them() {
    let src = MemoryStore::new();
    let subject = image(&src, "a").await;
    src.tag(&subject, "v1").await.unwrap();
    let mut referrers = Vec::new();
    for value in ["good", "bad"] {
        let config = blob(&src, "{}").await;
        let annotations = Annotations::from([("state".to_owned(), value.to_owned())]);
        let manifest = Manifest::new(config, Vec::new()).with_annotations(annotations).with_subject(subject.clone());
        referrers.push(put_manifest(&src, &manifest).await);
    }
    let copied = async |options: ExtendedCopyOptions| {
        let dst = MemoryStore::new();
        extended_copy(&src, "v1", &dst, "", &options).await.unwrap();
        [has(&dst, &referrers[0]).await, has(&dst, &referrers[1]).await]
    };
    let new = ExtendedCopyOptions::new;
    assert_eq!(copied(new().with_annotation_filter("state", |value| value.starts_with('g'))).await, [true, false]);
    assert_eq!(copied(new().with_annotation_filter("state", |_| true)).await, [true, true]);
    assert_eq!(copied(new().with_annotation_filter("other", |_| true)).await, [false, false]);
    let both = new().with_annotation_filter("state", |_| true).with_annotation_filter("state", |value| value == "bad");
    assert_eq!(copied(both).await, [false, true], "all filters must accept");
}

#[tokio::test]
async fn a_filter_reads_each_manifest_once_for_itself_and_the_copy() {
    let supply = supply().await;
    let src = Recording::new(supply.src.clone());
    let options = ExtendedCopyOptions::new().with_filter(|_| true);
    extended_copy(&src, "v1", &MemoryStore::new(), "", &options).await.unwrap();
    for node in [&supply.sbom, &supply.signature, &supply.sbom_signature] {
        assert_eq!(src.count_of(Method::Fetch, node.digest.as_str()), 1);
    }
}

#[tokio::test]
async fn referrers_of_the_manifests_of_an_index_come_along_on_request() {
    let src = MemoryStore::new();
    let child = image(&src, "child").await;
    let nested = put_index(&src, vec![child.clone()]).await;
    let root = put_index(&src, vec![nested]).await;
    src.tag(&root, "v1").await.unwrap();
    let sbom = referrer(&src, &child, "t/sbom").await;
    for asked in [false, true] {
        let dst = MemoryStore::new();
        let options = ExtendedCopyOptions::new().with_children(asked);
        extended_copy(&src, "v1", &dst, "", &options).await.unwrap();
        assert_eq!(has(&dst, &sbom).await, asked);
    }
}

#[tokio::test]
async fn what_is_tagged_by_a_digest_comes_along_with_its_tag_on_request() {
    let src = MemoryStore::new();
    let node = image(&src, "a").await;
    src.tag(&node, "v1").await.unwrap();
    let signature = image(&src, "signature").await;
    let tag = format!("sha256-{}.sig", node.digest.encoded());
    src.tag(&signature, &tag).await.unwrap();
    for asked in [false, true] {
        let dst = MemoryStore::new();
        let options = ExtendedCopyOptions::new().with_digest_tags(asked);
        extended_copy(&src, "v1", &dst, "", &options).await.unwrap();
        assert_eq!(dst.resolve(&tag).await.is_ok(), asked);
        if asked {
            assert_closed(&dst, std::slice::from_ref(&signature)).await;
        }
    }
}

#[tokio::test]
async fn a_source_that_lists_successors_as_predecessors_is_survived() {
    let src = Odd::default();
    let child = image(&src, "child").await;
    let root = put_index(&src, vec![child.clone()]).await;
    src.tag(&root, "v1").await.unwrap();
    let sbom = referrer(&src, &root, "t/sbom").await;
    let layer = blob(&src, "layer 1 of child").await;
    // Children, the node itself, a blob, and a loop through the one true referrer.
    let lies = vec![child.clone(), root.clone(), layer, sbom.clone()];
    src.predecessors.lock().unwrap().insert(root.digest.clone(), lies);
    src.predecessors.lock().unwrap().insert(sbom.digest.clone(), vec![root.clone(), child.clone()]);
    src.predecessors.lock().unwrap().insert(child.digest.clone(), vec![sbom.clone()]);
    let dst = MemoryStore::new();
    extended_copy(&src, "v1", &dst, "", &ExtendedCopyOptions::new()).await.unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
    assert_closed(&dst, &[root, sbom]).await;
}

#[tokio::test]
async fn the_node_is_copied_even_if_what_is_listed_does_not_point_to_it() {
    let src = Odd::default();
    let node = image(&src, "a").await;
    src.tag(&node, "v1").await.unwrap();
    let stranger = image(&src, "stranger").await;
    src.predecessors.lock().unwrap().insert(node.digest.clone(), vec![stranger]);
    let dst = MemoryStore::new();
    extended_copy(&src, "v1", &dst, "", &ExtendedCopyOptions::new()).await.unwrap();
    assert_closed(&dst, std::slice::from_ref(&node)).await;
    assert_eq!(dst.resolve("v1").await.unwrap(), node);
}

#[tokio::test]
async fn three_hundred_referrers_cost_one_question_and_one_push_each_and_few_flushes() {
    let src = Recording::new(MemoryStore::new());
    let node = image(src.target(), "a").await;
    src.target().tag(&node, "v1").await.unwrap();
    let mut referrers = Vec::new();
    for n in 0..300 {
        let config = blob(src.target(), "{}").await;
        let annotations = Annotations::from([("n".to_owned(), n.to_string())]);
        let manifest = Manifest::new(config, Vec::new()).with_subject(node.plain()).with_annotations(annotations);
        referrers.push(put_manifest(src.target(), &manifest).await);
    }
    let dst = Recording::new(MemoryStore::new());
    extended_copy(&src, "v1", &dst, "", &ExtendedCopyOptions::new()).await.unwrap();
    assert_eq!(dst.referrers(&node, None).await.unwrap().len(), 300);
    for referrer in &referrers {
        let digest = referrer.digest.as_str();
        assert_eq!((dst.count_of(Method::Exists, digest), dst.count_of(Method::PushDeferred, digest)), (1, 1));
        assert_eq!((src.count_of(Method::Predecessors, digest), src.count_of(Method::Fetch, digest)), (1, 1));
    }
    assert!(dst.count(Method::Flush) <= 12, "{} flushes", dst.count(Method::Flush));
    assert_eq!(dst.count(Method::Push) + dst.count(Method::Tag), 0, "nothing is pushed alone");
}

#[tokio::test]
async fn referrers_are_copied_without_blobs_where_only_manifests_are_wanted() {
    let supply = supply().await;
    let dst = MemoryStore::new();
    let shallow = ExtendedCopyOptions::new().with_copy(CopyOptions::new().with_manifests_only(true));
    extended_copy(&supply.src, "v1", &dst, "", &shallow).await.unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), supply.image);
    for node in [&supply.image, &supply.sbom, &supply.signature, &supply.sbom_signature] {
        assert!(has(&dst, node).await);
        for child in oras_content::successors(&supply.src, node).await.unwrap() {
            assert_eq!(has(&dst, &child).await, child.media_type.is_manifest());
        }
    }
}

#[tokio::test]
async fn the_tag_comes_after_everything() {
    let supply = supply().await;
    let dst = Recording::new(MemoryStore::new());
    extended_copy(&supply.src, "v1", &dst, "", &ExtendedCopyOptions::new()).await.unwrap();
    assert_eq!(dst.calls().last().unwrap().method, Method::PushReference);
    // Once more: nothing is left to do.
    let before = dst.calls().len();
    extended_copy(&supply.src, "v1", &dst, "", &ExtendedCopyOptions::new()).await.unwrap();
    let is_write = |method| matches!(method, Method::PushDeferred | Method::PushReference | Method::Tag);
    assert!(!dst.calls()[before..].iter().any(|call| is_write(call.method)));
}

#[tokio::test]
async fn predecessors_can_come_from_a_hook() {
    struct Finder(Descriptor, Descriptor);
    impl CopyHooks for Finder {
        fn predecessors<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Option<Vec<Descriptor>>>> {
            let found = if desc.digest == self.0.digest { vec![self.1.clone()] } else { Vec::new() };
            Box::pin(async move { Ok(Some(found)) })
        }
    }
    let supply = supply().await;
    let hooks = Arc::new(Finder(supply.image.clone(), supply.sbom.clone()));
    let options = ExtendedCopyOptions::new().with_copy(CopyOptions::new().with_hooks(hooks));
    assert_eq!(supply.copy(&options).await, [true, true, false, false]);
}

#[tokio::test]
async fn a_source_without_a_graph_is_blamed() {
    let supply = supply().await;
    let src = oras_content::AnyTarget::new(supply.src);
    let copied = extended_copy(&src, "v1", &MemoryStore::new(), "", &ExtendedCopyOptions::new()).await;
    let error = copied.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Unsupported, CopyOrigin::Source));
    assert_eq!(error.operation(), CopyOperation::Predecessors);
}
