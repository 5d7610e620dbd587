//! Files in one call, over stores in memory and on disk.

use std::{fs, path::Path, sync::Arc, time::UNIX_EPOCH};

use oras::content::{Deleter as _, PredecessorFinder as _, Resolver as _, fetch_all};
use oras::copy::{CopyHooks, CopyOptions};
use oras::descriptor::{Annotations, Index, Manifest, Platform, annotation, canonical};
use oras::file::{FileOptions, FileStore};
use oras::files::{self, File, PullOptions, PushOptions, SkipReason};
use oras::memory::MemoryStore;
use oras::{Descriptor, ErrorKind, MediaType, Result};
use tempfile::TempDir;

use crate::support::push_manifest;

/// A directory with two files and a directory.
fn tree() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("a.txt"), "a").unwrap();
    fs::create_dir_all(dir.path().join("sub/deep")).unwrap();
    fs::write(dir.path().join("sub/b.bin"), vec![7; 100_000]).unwrap();
    fs::write(dir.path().join("sub/deep/c"), "").unwrap();
    dir
}

fn options(base: &Path) -> PushOptions {
    PushOptions::new().with_base(base).with_created(UNIX_EPOCH)
}

async fn manifest(store: &MemoryStore, root: &Descriptor) -> Manifest {
    Manifest::from_slice(&fetch_all(store, root, 1 << 20).await.unwrap()).unwrap()
}

fn same(one: &Path, other: &Path) {
    assert_eq!(fs::read(one).unwrap(), fs::read(other).unwrap(), "{} and {}", one.display(), other.display());
}

#[tokio::test]
async fn files_and_directories_come_back_as_they_were() {
    let (dir, store, out) = (tree(), MemoryStore::new(), tempfile::tempdir().unwrap());
    let pushed = files::push(&store, "v1", ["a.txt", "sub"], &options(dir.path())).await.unwrap();
    assert_eq!(store.resolve("v1").await.unwrap().digest, pushed.root().digest);
    let titles: Vec<_> = pushed.layers().iter().map(Descriptor::title).collect();
    assert_eq!(titles, [Some("a.txt"), Some("sub")]);

    let pulled = files::pull(&store, "v1", out.path(), &PullOptions::new()).await.unwrap();
    for name in ["a.txt", "sub/b.bin", "sub/deep/c"] {
        same(&dir.path().join(name), &out.path().join(name));
    }
    let names: Vec<_> = pulled.files().iter().map(|file| (file.name(), file.is_unchanged())).collect();
    assert_eq!(names, [("a.txt", false), ("sub", false)]);
    assert_eq!(pulled.files()[0].path(), &out.path().join("a.txt"));
    assert!(pulled.skipped().is_empty());
}

