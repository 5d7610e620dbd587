use std::{fs, time::Duration};

use oras_content::{Blob, Deleter as _, ErrorKind, Pusher as _, ReadOnlyStorage as _, Resolver as _, Tagger as _};
use oras_descriptor::Descriptor;
use oras_layout::{LayoutOptions, OciLayout};
use tempfile::TempDir;

use crate::support::{
    artifact, blob_path, content, index_of, leftovers, list_only, listed, manifest, overwrite, push, tags,
};

async fn without_lease() -> (TempDir, OciLayout) {
    with(LayoutOptions::new().with_lease(Duration::ZERO)).await
}

async fn with(options: LayoutOptions) -> (TempDir, OciLayout) {
    let dir = tempfile::tempdir().unwrap();
    let layout = OciLayout::create_with(dir.path(), options).await.unwrap();
    (dir, layout)
}

#[tokio::test]
async fn gc_keeps_what_tags_lead_to_and_its_referrers_however_far() {
    let (_dir, layout) = without_lease().await;
    let a = artifact(&layout, "a", None).await;
    layout.tag(&a, "v1").await.unwrap();
    let sbom = artifact(&layout, "sbom", Some(&a)).await;
    let signature = artifact(&layout, "signature", Some(&sbom)).await;
    let stray = artifact(&layout, "stray", None).await;
    let stray_sbom = artifact(&layout, "stray sbom", Some(&stray)).await;
    let loose = push(&layout, content("loose")).await.unwrap();
    let report = layout.gc().await.unwrap();
    for kept in [&a, &sbom, &signature, &content("layer of signature").0] {
        assert!(layout.exists(kept).await.unwrap());
    }
    for gone in [&stray, &stray_sbom, &loose, &content("layer of stray").0] {
        assert!(!layout.exists(gone).await.unwrap());
        assert!(report.removed.contains(&gone.digest));
    }
    assert_eq!(
        (report.removed.len(), listed(layout.root()).len()),
        (5, 3),
        "the index lists what is left, and no more"
    );
    assert!(layout.fsck().await.unwrap().is_clean());
    assert_eq!(layout.gc().await.unwrap().removed, []);
}

#[tokio::test]
async fn gc_ends_when_the_subject_of_a_referrer_is_not_kept() {
    let (_dir, layout) = without_lease().await;
    let missing = manifest("never pushed", Vec::new(), None).0;
    let orphan = artifact(&layout, "orphan", Some(&missing)).await;
    let next = artifact(&layout, "next", Some(&orphan)).await;
    layout.gc().await.unwrap();
    assert!(!layout.exists(&orphan).await.unwrap() && !layout.exists(&next).await.unwrap());
}

#[tokio::test]
async fn gc_spares_what_is_young() {
    let (_dir, layout) = with(LayoutOptions::new()).await;
    let stray = artifact(&layout, "stray", None).await;
    let loose = push(&layout, content("loose")).await.unwrap();
    assert_eq!(layout.gc().await.unwrap().removed, []);
    assert!(layout.exists(&stray).await.unwrap() && layout.exists(&loose).await.unwrap());
    assert_eq!(listed(layout.root()).len(), 1);
}

#[cfg(unix)]
#[tokio::test]
async fn content_that_was_found_is_young_again() {
    let (_dir, layout) = with(LayoutOptions::new()).await;
    let (loose, forgotten) =
        (push(&layout, content("loose")).await.unwrap(), push(&layout, content("forgotten")).await.unwrap());
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(86_400);
    for desc in [&loose, &forgotten] {
        fs::File::open(blob_path(&layout, desc)).unwrap().set_modified(long_ago).unwrap();
    }
    let other = OciLayout::open(layout.root()).await.unwrap();
    assert!(other.exists(&loose).await.unwrap());
    assert_eq!(layout.gc().await.unwrap().removed, [forgotten.digest]);
}

#[tokio::test]
async fn gc_touches_only_content_of_known_algorithms() {
    let (_dir, layout) = without_lease().await;
    let blobs = layout.root().join("blobs");
    for dir in ["sha256", "sha512", "blake3", "other"] {
        fs::create_dir_all(blobs.join(dir)).unwrap();
        fs::write(blobs.join(dir).join("README"), "x").unwrap();
        fs::write(blobs.join(dir).join("0f".repeat(32)), "x").unwrap();
    }
    layout.gc().await.unwrap();
    let left = |dir: &str| fs::read_dir(blobs.join(dir)).unwrap().count();
    assert_eq!([left("sha256"), left("sha512"), left("blake3"), left("other")], [1, 2, 2, 2]);
}

#[tokio::test]
async fn gc_collects_leftovers_but_not_what_is_being_written() {
    let (_dir, layout) = without_lease().await;
    let ingest = layout.root().join("ingest");
    fs::create_dir_all(&ingest).unwrap();
    fs::write(ingest.join("sha256-00.part"), "x").unwrap();
    fs::write(ingest.join("busy.tmp"), "x").unwrap();
    let busy = fs::File::open(ingest.join("busy.tmp")).unwrap();
    busy.lock().unwrap();
    assert_eq!(layout.gc().await.unwrap().leftovers, 1);
    assert_eq!(leftovers(layout.root()), ["busy.tmp"]);
}

