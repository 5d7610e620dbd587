use bytes::Bytes;
use oras_content::{Blob, Descriptor, ErrorKind, MediaType, Pusher as _, Result, select_platform};
use oras_descriptor::{Index, Manifest, Platform, canonical};
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};

fn image(name: &str, platform: Platform) -> Descriptor {
    Descriptor::of(MediaType::OCI_MANIFEST, name.as_bytes()).with_platform(platform)
}

async fn push(store: &MemoryStore, media_type: MediaType, bytes: Bytes) -> Descriptor {
    let desc = Descriptor::of(media_type, &bytes);
    match store.push(&desc, Blob::from_bytes(bytes)).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        pushed => pushed.unwrap(),
    }
    desc
}

async fn push_index(store: &MemoryStore, entries: Vec<Descriptor>) -> Descriptor {
    push(store, MediaType::OCI_INDEX, canonical(&Index::new(entries))).await
}

async fn select(entries: Vec<Descriptor>, wanted: &Platform) -> Result<Descriptor> {
    let store = MemoryStore::new();
    let root = push_index(&store, entries).await;
    select_platform(&store, &root, wanted).await
}

#[tokio::test]
async fn the_first_match_of_an_index_wins() {
    let linux = || Platform::new("linux", "amd64");
    let entries = vec![image("arm", Platform::new("linux", "arm64")), image("a", linux()), image("b", linux())];
    assert_eq!(select(entries.clone(), &linux()).await.unwrap(), entries[1]);
}

