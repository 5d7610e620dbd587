#![cfg(unix)]

use std::{fs, os::unix::fs::symlink as plant_link};

use oras_content::{Fetcher as _, Pusher as _};
use proptest::prelude::*;

use crate::support::{Entry, archive, in_memory, packed, push, tree};

/// Few names, so that entries meet; and whatever might lead out.
fn path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop_oneof![Just("a"), Just("b"), Just("c"), Just("é")].prop_map(str::to_owned),
        2 => Just("..".to_owned()),
        1 => Just(".".to_owned()),
        1 => Just(String::new()),
        1 => Just("n".repeat(120)),
        1 => "\\PC{0,4}",
    ];
    let start = prop_oneof![6 => Just("base/"), 1 => Just(""), 1 => Just("/"), 1 => Just("./base/"), 1 => Just("../")];
    (start, prop::collection::vec(part, 1..5)).prop_map(|(start, parts)| format!("{start}{}", parts.join("/")))
}

fn entries() -> impl Strategy<Value = Vec<(u8, String, String)>> {
    let kind = prop_oneof![Just(b'0'), Just(b'1'), Just(b'2'), Just(b'2'), Just(b'5'), Just(b'6'), any::<u8>()];
    let link = prop_oneof![path(), path().prop_map(|path| path.trim_start_matches("base/").to_owned())];
    prop::collection::vec((kind, path(), link), 1..12)
}

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(work)
}

/// How many cases run, unless `PROPTEST_CASES` says it.
const CASES: u32 = 2000;

fn cases() -> u32 {
    std::env::var("PROPTEST_CASES").map_or(CASES, |text| text.parse().unwrap())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(cases()))]

    #[test]
    fn a_random_archive_writes_nothing_outside_and_leaves_no_way_out(entries in entries(), existing in any::<bool>()) {
        let entries: Vec<_> = entries
            .iter()
            .map(|(kind, name, link)| Entry { kind: *kind, name, link, mode: 0o755, content: if *kind == b'0' { b"x" } else { b"" } })
            .collect();
        run(async {
            let (dir, store) = in_memory();
            if existing {
                fs::create_dir_all(store.root().join("base/a")).unwrap();
                plant_link("a", store.root().join("base/b")).unwrap();
            }
            let result = push(&store, packed("base", archive(&entries))).await;
            let top: Vec<_> = tree(dir.path()).into_iter().filter(|(path, _)| !path.contains('/')).collect();
            assert!(top.iter().all(|(path, _)| path == "outside" || path == "work"), "{top:?}");
            assert!(tree(&dir.path().join("outside")).is_empty());
            if result.is_ok() {
                let base = dir.path().join("work/base");
                let real = base.canonicalize().unwrap_or_else(|_| base.clone());
                for (path, _) in tree(&base) {
                    if let Ok(target) = base.join(&path).canonicalize() {
                        assert!(target.starts_with(&real), "{path} leads to {}", target.display());
                    }
                }
            }
        });
    }

    #[test]
    fn random_bytes_are_no_archive_and_no_reason_to_panic(bytes in prop::collection::vec(any::<u8>(), 0..2000)) {
        run(async {
            let (dir, store) = in_memory();
            let _ = push(&store, packed("base", bytes.into())).await;
            assert!(tree(&dir.path().join("outside")).is_empty());
        });
    }

    #[test]
    fn what_was_packed_unpacks_to_the_same_tree(
        files in prop::collection::btree_map("[a-c]{1,2}(/[a-cé ]{1,3}){0,3}", prop::collection::vec(any::<u8>(), 0..600), 0..8),
        links in prop::collection::btree_map("[x-z]{1,3}", "[a-c]{1,2}", 0..3),
    ) {
        run(async {
            let (_from, from) = in_memory();
            let root = from.root().join("tree");
            fs::create_dir_all(&root).unwrap();
            for (path, content) in &files {
                let path = root.join(path);
                if fs::create_dir_all(path.parent().unwrap()).is_ok() && !path.is_dir() {
                    fs::write(path, content).unwrap();
                }
            }
            for (path, target) in &links {
                plant_link(target, root.join(path)).unwrap();
            }
            let desc = from.add("tree", None, "").await.unwrap();
            let (_to, to) = in_memory();
            to.push(&desc, from.fetch(&desc).await.unwrap()).await.unwrap();
            assert_eq!(tree(to.root()), tree(from.root()));
            let again = to.root().join("tree");
            let (_third, third) = in_memory();
            assert_eq!(third.add("tree", None, again).await.unwrap(), desc);
        });
    }
}
