//! One platform, or some, of an index.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use oras_content::{Descriptor, ErrorKind, MediaType, Resolver as _, Tagger as _, fetch_all};
use oras_copy::{
    CopyError, CopyOperation, CopyOptions, CopyOrigin, ExtendedCopyOptions, IndexShape, ResolveOptions, copy,
    copy_graph, extended_copy_graph, resolve,
};
use oras_descriptor::{Index, Manifest, Platform};
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};
use serde_json::Value;

use crate::support::{assert_has_all, blob, closure, has, image, put, put_index, put_manifest};

fn platform(architecture: &str) -> Platform {
    Platform::new("linux", architecture)
}

/// An index of amd64 and arm64, an attestation of each, and a nested index of riscv64.
async fn multi() -> (MemoryStore, Descriptor, Vec<Descriptor>) {
    let src = MemoryStore::new();
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        entries.push(image(&src, architecture).await.with_platform(platform(architecture)));
    }
    for n in 0..2 {
        let digest = entries[n].digest.to_string();
        let attestation = image(&src, &format!("attestation {n}")).await;
        let unknown = Platform::new("unknown", "unknown");
        entries.push(attestation.with_platform(unknown).with_annotation("vnd.docker.reference.digest", digest));
    }
    let riscv = image(&src, "riscv64").await.with_platform(platform("riscv64"));
    let mips = image(&src, "mips").await.with_platform(platform("mips"));
    let nested = put_index(&src, vec![riscv.clone(), mips.clone()]).await;
    let root = put_index(&src, [entries.as_slice(), std::slice::from_ref(&nested)].concat()).await;
    src.tag(&root, "v1").await.unwrap();
    entries.extend([riscv, mips]);
    (src, root, entries)
}

async fn run(src: &MemoryStore, dst: &MemoryStore, options: CopyOptions) -> Result<Descriptor, CopyError> {
    copy(src, "v1", dst, "", &options).await
}

async fn which(dst: &MemoryStore, entries: &[Descriptor]) -> Vec<bool> {
    let mut found = Vec::new();
    for entry in entries {
        found.push(has(dst, entry).await);
    }
    found
}

#[tokio::test]
async fn one_platform_becomes_the_root() {
    let (src, root, entries) = multi().await;
    let dst = MemoryStore::new();
    let copied = run(&src, &dst, CopyOptions::new().with_platform(platform("arm64"))).await.unwrap();
    assert_eq!(copied.digest, entries[1].digest);
    assert_eq!(dst.resolve("v1").await.unwrap().digest, entries[1].digest);
    assert!(!has(&dst, &root).await);
    assert_eq!(which(&dst, &entries).await, [false, true, false, false, false, false]);
}

#[tokio::test]
async fn a_platform_that_is_not_there_is_not_found_and_says_so() {
    let (src, ..) = multi().await;
    let set = [platform("amd64"), platform("s390x")];
    for options in [
        CopyOptions::new().with_platform(platform("s390x")),
        CopyOptions::new().with_platforms(set, IndexShape::Sparse),
    ] {
        let error = run(&src, &MemoryStore::new(), options).await.unwrap_err();
        assert_eq!((error.kind(), error.origin()), (ErrorKind::NotFound, CopyOrigin::Source));
        assert_eq!(error.operation(), CopyOperation::SelectPlatform);
        assert!(error.error().to_string().contains("linux/s390x"), "{}", error.error());
    }
}

#[tokio::test]
async fn a_set_of_platforms_keeps_the_index_as_it_is() {
    let (src, root, entries) = multi().await;
    let dst = MemoryStore::new();
    let options = CopyOptions::new().with_platforms([platform("amd64"), platform("riscv64")], IndexShape::Sparse);
    assert_eq!(run(&src, &dst, options).await.unwrap(), root);
    assert_eq!(which(&dst, &entries).await, [true, false, true, false, true, false]);
    for entry in [&entries[0], &entries[2], &entries[4]] {
        assert_has_all(&dst, &closure(&src, entry).await).await;
    }
}

#[tokio::test]
async fn a_set_of_platforms_can_rewrite_the_index_and_those_in_it() {
    let (src, root, entries) = multi().await;
    let dst = MemoryStore::new();
    let options = CopyOptions::new().with_platforms([platform("amd64"), platform("riscv64")], IndexShape::Rewritten);
    let copied = run(&src, &dst, options).await.unwrap();
    assert_ne!(copied.digest, root.digest);
    assert_eq!(dst.resolve("v1").await.unwrap().digest, copied.digest);
    let index = Index::from_slice(&fetch_all(&dst, &copied, 1 << 20).await.unwrap()).unwrap();
    assert_eq!(index.manifests[..2], [entries[0].clone(), entries[2].clone()]);
    let nested = Index::from_slice(&fetch_all(&dst, &index.manifests[2], 1 << 20).await.unwrap()).unwrap();
    assert_eq!(nested.manifests, [entries[4].clone()]);
    assert_has_all(&dst, &closure(&dst, &copied).await).await;
    assert_eq!(which(&dst, &entries).await, [true, false, true, false, true, false]);
}