#[tokio::test]
async fn what_is_wanted_must_agree_and_the_rest_need_not() {
    let variants =
        ["v6", "v7", "v8"].map(|variant| image(variant, Platform::new("linux", "arm").with_variant(variant)));
    let windows =
        image("windows", Platform::new("windows", "amd64").with_os_version("10.0.1").with_os_features(["win32k", "x"]));
    let arm64 = image("arm64", Platform::new("linux", "arm64").with_variant("v8"));
    let entries: Vec<_> = variants.iter().cloned().chain([windows.clone(), arm64.clone()]).collect();
    let found = [
        ("any arm", Platform::new("linux", "arm"), Some(&variants[0])),
        ("arm/v7", Platform::new("linux", "arm").with_variant("v7"), Some(&variants[1])),
        ("arm/v8", Platform::new("linux", "arm").with_variant("v8"), Some(&variants[2])),
        ("arm/v5", Platform::new("linux", "arm").with_variant("v5"), None),
        ("arm64/v8", Platform::new("linux", "arm64").with_variant("v8"), Some(&arm64)),
        ("any windows", Platform::new("windows", "amd64"), Some(&windows)),
        ("its version", Platform::new("windows", "amd64").with_os_version("10.0.1"), Some(&windows)),
        ("another version", Platform::new("windows", "amd64").with_os_version("10.0"), None),
        ("its feature", Platform::new("windows", "amd64").with_os_features(["x"]), Some(&windows)),
        ("one feature more", Platform::new("windows", "amd64").with_os_features(["x", "y"]), None),
        ("another system", Platform::new("darwin", "arm64"), None),
    ];
    for (name, wanted, expected) in found {
        match (select(entries.clone(), &wanted).await, expected) {
            (Ok(found), Some(expected)) => assert_eq!(found, *expected, "{name}"),
            (Err(error), None) => assert_eq!(error.kind(), ErrorKind::NotFound, "{name}"),
            (other, _) => panic!("{name}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn attestations_and_entries_without_a_platform_are_passed_over() {
    let linux = Platform::new("linux", "amd64");
    let attestation = image("attestation", Platform::new("unknown", "unknown"));
    let marked = image("marked", linux.clone()).with_annotation("vnd.docker.reference.type", "attestation-manifest");
    let untyped = Descriptor::of("application/vnd.acme.sbom", b"sbom").with_artifact_type("a/b");
    let bare = Descriptor::of(MediaType::OCI_MANIFEST, b"bare");
    let wanted = image("wanted", linux.clone());
    let entries = vec![attestation, marked, untyped, bare, wanted.clone()];
    assert_eq!(select(entries.clone(), &linux).await.unwrap(), wanted);
    let unknown = Platform::new("unknown", "unknown");
    assert_eq!(select(entries, &unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn nested_indexes_are_searched_depth_first() {
    let store = MemoryStore::new();
    let linux = Platform::new("linux", "amd64");
    let deep = push_index(&store, vec![image("deep", linux.clone())]).await;
    let empty = push_index(&store, vec![]).await;
    let middle = push_index(&store, vec![empty, deep]).await;
    let root = push_index(&store, vec![middle.clone(), middle, image("late", linux.clone())]).await;
    assert_eq!(select_platform(&store, &root, &linux).await.unwrap(), image("deep", linux));
}

#[tokio::test]
async fn an_index_that_comes_again_is_read_once() {
    let store = MemoryStore::new();
    let child = push_index(&store, vec![image("arm", Platform::new("linux", "arm64"))]).await;
    let root = push_index(&store, vec![child.clone(), child.clone(), child]).await;
    let store = Recording::new(store);
    let missing = select_platform(&store, &root, &Platform::new("linux", "amd64")).await.unwrap_err();
    assert_eq!((missing.kind(), store.count(Method::Fetch)), (ErrorKind::NotFound, 2));
}

#[tokio::test]
async fn indexes_nested_too_deep_or_too_many_are_given_up() {
    let store = MemoryStore::new();
    let linux = Platform::new("linux", "amd64");
    let mut deep = push_index(&store, vec![image("deep", linux.clone())]).await;
    for _ in 0..100 {
        deep = push_index(&store, vec![deep]).await;
    }
    let mut many = Vec::new();
    for n in 0..1000 {
        many.push(push_index(&store, vec![image(&n.to_string(), Platform::new("linux", "arm64"))]).await);
    }
    let many = push_index(&store, many).await;
    let store = Recording::new(store);
    for root in [deep, many] {
        let error = select_platform(&store, &root, &linux).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
    }
    assert!(store.count(Method::Fetch) < 300);
}

#[tokio::test]
async fn an_image_has_the_platform_of_its_configuration() {
    let store = MemoryStore::new();
    let config = r#"{"architecture":"arm64","os":"linux","variant":"v8","rootfs":{"type":"layers","diff_ids":[]}}"#;
    for config_type in [MediaType::OCI_CONFIG, MediaType::DOCKER_CONFIG] {
        let config = push(&store, config_type, config.into()).await;
        let root = push(&store, MediaType::OCI_MANIFEST, canonical(&Manifest::new(config, Vec::new()))).await;
        let arm = Platform::new("linux", "arm64");
        assert_eq!(select_platform(&store, &root, &arm).await.unwrap(), root);
        let other = select_platform(&store, &root, &Platform::new("linux", "amd64")).await.unwrap_err();
        assert_eq!((other.kind(), other.descriptor()), (ErrorKind::NotFound, Some(&root)));
        assert!(other.to_string().contains("linux/amd64"), "{other}");
    }
}

#[tokio::test]
async fn other_content_has_no_platform() {
    let store = MemoryStore::new();
    let config = push(&store, "application/vnd.acme.config".into(), "{}".into()).await;
    let artifact = push(&store, MediaType::OCI_MANIFEST, canonical(&Manifest::new(config.clone(), Vec::new()))).await;
    for root in [artifact, config] {
        let error = select_platform(&store, &root, &Platform::default()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported, "{}", root.media_type);
    }
}

#[tokio::test]
async fn a_configuration_of_unknown_type_is_never_read() {
    let store = MemoryStore::new();
    // It says what an image's would say, but that is not for us to read.
    let tempting = Bytes::from_static(br#"{"os":"linux","architecture":"amd64"}"#);
    let config = push(&store, MediaType::new("application/vnd.test.config"), tempting).await;
    let manifest = Manifest::new(config.clone(), Vec::new());
    let root = push(&store, MediaType::OCI_MANIFEST, canonical(&manifest)).await;
    let store = Recording::new(store);
    let error = select_platform(&store, &root, &Platform::new("linux", "amd64")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(oras_content::successors(&store, &root).await.unwrap(), std::slice::from_ref(&config));
    assert_eq!(oras_content::successors(&store, &config).await.unwrap(), []);
    assert_eq!(store.count_of(Method::Fetch, config.digest.as_str()), 0);
}
