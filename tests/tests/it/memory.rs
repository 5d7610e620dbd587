//! Memory of one transfer, whatever its size: measured in processes of their own, which are this program again.

use std::{
    fmt::Display,
    io::{BufRead as _, BufReader, Read as _},
    num::NonZeroUsize,
    process::{Child, ChildStdout, Command, Stdio},
};

use futures_util::{StreamExt as _, stream};
use oras_content::{
    Blob, Descriptor, Digest, Fetcher as _, MediaType, Pusher as _, ReadOnlyStorage as _, fs::FileSource,
};
use oras_copy::{CopyOptions, copy_graph};
use oras_descriptor::{Index, canonical};
use oras_registry::Server;
use oras_remote::Repository;

use crate::support::{image, plain, push, random_bytes};

/// What a process does in place of the test.
const ROLE: &str = "ORAS_TEST_ROLE";
const HOST: &str = "ORAS_TEST_HOST";
const FILE: &str = "ORAS_TEST_FILE";
const BYTES: &str = "ORAS_TEST_BYTES";

const SIZE: usize = 64 << 20;
/// What one transfer may take, in KiB, with an unoptimised program of all these tests around it. A client alone is held to
/// 24 MiB by `cargo xtask interop`.
const LIMIT: u64 = 32 << 10;

/// The most memory that this process has had, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

/// Tells the process that started this one.
#[expect(clippy::print_stdout, reason = "the other process reads it")]
fn tell(word: &str, value: impl Display) {
    println!("{word} {value}");
}

/// This program as another process, which runs only `test`, as `role`.
fn start(test: &str, role: &str, variables: &[(&str, &str)]) -> Child {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", test, "--nocapture", "--test-threads=1"]).env(ROLE, role);
    command.envs(variables.iter().copied());
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// What a process says behind a word.
fn say(lines: &mut BufReader<ChildStdout>, word: &str) -> String {
    let lines = lines.lines().map_while(Result::ok);
    let found = lines.into_iter().find_map(|line| Some(line.split_once(word)?.1.trim().to_owned()));
    found.unwrap_or_else(|| panic!("no {word} was said"))
}

/// A registry as a process; it ends with its standard input.
struct Registry {
    child: Child,
    host: String,
}

impl Registry {
    fn start(test: &str) -> Self {
        let mut child = start(test, "registry", &[]);
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, host: say(&mut lines, "serving") }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Plays a role to its end, and gives what it tells behind a word.
fn told(test: &str, role: &str, variables: &[(&str, &str)], word: &str) -> Vec<String> {
    let mut child = start(test, role, variables);
    let mut text = String::new();
    child.stdout.take().unwrap().read_to_string(&mut text).unwrap();
    assert!(child.wait().unwrap().success(), "{role}: {text}");
    text.lines().filter_map(|line| Some(line.split_once(word)?.1.trim().to_owned())).collect()
}

/// Plays a role to its end, and gives the peaks it tells.
fn play(test: &str, role: &str, variables: &[(&str, &str)]) -> Vec<u64> {
    told(test, role, variables, "peak ").iter().map(|peak| peak.parse().unwrap()).collect()
}

fn block_on(work: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work);
}

async fn serve() {
    let server = Server::builder().start().await.unwrap();
    tell("serving", server.host());
    tokio::task::spawn_blocking(|| std::io::stdin().read_to_end(&mut Vec::new())).await.unwrap().unwrap();
}

fn variable(name: &str) -> String {
    std::env::var(name).unwrap()
}

fn open(name: &str) -> Repository {
    Repository::new(&format!("{}/{name}", variable(HOST)), plain()).unwrap()
}

/// What is in the file, described without reading it whole.
fn described(path: &str) -> Descriptor {
    let mut hasher = oras_descriptor::Algorithm::Sha256.hasher();
    let mut file = std::fs::File::open(path).unwrap();
    let mut buffer = vec![0; 64 << 10];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => break,
            read => hasher.update(&buffer[..read]),
        }
    }
    Descriptor::new(MediaType::OCI_LAYER, hasher.finish(), SIZE as u64)
}

async fn push_one() {
    let path = variable(FILE);
    let desc = described(&path);
    open("big").push(&desc, FileSource::new(&path).into_blob(Some(desc.size))).await.unwrap();
    tell("peak", peak());
}

async fn pull_one() {
    let digest: Digest = variable(FILE).parse().unwrap();
    let desc = Descriptor::new(MediaType::OCI_LAYER, digest, SIZE as u64);
    let dir = tempfile::tempdir().unwrap();
    let blob: Blob = open("big").fetch(&desc).await.unwrap();
    let file = std::fs::File::create_new(dir.path().join("blob")).unwrap();
    oras_content::fs::write_blob(blob, file).await.unwrap();
    assert_eq!(std::fs::metadata(dir.path().join("blob")).unwrap().len(), SIZE as u64);
    tell("peak", peak());
}

