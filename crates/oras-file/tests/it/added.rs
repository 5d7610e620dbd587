//! Files that a store is told of and leaves where they are.

use std::fs;
#[cfg(unix)]
use std::{
    path::Path,
    time::{Duration, Instant},
};

#[cfg(unix)]
use oras_content::fs::Stamp;
use oras_content::{ErrorKind, Fetcher as _};
use oras_descriptor::{Descriptor, MediaType, annotation::TITLE};
#[cfg(unix)]
use oras_file::FileStore;

use crate::support::{fresh, plant, read};

#[tokio::test]
async fn an_added_file_is_described_and_not_copied() {
    let (dir, store) = fresh();
    plant(&store, "one", "1");
    fs::write(dir.path().join("outside/two"), "2").unwrap();
    let one = store.add("one", None, "").await.unwrap();
    let two = store.add("renamed", Some("a/b".into()), "../outside/two").await.unwrap();
    assert_eq!(one, Descriptor::of(MediaType::OCI_LAYER, b"1").with_annotation(TITLE, "one"));
    assert_eq!(two, Descriptor::of("a/b", b"2").with_annotation(TITLE, "renamed"));
    assert_eq!(read(&store, &two).await.unwrap(), "2");
    assert!(!store.root().join("renamed").exists());
    assert_eq!(store.path_of(&one), Some(store.root().join("one")));
    fs::write(dir.path().join("outside/two"), "3").unwrap();
    assert_eq!(read(&store, &two).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

/// Waits until a file was written so long ago that a change of it shows.
#[cfg(unix)]
async fn settle(path: &Path) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while Stamp::of(&fs::metadata(path).unwrap()).is_none() {
        assert!(Instant::now() < deadline, "the file never settles");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_file_that_changed_after_it_was_added_is_hashed_again_and_refused() {
    let (dir, store) = fresh();
    for len in [1000, 1_000_000] {
        let (name, path) = (format!("f{len}"), dir.path().join(format!("f{len}")));
        fs::write(&path, vec![1; len]).unwrap();
        settle(&path).await;
        let desc = store.add(&name, None, &path).await.unwrap();
        let read = |store: FileStore| async move { store.fetch(&desc).await?.bytes(1 << 20).await };
        assert_eq!(read.clone()(store.clone()).await.unwrap(), vec![1; len], "unchanged");
        fs::write(&path, vec![2; len]).unwrap();
        assert_eq!(read(store.clone()).await.unwrap_err().kind(), ErrorKind::Corrupt, "{len}");
    }
}

#[tokio::test]
async fn many_files_are_added_all_or_none() {
    let (dir, store) = fresh();
    for name in ["a", "b"] {
        fs::write(dir.path().join(name), name).unwrap();
    }
    let files = |names: &'static [&str]| names.iter().map(|name| (*name, None, dir.path().join(name)));
    let missing = store.add_all(files(&["a", "missing"])).await.unwrap_err();
    assert_eq!(missing.kind(), ErrorKind::NotFound);
    let added = store.add_all(files(&["a", "b"])).await.unwrap();
    assert_eq!(added.iter().map(Descriptor::title).collect::<Vec<_>>(), [Some("a"), Some("b")]);
    assert_eq!(store.add_all(files(&["b"])).await.unwrap_err().kind(), ErrorKind::Denied);
}
