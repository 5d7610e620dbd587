#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
    path::Path,
};

use oras_content::{ErrorKind, MediaType};
use oras_descriptor::annotation::{CONTENT_DIGEST, CONTENT_UNPACK, TITLE};
use oras_file::{Compression, FileOptions, PackOptions, PackTimes};
use serde_json::Value;

use crate::support::{fresh, read, with};

const VECTORS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/oras-go-2.7.0/dirs/cases.jsonl");

fn mode(text: &Value) -> fs::Permissions {
    fs::Permissions::from_mode(u32::from_str_radix(text.as_str().unwrap(), 8).unwrap())
}

/// Makes the tree that a vector describes.
fn plant(root: &Path, case: &Value) {
    fs::create_dir_all(root).unwrap();
    for entry in case["entries"].as_array().unwrap() {
        let path = root.join(entry["path"].as_str().unwrap());
        let target = entry["target"].as_str().unwrap_or_default();
        match entry["type"].as_str().unwrap() {
            "dir" => fs::create_dir(&path).unwrap(),
            "symlink" => symlink(target, &path).unwrap(),
            "hardlink" => fs::hard_link(root.join(target), &path).unwrap(),
            _ => {
                let repeat = entry["repeat"].as_u64().unwrap_or(1).max(1);
                let content = entry["content"].as_str().unwrap_or_default().repeat(usize::try_from(repeat).unwrap());
                fs::write(&path, content).unwrap();
            }
        }
        if let Some(bits) = entry.get("mode") {
            fs::set_permissions(&path, mode(bits)).unwrap();
        }
    }
    fs::set_permissions(root, mode(&case["rootMode"])).unwrap();
}

#[tokio::test]
async fn the_archive_of_a_tree_is_the_one_that_oras_go_makes() {
    let vectors = fs::read_to_string(VECTORS).unwrap();
    let mut count = 0;
    for case in vectors.lines().map(|line| serde_json::from_str::<Value>(line).unwrap()) {
        let (dir, store) = with(FileOptions::new().with_pack(PackOptions::new().with_compression(Compression::None)));
        let root = dir.path().join("tree");
        plant(&root, &case);
        let desc = store.add(case["title"].as_str().unwrap(), None, &root).await.unwrap();
        let found = (desc.digest.as_str(), Some(desc.size));
        assert_eq!(found, (case["tarDigest"].as_str().unwrap(), case["tarSize"].as_u64()), "{}", case["name"]);
        assert_eq!(desc.annotations[CONTENT_DIGEST], desc.digest.as_str());
        count += 1;
    }
    assert!(count >= 20, "{count} vectors");
}

fn sample(root: &Path) {
    fs::create_dir_all(root.join("sub")).unwrap();
    fs::write(root.join("sub/b"), "b".repeat(100_000)).unwrap();
    fs::write(root.join("a"), "a").unwrap();
    symlink("a", root.join("link")).unwrap();
}

#[tokio::test]
async fn a_packed_directory_is_described_with_its_annotations() {
    let (_dir, store) = fresh();
    sample(&store.root().join("d"));
    let desc = store.add("d", None, "").await.unwrap();
    assert_eq!(desc.media_type, MediaType::OCI_LAYER_GZIP);
    assert_eq!(desc.annotations[TITLE], "d");
    assert_eq!(desc.annotations[CONTENT_UNPACK], "true");
    let archive = read(&store, &desc).await.unwrap();
    assert_eq!(archive[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255], "no time, no system");
}

#[tokio::test]
async fn the_same_tree_gives_the_same_archive_whenever_it_was_made() {
    let (_one, one) = fresh();
    let (_two, two) = fresh();
    sample(&one.root().join("d"));
    sample(&two.root().join("d"));
    let later = std::time::SystemTime::now() + std::time::Duration::from_secs(1000);
    fs::File::options().write(true).open(two.root().join("d/a")).unwrap().set_modified(later).unwrap();
    assert_eq!(one.add("d", None, "").await.unwrap(), two.add("d", None, "").await.unwrap());
}