#[test]
fn a_transfer_needs_little_memory_whatever_its_size() {
    const TEST: &str = "memory::a_transfer_needs_little_memory_whatever_its_size";
    match std::env::var(ROLE).as_deref() {
        Ok("registry") => return block_on(serve()),
        Ok("push") => return block_on(push_one()),
        Ok("pull") => return block_on(pull_one()),
        _ => {}
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("blob");
    let bytes = random_bytes(SIZE, 1);
    std::fs::write(&path, &bytes).unwrap();
    let digest = Digest::of(&bytes).to_string();
    let registry = Registry::start(TEST);
    for (role, file) in [("push", path.to_str().unwrap()), ("pull", digest.as_str())] {
        let peaks = play(TEST, role, &[(HOST, registry.host.as_str()), (FILE, file)]);
        assert!(peaks.len() == 1 && peaks[0] <= LIMIT, "{role}: {peaks:?} KiB of {LIMIT}");
    }
}

async fn copy_many() {
    let (from, to) = (open("from"), open("to"));
    // One client, so that what it remembers is counted too; nothing is mounted, so that bytes move.
    let eight = NonZeroUsize::new(8).unwrap();
    let options = CopyOptions::new().with_concurrency(eight).with_mount_from_source(false);
    for seed in 0..200 {
        let desc = image(&from, 3, 20_000, seed).await;
        copy_graph(&from, &to, &desc, &options).await.unwrap();
        if (seed + 1) % 50 == 0 {
            tell("peak", peak());
        }
    }
}

#[test]
fn copying_many_images_needs_no_more_memory_than_a_few() {
    const TEST: &str = "memory::copying_many_images_needs_no_more_memory_than_a_few";
    match std::env::var(ROLE).as_deref() {
        Ok("registry") => return block_on(serve()),
        Ok("copy") => return block_on(copy_many()),
        _ => {}
    }
    let registry = Registry::start(TEST);
    let peaks = play(TEST, "copy", &[(HOST, registry.host.as_str())]);
    assert_eq!(peaks.len(), 4);
    assert!(peaks[3] <= peaks[0] + 4096 && peaks[3] <= LIMIT, "{peaks:?} KiB after each fifty images");
}

/// How many images an index has, and what its copy may take, in KiB.
const IMAGES: u64 = 1000;
const INDEX_LIMIT: u64 = 48 << 10;

async fn fill_index() {
    let from = open("from");
    let pushes = (0..IMAGES).map(|seed| image(&from, 3, 20_000, seed));
    let entries: Vec<_> = stream::iter(pushes).buffered(8).collect().await;
    let root = push(&from, &MediaType::OCI_INDEX, &canonical(&Index::new(entries))).await;
    tell("root", format_args!("{} {}", root.digest, root.size));
}

async fn copy_index() {
    let (from, to) = (open("from"), open("to"));
    let root = Descriptor::new(MediaType::OCI_INDEX, variable(FILE).parse().unwrap(), variable(BYTES).parse().unwrap());
    let eight = NonZeroUsize::new(8).unwrap();
    let options = CopyOptions::new().with_concurrency(eight).with_mount_from_source(false);
    copy_graph(&from, &to, &root, &options).await.unwrap();
    assert!(to.exists(&root).await.unwrap());
    tell("peak", peak());
}

#[test]
fn copying_a_thousand_images_of_three_layers_eight_at_once_stays_under_48_mib() {
    const TEST: &str = "memory::copying_a_thousand_images_of_three_layers_eight_at_once_stays_under_48_mib";
    match std::env::var(ROLE).as_deref() {
        Ok("registry") => return block_on(serve()),
        Ok("fill") => return block_on(fill_index()),
        Ok("copy") => return block_on(copy_index()),
        _ => {}
    }
    let registry = Registry::start(TEST);
    let host = (HOST, registry.host.as_str());
    let root = told(TEST, "fill", &[host], "root ");
    let (digest, size) = root[0].split_once(' ').unwrap();
    let peaks = play(TEST, "copy", &[host, (FILE, digest), (BYTES, size)]);
    tell("figures:", format_args!("{} KiB at most for {IMAGES} images", peaks[0]));
    assert!(peaks.len() == 1 && peaks[0] <= INDEX_LIMIT, "{peaks:?} KiB of {INDEX_LIMIT}");
}
