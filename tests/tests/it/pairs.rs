//! Everything copies to everything: an index of two platforms with what refers to it.

use bytes::Bytes;
use oras_content::{
    AnyReadOnlyTarget, AnyTarget, Descriptor, MediaType, PredecessorFinder, Pusher, ReadOnlyTarget as _, Tagger,
};
use oras_copy::{CopyOptions, ExtendedCopyOptions, copy, extended_copy};
use oras_descriptor::{Index, Manifest, Platform, canonical};
use oras_file::FileStore;
use oras_layout::{LayoutArchive, OciLayout, ReadOnlyLayout};
use oras_memory::MemoryStore;
use oras_registry::{Behaviour, ReferrersQuirk, Server};
use oras_testing::assert_closed;
use tempfile::TempDir;

use crate::support::{image, push, repository};

const SBOM: &str = "application/vnd.test.sbom";

/// Pushes a manifest that speaks of another one.
async fn refer<T: Pusher>(target: &T, subject: &Descriptor, kind: &str, note: &str) -> Descriptor {
    let empty = Descriptor::empty();
    push(target, &empty.media_type, &Bytes::from_static(b"{}")).await;
    let manifest = Manifest::new(empty.clone(), vec![empty])
        .with_artifact_type(MediaType::new(kind.to_owned()))
        .with_subject(subject.clone())
        .with_annotations([("note".to_owned(), note.to_owned())].into());
    push(target, &MediaType::OCI_MANIFEST, &canonical(&manifest)).await
}

/// An index of two platforms under `v1`, with two SBOMs and a signature of one of them.
async fn fill<T: Pusher + Tagger>(target: &T) -> Descriptor {
    let mut entries = Vec::new();
    for (seed, architecture) in [(1, "amd64"), (2, "arm64")] {
        let image = image(target, 2, 5000, seed).await;
        entries.push(Descriptor { platform: Some(Platform::new(architecture, "linux")), ..image });
    }
    let root = push(target, &MediaType::OCI_INDEX, &canonical(&Index::new(entries))).await;
    let sbom = refer(target, &root, SBOM, "one").await;
    refer(target, &root, SBOM, "two").await;
    refer(target, &sbom, "application/vnd.test.signature", "three").await;
    target.tag(&root, "v1").await.unwrap();
    root
}

/// What the test has opened, which ends with it.
#[derive(Default)]
struct Places {
    servers: Vec<Server>,
    dirs: Vec<TempDir>,
}

impl Places {
    fn dir(&mut self) -> std::path::PathBuf {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().to_owned();
        self.dirs.push(dir);
        path
    }

    async fn registry(&mut self, referrers: ReferrersQuirk) -> AnyTarget {
        let behaviour = Behaviour::with(|behaviour| behaviour.lists.referrers = referrers);
        let server = Server::builder().with_behaviour(behaviour).start().await.unwrap();
        let repo = repository(&server, "pair");
        self.servers.push(server);
        AnyTarget::with_graph(repo)
    }

    async fn targets(&mut self) -> Vec<(&'static str, AnyTarget)> {
        vec![
            ("registry", self.registry(ReferrersQuirk::Supported).await),
            ("registry without referrers", self.registry(ReferrersQuirk::Status(http::StatusCode::NOT_FOUND)).await),
            ("layout", AnyTarget::with_graph(OciLayout::create(self.dir()).await.unwrap())),
            ("memory", AnyTarget::with_graph(MemoryStore::new())),
            ("files", AnyTarget::with_graph(FileStore::new(self.dir()).unwrap())),
        ]
    }

    /// An archive with the same content.
    async fn archive(&mut self) -> AnyReadOnlyTarget {
        let store = MemoryStore::new();
        fill(&store).await;
        let path = self.dir().join("layout.tar");
        let archive = LayoutArchive::new(tokio::fs::File::create(&path).await.unwrap()).await.unwrap();
        extended_copy(&store, "v1", &archive, "", &ExtendedCopyOptions::new()).await.unwrap();
        archive.finish().await.unwrap();
        AnyReadOnlyTarget::with_graph(ReadOnlyLayout::open_tar(path).await.unwrap())
    }
}

async fn referrers<T: PredecessorFinder>(target: &T, desc: &Descriptor) -> Vec<(String, Option<MediaType>, String)> {
    let found = target.referrers(desc, None).await.unwrap();
    let mut found: Vec<_> = found
        .into_iter()
        .map(|desc| (desc.digest.to_string(), desc.artifact_type, format!("{:?}", desc.annotations)))
        .collect();
    found.sort();
    found
}

