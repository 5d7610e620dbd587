//! A transfer hashes each byte once. The count is that of a whole process, so each test runs again alone in one.

use std::process::Command;

use bytes::Bytes;
use oras_content::{
    Blob, Descriptor, Fetcher as _, Pusher as _,
    fs::{FileSource, rehash, write_blob},
};
use oras_descriptor::hashed_bytes;
use oras_memory::MemoryStore;
use oras_testing::FaultySource;
use tempfile::TempDir;

const LEN: usize = 3 << 20;
const ALONE: &str = "ORAS_TEST_RUNS_ALONE";

fn content() -> (Descriptor, Bytes) {
    let bytes: Bytes = (0..=250).cycle().take(LEN).collect();
    (Descriptor::of("a/b", &bytes), bytes)
}

/// Whether this process runs one test alone; if not, runs `test` in one that does.
fn is_alone(test: &str) -> bool {
    if std::env::var_os(ALONE).is_some() {
        return true;
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", &format!("one_hash::{test}")])
        .env(ALONE, "1")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("1 passed"), "{text}");
    false
}

#[tokio::test]
async fn a_push_hashes_once_on_the_task_that_reads() {
    if !is_alone("a_push_hashes_once_on_the_task_that_reads") {
        return;
    }
    let (desc, bytes) = content();
    let source = FaultySource::builder(bytes).reset_every(1_000_000).build();
    let before = hashed_bytes();
    MemoryStore::new().push(&desc, source.blob(&desc)).await.unwrap();
    assert_eq!(hashed_bytes() - before, LEN as u64);
}

#[tokio::test]
async fn a_transfer_between_stores_hashes_once() {
    if !is_alone("a_transfer_between_stores_hashes_once") {
        return;
    }
    let (desc, bytes) = content();
    let (from, to) = (MemoryStore::new(), MemoryStore::new());
    from.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    let before = hashed_bytes();
    to.push(&desc, from.fetch(&desc).await.unwrap()).await.unwrap();
    assert_eq!(hashed_bytes() - before, LEN as u64);
}

#[tokio::test]
async fn a_file_sink_hashes_once_on_its_thread() {
    if !is_alone("a_file_sink_hashes_once_on_its_thread") {
        return;
    }
    let (desc, bytes) = content();
    let dir = TempDir::new().unwrap();
    std::fs::write(dir.path().join("from"), &bytes).unwrap();
    let blob = FileSource::new(dir.path().join("from")).into_blob(None).verify(&desc);
    let before = hashed_bytes();
    write_blob(blob, std::fs::File::create(dir.path().join("to")).unwrap()).await.unwrap();
    assert_eq!(hashed_bytes() - before, LEN as u64);
}

#[tokio::test]
async fn a_resumed_file_hashes_each_byte_once() {
    if !is_alone("a_resumed_file_hashes_each_byte_once") {
        return;
    }
    let (desc, bytes) = content();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("partial");
    std::fs::write(&path, &bytes[..1_000_000]).unwrap();
    let file = std::fs::File::options().read(true).write(true).open(&path).unwrap();
    let before = hashed_bytes();
    let (file, verifier) = rehash(file, &desc).await.unwrap();
    let blob = FaultySource::builder(bytes).build().blob(&desc).resume(verifier).unwrap();
    write_blob(blob, file).await.unwrap();
    assert_eq!(hashed_bytes() - before, LEN as u64);
}