#[tokio::test]
async fn times_are_kept_or_clamped_where_that_is_asked_for() {
    use std::time::{Duration, UNIX_EPOCH};
    let mtimes = async |times| {
        let (_dir, store) = with(
            FileOptions::new().with_pack(PackOptions::new().with_compression(Compression::None).with_times(times)),
        );
        fs::create_dir_all(store.root().join("d")).unwrap();
        for (name, seconds) in [("old", 1000), ("young", 5000)] {
            fs::write(store.root().join("d").join(name), "").unwrap();
            let file = fs::File::options().write(true).open(store.root().join("d").join(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(seconds)).unwrap();
        }
        let desc = store.add("d", None, "").await.unwrap();
        let bytes = read(&store, &desc).await.unwrap();
        let mut archive = tar::Archive::new(bytes.as_ref());
        archive.entries().unwrap().skip(1).map(|entry| entry.unwrap().header().mtime().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(mtimes(PackTimes::Zero).await, [0, 0]);
    assert_eq!(mtimes(PackTimes::Clamp(2000)).await, [1000, 2000]);
    assert_eq!(mtimes(PackTimes::Keep).await, [1000, 5000]);
}

/// What a process sees that another test starts; alone it shows nothing.
#[test]
fn child_reads_the_environment() {
    let Ok(expected) = std::env::var("ORAS_TEST_EXPECTED") else { return };
    assert_eq!(format!("{:?}", PackTimes::from_env()), expected);
}

#[test]
fn source_date_epoch_clamps_times() {
    for (epoch, expected) in
        [(Some("1700000000"), "Clamp(1700000000)"), (Some("soon"), "Zero"), (Some("-1"), "Zero"), (None, "Zero")]
    {
        let mut child = std::process::Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "pack::child_reads_the_environment"]).env("ORAS_TEST_EXPECTED", expected);
        match epoch {
            Some(epoch) => child.env("SOURCE_DATE_EPOCH", epoch),
            None => child.env_remove("SOURCE_DATE_EPOCH"),
        };
        assert!(child.output().unwrap().status.success(), "{epoch:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_packed_is_named() {
    let (dir, store) = fresh();
    fs::create_dir_all(store.root().join("d/sub")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(store.root().join("d/sub/s")).unwrap();
    let error = store.add("d", None, "").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("d/sub/s"), "{error}");
    let error = store.add("e", None, dir.path().join("nothing")).await.unwrap_err();
    assert!(error.kind() == ErrorKind::NotFound && error.to_string().contains("nothing"), "{error}");
}

#[tokio::test]
async fn a_file_that_grows_while_it_is_read_is_an_error_that_names_it() {
    // A file of /proc has no size until it is read.
    if !Path::new("/proc/self/status").exists() {
        return;
    }
    let (_dir, store) = fresh();
    let error = store.add("self", None, "/proc/self/fdinfo").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("/proc/self/fdinfo/"), "{error}");
}

#[tokio::test]
async fn an_abandoned_packing_leaves_the_name_free_and_no_archive() {
    let temp = tempfile::tempdir().unwrap();
    let (_dir, store) = with(FileOptions::new().with_temp_dir(temp.path()));
    let root = store.root().join("d");
    fs::create_dir_all(&root).unwrap();
    fs::File::create(root.join("large")).unwrap().set_len(1 << 32).unwrap();
    {
        let mut adding = std::pin::pin!(store.add("d", None, ""));
        assert!(futures_util::FutureExt::now_or_never(adding.as_mut()).is_none());
    }
    fs::remove_file(root.join("large")).unwrap();
    store.add("d", None, "").await.unwrap();
    let archives = || fs::read_dir(fs::read_dir(temp.path()).unwrap().next().unwrap().unwrap().path()).unwrap().count();
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while archives() > 1 {
        assert!(std::time::Instant::now() < deadline, "the thread goes on");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_directory_is_compressed_on_several_threads_where_that_is_asked_for() {
    use oras_content::{Fetcher as _, Pusher as _};
    let mut digests = Vec::new();
    for threads in [1, 3] {
        let compression =
            Compression::ParallelGzip { level: 6, threads: std::num::NonZeroUsize::new(threads).unwrap() };
        let (_dir, from) = with(FileOptions::new().with_pack(PackOptions::new().with_compression(compression)));
        sample(&from.root().join("d"));
        fs::write(from.root().join("d/large"), "0123456789abcdef".repeat(200_000)).unwrap();
        let desc = from.add("d", None, "").await.unwrap();
        let (_dir, to) = fresh();
        to.push(&desc, from.fetch(&desc).await.unwrap()).await.unwrap();
        assert_eq!(crate::support::tree(to.root()), crate::support::tree(from.root()));
        digests.push(desc);
    }
    assert_eq!(digests[0], digests[1], "the number of threads makes no difference");
}

#[cfg(feature = "zstd")]
#[tokio::test]
async fn a_directory_goes_out_and_in_with_zstd() {
    use oras_content::{Fetcher as _, Pusher as _};
    let (_dir, from) = with(FileOptions::new().with_pack(PackOptions::new().with_compression(Compression::Zstd(3))));
    sample(&from.root().join("d"));
    let desc = from.add("d", None, "").await.unwrap();
    assert_eq!(desc.media_type, MediaType::OCI_LAYER_ZSTD);
    let (_dir, to) = fresh();
    to.push(&desc, from.fetch(&desc).await.unwrap()).await.unwrap();
    assert_eq!(crate::support::tree(to.root()), crate::support::tree(from.root()));
}
