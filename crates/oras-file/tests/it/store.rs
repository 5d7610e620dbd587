use std::{fs, sync::Arc};

use bytes::Bytes;
use futures_util::stream;
use oras_content::{
    Blob, Deleter as _, Error, ErrorKind, Fetcher as _, LimitedStorage, PredecessorFinder as _, Pusher as _,
    ReadOnlyStorage as _, Resolver as _, Tagger as _,
};
use oras_descriptor::{Descriptor, annotation::TITLE};
use oras_file::{FILE_MODE, FILE_MTIME, FileOptions, FileStore, NameError};
use oras_memory::MemoryStore;
use oras_testing::FaultySource;

use crate::support::{fresh, manifest, named, plant, push, read, tree, with};

fn name_error(error: &Error) -> Option<&NameError> {
    error.find()
}

#[tokio::test]
async fn named_content_becomes_a_file_and_unnamed_goes_to_the_fallback() {
    let (_dir, store) = fresh();
    let desc = push(&store, named("a/b.txt", "hello")).await.unwrap();
    assert_eq!(fs::read(store.root().join("a/b.txt")).unwrap(), b"hello");
    assert_eq!(read(&store, &desc).await.unwrap(), "hello");
    let unnamed = Descriptor::of("a/b", b"unnamed");
    push(&store, (unnamed.clone(), Bytes::from_static(b"unnamed"))).await.unwrap();
    assert_eq!(read(&store, &unnamed).await.unwrap(), "unnamed");
    assert_eq!(tree(store.root()), [("a".into(), "dir".into()), ("a/b.txt".into(), "hello".into())]);
}

#[tokio::test]
async fn names_are_needed_and_taken_once() {
    let (_dir, store) = fresh();
    plant(&store, "one", "1");
    store.add("one", None, "").await.unwrap();
    let missing = store.add("", None, "one").await.unwrap_err();
    assert_eq!((missing.kind(), name_error(&missing)), (ErrorKind::MissingReference, Some(&NameError::Missing)));
    let taken = store.add("one", None, "").await.unwrap_err();
    assert_eq!(name_error(&taken), Some(&NameError::Duplicate { name: "one".into() }));
    let absent = store.add("two", None, "").await.unwrap_err();
    assert_eq!(absent.kind(), ErrorKind::NotFound);
    plant(&store, "two", "2");
    store.add("two", None, "").await.unwrap();
}

#[tokio::test]
async fn a_name_that_is_taken_is_refused_even_for_the_same_content() {
    let (_dir, store) = fresh();
    push(&store, named("a", "1")).await.unwrap();
    let same = push(&store, named("a", "1")).await.unwrap_err();
    let other = push(&store, named("a", "2")).await.unwrap_err();
    assert_eq!((same.kind(), other.kind()), (ErrorKind::AlreadyExists, ErrorKind::Denied));
    for error in [same, other] {
        assert_eq!(name_error(&error), Some(&NameError::Duplicate { name: "a".into() }));
    }
    assert_eq!(fs::read(store.root().join("a")).unwrap(), b"1");
    assert!(!store.exists(&named("a", "2").0).await.unwrap());
}

#[tokio::test]
async fn of_many_pushes_of_one_name_one_wins() {
    let (_dir, store) = fresh();
    let pushes = (0..8).map(|n| push(&store, named("a", &n.to_string().repeat(100_000))));
    let results = futures_util::future::join_all(pushes).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    for error in results.into_iter().filter_map(Result::err) {
        assert!(matches!(name_error(&error), Some(NameError::Duplicate { .. })));
    }
}

