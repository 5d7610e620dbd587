//! The rules of packing that vectors cannot show.

use std::{
    sync::atomic::{AtomicUsize, Ordering},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use oras_content::{Blob, Descriptor, ErrorKind, Fetcher, MediaType, Pusher, ReadOnlyStorage, Result, fetch_all};
use oras_descriptor::{Annotations, Manifest, annotation};
use oras_memory::MemoryStore;
use oras_pack::{PackManifestOptions, PackManifestVersion, pack_manifest};

const KIND: &str = "application/vnd.example.thing";

async fn manifest(store: &impl Fetcher, desc: &Descriptor) -> Manifest {
    Manifest::from_slice(&fetch_all(store, desc, 1 << 20).await.unwrap()).unwrap()
}

/// Counts pushes and says that content is missing even when it is there.
#[derive(Default)]
struct Forgetful {
    store: MemoryStore,
    pushes: AtomicUsize,
    forgets: bool,
}

impl Fetcher for Forgetful {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.store.fetch(desc).await
    }
}

impl ReadOnlyStorage for Forgetful {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        Ok(!self.forgets && self.store.exists(desc).await?)
    }
}

impl Pusher for Forgetful {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.pushes.fetch_add(1, Ordering::Relaxed);
        self.store.push(desc, content).await
    }
}

#[tokio::test]
async fn pushes_the_empty_object_once_and_only_if_it_is_missing() {
    let store = Forgetful::default();
    let options = PackManifestOptions::new().with_created(UNIX_EPOCH);
    pack_manifest(&store, PackManifestVersion::V1_1, KIND, &options).await.unwrap();
    assert_eq!(store.pushes.swap(0, Ordering::Relaxed), 2, "the empty object and the manifest");
    pack_manifest(&store, PackManifestVersion::V1_1, KIND, &options).await.unwrap();
    assert_eq!(store.pushes.load(Ordering::Relaxed), 1, "the manifest, which the store says it has");
}

#[tokio::test]
async fn content_that_came_to_exist_meanwhile_is_no_error() {
    let store = Forgetful { forgets: true, ..Forgetful::default() };
    let options = PackManifestOptions::new().with_created(UNIX_EPOCH);
    let first = pack_manifest(&store, PackManifestVersion::V1_1, KIND, &options).await.unwrap();
    let second = pack_manifest(&store, PackManifestVersion::V1_1, KIND, &options).await.unwrap();
    assert_eq!(first, second);
}

#[tokio::test]
async fn the_empty_object_has_two_bytes_whatever_its_type() {
    let store = MemoryStore::new();
    for (version, kind) in [(PackManifestVersion::V1_0, ""), (PackManifestVersion::V1_1, KIND)] {
        let desc = pack_manifest(&store, version, kind, &PackManifestOptions::new()).await.unwrap();
        let config = manifest(&store, &desc).await.config;
        assert_eq!(fetch_all(&store, &config, 16).await.unwrap(), "{}");
    }
}

#[tokio::test]
async fn a_layer_of_a_manifest_with_a_configuration_still_needs_the_empty_object() {
    let store = MemoryStore::new();
    let config = Descriptor::of("application/vnd.example.config", b"config");
    let options = PackManifestOptions::new().with_config(config.clone());
    let desc = pack_manifest(&store, PackManifestVersion::V1_1, "", &options).await.unwrap();
    assert!(store.exists(&Descriptor::empty()).await.unwrap());
    assert!(!store.exists(&config).await.unwrap(), "the caller pushes a configuration of its own");
    let manifest = manifest(&store, &desc).await;
    assert_eq!(manifest.layers, [Descriptor::empty()]);
    assert_eq!(desc.artifact_type, None);
}

#[tokio::test]
async fn says_when_it_was_created_and_leaves_the_input_alone() {
    let store = MemoryStore::new();
    let created = |desc: &Descriptor| desc.annotations[annotation::CREATED].clone();
    let options = PackManifestOptions::new()
        .with_annotations(Annotations::from([("k".to_owned(), "v".to_owned())]))
        .with_created(UNIX_EPOCH + Duration::from_secs(1_704_164_645));
    let desc = pack_manifest(&store, PackManifestVersion::V1_1, KIND, &options).await.unwrap();
    assert_eq!((created(&desc).as_str(), desc.annotations["k"].as_str()), ("2024-01-02T03:04:05Z", "v"));
    assert_eq!(manifest(&store, &desc).await.annotations, desc.annotations);

    let own = Annotations::from([(annotation::CREATED.to_owned(), "2001-02-03T04:05:06+01:00".to_owned())]);
    let desc = pack_manifest(&store, PackManifestVersion::V1_0, KIND, &options.with_annotations(own)).await.unwrap();
    assert_eq!(created(&desc), "2001-02-03T04:05:06+01:00", "the annotation goes before the clock");
}

#[tokio::test]
async fn takes_the_time_of_the_clock_where_nothing_says_it() {
    let store = MemoryStore::new();
    let seconds = || SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let before = seconds();
    let desc = pack_manifest(&store, PackManifestVersion::V1_1, KIND, &PackManifestOptions::new()).await.unwrap();
    let pack_at = async |second: u64| {
        let options = PackManifestOptions::new().with_created(UNIX_EPOCH + Duration::from_secs(second));
        pack_manifest(&store, PackManifestVersion::V1_1, KIND, &options).await.unwrap().digest
    };
    let mut found = false;
    for second in before..=seconds() {
        found |= pack_at(second).await == desc.digest;
    }
    assert!(found);
}

#[tokio::test]
async fn an_artifact_without_any_type_is_refused() {
    let config = Descriptor::empty();
    for options in [PackManifestOptions::new(), PackManifestOptions::new().with_config(config)] {
        let packed = pack_manifest(&MemoryStore::new(), PackManifestVersion::V1_1, "", &options).await;
        assert_eq!(packed.unwrap_err().kind(), ErrorKind::InvalidMediaType);
    }
}

#[tokio::test]
async fn the_packed_manifest_is_valid_and_refers_to_its_subject() {
    let store = MemoryStore::new();
    let subject =
        pack_manifest(&store, PackManifestVersion::V1_1, KIND, &PackManifestOptions::new()).await.unwrap().plain();
    let options = PackManifestOptions::new().with_subject(subject.clone());
    let desc = pack_manifest(&store, PackManifestVersion::V1_1, "text/spdx", &options).await.unwrap();
    let packed = manifest(&store, &desc).await;
    assert_eq!(packed.validate(), Ok(()));
    assert_eq!((packed.subject, desc.media_type), (Some(subject), MediaType::OCI_MANIFEST));
}