#[tokio::test]
async fn a_root_that_is_given_is_not_exchanged_for_another() {
    let (src, root, entries) = multi().await;
    for options in [
        CopyOptions::new().with_platform(platform("arm64")),
        CopyOptions::new().with_platforms([platform("arm64")], IndexShape::Rewritten),
    ] {
        let error = copy_graph(&src, &MemoryStore::new(), &root, &options).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, CopyOperation::SelectPlatform));
        let extended = ExtendedCopyOptions::new().with_copy(options);
        let error = extended_copy_graph(&src, &MemoryStore::new(), &root, &extended).await.unwrap_err();
        assert_eq!((error.kind(), error.operation()), (ErrorKind::Unsupported, CopyOperation::SelectPlatform));
    }
    let (dst, sparse) =
        (MemoryStore::new(), CopyOptions::new().with_platforms([platform("arm64")], IndexShape::Sparse));
    copy_graph(&src, &dst, &root, &sparse).await.unwrap();
    assert!(has(&dst, &root).await && has(&dst, &entries[1]).await && !has(&dst, &entries[0]).await);
}

#[tokio::test]
async fn an_index_that_is_wanted_whole_is_not_rewritten() {
    let (src, root, _) = multi().await;
    let all = ["amd64", "arm64", "riscv64", "mips"].map(platform);
    let options = CopyOptions::new().with_platforms(all, IndexShape::Rewritten);
    assert_eq!(run(&src, &MemoryStore::new(), options).await.unwrap(), root);
}

async fn single_image() -> (MemoryStore, Descriptor) {
    let src = MemoryStore::new();
    let config =
        put(&src, MediaType::OCI_CONFIG, Bytes::from_static(br#"{"os":"linux","architecture":"arm64"}"#)).await;
    let root = put_manifest(&src, &Manifest::new(config, vec![blob(&src, "layer").await])).await;
    src.tag(&root, "v1").await.unwrap();
    (src, root)
}

#[tokio::test]
async fn an_image_is_asked_for_the_platform_of_its_configuration() {
    let (src, root) = single_image().await;
    let one = |name: &str| CopyOptions::new().with_platform(platform(name));
    assert_eq!(run(&src, &MemoryStore::new(), one("arm64")).await.unwrap(), root);
    assert_eq!(run(&src, &MemoryStore::new(), one("amd64")).await.unwrap_err().kind(), ErrorKind::NotFound);
    let set = CopyOptions::new().with_platforms([platform("amd64"), platform("arm64")], IndexShape::Sparse);
    assert_eq!(run(&src, &MemoryStore::new(), set).await.unwrap(), root);

    let src = MemoryStore::new();
    let artifact = image(&src, "artifact").await;
    src.tag(&artifact, "v1").await.unwrap();
    let error = run(&src, &MemoryStore::new(), one("arm64")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported, "its configuration is no image configuration");
}

#[tokio::test]
async fn resolving_a_platform_reads_the_index_once_under_its_cap() {
    let (src, root, entries) = multi().await;
    let src = Recording::new(src);
    let options = ResolveOptions::new().with_platform(platform("arm64"));
    assert_eq!(resolve(&src, "v1", &options).await.unwrap(), entries[1]);
    assert_eq!((src.count(Method::FetchReference), src.count(Method::Fetch)), (1, 0));
    let tight = options.with_max_metadata_bytes(root.size - 1);
    assert_eq!(resolve(&src, "v1", &tight).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    assert_eq!(resolve(&src, "v1", &ResolveOptions::new()).await.unwrap(), root);
}

fn vectors() -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/oras-go-2.7.0/platforms.jsonl");
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The digest that is found for a vector, if one is.
async fn chosen(case: &Value) -> Option<String> {
    let store = MemoryStore::new();
    let add = async |node: &Value| {
        let media_type = node["mediaType"].as_str().unwrap().to_owned();
        put(&store, media_type.into(), Bytes::from(node["content"].as_str().unwrap().to_owned())).await
    };
    for node in case["blobs"].as_array().into_iter().flatten() {
        add(node).await;
    }
    let root = add(&case["root"]).await;
    store.tag(&root, "v1").await.unwrap();
    let wanted: Platform = serde_json::from_value(case["want"].clone()).unwrap();
    let found = resolve(&store, "v1", &ResolveOptions::new().with_platform(wanted)).await;
    found.ok().map(|desc| desc.digest.to_string())
}

/// Where we differ on purpose, and whether something is found here: an attestation is no image, nested indexes are
/// searched, and the type of a configuration need not come from the same specification as that of its manifest.
fn differs(case: &Value) -> Option<bool> {
    match case["name"].as_str() {
        Some("index of many") if case["want"]["os"] == "unknown" => Some(false),
        Some("nested index" | "docker image with OCI config" | "OCI image with docker config") => Some(true),
        _ => None,
    }
}

#[tokio::test]
async fn chooses_what_oras_go_chooses() {
    let cases = vectors();
    for case in &cases {
        let found = chosen(case).await;
        match differs(case) {
            Some(is_found) => assert_eq!(found.is_some(), is_found, "{case}"),
            None => assert_eq!(found.as_deref(), case["digest"].as_str(), "{case}"),
        }
    }
    assert_eq!(cases.iter().filter(|case| differs(case).is_some()).count(), 4);
}
