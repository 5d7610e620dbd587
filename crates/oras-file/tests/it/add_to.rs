//! Files that go to a target while they are described.

use std::{fs, path::PathBuf};

use oras_content::{Blob, Error, ErrorKind, Fetcher, Pusher, ReadOnlyStorage, Result};
use oras_descriptor::{Algorithm, Descriptor, MediaType};
use oras_file::FileStore;
use oras_memory::MemoryStore;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::support::fresh;

#[tokio::test]
async fn a_file_is_pushed_while_it_is_described() {
    let (dir, store) = fresh();
    let (path, target) = (dir.path().join("a"), MemoryStore::new());
    fs::write(&path, vec![1; 1 << 20]).unwrap();
    let desc = store.add_to(&target, "a", None, &path).await.unwrap();
    assert_eq!(desc.title(), Some("a"));
    assert!(target.exists(&desc).await.unwrap() && store.exists(&desc).await.unwrap());
    assert_eq!(store.fetch(&desc).await.unwrap().bytes(1 << 20).await.unwrap(), vec![1; 1 << 20]);
    assert_eq!(store.add_to(&target, "a", None, &path).await.unwrap_err().kind(), ErrorKind::Denied);
}

/// How a target answers when it is asked for a file that it was not given to the end.
enum Answer {
    Here,
    Failure,
}

/// Does not get on with a file before it was asked whether it has it, and then changes the file.
struct Slow {
    path: PathBuf,
    answer: Answer,
    asked: Notify,
}

impl Fetcher for Slow {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        Err(Error::not_found(desc))
    }
}

impl ReadOnlyStorage for Slow {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        assert_eq!(*desc, Descriptor::of("a/b", b"before"), "described as it was");
        fs::write(&self.path, "behind").unwrap();
        self.asked.notify_one();
        match self.answer {
            Answer::Here => Ok(true),
            Answer::Failure => Err(Error::new(ErrorKind::Other, "out of order")),
        }
    }
}

impl Pusher for Slow {
    async fn push(&self, desc: &Descriptor, _: Blob) -> Result<()> {
        Err(Error::already_exists(desc))
    }

    async fn ingest(&self, media_type: &MediaType, _: Algorithm, content: Blob) -> Result<Descriptor> {
        self.asked.notified().await;
        // Whoever was told that the content is here does not come this far.
        Ok(Descriptor::of(media_type.clone(), &content.bytes(100).await?))
    }
}

/// Adds a file to a slow target; what is at its path is another file by then, so that a second look at it would show.
async fn add_to_slow(answer: Answer) -> (TempDir, FileStore, PathBuf, Descriptor) {
    let (dir, store) = fresh();
    let path = dir.path().join("a");
    fs::write(&path, "before").unwrap();
    let target = Slow { path: path.clone(), answer, asked: Notify::new() };
    let desc = store.add_to(&target, "name", Some("a/b".into()), &path).await.unwrap();
    (dir, store, path, desc)
}

#[tokio::test(start_paused = true)]
async fn a_file_that_the_target_turns_out_to_have_is_read_once_to_be_described() {
    let (_dir, store, path, desc) = add_to_slow(Answer::Here).await;
    assert_eq!(desc.plain(), Descriptor::of("a/b", b"before"));
    assert_eq!((desc.title(), store.path_of(&desc)), (Some("name"), Some(path)));
    // It is known to the store as it was: what it became since is refused.
    assert_eq!(store.fetch(&desc).await.unwrap().bytes(100).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(store.add("name", None, "").await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test(start_paused = true)]
async fn a_file_is_given_to_the_end_when_the_target_cannot_be_asked() {
    let (_dir, _store, _path, desc) = add_to_slow(Answer::Failure).await;
    assert_eq!(desc.plain(), Descriptor::of("a/b", b"behind"));
}
