//! The stores under the names of their methods now.

use std::fs;

use bytes::Bytes;
use futures_util::TryStreamExt as _;
use oras::content::{
    Blob, Deleter as _, Pusher as _, ReadOnlyStorage as _, Resolver as _, TagLister as _, Tagger as _, Target as _,
    Untagger as _, fetch_all,
};
use oras::copy::{ResolveOptions, fetch_bytes, push_bytes, tag_bytes};
use oras::descriptor::{Manifest, annotation, canonical};
use oras::file::{FileOptions, FileStore};
use oras::layout::OciLayout;
use oras::memory::MemoryStore;
use oras::{Descriptor, ErrorKind, MediaType};

fn manifest_of(layers: Vec<Descriptor>) -> Bytes {
    canonical(&Manifest::new(Descriptor::empty(), layers))
}

#[tokio::test]
async fn a_memory_store_takes_content_and_gives_it_by_descriptor_and_by_name() {
    let store = MemoryStore::new();
    // Add and Set.
    let hello = push_bytes(&store, MediaType::OCI_LAYER, Bytes::from_static(b"hello")).await.unwrap();
    let hello = hello.with_annotation(annotation::TITLE, "hello.txt");
    // Get.
    assert_eq!(fetch_all(&store, &hello, 100).await.unwrap(), "hello");
    // GetByName: a name is a tag, which need not stand for a manifest.
    store.tag(&hello, "hello.txt").await.unwrap();
    let (found, bytes) = fetch_bytes(&store, "hello.txt", &ResolveOptions::new(), 100).await.unwrap();
    assert_eq!((found.title(), &bytes[..]), (Some("hello.txt"), &b"hello"[..]));
    // StoreManifest and Resolve.
    let root = tag_bytes(&store, MediaType::OCI_MANIFEST, manifest_of(vec![hello]), "v1").await.unwrap();
    assert_eq!(store.resolve("v1").await.unwrap(), root);
}

#[tokio::test]
async fn a_file_store_adds_files_and_directories_and_bytes_in_memory() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    fs::create_dir(dir.path().join("d")).unwrap();
    fs::write(dir.path().join("d/b.txt"), "b").unwrap();
    let store = FileStore::new(dir.path()).unwrap();
    // Add, of a file and of a directory, whose archive is the same each time.
    let file = store.add("a.txt", None, "").await.unwrap();
    let packed = store.add("d", None, "").await.unwrap();
    let again = FileStore::new(dir.path()).unwrap().add("d", None, "").await.unwrap();
    assert_eq!(packed.digest, again.digest);
    // Ref, MapPath and ResolvePath.
    assert_eq!(store.path_of(&file), Some(dir.path().join("a.txt")));
    // Load: what has no name is kept in memory.
    let loaded = push_bytes(&store, "text/plain", Bytes::from_static(b"in memory")).await.unwrap();
    assert_eq!(store.path_of(&loaded), None);
    // StoreManifest.
    push_bytes(&store, Descriptor::empty().media_type, Bytes::from_static(b"{}")).await.unwrap();
    let root = tag_bytes(&store, MediaType::OCI_MANIFEST, manifest_of(vec![file, packed.clone()]), "v1").await;
    assert_eq!(store.resolve("v1").await.unwrap(), root.unwrap());
    // Close removes the archive, and nothing else.
    let archive = store.path_of(&packed).unwrap();
    assert!(archive.exists());
    store.close().await.unwrap();
    assert!(!archive.exists() && dir.path().join("a.txt").exists());
}

#[tokio::test]
async fn a_file_store_writes_as_its_options_say() {
    let outer = tempfile::tempdir().unwrap();
    let dir = outer.path().join("in");
    fs::create_dir(&dir).unwrap();
    fs::write(dir.join("there"), "mine").unwrap();
    let open = |options| FileStore::with_options(&dir, options).unwrap();
    let named = |name: &str| Descriptor::of("text/plain", b"x").with_annotation(annotation::TITLE, name);
    let push = async |store: &FileStore, desc: Descriptor| store.push(&desc, Blob::from_bytes("x".into())).await;
    // DisableOverwrite.
    let kept = push(&open(FileOptions::new().with_keep_existing(true)), named("there")).await.unwrap_err();
    assert_eq!(kept.kind(), ErrorKind::Denied);
    assert_eq!(fs::read_to_string(dir.join("there")).unwrap(), "mine");
    // AllowPathTraversalOnWrite.
    assert_eq!(push(&open(FileOptions::new()), named("../out")).await.unwrap_err().kind(), ErrorKind::Denied);
    push(&open(FileOptions::new().with_path_traversal(true)), named("../out")).await.unwrap();
    assert_eq!(fs::read_to_string(outer.path().join("out")).unwrap(), "x");
    // WithIgnoreNoName, and WithErrorOnNoName: no room for what has no name.
    let (ignoring, nameless) = (open(FileOptions::new().with_ignore_unnamed(true)), Descriptor::of("text/plain", b"x"));
    push(&ignoring, nameless.clone()).await.unwrap();
    assert!(!ignoring.exists(&nameless).await.unwrap());
    let strict = FileStore::with_fallback_limit(&dir, FileOptions::new(), 0).unwrap();
    assert_eq!(push(&strict, nameless).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
}

#[tokio::test]
async fn a_layout_keeps_its_references_and_deletes_content() {
    let dir = tempfile::tempdir().unwrap();
    let layout = OciLayout::create(dir.path()).await.unwrap();
    push_bytes(&layout, Descriptor::empty().media_type, Bytes::from_static(b"{}")).await.unwrap();
    let layer = push_bytes(&layout, MediaType::OCI_LAYER, Bytes::from_static(b"layer")).await.unwrap();
    // A push of the root under a name tags it.
    let bytes = manifest_of(vec![layer.clone()]);
    let root = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    layout.push_reference(&root, Blob::from_bytes(bytes), "v1").await.unwrap();
    // AddReference, ListReferences, DeleteReference; each is in index.json when it returns, as after SaveIndex.
    layout.tag(&root, "v2").await.unwrap();
    let tags = async |layout: &OciLayout| layout.tags(None).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(tags(&layout).await, ["v1", "v2"]);
    layout.untag("v1").await.unwrap();
    // LoadIndex.
    let again = OciLayout::open(dir.path()).await.unwrap();
    assert_eq!(tags(&again).await, ["v2"]);
    assert_eq!(again.resolve("v2").await.unwrap().digest, root.digest);
    // Info and Delete.
    assert!(again.exists(&layer).await.unwrap());
    again.delete(&root).await.unwrap();
    again.delete(&layer).await.unwrap();
    assert!(!again.exists(&layer).await.unwrap());
    assert!(tags(&OciLayout::open(dir.path()).await.unwrap()).await.is_empty());
}
