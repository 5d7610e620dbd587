//! Several processes on one layout: this test binary runs itself again, told by the environment what to do.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use oras_content::{Blob, ErrorKind, Pusher as _, Resolver as _, Tagger as _};
use oras_layout::{LayoutOptions, OciLayout};

use crate::support::{artifact, content, leftovers, listed, tags};

const PROCESSES: usize = 8;
/// How much each pushes, unless the environment asks for more.
const PUSHES: (&str, usize) = ("ORAS_TEST_PUSHES", 25);
/// How many are killed, unless the environment asks for more.
const KILLS: (&str, usize) = ("ORAS_TEST_KILLS", 10);
/// Long enough for one push of each process on a machine that does much else.
const ROUND_LIMIT: Duration = Duration::from_secs(5);

const ROOT: &str = "ORAS_TEST_LAYOUT";
const NAME: &str = "ORAS_TEST_NAME";
const COUNT: &str = "ORAS_TEST_COUNT";

fn size((variable, usual): (&str, usize)) -> usize {
    std::env::var(variable).map_or(usual, |text| text.parse().unwrap())
}

/// What a child does; alone it does nothing.
#[tokio::test]
async fn child_pushes_and_tags() {
    let Ok(root) = std::env::var(ROOT) else { return };
    let (name, count) = (std::env::var(NAME).unwrap(), std::env::var(COUNT).unwrap().parse().unwrap());
    let layout = OciLayout::create_with(root, LayoutOptions::new().with_sync_index(false)).await.unwrap();
    for n in 0..count {
        let shared = content(&format!("{n} shared by all ").repeat(10_000));
        match layout.push(&shared.0, Blob::from_bytes(shared.1)).await {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => panic!("{error}"),
            _ => {}
        }
        let desc = artifact(&layout, &format!("{name} {n}"), None).await;
        layout.tag(&desc, &format!("{name}-{n}")).await.unwrap();
        assert_eq!(layout.resolve(&format!("{name}-{n}")).await.unwrap(), desc);
    }
}

struct Running(Child);

impl Running {
    fn start(root: &Path, name: &str, count: usize) -> Self {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "processes::child_pushes_and_tags"])
            .envs([(ROOT, root.to_str().unwrap()), (NAME, name), (COUNT, &count.to_string())])
            .stdout(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn root() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().join("layout");
    (dir, root)
}

#[tokio::test]
async fn nothing_is_lost_when_processes_push_and_tag_at_once_and_readers_see_whole_indexes() {
    let (_dir, root) = root();
    let (pushes, started) = (size(PUSHES), Instant::now());
    let reader = OciLayout::create(&root).await.unwrap();
    let mut children: Vec<_> = (0..PROCESSES).map(|n| Running::start(&root, &format!("p{n}"), pushes)).collect();
    let (deadline, mut seen) = (started + ROUND_LIMIT * pushes.try_into().unwrap(), 0);
    while !children.is_empty() {
        assert!(Instant::now() < deadline, "the processes do not come to an end");
        let now = listed(&root).len();
        assert!(now >= seen, "an entry was lost");
        seen = now;
        tags(&reader).await;
        children.retain_mut(|child| match child.0.try_wait().unwrap() {
            Some(status) => {
                assert!(status.success());
                false
            }
            None => true,
        });
        tokio::task::yield_now().await;
    }
    let mut expected: Vec<_> = (0..PROCESSES).flat_map(|p| (0..pushes).map(move |n| format!("p{p}-{n}"))).collect();
    expected.sort();
    assert_eq!(tags(&reader).await, expected);
    assert_eq!(listed(&root).len(), PROCESSES * pushes);
    println!("figures: {PROCESSES} × {pushes} pushes and tags in {:.1} s", started.elapsed().as_secs_f64());
    assert!(reader.fsck().await.unwrap().is_clean());
    assert!(leftovers(&root).is_empty());
}

#[tokio::test]
async fn a_killed_process_leaves_a_layout_that_opens_and_is_whole() {
    let (_dir, root) = root();
    OciLayout::create(&root).await.unwrap();
    let (kills, mut cut_off) = (size(KILLS), 0);
    for round in 0..kills {
        let before = listed(&root).len();
        let mut child = Running::start(&root, &format!("r{round}"), 10_000);
        // Killed wherever it may be some time after it has done a little, each round a little more.
        let deadline = Instant::now() + Duration::from_secs(60);
        while listed(&root).len() < before + 1 + round % KILLS.1 {
            assert!(Instant::now() < deadline, "the process does nothing");
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_micros(round as u64 * 7919 % 6000)).await;
        child.0.kill().unwrap();
        child.0.wait().unwrap();
        let layout = OciLayout::open(&root).await.unwrap();
        let report = layout.fsck().await.unwrap();
        assert!(report.is_clean(), "{report:?}");
        cut_off += usize::from(!leftovers(&root).is_empty() || !report.unreachable.is_empty());
        artifact(&layout, &format!("after {round}"), None).await;
    }
    let collector = OciLayout::open_with(&root, LayoutOptions::new().with_lease(Duration::ZERO)).await.unwrap();
    let kept = tags(&collector).await;
    collector.gc().await.unwrap();
    assert_eq!(tags(&collector).await, kept);
    assert!(kept.len() >= kills, "each did something before it was killed");
    assert!(collector.fsck().await.unwrap().is_clean());
    assert!(leftovers(&root).is_empty());
    println!("figures: {kills} kills, {cut_off} of them with something left, {} tags", kept.len());
}
