//! Concurrency, memory and the shape of graphs.

use bytes::Bytes;
use oras_content::{Descriptor, ErrorKind, MediaType, Tagger as _};
use oras_copy::{CopyOptions, copy, copy_graph};
use oras_descriptor::{Annotations, Index, Manifest, canonical};
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording, assert_closed};

use crate::support::{Odd, blob, closure, count, image, put, put_index, put_manifest, referrer};

fn one_at_a_time() -> CopyOptions {
    CopyOptions::new().with_concurrency(count(1)).with_metadata_concurrency(count(1))
}

#[tokio::test]
async fn a_chain_of_fifty_indexes_ends_at_concurrency_one() {
    let src = MemoryStore::new();
    let mut root = image(&src, "deep").await;
    for _ in 0..50 {
        root = put_index(&src, vec![root]).await;
    }
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &one_at_a_time()).await.unwrap();
    assert_closed(&dst, &[root]).await;
}

#[tokio::test]
async fn an_index_of_a_thousand_images_ends_at_concurrency_one() {
    let src = MemoryStore::new();
    let mut images = Vec::new();
    for n in 0..1000 {
        images.push(image(&src, &n.to_string()).await);
    }
    let root = put_index(&src, images).await;
    let dst = Odd::default();
    copy_graph(&src, &dst, &root, &one_at_a_time()).await.unwrap();
    assert_closed(&dst, &[root]).await;
    assert_eq!(dst.pushing.most(), 1);
}

#[tokio::test]
async fn a_chain_of_subjects_and_shared_nodes_ends_at_concurrency_one() {
    let src = MemoryStore::new();
    let first = image(&src, "first").await;
    let mut chain = vec![first];
    for _ in 0..50 {
        let next = referrer(&src, chain.last().unwrap(), "t/next").await;
        chain.push(next);
    }
    // Each is reached by way of its referrer, too.
    let root = put_index(&src, chain).await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &one_at_a_time()).await.unwrap();
    assert_closed(&dst, &[root]).await;
}

async fn flat_image(store: &MemoryStore, layers: usize, size: usize) -> Descriptor {
    let config = blob(store, "config").await;
    let mut descs = Vec::new();
    for n in 0..layers {
        let mut bytes = vec![0; size];
        bytes[..8].copy_from_slice(&n.to_le_bytes());
        descs.push(put(store, MediaType::OCI_LAYER, Bytes::from(bytes)).await);
    }
    put_manifest(store, &Manifest::new(config, descs)).await
}

#[tokio::test]
async fn no_more_blobs_move_at_once_than_asked_for() {
    let src = MemoryStore::new();
    let large = flat_image(&src, 20, (1 << 20) + 1).await;
    let small = flat_image(&src, 40, 100).await;
    for (root, options, expected) in [
        (&large, CopyOptions::new(), 3),
        (&large, CopyOptions::new().with_concurrency(count(5)), 5),
        (&large, one_at_a_time(), 1),
        (&small, CopyOptions::new(), 6),
        (&small, CopyOptions::new().with_metadata_concurrency(count(2)), 2),
    ] {
        let dst = Odd::default();
        copy_graph(&src, &dst, root, &options).await.unwrap();
        // The small configuration moves beside the large layers.
        let beside = usize::from(root == &large);
        assert!((expected..=expected + beside).contains(&dst.pushing.most()), "{} {options:?}", dst.pushing.most());
    }
}

#[tokio::test]
async fn the_destination_may_take_fewer_pushes_at_once() {
    let src = MemoryStore::new();
    let root = flat_image(&src, 20, (1 << 20) + 1).await;
    let dst = Odd { max_concurrency: Some(count(2)), ..Odd::default() };
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_concurrency(count(9))).await.unwrap();
    assert_eq!(dst.pushing.most(), 2);
}

#[tokio::test]
async fn small_requests_do_not_wait_behind_a_large_blob() {
    use oras_content::{Blob, Fetcher, ReadOnlyStorage, Result};

    /// Gives no large blob before the whole small image is there.
    struct Patient {
        store: MemoryStore,
        dst: MemoryStore,
        awaited: Descriptor,
    }
    impl Fetcher for Patient {
        async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
            while desc.size > 1 << 20 && !self.dst.exists(&self.awaited).await? {
                tokio::task::yield_now().await;
            }
            self.store.fetch(desc).await
        }
    }
    impl ReadOnlyStorage for Patient {
        async fn exists(&self, desc: &Descriptor) -> Result<bool> {
            self.store.exists(desc).await
        }
    }
    let (store, dst) = (MemoryStore::new(), MemoryStore::new());
    let large = flat_image(&store, 3, (1 << 20) + 1).await;
    let small = image(&store, "small").await;
    let root = put_index(&store, vec![large, small.clone()]).await;
    let src = Patient { store, dst: dst.clone(), awaited: small };
    let options = one_at_a_time();
    let copied = copy_graph(&src, &dst, &root, &options);
    tokio::time::timeout(std::time::Duration::from_secs(20), copied).await.expect("the copy is stuck").unwrap();
}