#[tokio::test]
async fn deleting_a_manifest_takes_what_it_alone_held_and_its_referrers() {
    let (_dir, layout) = without_lease().await;
    let a = artifact(&layout, "a", None).await;
    layout.tag(&a, "v1").await.unwrap();
    let b = artifact(&layout, "b", None).await;
    layout.tag(&b, "other").await.unwrap();
    let sbom = artifact(&layout, "sbom", Some(&a)).await;
    layout.delete(&a).await.unwrap();
    for gone in [&a, &sbom, &content("layer of a").0, &content("layer of sbom").0] {
        assert!(!layout.exists(gone).await.unwrap());
    }
    for kept in [&b, &Descriptor::empty(), &content("layer of b").0] {
        assert!(layout.exists(kept).await.unwrap());
    }
    assert_eq!((tags(&layout).await, listed(layout.root()).len()), (vec!["other".to_owned()], 1));
}

#[tokio::test]
async fn deleting_spares_a_tagged_referrer_and_a_subject() {
    let (_dir, layout) = without_lease().await;
    let a = artifact(&layout, "a", None).await;
    let sbom = artifact(&layout, "sbom", Some(&a)).await;
    layout.tag(&sbom, "sbom").await.unwrap();
    let note = artifact(&layout, "note", Some(&sbom)).await;
    layout.delete(&note).await.unwrap();
    assert!(layout.exists(&sbom).await.unwrap(), "a referrer does not own its subject");
    layout.delete(&a).await.unwrap();
    assert!(!layout.exists(&a).await.unwrap());
    assert_eq!(layout.resolve("sbom").await.unwrap(), sbom);
    assert!(layout.exists(&content("layer of sbom").0).await.unwrap());
}

#[tokio::test]
async fn deleting_without_collection_takes_one_thing() {
    let (_dir, layout) = with(LayoutOptions::new().with_lease(Duration::ZERO).with_auto_gc(false)).await;
    let a = artifact(&layout, "a", None).await;
    let sbom = artifact(&layout, "sbom", Some(&a)).await;
    layout.delete(&a).await.unwrap();
    assert!(!layout.exists(&a).await.unwrap());
    assert!(layout.exists(&sbom).await.unwrap() && layout.exists(&content("layer of a").0).await.unwrap());
    assert_eq!(layout.delete(&a).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn deleting_an_index_keeps_children_that_another_one_has() {
    let (_dir, layout) = without_lease().await;
    let (shared, alone) = (artifact(&layout, "shared", None).await, artifact(&layout, "alone", None).await);
    let mut roots = Vec::new();
    for (tag, children) in [("one", vec![shared.plain(), alone.plain()]), ("two", vec![shared.plain()])] {
        let root = index_of(&layout, children).await;
        layout.tag(&root, tag).await.unwrap();
        roots.push(root);
    }
    layout.delete(&roots[0]).await.unwrap();
    assert!(layout.exists(&shared).await.unwrap() && !layout.exists(&alone).await.unwrap());
    assert_eq!(tags(&layout).await, ["two"]);
}

#[tokio::test]
async fn fsck_reports_and_repair_drops_what_is_broken() {
    let (_dir, layout) = without_lease().await;
    let (good, bad, lost) = (
        artifact(&layout, "good", None).await,
        artifact(&layout, "bad", None).await,
        artifact(&layout, "lost", None).await,
    );
    for (desc, tag) in [(&good, "good"), (&bad, "bad"), (&lost, "lost")] {
        layout.tag(desc, tag).await.unwrap();
    }
    let loose = push(&layout, content("loose")).await.unwrap();
    assert!(layout.fsck().await.unwrap().is_clean());
    overwrite(&layout, &bad, "{}");
    fs::remove_file(blob_path(&layout, &lost)).unwrap();
    let layer = content("layer of good").0;
    fs::remove_file(blob_path(&layout, &layer)).unwrap();

    let report = layout.fsck().await.unwrap();
    assert_eq!(report.corrupt, std::slice::from_ref(&bad.digest));
    let mut missing = vec![layer.digest.clone(), lost.digest.clone()];
    missing.sort();
    assert_eq!(report.missing, missing);
    assert!(report.unreachable.contains(&loose.digest));
    let broken: Vec<_> = report.broken_entries.iter().map(|entry| entry.digest.clone()).collect();
    assert_eq!(broken, [bad.digest.clone(), lost.digest.clone()]);
    assert!(!report.is_clean());

    assert_eq!(layout.repair().await.unwrap(), report);
    assert_eq!(tags(&layout).await, ["good"], "a manifest may be here without its layers");
    assert!(!blob_path(&layout, &bad).exists());
    let (desc, bytes) = content("layer of good");
    layout.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
    assert!(layout.fsck().await.unwrap().is_clean());
}

#[tokio::test]
async fn what_is_missing_is_reported_once_however_often_it_is_led_to() {
    let (_dir, layout) = without_lease().await;
    let missing = manifest("never pushed", Vec::new(), None).0.plain();
    let root = index_of(&layout, vec![missing.clone(), missing.clone()]).await;
    list_only(&layout, vec![missing.clone(), root.plain(), missing.clone()]);
    let report = layout.fsck().await.unwrap();
    assert_eq!(report.missing, std::slice::from_ref(&missing.digest));
    assert_eq!(report.broken_entries, [missing.clone(), missing]);
}