#[tokio::test]
async fn the_manifest_says_what_the_options_say() {
    let (dir, store) = (tree(), MemoryStore::new());
    let subject = files::push(&store, None, ["a.txt"], &options(dir.path())).await.unwrap();
    let file = File::at("a.txt").with_name("b.txt").with_media_type("text/plain").with_annotation("k", "v");
    let options = options(dir.path())
        .with_artifact_type("application/vnd.example.type")
        .with_annotations(Annotations::from([("a".into(), "b".into())]))
        .with_config("application/vnd.example.config", r#"{"x":1}"#)
        .with_config_annotations(Annotations::from([("c".into(), "d".into())]))
        .with_subject(subject.root().clone());
    let pushed = files::push(&store, "v1", [file], &options).await.unwrap();

    let manifest = manifest(&store, pushed.root()).await;
    assert_eq!(manifest.artifact_type, Some(MediaType::new("application/vnd.example.type")));
    assert_eq!(manifest.annotations.get("a").map(String::as_str), Some("b"));
    assert_eq!(manifest.config.media_type.as_str(), "application/vnd.example.config");
    assert_eq!(manifest.config.annotations.get("c").map(String::as_str), Some("d"));
    assert_eq!(manifest.subject.unwrap().digest, subject.root().digest);
    assert_eq!(manifest.layers, pushed.layers());
    assert_eq!(manifest.layers[0].media_type.as_str(), "text/plain");
    let expected = Annotations::from([("k".into(), "v".into()), (annotation::TITLE.into(), "b.txt".into())]);
    assert_eq!(manifest.layers[0].annotations, expected);
    assert_eq!(store.referrers(subject.root(), None).await.unwrap().len(), 1);
}

#[tokio::test]
async fn without_a_type_the_artifact_is_of_unknown_type() {
    let store = MemoryStore::new();
    let pushed = files::push(&store, None, [File::from_bytes("a", "a")], &PushOptions::new()).await.unwrap();
    assert_eq!(manifest(&store, pushed.root()).await.artifact_type, Some(MediaType::UNKNOWN_ARTIFACT));
    assert_eq!(pushed.layers()[0].media_type, MediaType::OCI_LAYER);
}

#[tokio::test]
async fn the_same_files_at_the_same_time_are_the_same_artifact() {
    let (dir, one, other) = (tree(), MemoryStore::new(), MemoryStore::new());
    let first = files::push(&one, "v1", ["a.txt", "sub"], &options(dir.path())).await.unwrap();
    let second = files::push(&other, "v1", ["a.txt", "sub"], &options(dir.path())).await.unwrap();
    assert_eq!(first.root().digest, second.root().digest);
}

#[tokio::test]
async fn two_files_of_one_name_are_not_pushed() {
    let store = MemoryStore::new();
    let twice = [File::from_bytes("a", "1"), File::from_bytes("a", "2")];
    let error = files::push(&store, "v1", twice, &PushOptions::new()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(store.resolve("v1").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_not_found_and_nothing_is_tagged() {
    let (dir, store) = (tree(), MemoryStore::new());
    let error = files::push(&store, "v1", ["a.txt", "missing"], &options(dir.path())).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("missing"), "{error}");
    assert_eq!(store.resolve("v1").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn identical_files_are_left_alone() {
    let (dir, store, out) = (tree(), MemoryStore::new(), tempfile::tempdir().unwrap());
    let names = ["a.txt", "sub/b.bin"];
    let pushed = files::push(&store, "v1", names, &options(dir.path())).await.unwrap();
    files::pull(&store, "v1", out.path(), &PullOptions::new()).await.unwrap();
    fs::write(out.path().join("a.txt"), "changed").unwrap();
    // What need not be read need not be there.
    store.delete(&pushed.layers()[1]).await.unwrap();

    let pulled = files::pull(&store, "v1", out.path(), &PullOptions::new()).await.unwrap();
    let unchanged: Vec<_> = pulled.files().iter().map(|file| (file.name(), file.is_unchanged())).collect();
    assert_eq!(unchanged, [("a.txt", false), ("sub/b.bin", true)]);
    same(&dir.path().join("a.txt"), &out.path().join("a.txt"));
}

/// Listens, and so has every blob observed.
struct Listening;

impl CopyHooks for Listening {}

#[tokio::test]
async fn what_was_written_is_told_from_what_was_there_also_when_hooks_listen() {
    let (dir, store, out) = (tree(), MemoryStore::new(), tempfile::tempdir().unwrap());
    files::push(&store, "v1", ["a.txt"], &options(dir.path())).await.unwrap();
    let listened = PullOptions::new().with_copy(CopyOptions::new().with_hooks(Arc::new(Listening)));
    for unchanged in [false, true] {
        let pulled = files::pull(&store, "v1", out.path(), &listened).await.unwrap();
        assert_eq!(pulled.files()[0].is_unchanged(), unchanged);
    }
}

#[tokio::test]
async fn an_existing_file_can_be_protected() {
    let (dir, store, out) = (tree(), MemoryStore::new(), tempfile::tempdir().unwrap());
    files::push(&store, "v1", ["a.txt"], &options(dir.path())).await.unwrap();
    fs::write(out.path().join("a.txt"), "mine").unwrap();
    let careful = PullOptions::new().with_store(FileOptions::new().with_keep_existing(true));
    let error = files::pull(&store, "v1", out.path(), &careful).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert_eq!(fs::read_to_string(out.path().join("a.txt")).unwrap(), "mine");
}

#[tokio::test]
async fn only_allowed_media_types_are_pulled_and_the_rest_is_reported() {
    let (store, out) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let files = [File::from_bytes("a", "a").with_media_type("text/plain"), File::from_bytes("b", "b")];
    let pushed = files::push(&store, "v1", files, &PushOptions::new()).await.unwrap();
    let options = PullOptions::new().with_allowed_media_types(["text/plain", "text/html"]);
    let pulled = files::pull(&store, "v1", out.path(), &options).await.unwrap();
    assert_eq!(pulled.files().len(), 1);
    assert_eq!(pulled.skipped()[0].descriptor(), &pushed.layers()[1]);
    assert_eq!(pulled.skipped()[0].reason(), SkipReason::MediaType);
    assert!(!out.path().join("b").exists());
}

#[tokio::test]
async fn content_without_a_name_is_skipped_unless_it_is_given_one() {
    let (store, out) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    let pushed = files::push(&store, None, [File::from_bytes("a", "a")], &PushOptions::new()).await.unwrap();
    let mut nameless = manifest(&store, pushed.root()).await;
    nameless.layers[0].annotations.clear();
    let root = push_manifest(&store, MediaType::OCI_MANIFEST, canonical(&nameless), "v1").await;

    let pulled = files::pull(&store, "v1", out.path(), &PullOptions::new()).await.unwrap();
    assert_eq!(pulled.root().digest, root.digest);
    assert_eq!(pulled.skipped()[0].reason(), SkipReason::Unnamed);

    let named = PullOptions::new().with_names(|desc| Some(format!("{:.8}.txt", desc.digest.encoded())));
    let pulled = files::pull(&store, "v1", out.path(), &named).await.unwrap();
    assert_eq!(pulled.files()[0].name(), "ca978112.txt");
    assert_eq!(fs::read_to_string(pulled.files()[0].path()).unwrap(), "a");
}

#[tokio::test]
async fn names_are_mapped_also_where_the_source_knows_content_by_name() {
    let (dir, out) = (tree(), tempfile::tempdir().unwrap());
    let source = FileStore::new(dir.path()).unwrap();
    let pushed = files::push(&MemoryStore::new(), None, ["a.txt"], &options(dir.path())).await.unwrap();
    source.add("a.txt", None, "").await.unwrap();
    let bytes = canonical(&Manifest::new(Descriptor::empty(), pushed.layers().to_vec()));
    push_manifest(&source, MediaType::OCI_MANIFEST, bytes, "v1").await;

    let options = PullOptions::new().with_names(|desc| desc.title().map(|title| format!("mapped/{title}")));
    let pulled = files::pull(&source, "v1", out.path(), &options).await.unwrap();
    assert_eq!(pulled.files()[0].path(), &out.path().join("mapped/a.txt"));
    same(&dir.path().join("a.txt"), pulled.files()[0].path());
}

#[tokio::test]
async fn a_name_that_leads_out_of_the_directory_is_refused() {
    let (store, out) = (MemoryStore::new(), tempfile::tempdir().unwrap());
    for name in ["../evil", "/evil", "a/../../evil"] {
        let file = [File::from_bytes(name, "x")];
        let refused = files::push(&store, "v1", file.clone(), &PushOptions::new()).await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unsupported, "{name}");
        files::push(&store, "v1", file, &PushOptions::new().with_portable_names(false)).await.unwrap();
        let error = files::pull(&store, "v1", out.path().join("in"), &PullOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}");
        assert!(!out.path().join("evil").exists());
    }
}

#[tokio::test]
async fn a_platform_is_chosen_and_its_configuration_pulled() -> Result<()> {
    let (store, out) = (MemoryStore::new(), tempfile::tempdir()?);
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = format!(r#"{{"os":"linux","architecture":"{architecture}"}}"#);
        let options = PushOptions::new().with_config(MediaType::OCI_CONFIG, config);
        let pushed = files::push(&store, None, [File::from_bytes("app", architecture)], &options).await?;
        entries.push(pushed.root().plain().with_platform(Platform::new("linux", architecture)));
    }
    push_manifest(&store, MediaType::OCI_INDEX, canonical(&Index::new(entries.clone())), "v1").await;

    let both = files::pull(&store, "v1", out.path(), &PullOptions::new()).await.unwrap_err();
    assert_eq!(both.kind(), ErrorKind::Denied);
    assert!(!out.path().join("app").exists());

    let options = PullOptions::new().with_platform(Platform::new("linux", "arm64")).with_config_name("config.json");
    let pulled = files::pull(&store, "v1", out.path(), &options).await?;
    assert_eq!(pulled.root().digest, entries[1].digest);
    assert_eq!(fs::read_to_string(out.path().join("app"))?, "arm64");
    assert!(fs::read_to_string(out.path().join("config.json"))?.contains("arm64"));
    Ok(())
}

#[tokio::test]
async fn a_large_file_goes_to_a_registry_in_one_pass() {
    let dir = tempfile::tempdir().unwrap();
    let large = fs::File::create(dir.path().join("large")).unwrap();
    large.set_len(64 << 20).unwrap();
    fs::write(dir.path().join("small"), "small").unwrap();
    let server = oras::registry::Server::builder().with_recorded_requests(100).start().await.unwrap();
    let remote = oras::remote::RegistryOptions::new().with_plain_http(true);
    let repository = oras::remote::Repository::new(&format!("{}/app", server.host()), remote).unwrap();
    let files = ["small", "large"];
    let pushed = files::push(&repository, "v1", files, &options(dir.path())).await.unwrap();
    let titles: Vec<_> = pushed.layers().iter().map(Descriptor::title).collect();
    assert_eq!(titles, [Some("small"), Some("large")], "in their order");
    let of_large = |method: &str, rest: &str| {
        let is_it = |request: &&oras::registry::RequestRecord| {
            request.method.as_str() == method && request.target.contains(rest)
        };
        server.requests().iter().filter(is_it).count()
    };
    let digest = pushed.layers()[1].digest.to_string();
    assert_eq!((of_large("PATCH", "/uploads/"), of_large("HEAD", &digest)), (1, 0), "sent once, and never asked for");
    let out = tempfile::tempdir().unwrap();
    files::pull(&repository, "v1", out.path(), &PullOptions::new()).await.unwrap();
    assert_eq!(fs::metadata(out.path().join("large")).unwrap().len(), 64 << 20);
}
