#![cfg(unix)]

use std::{
    fs,
    os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink as plant_link},
    time::{Duration, UNIX_EPOCH},
};

use oras_content::ErrorKind;
use oras_descriptor::{
    Digest,
    annotation::{CONTENT_DIGEST, TITLE},
};
use oras_file::{Duplicates, FileOptions, LinkPolicy, PrivilegedBits, SpecialFiles, UnpackPolicy};

use crate::support::{
    Entry, archive, dir, file, fresh, gzip, hard_link, packed, plant, push, push_archive, read, symlink, tree, unpack,
    with,
};

fn policy(policy: UnpackPolicy) -> FileOptions {
    FileOptions::new().with_unpack(policy)
}

async fn unpacked(options: FileOptions, entries: &[Entry<'_>]) -> Vec<(String, String)> {
    let (dir, result) = unpack(options, entries).await;
    result.unwrap();
    tree(&dir.path().join("work/base"))
}

async fn refused(options: FileOptions, entries: &[Entry<'_>]) -> ErrorKind {
    let (dir, result) = unpack(options, entries).await;
    assert!(tree(&dir.path().join("outside")).is_empty(), "something was written outside");
    assert!(tree(&dir.path().join("work")).is_empty(), "something was left");
    result.unwrap_err().kind()
}

fn is(path: &str, what: &str) -> (String, String) {
    (path.to_owned(), what.to_owned())
}

#[tokio::test]
async fn an_archive_is_unpacked_into_the_directory_of_its_name() {
    let entries = [dir("base/"), file("base/a", "1"), dir("base/d"), file("./base//d/b", "2")];
    assert_eq!(unpacked(FileOptions::new(), &entries).await, [is("a", "1"), is("d", "dir"), is("d/b", "2")]);
}

#[tokio::test]
async fn the_archive_stays_fetchable_and_its_plain_digest_is_checked() {
    let (_dir, store) = fresh();
    let plain = archive(&[file("base/a", "1")]);
    let (desc, bytes) = packed("base", gzip(&plain));
    let right = desc.clone().with_annotation(CONTENT_DIGEST, Digest::of(&plain).as_str());
    push(&store, (right.clone(), bytes.clone())).await.unwrap();
    assert_eq!(read(&store, &right).await.unwrap(), bytes);

    let (_dir, store) = fresh();
    let wrong = desc.clone().with_annotation(CONTENT_DIGEST, Digest::of(b"else").as_str());
    assert_eq!(push(&store, (wrong, bytes.clone())).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(tree(store.root()).is_empty());
    let garbage = desc.with_annotation(CONTENT_DIGEST, "garbage");
    push(&store, (garbage, bytes)).await.unwrap();
}

#[tokio::test]
async fn an_archive_stays_one_where_unpacking_is_off() {
    let (_dir, store) = with(FileOptions::new().with_skip_unpack(true));
    let (desc, bytes) = packed("base", gzip(&archive(&[file("base/a", "1")])));
    push(&store, (desc, bytes.clone())).await.unwrap();
    assert_eq!(fs::read(store.root().join("base")).unwrap(), bytes);
}

#[tokio::test]
async fn entries_outside_of_the_name_are_refused() {
    for name in ["other/a", "base2/a", "../base/a", "base/../../outside/a", "base/../base/a", "/etc/a", "/base/a"] {
        assert_eq!(refused(FileOptions::new(), &[file(name, "x")]).await, ErrorKind::Denied, "{name}");
    }
    let (dir, store) = fresh();
    let absolute = format!("{}/base/a", store.root().display());
    push_archive(&store, &[file(&absolute, "x")]).await.unwrap();
    assert_eq!(tree(&dir.path().join("work/base")), [is("a", "x")]);
}

#[tokio::test]
async fn missing_parents_are_created() {
    let entries = [file("base/x/y/z", "1")];
    assert_eq!(unpacked(FileOptions::new(), &entries).await, [is("x", "dir"), is("x/y", "dir"), is("x/y/z", "1")]);
}

#[tokio::test]
async fn links_that_stay_inside_work() {
    let entries = [
        file("base/d/t", "target"),
        symlink("base/to-file", "d/t"),
        symlink("base/to-dir", "d"),
        symlink("base/d/up", "../d/t"),
        symlink("base/dangling", "nowhere"),
        symlink("base/loop", "loop"),
        file("base/to-dir/through", "1"),
        hard_link("base/from-root", "base/d/t"),
        hard_link("base/d/from-here", "t"),
        hard_link("base/via", "base/to-dir/t"),
    ];
    let expected = [
        is("d", "dir"),
        is("d/from-here", "target"),
        is("d/t", "target"),
        is("d/through", "1"),
        is("d/up", "-> ../d/t"),
        is("dangling", "-> nowhere"),
        is("from-root", "target"),
        is("loop", "-> loop"),
        is("to-dir", "-> d"),
        is("to-file", "-> d/t"),
        is("via", "target"),
    ];
    assert_eq!(unpacked(FileOptions::new(), &entries).await, expected);
    let strict = policy(UnpackPolicy::new().with_links(LinkPolicy::Refuse));
    assert_eq!(refused(strict.clone(), &entries[..2]).await, ErrorKind::Denied);
    assert_eq!(refused(strict, &[file("base/a", ""), hard_link("base/b", "base/a")]).await, ErrorKind::Denied);
}

#[tokio::test]
async fn an_absolute_link_is_kept_when_it_stays_inside() {
    let (dir, store) = fresh();
    let inside = format!("{}/base/a", store.root().display());
    let beside = format!("{}/other", store.root().display());
    let sneaky = format!("{}/base/../../outside", store.root().display());
    push_archive(&store, &[file("base/a", "1"), symlink("base/l", &inside)]).await.unwrap();
    assert_eq!(fs::read(dir.path().join("work/base/l")).unwrap(), b"1");
    for target in [beside.as_str(), sneaky.as_str(), "/etc/passwd"] {
        let (_dir, store) = fresh();
        let error = push_archive(&store, &[symlink("base/l", target)]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied, "{target}");
    }
}

#[tokio::test]
async fn links_that_lead_out_are_refused() {
    let cases: [&[Entry<'_>]; 7] = [
        &[symlink("base/l", "../outside")],
        &[symlink("base/l", "../../outside")],
        &[symlink("base/d/l", "../../x")],
        &[symlink("base/l", "a/../../x")],
        &[hard_link("base/l", "../outside/x")],
        &[hard_link("base/l", "/etc/passwd")],
        &[hard_link("base/l", "base/nothing")],
    ];
    for entries in cases {
        assert_eq!(
            refused(FileOptions::new(), entries).await,
            ErrorKind::Denied,
            "{} -> {}",
            entries[0].name,
            entries[0].link
        );
    }
}

#[tokio::test]
async fn a_hard_link_to_a_link_is_refused() {
    let entries = [symlink("base/d/l", "../x"), hard_link("base/h", "base/d/l")];
    assert_eq!(refused(FileOptions::new(), &entries).await, ErrorKind::Denied);
}

#[tokio::test]
async fn one_archive_may_link_into_another_where_that_is_asked_for() {
    let entries = [symlink("base/l", "../shared/lib")];
    assert_eq!(refused(FileOptions::new(), &entries).await, ErrorKind::Denied);
    let options = policy(UnpackPolicy::new().with_links(LinkPolicy::InsideStore));
    let (_dir, store) = with(options.clone());
    push(&store, packed("shared", gzip(&archive(&[file("shared/lib", "lib")])))).await.unwrap();
    push_archive(&store, &entries).await.unwrap();
    assert_eq!(fs::read(store.root().join("base/l")).unwrap(), b"lib");
    assert_eq!(refused(options, &[symlink("base/l", "../../outside")]).await, ErrorKind::Denied);
}

#[tokio::test]
async fn a_file_takes_the_place_of_a_link_and_does_not_go_through_it() {
    let (dir, store) = fresh();
    fs::create_dir_all(store.root().join("base")).unwrap();
    fs::write(dir.path().join("outside/victim"), "old").unwrap();
    plant_link("../../outside/victim", store.root().join("base/a")).unwrap();
    push_archive(&store, &[file("base/a", "new")]).await.unwrap();
    assert_eq!(fs::read(dir.path().join("outside/victim")).unwrap(), b"old");
    assert_eq!(tree(&store.root().join("base")), [is("a", "new")]);
}

#[tokio::test]
async fn an_existing_link_is_replaced_by_a_link() {
    let (_dir, store) = fresh();
    fs::create_dir_all(store.root().join("base")).unwrap();
    plant_link("x", store.root().join("base/l")).unwrap();
    push_archive(&store, &[symlink("base/l", "y")]).await.unwrap();
    assert_eq!(tree(&store.root().join("base")), [is("l", "-> y")]);
}

#[tokio::test]
async fn special_files_are_left_out_or_refused() {
    let special = |kind| Entry { kind, name: "base/x", link: "", mode: 0o644, content: b"" };
    for kind in [b'3', b'4', b'6'] {
        let entries = [special(kind), file("base/a", "1")];
        assert_eq!(unpacked(FileOptions::new(), &entries).await, [is("a", "1")]);
        let strict = policy(UnpackPolicy::new().with_special_files(SpecialFiles::Refuse));
        assert_eq!(refused(strict, &entries).await, ErrorKind::Denied);
    }
}

#[tokio::test]
async fn of_entries_with_one_path_the_last_wins_or_none() {
    let entries = [
        file("base/a", "1"),
        symlink("base/b", "a"),
        file("base/b", "2"),
        file("base/a", "3"),
        dir("base"),
        dir("base"),
    ];
    assert_eq!(unpacked(FileOptions::new(), &entries).await, [is("a", "3"), is("b", "2")]);
    let strict = policy(UnpackPolicy::new().with_duplicates(Duplicates::Refuse));
    assert_eq!(refused(strict.clone(), &entries).await, ErrorKind::Denied);
    assert_eq!(unpacked(strict, &[dir("base"), file("base/a", "1"), dir("base")]).await, [is("a", "1")]);
}

#[tokio::test]
async fn modes_and_times_are_restored() {
    let mut entries = [dir("base"), file("base/x", "1"), dir("base/ro"), file("base/ro/y", "2")];
    entries[1].mode = 0o640;
    entries[2].mode = 0o555;
    entries[3].mode = 0o400;
    let (dir, result) = unpack(FileOptions::new(), &entries).await;
    result.unwrap();
    let at = |path: &str| fs::metadata(dir.path().join("work/base").join(path)).unwrap();
    let mode = |path: &str| at(path).permissions().mode() & 0o7777;
    assert_eq!((mode("x") & !0o040, mode("ro") & !0o055, mode("ro/y")), (0o600, 0o500, 0o400));
    for path in ["", "x", "ro", "ro/y"] {
        assert_eq!(at(path).modified().unwrap(), UNIX_EPOCH + Duration::from_secs(1_000_000_000), "{path}");
    }
    fs::set_permissions(dir.path().join("work/base/ro"), fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn permissions_are_those_of_the_archive_where_that_is_asked_for() {
    let mut entries = [dir("base/d"), file("base/d/x", "1")];
    entries[0].mode = 0o777;
    entries[1].mode = 0o666;
    let (dir, result) = unpack(FileOptions::new().with_preserve_permissions(true), &entries).await;
    result.unwrap();
    let mode =
        |path: &str| fs::metadata(dir.path().join("work/base").join(path)).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode("d"), mode("d/x")), (0o777, 0o666));
}

#[tokio::test]
async fn privileged_bits_are_cleared_kept_or_refused() {
    let mut entries = [file("base/x", "1")];
    entries[0].mode = 0o4755;
    let mode = async |bits| {
        let options = policy(UnpackPolicy::new().with_privileged_bits(bits)).with_preserve_permissions(true);
        let (dir, result) = unpack(options, &entries).await;
        result.map(|()| fs::metadata(dir.path().join("work/base/x")).unwrap().permissions().mode() & 0o7777)
    };
    assert_eq!(mode(PrivilegedBits::Clear).await.unwrap(), 0o755);
    assert_eq!(mode(PrivilegedBits::Keep).await.unwrap(), 0o4755);
    assert_eq!(mode(PrivilegedBits::Refuse).await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn bombs_are_stopped() {
    let many: Vec<String> = (0..20).map(|n| format!("base/{n}")).collect();
    let entries: Vec<_> = many.iter().map(|name| file(name, "")).collect();
    let kind = async |limits: UnpackPolicy, entries: &[Entry<'_>]| refused(policy(limits), entries).await;
    assert_eq!(kind(UnpackPolicy::new().with_max_entries(19), &entries).await, ErrorKind::SizeExceedsLimit);
    let large = "x".repeat(100_000);
    let large = [file("base/large", &large)];
    assert_eq!(kind(UnpackPolicy::new().with_max_size(99_999), &large).await, ErrorKind::SizeExceedsLimit);
    let zeros = "\0".repeat(20 << 20);
    let zeros = [file("base/zeros", &zeros)];
    assert_eq!(kind(UnpackPolicy::new().with_max_ratio(100), &zeros).await, ErrorKind::SizeExceedsLimit);
    assert_eq!(unpacked(policy(UnpackPolicy::new().with_max_ratio(2000)), &zeros).await.len(), 1);
}

/// A few blocks that stand for a file of holes, and a name that goes on for ever: both are held back by limits of their own.
#[tokio::test]
async fn holes_and_endless_headers_are_bombs_too() {
    let mut header = tar::Header::new_gnu();
    header.set_path("base/holes").unwrap();
    header.set_entry_type(tar::EntryType::GNUSparse);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_size(0);
    let gnu = header.as_gnu_mut().unwrap();
    gnu.realsize = *b"00400000000\0";
    gnu.sparse[0].offset = *b"00400000000\0";
    gnu.sparse[0].numbytes = *b"00000000000\0";
    header.set_cksum();
    let holes = [header.as_bytes().as_slice(), &[0; 1024]].concat();
    let (_dir, store) = fresh();
    let error = push(&store, packed("base", gzip(&holes))).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit, "{error}");
    assert!(tree(store.root()).is_empty());

    let long = |len: usize| Entry { kind: b'L', name: "long", link: "", mode: 0, content: &[b'n'; 2 << 20][..len] };
    let skipped = Entry { kind: b'3', name: "base/device", link: "", mode: 0o644, content: &[0; 2 << 20] };
    assert_eq!(refused(FileOptions::new(), &[long(2 << 20), file("base/a", "1")]).await, ErrorKind::SizeExceedsLimit);
    assert_eq!(unpacked(FileOptions::new(), &[skipped, file("base/a", "1")]).await, [is("a", "1")]);
}

#[tokio::test]
async fn a_broken_archive_leaves_nothing() {
    let whole = archive(&[file("base/a", &"x".repeat(5000))]);
    let bad: [bytes::Bytes; 4] = [
        gzip(&whole[..3000]),
        gzip(b"this is no archive at all, however long it may go on, and it has no header".repeat(20).as_slice()),
        gzip(&whole).slice(..60),
        whole.slice(..2000),
    ];
    for bytes in bad {
        let (_dir, store) = fresh();
        assert_eq!(push(&store, packed("base", bytes)).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert!(tree(store.root()).is_empty());
    }
}

#[tokio::test]
async fn archives_without_compression_are_unpacked_too() {
    let (_dir, store) = fresh();
    push(&store, packed("base", archive(&[file("base/a", "1")]))).await.unwrap();
    assert_eq!(tree(&store.root().join("base")), [is("a", "1")]);
}

#[tokio::test]
async fn an_archive_goes_into_a_directory_that_is_there() {
    let (_dir, store) = fresh();
    fs::create_dir_all(store.root().join("base/d")).unwrap();
    plant(&store, "base/mine", "mine");
    push_archive(&store, &[file("base/d/a", "1"), dir("base/d")]).await.unwrap();
    assert_eq!(tree(&store.root().join("base")), [is("d", "dir"), is("d/a", "1"), is("mine", "mine")]);
    let (_dir, keeping) = with(FileOptions::new().with_keep_existing(true));
    fs::create_dir_all(keeping.root().join("base")).unwrap();
    let pushed = push_archive(&keeping, &[file("base/a", "1")]).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn a_renamed_archive_is_unpacked_under_its_new_name() {
    let (_dir, store) = with(FileOptions::new().with_rename(|_, name| format!("new/{name}2")));
    push_archive(&store, &[file("base/a", "1")]).await.unwrap();
    assert_eq!(tree(&store.root().join("new")), [is("base2", "dir"), is("base2/a", "1")]);
    let titled = packed("other", gzip(&archive(&[file("base/a", "1")])));
    assert_eq!(titled.0.annotations[TITLE], "other");
    assert_eq!(push(&store, titled).await.unwrap_err().kind(), ErrorKind::Denied);
}

#[tokio::test]
async fn an_archive_of_the_directory_itself_is_unpacked_into_it() {
    let (_dir, store) = fresh();
    push(&store, packed(".", gzip(&archive(&[dir("./"), file("a", "1")])))).await.unwrap();
    assert_eq!(tree(store.root()), [is("a", "1")]);
}

#[tokio::test]
async fn hard_links_share_a_file() {
    let (dir, result) = unpack(FileOptions::new(), &[file("base/a", "1"), hard_link("base/b", "base/a")]).await;
    result.unwrap();
    let inode = |name: &str| fs::metadata(dir.path().join("work/base").join(name)).unwrap().ino();
    assert_eq!(inode("a"), inode("b"));
}

#[tokio::test]
async fn names_in_an_archive_are_portable_where_that_is_asked_for() {
    let options = FileOptions::new().with_portable_names(true);
    assert_eq!(refused(options.clone(), &[file("base/nul", "x")]).await, ErrorKind::Unsupported);
    assert_eq!(unpacked(options, &[dir("base/"), file("base/ok", "x")]).await, [is("ok", "x")]);
}
