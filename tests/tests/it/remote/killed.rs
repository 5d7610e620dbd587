//! Transfers of a process that is killed and started again.
//!
//! Each test runs the test binary again as its child: with `TRANSFER` set it is the child, and works until it is killed.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command},
    time::Duration,
};

use bytes::Bytes;
use oras_content::{Blob, Descriptor, Fetcher as _, MediaType, Pusher as _, fs::FileSource};
use oras_layout::OciLayout;
use oras_registry::{Action, Fault, RequestKind};
use oras_remote::{Registry, Repository, UploadState, UploadStrategy};
use tokio::time::Instant;

use super::harness::{Lab, blob_of, is_there, options};

const LEN: usize = 48 << 20;
const KILLS: usize = 6;
/// What a restart may move besides what is missing.
const SLACK: u64 = 8 << 20;
const DEADLINE: Duration = Duration::from_secs(60);

/// What the child works on.
struct Job {
    repo: Repository,
    desc: Descriptor,
    dir: PathBuf,
}

impl Job {
    /// The job of this process, if it is a child.
    fn of_this_process() -> Option<Self> {
        let text = std::env::var("TRANSFER").ok()?;
        let [host, digest, dir] = text.split(' ').collect::<Vec<_>>().try_into().unwrap();
        let repo = Registry::new(host, options()).unwrap().repository("acme/rocket").unwrap();
        let desc = Descriptor::new(MediaType::OCTET_STREAM, digest.parse().unwrap(), LEN as u64);
        Some(Self { repo, desc, dir: dir.into() })
    }
}

fn start(test: &str, lab: &Lab, desc: &Descriptor, dir: &Path) -> Child {
    let job = format!("{} {} {}", lab.server.host(), desc.digest, dir.display());
    let test = format!("remote::killed::{test}");
    Command::new(std::env::current_exe().unwrap()).args(["--exact", &test]).env("TRANSFER", job).spawn().unwrap()
}

/// Waits until `condition` holds, or the child has ended.
async fn wait(child: &mut Child, condition: impl Fn() -> bool) -> bool {
    let deadline = Instant::now() + DEADLINE;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the child failed");
            return true;
        }
        if condition() {
            child.kill().unwrap();
            child.wait().unwrap();
            return false;
        }
        assert!(Instant::now() < deadline, "the child takes too long");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// Kills the child several times, then lets it end; gives how much of the content was safe before the last start, and how
/// many bytes moved after it.
async fn run(start: impl Fn() -> Child, safe: impl Fn() -> u64, moved: impl Fn() -> u64) -> (u64, u64) {
    for kill in 0..KILLS {
        let before = moved();
        let some = (3 + kill as u64 * 7 % 4) << 20;
        assert!(!wait(&mut start(), || moved() - before > some).await, "it ended before it was killed");
    }
    let (safe, before) = (safe(), moved());
    assert!(wait(&mut start(), || false).await);
    (safe, moved() - before)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pull_that_is_killed_moves_only_what_is_missing() {
    if let Some(Job { repo, desc, dir }) = Job::of_this_process() {
        let layout = OciLayout::create(&dir).await.unwrap();
        return layout.push(&desc, repo.fetch(&desc).await.unwrap()).await.unwrap();
    }
    let slow = Fault::new(Action::Throttle(40 << 20)).on(RequestKind::BlobGet);
    let lab = Lab::new(|behaviour| behaviour.faults.push(slow)).await;
    let (desc, bytes) = content();
    lab.repo.push(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (safe, moved) = run(
        || start("a_pull_that_is_killed_moves_only_what_is_missing", &lab, &desc, dir.path()),
        || partial_len(dir.path()),
        || lab.server.counters().bytes_sent(),
    )
    .await;
    assert!(safe >= 10 << 20, "only {safe} bytes survived");
    assert!(moved <= LEN as u64 - safe + SLACK, "{moved} bytes moved, {safe} of {LEN} were there");
    let layout = OciLayout::open(dir.path()).await.unwrap();
    assert_eq!(layout.fetch(&desc).await.unwrap().bytes(u64::MAX).await.unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_push_in_chunks_that_is_killed_moves_only_what_is_missing() {
    if let Some(Job { repo, desc, dir }) = Job::of_this_process() {
        let (file, saved) = (dir.join("content"), dir.join("state"));
        let upload = repo.upload(&desc, FileSource::new(file).into_blob(Some(desc.size)));
        let upload = match read_state(&dir) {
            Some(state) => upload.with_state(state),
            None => upload.with_strategy(UploadStrategy::Chunked(1 << 20)),
        };
        let save = |state: &UploadState| {
            let new = saved.with_extension("new");
            std::fs::write(&new, serde_json::json!(state).to_string()).unwrap();
            std::fs::rename(new, &saved).unwrap();
        };
        return upload.on_checkpoint(save).send().await.unwrap();
    }
    let slow = Fault::new(Action::Delay(Duration::from_millis(20))).on(RequestKind::UploadChunk);
    let lab = Lab::new(|behaviour| behaviour.faults.push(slow)).await;
    let (desc, bytes) = content();
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("content"), &bytes).unwrap();
    let (safe, moved) = run(
        || start("a_push_in_chunks_that_is_killed_moves_only_what_is_missing", &lab, &desc, dir.path()),
        || read_state(dir.path()).map_or(0, |state| state.offset()),
        || lab.server.counters().bytes_received(),
    )
    .await;
    assert!(safe >= 10 << 20, "only {safe} bytes survived");
    assert!(moved <= LEN as u64 - safe + SLACK, "{moved} bytes moved, {safe} of {LEN} were there");
    assert_eq!(lab.count(RequestKind::UploadStart), 1);
    is_there(&lab, &desc, &bytes).await;
}

fn content() -> (Descriptor, Bytes) {
    let (_, block) = blob_of(1 << 20);
    let bytes: Bytes =
        (0..LEN >> 20).flat_map(|at| [block.slice(at..), block.slice(..at)]).collect::<Vec<_>>().concat().into();
    (Descriptor::of(MediaType::OCTET_STREAM, &bytes), bytes)
}

fn read_state(dir: &Path) -> Option<UploadState> {
    serde_json::from_slice(&std::fs::read(dir.join("state")).ok()?).ok()
}

/// The length of the longest partial file of a layout.
fn partial_len(dir: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(dir.join("ingest")) else {
        return 0;
    };
    entries.filter_map(|entry| Some(entry.ok()?.metadata().ok()?.len())).max().unwrap_or(0)
}
