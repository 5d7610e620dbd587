//! Each published hole of oras-go that lets an artifact touch files it should not.
#![cfg(unix)]

use std::{fs, os::unix::fs::symlink as plant_link};

use oras_content::ErrorKind;
use oras_file::FileOptions;

use crate::support::{
    archive, dir, file, fresh, gzip, hard_link, named, packed, plant, push, push_archive, symlink, tree, unpack,
};

/// A directory of the store is a link to somewhere else, and a title names a file below it.
#[tokio::test]
async fn ghsa_8xwf_rjm4_xvhv_a_title_does_not_lead_through_a_link_out_of_the_directory() {
    for target in ["../outside", "ABSOLUTE"] {
        let (dir, store) = fresh();
        fs::create_dir_all(store.root()).unwrap();
        let outside = dir.path().join("outside");
        let target = if target == "ABSOLUTE" { outside.to_str().unwrap() } else { target };
        plant_link(target, store.root().join("link")).unwrap();
        for name in ["link/pwned", "link/new/pwned", "./link/../link/pwned"] {
            let error = push(&store, named(name, "x")).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{name}: {error}");
            let error = push(&store, packed(name, gzip(&archive(&[file("a", "x")])))).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Denied, "{name}: {error}");
        }
        assert!(tree(&outside).is_empty());
    }
    // A link that stays inside is one to use.
    let (_dir, store) = fresh();
    fs::create_dir_all(store.root().join("real")).unwrap();
    plant_link("real", store.root().join("link")).unwrap();
    plant_link("../link", store.root().join("real/back")).unwrap();
    push(&store, named("link/fine", "x")).await.unwrap();
    push(&store, named("link/back/too", "x")).await.unwrap();
    assert!(store.root().join("real/fine").is_file() && store.root().join("real/too").is_file());
}

/// Links that stay inside by their text form a chain that leads out, and a file is written through it.
#[tokio::test]
async fn ghsa_m37j_52j7_pjw7_a_chain_of_links_does_not_lead_out() {
    let deep = "base/a/b/c/d";
    let chains = [
        vec![
            dir(deep),
            symlink("base/up", "a/b/c/d"),
            symlink("base/out", "up/../../../../.."),
            file("base/out/outside/pwned", "x"),
        ],
        vec![symlink("base/here", "."), symlink("base/out", "here/../.."), file("base/out/outside/pwned", "x")],
        vec![symlink("base/a/here", "../."), symlink("base/l", "a/here/../../outside"), file("base/l/pwned", "x")],
        vec![symlink("base/x", "y"), symlink("base/y", "x/../../outside"), file("base/x/pwned", "x")],
        vec![
            dir("base/s"),
            symlink("base/l", "s/../f"),
            symlink("base/s", "."),
            file("base/f", ""),
            file("base/l/pwned", "x"),
        ],
        vec![symlink("base/pwned", "../outside/pwned"), file("base/pwned", "x")],
        vec![symlink("base/here", "."), symlink("base/here/out", "../outside"), file("base/out/pwned", "x")],
        vec![symlink("base/here", "."), hard_link("base/here/h", "base/here/../../outside/x")],
    ];
    for entries in chains {
        let (dir, result) = unpack(FileOptions::new(), &entries).await;
        assert!(result.is_err(), "{} -> {}", entries[1].name, entries[1].link);
        assert!(tree(&dir.path().join("outside")).is_empty());
        assert!(tree(&dir.path().join("work")).is_empty());
    }
    // The same where the directory was there before, with links of its own.
    let (dir, store) = fresh();
    fs::create_dir_all(store.root().join("base")).unwrap();
    plant_link("../../outside", store.root().join("base/theirs")).unwrap();
    let entries = [symlink("base/mine", "theirs"), file("base/mine/pwned", "x")];
    let error = push_archive(&store, &entries).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied);
    assert!(tree(&dir.path().join("outside")).is_empty());
    let only_link = [symlink("base/mine", "theirs")];
    let error = push_archive(&store, &only_link).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Denied, "{error}");
    assert!(!store.root().join("base/mine").is_symlink());
}

/// A hard link with a relative target links a file of the directory that the process happens to be in.
#[tokio::test]
async fn ghsa_fxhp_mv3v_67qp_a_hard_link_does_not_reach_the_process_s_directory() {
    // Tests run in the directory of their crate.
    assert!(std::path::Path::new("Cargo.toml").is_file());
    for target in ["Cargo.toml", "./Cargo.toml", "src/lib.rs", "base/../Cargo.toml"] {
        let (dir, result) = unpack(FileOptions::new(), &[hard_link("base/stolen", target)]).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Denied, "{target}");
        assert!(tree(&dir.path().join("work")).is_empty());
    }
    // Nor a file that was in the directory before and is not of the archive.
    let (_dir, store) = fresh();
    plant(&store, "base/secret", "mine");
    let error = push_archive(&store, &[hard_link("base/stolen", "base/secret")]).await;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Denied);
}

/// The first of them: names and links that lead out by their text.
#[tokio::test]
async fn ghsa_g5v4_5x39_vwhx_an_archive_does_not_write_or_link_outside_by_name() {
    let cases = [
        vec![file("../outside/pwned", "x")],
        vec![file("base/../../outside/pwned", "x")],
        vec![file("/tmp/oras-pwned", "x")],
        vec![symlink("base/l", "/"), file("base/l/tmp/oras-pwned", "x")],
        vec![symlink("base/l", "../../outside"), file("base/l/pwned", "x")],
        vec![symlink("../outside/l", "x")],
        vec![hard_link("../outside/l", "base/x")],
        vec![dir("../outside/d")],
    ];
    for entries in cases {
        let (dir, result) = unpack(FileOptions::new(), &entries).await;
        assert_eq!(result.unwrap_err().kind(), ErrorKind::Denied, "{}", entries[0].name);
        assert!(tree(&dir.path().join("outside")).is_empty());
        assert!(tree(&dir.path().join("work")).is_empty());
    }
    assert!(!std::path::Path::new("/tmp/oras-pwned").exists());
}
