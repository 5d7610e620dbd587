//! The memory of one transfer does not depend on the size of its blob.
#![cfg(target_os = "linux")]

use std::{fs::File, process::Command};

use futures_util::StreamExt as _;
use oras_content::{Blob, Descriptor, Fetcher as _, MediaType, Pusher as _, fs::FileSource};
use oras_descriptor::Algorithm;
use oras_remote::{Registry, Repository, UploadStrategy};

use super::harness::{Lab, options, peak_rss};

/// What a transfer may take in all, with the program itself: an unoptimised program of all these tests takes 10 MiB before it
/// begins. A client alone is held to 24 MiB by `cargo xtask interop`.
const MAX_RSS: u64 = 32 << 20;

fn len() -> u64 {
    if std::env::var("ORAS_SOAK").as_deref() == Ok("full") { 4 << 30 } else { 192 << 20 }
}

/// Up in three ways, and down.
async fn transfer(repo: &Repository, file: &str) {
    let content = || FileSource::new(file).into_blob(Some(len()));
    let desc = repo.ingest(&MediaType::OCTET_STREAM, Algorithm::Sha256, content()).await.unwrap();
    for (name, strategy) in [("put", UploadStrategy::PostPut), ("chunks", UploadStrategy::CHUNKED)] {
        let other = repo.registry().repository(name).unwrap();
        other.upload(&desc, content()).with_strategy(strategy).send().await.unwrap();
    }
    let mut blob: Blob = repo.fetch(&Descriptor::new("a/b", desc.digest, desc.size)).await.unwrap();
    while let Some(chunk) = blob.next().await {
        chunk.unwrap();
    }
    let peak = peak_rss().unwrap();
    assert!(peak <= MAX_RSS, "{} MiB for a blob of {} MiB", peak >> 20, len() >> 20);
}

/// The test runs itself again as a child, whose memory is measured: the registry's is not.
#[tokio::test]
async fn a_transfer_of_any_size_takes_little_memory() {
    if let Ok(text) = std::env::var("TRANSFER") {
        let (host, file) = text.split_once(' ').unwrap();
        let repo = Registry::new(host, options()).unwrap().repository("app").unwrap();
        return transfer(&repo, file).await;
    }
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("sparse");
    File::create(&file).unwrap().set_len(len()).unwrap();
    let root = dir.path().join("registry");
    let lab = Lab::with(|_| {}, options(), |builder| builder.with_root(root).with_sync(false)).await;
    let job = format!("{} {}", lab.server.host(), file.display());
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "remote::memory::a_transfer_of_any_size_takes_little_memory"]).env("TRANSFER", job);
    let ended = tokio::task::spawn_blocking(move || child.output()).await.unwrap().unwrap();
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stdout));
}