/// An index with entries of which each has so many bytes.
async fn heavy_index(store: &MemoryStore, entries: usize, bytes: usize) -> (Descriptor, u64) {
    let mut descs = Vec::new();
    for n in 0..entries {
        let config = blob(store, &n.to_string()).await;
        let annotations = Annotations::from([("pad".to_owned(), "x".repeat(bytes))]);
        descs.push(put_manifest(store, &Manifest::new(config, Vec::new()).with_annotations(annotations)).await);
    }
    let largest = descs.iter().map(|desc| desc.size).max().unwrap();
    (put_index(store, descs).await, largest)
}

#[tokio::test]
async fn the_cap_on_all_metadata_slows_the_walk_down_and_ends_no_copy_that_can_end() {
    let src = Recording::new(MemoryStore::new());
    let (root, largest) = heavy_index(src.target(), 50, 10_000).await;
    let dst = MemoryStore::new();
    let options = CopyOptions::new().with_max_total_metadata_bytes(root.size + largest);
    copy_graph(&src, &dst, &root, &options).await.unwrap();
    assert_closed(&dst, &[root]).await;
    assert_eq!(src.count(Method::Fetch), 101, "nothing is read twice for it");
}

#[tokio::test]
async fn metadata_that_does_not_fit_is_an_error_that_names_the_option() {
    let src = MemoryStore::new();
    let (root, largest) = heavy_index(&src, 3, 10_000).await;
    let options = CopyOptions::new().with_max_total_metadata_bytes(root.size + largest - 1);
    let dst = MemoryStore::new();
    let error = copy_graph(&src, &dst, &root, &options).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    assert!(error.error().to_string().contains("max_total_metadata_bytes"));
}

#[tokio::test]
async fn deferred_pushes_are_flushed_every_256_nodes_and_before_the_tag() {
    let src = MemoryStore::new();
    let entries = (0..600).map(|n: u32| Descriptor::of("a/b", &n.to_le_bytes())).collect::<Vec<_>>();
    for n in 0..600_u32 {
        put(&src, "a/b".into(), Bytes::copy_from_slice(&n.to_le_bytes())).await;
    }
    let root = put(&src, MediaType::OCI_INDEX, canonical(&Index::new(entries))).await;
    src.tag(&root, "v1").await.unwrap();
    let dst = Recording::new(MemoryStore::new());
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    let calls = dst.calls();
    let flushes = |upto: usize| calls[..upto].iter().filter(|call| call.method == Method::Flush).count();
    let tagged = calls.iter().position(|call| call.method == Method::PushReference).unwrap();
    assert_eq!(flushes(tagged), 3, "twice under way, and once before the tag");
}

#[tokio::test]
async fn what_was_deferred_is_flushed_after_an_error_too() {
    let src = MemoryStore::new();
    let root = image(&src, "a").await;
    let odd = Odd::default();
    odd.fail_push(&root, [oras_content::Error::new(ErrorKind::Denied, "no")]);
    let dst = Recording::new(odd);
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!(dst.calls().last().unwrap().method, Method::Flush);
}

#[tokio::test(start_paused = true)]
async fn the_first_error_ends_the_copy_and_drops_what_is_under_way() {
    let src = Odd::default();
    let root = image(&src, "a").await;
    let nodes = closure(&src, &root).await;
    let denied = oras_content::Error::new(ErrorKind::Denied, "no");
    src.stalls.lock().unwrap().extend(nodes[2..4].iter().map(|node| node.digest.clone()));
    let dst = Odd::default();
    dst.fail_push(&nodes[1], [denied]);
    let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!((src.fetching.most(), src.fetching.now()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn dropping_a_copy_drops_what_is_under_way() {
    let src = Odd::default();
    let root = image(&src, "a").await;
    let nodes = closure(&src, &root).await;
    src.stalls.lock().unwrap().insert(nodes[1].digest.clone());
    let dst = Odd::default();
    let options = CopyOptions::new();
    let copied = tokio::time::timeout(std::time::Duration::from_secs(1), copy_graph(&src, &dst, &root, &options)).await;
    assert!(copied.is_err(), "it stands still");
    assert_eq!((src.fetching.most(), src.fetching.now()), (1, 0));
    assert_closed(&dst, &[root]).await;
}

#[test]
fn futures_of_copies_are_small_whatever_the_stores() {
    let store = MemoryStore::new();
    let (options, extended) = (CopyOptions::new(), oras_copy::ExtendedCopyOptions::new());
    let desc = Descriptor::empty();
    let sizes = [
        size_of_val(&copy(&store, "a", &store, "b", &options)),
        size_of_val(&copy_graph(&store, &store, &desc, &options)),
        size_of_val(&oras_copy::extended_copy(&store, "a", &store, "b", &extended)),
        size_of_val(&oras_copy::extended_copy_graph(&store, &store, &desc, &extended)),
        size_of_val(&oras_copy::plan(&store, "a", &store, "b", &options)),
    ];
    assert!(sizes.iter().all(|size| *size <= 256), "{sizes:?}");
}