#[tokio::test]
async fn a_failed_push_leaves_the_old_file_and_nothing_else() {
    for options in [FileOptions::new(), FileOptions::new().with_resume(true)] {
        let (_dir, store) = with(options);
        plant(&store, "a", "old");
        let (desc, _) = named("a", "new");
        for wrong in ["neu", "ne", "newer"] {
            let blob = Blob::from_stream(None, stream::iter([Ok(Bytes::from(wrong))]));
            assert_eq!(store.push(&desc, blob).await.unwrap_err().kind(), ErrorKind::Corrupt);
            assert_eq!(tree(store.root()), [("a".into(), "old".into())]);
        }
        push(&store, named("a", "new")).await.unwrap();
        assert_eq!(tree(store.root()), [("a".into(), "new".into())]);
    }
}

#[tokio::test]
async fn a_push_that_broke_off_is_continued_when_that_was_asked_for() {
    let (_dir, store) = with(FileOptions::new().with_resume(true));
    let (desc, bytes) = named("big", &"0123456789".repeat(100_000));
    let lost = Error::new(ErrorKind::Timeout, "gone");
    let broken = Blob::from_stream(None, stream::iter([Ok(bytes.slice(..300_000)), Err(lost)]));
    assert_eq!(store.push(&desc, broken).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(!store.root().join("big").exists());
    assert_eq!(tree(store.root()).len(), 1);
    let source = FaultySource::builder(bytes.clone()).build();
    store.push(&desc, source.blob(&desc)).await.unwrap();
    assert_eq!(source.opens(), [300_000], "only the rest was asked for");
    assert_eq!(fs::read(store.root().join("big")).unwrap(), bytes);
    assert_eq!(tree(store.root()).len(), 1);
}

#[tokio::test]
async fn a_manifest_that_was_here_under_another_type_brings_the_files_that_it_names() {
    let fallback = Arc::new(MemoryStore::new());
    let (dir, _) = fresh();
    let root = dir.path().join("work");
    let store = FileStore::with_fallback(root, FileOptions::new(), fallback.clone()).unwrap();
    let (a, b) = (named("a", "same"), named("b", "same"));
    let (desc, bytes) = manifest(vec![a.0.clone(), b.0.clone()]);
    // An earlier store left it in the fallback.
    push(&fallback, (desc.clone(), bytes.clone())).await.unwrap();
    assert!(!store.exists(&desc).await.unwrap(), "its files are not here");
    push(&store, a).await.unwrap();
    assert_eq!(push(&store, (desc.clone(), bytes)).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert!(store.exists(&desc).await.unwrap() && store.exists(&b.0).await.unwrap());
    assert_eq!(fs::read(store.root().join("b")).unwrap(), b"same");
}

#[tokio::test]
async fn a_name_that_leads_out_is_refused_unless_it_is_allowed() {
    let (dir, store) = fresh();
    let absolute = dir.path().join("outside/x").to_str().unwrap().to_owned();
    for name in ["../outside/x", "a/../../outside/x", &absolute, "..", "/"] {
        let error = push(&store, named(name, "x")).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{name}");
        assert!(matches!(name_error(&error), Some(NameError::Outside { .. })), "{name}");
    }
    assert!(tree(&dir.path().join("outside")).is_empty());
    let inside = store.root().join("inside").to_str().unwrap().to_owned();
    push(&store, named(&inside, "x")).await.unwrap();
    assert!(store.root().join("inside").is_file());

    let (dir, store) = with(FileOptions::new().with_path_traversal(true));
    push(&store, named("../outside/x", "x")).await.unwrap();
    assert_eq!(fs::read(dir.path().join("outside/x")).unwrap(), b"x");
}

#[cfg(unix)]
#[tokio::test]
async fn odd_names_are_files_and_the_directory_itself_is_none() {
    let (_dir, store) = fresh();
    for name in ["a\\b", "C:/x", "./c", "..a"] {
        push(&store, named(name, name)).await.unwrap();
        assert_eq!(fs::read_to_string(store.root().join(name)).unwrap(), name);
    }
    for name in [".", "a/.."] {
        assert_eq!(push(&store, named(name, "x")).await.unwrap_err().kind(), ErrorKind::Denied, "{name}");
    }
}

#[tokio::test]
async fn names_that_are_not_portable_are_refused_where_that_is_asked_for() {
    let (_dir, store) = with(FileOptions::new().with_portable_names(true));
    for name in ["a\\b", "C:/x", "nul", "a/con.txt", "a.", "a/../b"] {
        let error = push(&store, named(name, "x")).await.unwrap_err();
        assert!(matches!(name_error(&error), Some(NameError::NotPortable { .. })), "{name}");
        assert!(store.add(name, None, "x").await.is_err());
    }
    push(&store, named("a/b.txt", "x")).await.unwrap();
}

#[tokio::test]
async fn an_existing_file_is_overwritten_unless_it_is_to_be_kept() {
    let (_dir, store) = fresh();
    plant(&store, "a", "old");
    push(&store, named("a", "new")).await.unwrap();
    assert_eq!(fs::read(store.root().join("a")).unwrap(), b"new");

    let (_dir, store) = with(FileOptions::new().with_keep_existing(true));
    plant(&store, "a", "old");
    let error = push(&store, named("a", "new")).await.unwrap_err();
    assert_eq!(name_error(&error), Some(&NameError::Exists { name: "a".into() }));
    assert_eq!(fs::read(store.root().join("a")).unwrap(), b"old");
}

#[tokio::test]
async fn equal_content_is_written_under_every_name_whichever_comes_first() {
    for manifest_first in [true, false] {
        let (_dir, store) = fresh();
        let (a, b) = (named("a", "same"), named("b", "same"));
        let root = manifest(vec![a.0.clone(), b.0.clone()]);
        let order = if manifest_first { [root.clone(), a.clone()] } else { [a.clone(), root.clone()] };
        for content in order {
            push(&store, content).await.unwrap();
        }
        assert_eq!(tree(store.root()), [("a".into(), "same".into()), ("b".into(), "same".into())]);
        assert!(store.exists(&b.0).await.unwrap());
    }
}

#[tokio::test]
async fn equal_content_is_kept_once_where_that_is_asked_for() {
    let (_dir, store) = with(FileOptions::new().with_force_cas(true));
    let (a, b) = (named("a", "same"), named("b", "same"));
    push(&store, a.clone()).await.unwrap();
    push(&store, manifest(vec![a.0, b.0.clone()])).await.unwrap();
    assert_eq!(tree(store.root()), [("a".into(), "same".into())]);
    assert!(!store.exists(&b.0).await.unwrap());
}

#[tokio::test]
async fn the_fallback_has_a_limit_and_can_be_another_storage() {
    let large = |len: usize| (Descriptor::of("a/b", &vec![b'x'; len]), Bytes::from(vec![b'x'; len]));
    let (dir, store) = fresh();
    push(&store, large(4 << 20)).await.unwrap();
    assert_eq!(push(&store, large((4 << 20) + 1)).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    let small = FileStore::with_fallback_limit(dir.path().join("small"), FileOptions::new(), 10).unwrap();
    assert_eq!(push(&small, large(11)).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    let memory = Arc::new(MemoryStore::new());
    let own = FileStore::with_fallback(dir.path().join("own"), FileOptions::new(), memory.clone()).unwrap();
    let desc = push(&own, large(5 << 20)).await.unwrap();
    assert!(memory.exists(&desc).await.unwrap());
    let nested = LimitedStorage::new(memory, 1);
    assert!(FileStore::with_fallback(dir.path(), FileOptions::new(), nested).is_ok());
}

#[tokio::test]
async fn unnamed_content_is_dropped_where_that_is_asked_for() {
    let (_dir, store) = with(FileOptions::new().with_ignore_unnamed(true));
    let desc = push(&store, (Descriptor::of("a/b", b"x"), Bytes::from_static(b"x"))).await.unwrap();
    assert!(!store.exists(&desc).await.unwrap());
    push(&store, manifest(vec![desc])).await.unwrap();
}

#[tokio::test]
async fn content_is_found_by_its_name_and_by_its_digest() {
    let (_dir, store) = fresh();
    let (desc, bytes) = named("a", "1");
    push(&store, (desc.clone(), bytes)).await.unwrap();
    assert_eq!(read(&store, &desc.plain()).await.unwrap(), "1");
    let unknown = desc.clone().with_annotation(TITLE, "unknown");
    assert!(!store.exists(&unknown).await.unwrap());
    assert_eq!(store.fetch(&unknown).await.unwrap_err().kind(), ErrorKind::NotFound);
    fs::remove_file(store.root().join("a")).unwrap();
    assert!(!store.exists(&desc).await.unwrap());
    assert_eq!(read(&store, &desc).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn tags_and_predecessors_are_kept_in_memory() {
    let (_dir, store) = fresh();
    let layer = push(&store, named("a", "1")).await.unwrap();
    let root = push(&store, manifest(vec![layer.clone()])).await.unwrap();
    store.tag(&root, "v1").await.unwrap();
    assert_eq!(store.resolve("v1").await.unwrap(), root);
    assert_eq!(store.tag(&root, "").await.unwrap_err().kind(), ErrorKind::MissingReference);
    assert_eq!(store.resolve("").await.unwrap_err().kind(), ErrorKind::MissingReference);
    assert_eq!(store.tag(&named("z", "z").0, "v2").await.unwrap_err().kind(), ErrorKind::NotFound);
    assert_eq!(store.predecessors(&layer).await.unwrap(), [root]);
}

#[tokio::test]
async fn a_closed_store_does_nothing_any_more() {
    let temp = tempfile::tempdir().unwrap();
    let (_dir, store) = with(FileOptions::new().with_temp_dir(temp.path()));
    fs::create_dir_all(store.root().join("d")).unwrap();
    let desc = store.add("d", None, "").await.unwrap();
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 1);
    store.close().await.unwrap();
    store.close().await.unwrap();
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
    let other = || ErrorKind::Other;
    assert_eq!(store.fetch(&desc).await.unwrap_err().kind(), other());
    assert_eq!(store.exists(&desc).await.unwrap_err().kind(), other());
    assert_eq!(push(&store, named("a", "1")).await.unwrap_err().kind(), other());
    assert_eq!(store.resolve("v1").await.unwrap_err().kind(), other());
    assert_eq!(store.tag(&desc, "v1").await.unwrap_err().kind(), other());
    assert_eq!(store.add("b", None, "").await.unwrap_err().kind(), other());
    assert_eq!(store.predecessors(&desc).await.unwrap_err().kind(), other());
}

#[tokio::test]
async fn archives_go_with_the_last_handle() {
    let temp = tempfile::tempdir().unwrap();
    let (_dir, store) = with(FileOptions::new().with_temp_dir(temp.path()));
    fs::create_dir_all(store.root().join("d")).unwrap();
    store.add("d", None, "").await.unwrap();
    drop(store);
    assert_eq!(fs::read_dir(temp.path()).unwrap().count(), 0);
}

#[cfg(unix)]
#[tokio::test]
async fn a_single_file_keeps_mode_and_time_where_that_is_asked_for() {
    use std::{
        os::unix::fs::PermissionsExt as _,
        time::{Duration, UNIX_EPOCH},
    };
    let (_dir, from) = with(FileOptions::new().with_metadata(true));
    fs::create_dir_all(from.root()).unwrap();
    let path = from.root().join("run.sh");
    fs::write(&path, "#!").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o750)).unwrap();
    fs::File::options().write(true).open(&path).unwrap().set_modified(UNIX_EPOCH + Duration::from_secs(77)).unwrap();
    let desc = from.add("run.sh", None, "").await.unwrap();
    assert_eq!((desc.annotations[FILE_MODE].as_str(), desc.annotations[FILE_MTIME].as_str()), ("0750", "77"));

    let (_dir, to) = with(FileOptions::new().with_metadata(true));
    to.push(&desc, from.fetch(&desc).await.unwrap()).await.unwrap();
    let metadata = fs::metadata(to.root().join("run.sh")).unwrap();
    assert_eq!(metadata.permissions().mode() & 0o7777, 0o750);
    assert_eq!(metadata.modified().unwrap(), UNIX_EPOCH + Duration::from_secs(77));

    let (_dir, plain) = fresh();
    let mut setuid = desc.clone();
    setuid.annotations.insert(FILE_MODE.into(), "4755".into());
    plain.push(&setuid, from.fetch(&desc).await.unwrap()).await.unwrap();
    assert_eq!(fs::metadata(plain.root().join("run.sh")).unwrap().permissions().mode() & 0o7111, 0);
    let (_dir, to) = with(FileOptions::new().with_metadata(true));
    to.push(&setuid, from.fetch(&desc).await.unwrap()).await.unwrap();
    assert_eq!(fs::metadata(to.root().join("run.sh")).unwrap().permissions().mode() & 0o7777, 0o755);
}

#[tokio::test]
async fn a_file_that_is_there_with_the_right_content_is_not_fetched() {
    let (_dir, store) = with(FileOptions::new().with_skip_identical(true));
    plant(&store, "same", "1");
    plant(&store, "other", "x");
    let (same, _) = named("same", "1");
    assert!(store.exists(&same).await.unwrap());
    let (other, bytes) = named("other", "2");
    assert!(!store.exists(&other).await.unwrap());
    push(&store, (other, bytes)).await.unwrap();
    assert_eq!(fs::read(store.root().join("other")).unwrap(), b"2");

    plant(&store, "pushed", "3");
    let never = Blob::from_stream(Some(1), stream::poll_fn(|_| panic!("the blob was read")));
    store.push(&named("pushed", "3").0, never).await.unwrap();
    assert!(!fresh().1.exists(&same).await.unwrap());
    assert!(!store.exists(&named("new/dir/file", "4").0).await.unwrap());
    assert!(!store.root().join("new").exists(), "asking creates nothing");
}

#[tokio::test]
async fn a_hook_gives_files_other_names() {
    let options = FileOptions::new().with_rename(|desc, name| format!("{}/{name}", desc.size));
    let (_dir, store) = with(options);
    let desc = push(&store, named("a", "12345")).await.unwrap();
    assert_eq!(fs::read(store.root().join("5/a")).unwrap(), b"12345");
    assert_eq!(read(&store, &desc).await.unwrap(), "12345");
    let escape = with(FileOptions::new().with_rename(|_, name| format!("../{name}"))).1;
    assert_eq!(push(&escape, named("a", "1")).await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_store_never_deletes_files() {
    let (_dir, store) = fresh();
    let desc = push(&store, named("a", "1")).await.unwrap();
    assert_eq!(store.delete(&desc).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn two_manifests_with_one_name_for_different_files_are_an_error() {
    let (_dir, store) = fresh();
    push(&store, named("app", "for amd64")).await.unwrap();
    let error = push(&store, named("app", "for arm64")).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "it must not pass for content that is there");
}

#[tokio::test]
async fn content_goes_to_whatever_takes_bytes() {
    let (_dir, store) = fresh();
    let desc = push(&store, named("a", "hello")).await.unwrap();
    let mut out = Vec::new();
    oras_file::write_to(&store, &desc, &mut out).await.unwrap();
    assert_eq!(out, b"hello");
    plant(&store, "a", "hallo");
    let mut out = Vec::new();
    let error = oras_file::write_to(&store, &desc, &mut out).await.unwrap_err();
    assert_eq!((error.kind(), out.len()), (ErrorKind::Corrupt, 0));
}