/// Checks that what arrived is what was sent, down to the signature of an SBOM.
async fn assert_arrived(pair: &str, source: &AnyReadOnlyTarget, target: &AnyTarget, root: &Descriptor) {
    let (found, blob) = target.fetch_reference("v1").await.unwrap();
    assert_eq!((&found.digest, found.size), (&root.digest, root.size), "{pair}");
    assert_eq!(Descriptor::of(found.media_type.clone(), &blob.bytes(root.size).await.unwrap()), found, "{pair}");
    assert_closed(target, std::slice::from_ref(root)).await;
    let (there, here) = (referrers(source, root).await, referrers(target, root).await);
    assert_eq!(here.len(), 2, "{pair}");
    assert_eq!(here, there, "{pair}");
    let sboms = target.referrers(root, Some(&MediaType::new(SBOM))).await.unwrap();
    assert_eq!(sboms.len(), 2, "{pair}");
    let mut signatures = 0;
    for sbom in &sboms {
        assert_closed(target, std::slice::from_ref(sbom)).await;
        signatures += referrers(target, sbom).await.len();
    }
    assert_eq!(signatures, 1, "{pair}");
}

#[tokio::test]
async fn an_index_with_its_referrers_copies_between_all_pairs() {
    let mut places = Places::default();
    let root = fill(&MemoryStore::new()).await;
    let mut sources = vec![("archive", places.archive().await)];
    for (name, target) in places.targets().await {
        assert_eq!(fill(&target).await, root, "{name}");
        sources.push((name, target.into_read_only()));
    }
    let mut pairs = 0;
    for (from, source) in &sources {
        for (to, target) in places.targets().await {
            let pair = format!("{from} to {to}");
            let copied = extended_copy(source, "v1", &target, "", &ExtendedCopyOptions::new()).await;
            assert_eq!(copied.unwrap_or_else(|error| panic!("{pair}: {error:?}")).digest, root.digest, "{pair}");
            assert_arrived(&pair, source, &target, &root).await;
            pairs += 1;
        }
    }
    assert_eq!(pairs, 30);
}

#[tokio::test]
async fn one_platform_copies_between_all_pairs() {
    let mut places = Places::default();
    let mut sources = vec![("archive", places.archive().await)];
    for (name, target) in places.targets().await {
        fill(&target).await;
        sources.push((name, target.into_read_only()));
    }
    let options = CopyOptions::new().with_platform(Platform::new("arm64", "linux"));
    let expected = image(&MemoryStore::new(), 2, 5000, 2).await;
    for (from, source) in &sources {
        for (to, target) in places.targets().await {
            let copied = copy(source, "v1", &target, "arm", &options).await.unwrap();
            assert_eq!(copied.digest, expected.digest, "{from} to {to}");
            assert_closed(&target, std::slice::from_ref(&copied)).await;
            assert_eq!(target.fetch_reference("arm").await.unwrap().0.digest, expected.digest, "{from} to {to}");
        }
    }
}

#[tokio::test]
async fn an_artifact_of_files_goes_through_a_registry_into_files() {
    let (here, there) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    std::fs::create_dir(here.path().join("docs")).unwrap();
    std::fs::write(here.path().join("docs/a.txt"), "a").unwrap();
    std::fs::write(here.path().join("b.bin"), vec![7; 100_000]).unwrap();
    let files = FileStore::new(here.path()).unwrap();
    let layers = vec![files.add("docs", None, "").await.unwrap(), files.add("b.bin", None, "").await.unwrap()];
    let options = oras_pack::PackManifestOptions::new().with_layers(layers);
    let version = oras_pack::PackManifestVersion::V1_1;
    let root = oras_pack::pack_manifest(&files, version, "application/vnd.test", &options).await.unwrap();
    files.tag(&root, "v1").await.unwrap();

    let server = Server::builder().start().await.unwrap();
    let repo = repository(&server, "files");
    copy(&files, "v1", &repo, "", &CopyOptions::new()).await.unwrap();
    let target = FileStore::new(there.path()).unwrap();
    let copied = copy(&repo, "v1", &target, "", &CopyOptions::new()).await.unwrap();
    assert_eq!(copied.digest, root.digest);
    assert_eq!(std::fs::read(there.path().join("docs/a.txt")).unwrap(), b"a");
    assert_eq!(std::fs::read(there.path().join("b.bin")).unwrap(), vec![7; 100_000]);
}
