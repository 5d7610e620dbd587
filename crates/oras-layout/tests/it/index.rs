use std::fs;

use oras_content::{
    Blob, ErrorKind, PredecessorFinder as _, Pusher as _, ReadOnlyStorage as _, Resolver as _, Tagger as _,
    Target as _, Untagger as _,
};
use oras_descriptor::{Descriptor, MediaType, Platform, annotation::REF_NAME};
use oras_layout::OciLayout;

use crate::support::{artifact, blob_path, content, fresh, index_of, list_only, listed, manifest, push, tags};

#[tokio::test]
async fn a_new_layout_has_its_documents_and_nothing_else_is_needed() {
    let (_dir, layout) = fresh().await;
    let read = |name: &str| fs::read_to_string(layout.root().join(name)).unwrap();
    assert!(layout.root().is_absolute());
    assert!(layout.root().join("blobs").is_dir());
    assert_eq!(read("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#);
    let expected = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    assert_eq!(read("index.json"), expected);
}

#[cfg(unix)]
#[tokio::test]
async fn documents_have_the_modes_that_the_process_s_mask_leaves() {
    use std::os::unix::fs::PermissionsExt as _;
    let (_dir, layout) = fresh().await;
    artifact(&layout, "a", None).await;
    let plain = layout.root().join("plain");
    fs::write(&plain, "").unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    for name in ["oci-layout", "index.json"] {
        assert_eq!(mode(&layout.root().join(name)), mode(&plain), "{name}");
    }
}

#[tokio::test]
async fn a_directory_that_is_no_layout_is_not_opened() {
    let dir = tempfile::tempdir().unwrap();
    let kind = |root: std::path::PathBuf| async { OciLayout::open(root).await.unwrap_err().kind() };
    assert_eq!(kind(dir.path().join("nowhere")).await, ErrorKind::NotFound);
    assert_eq!(kind(dir.path().into()).await, ErrorKind::NotFound);
    fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"1.0.0"}"#).unwrap();
    assert_eq!(kind(dir.path().into()).await, ErrorKind::NotFound, "there is no index");
    fs::write(dir.path().join("index.json"), "{").unwrap();
    assert_eq!(kind(dir.path().into()).await, ErrorKind::Corrupt);
    fs::write(dir.path().join("index.json"), "{}").unwrap();
    fs::write(dir.path().join("oci-layout"), r#"{"imageLayoutVersion":"2.0.0"}"#).unwrap();
    assert_eq!(kind(dir.path().into()).await, ErrorKind::UnsupportedVersion);
}

#[tokio::test]
async fn what_others_wrote_into_the_index_is_kept() {
    let (_dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await;
    let entry = format!(
        r#"{{ "size": {}, "digest": "{}", "mediaType": "{}", "vendor": 1.50 }}"#,
        desc.size, desc.digest, desc.media_type
    );
    let xml = format!(r#"{{"mediaType":"application/xml","size":7,"digest":"{}"}}"#, content("xml").0.digest);
    let written = format!(
        r#"{{"vendor":{{"x":[1.0]}},"schemaVersion":2,"manifests":[{entry},{xml}],"annotations":{{"k":"v"}}}}"#
    );
    fs::write(layout.root().join("index.json"), &written).unwrap();

    let other = artifact(&layout, "b", None).await;
    layout.tag(&other, "v1").await.unwrap();
    let now = fs::read_to_string(layout.root().join("index.json")).unwrap();
    assert!(
        now.starts_with(&format!(r#"{{"vendor":{{"x":[1.0]}},"schemaVersion":2,"manifests":[{entry},{xml},"#)),
        "{now}"
    );
    assert!(now.ends_with(r#"],"annotations":{"k":"v"}}"#), "{now}");
    layout.tag(&desc.plain(), "v2").await.unwrap();
    let first = &listed(layout.root())[0];
    assert_eq!((first["vendor"].as_f64(), first["annotations"][REF_NAME].as_str()), (Some(1.5), Some("v2")));
}

#[tokio::test]
async fn a_change_by_another_handle_is_seen_at_once() {
    let (_dir, one) = fresh().await;
    let two = OciLayout::open(one.root()).await.unwrap();
    let desc = artifact(&one, "a", None).await;
    one.tag(&desc, "v1").await.unwrap();
    assert_eq!(two.resolve("v1").await.unwrap(), desc);
    two.tag(&desc, "v2").await.unwrap();
    assert_eq!(tags(&one).await, ["v1", "v2"]);
    one.untag("v1").await.unwrap();
    assert_eq!(two.resolve("v1").await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_pushed_manifest_is_listed_without_a_name() {
    let (_dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await;
    let entries = listed(layout.root());
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0]["digest"].as_str(), Some(desc.digest.as_str()));
    assert!(entries[0].get("annotations").is_none());
    assert!(tags(&layout).await.is_empty());
}

#[tokio::test]
async fn deferred_manifests_are_listed_by_one_flush_or_by_the_next_change() {
    let (_dir, layout) = fresh().await;
    let mut descs = Vec::new();
    for n in 0..5 {
        let (desc, bytes) = manifest(&n.to_string(), Vec::new(), None);
        layout.push_deferred(&desc, Blob::from_bytes(bytes)).await.unwrap();
        assert_eq!(layout.resolve(desc.digest.as_str()).await.unwrap(), desc.plain());
        descs.push(desc);
    }
    assert_eq!(listed(layout.root()).len(), 0);
    layout.flush().await.unwrap();
    assert_eq!(listed(layout.root()).len(), 5);
    let (desc, bytes) = manifest("last", Vec::new(), None);
    layout.push_deferred(&desc, Blob::from_bytes(bytes)).await.unwrap();
    layout.tag(&descs[0], "v1").await.unwrap();
    assert_eq!(listed(layout.root()).len(), 6);
}

#[tokio::test]
async fn pushing_under_a_name_writes_the_index_once() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = manifest("a", Vec::new(), None);
    {
        let mut pushing = std::pin::pin!(layout.push_reference(&desc, Blob::from_bytes(bytes.clone()), "v1"));
        while futures_util::FutureExt::now_or_never(pushing.as_mut()).transpose().unwrap().is_none() {
            let entries = listed(layout.root());
            assert!(
                entries.iter().all(|entry| entry["annotations"][REF_NAME] == "v1"),
                "it was listed before it was named"
            );
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(layout.resolve("v1").await.unwrap(), desc);
    let (other, bytes) = manifest("b", Vec::new(), None);
    let refused = layout.push_reference(&other, Blob::from_bytes(bytes), "no name").await;
    assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidReference);
    assert!(!layout.exists(&other).await.unwrap());
}

#[tokio::test]
async fn a_manifest_whose_listing_was_cut_off_is_listed_later() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = manifest("a", Vec::new(), None);
    layout.push_deferred(&desc, Blob::from_bytes(bytes.clone())).await.unwrap();
    drop(layout.clone());
    let again = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(listed(again.root()).len(), 0);
    let pushed = again.push(&desc, Blob::from_bytes(bytes)).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(listed(again.root()).len(), 1);
}

#[tokio::test]
async fn a_file_under_the_digest_of_a_manifest_is_none_until_it_is_pushed_as_one() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = manifest("a", vec![content("never pushed").0], None);
    let as_layer = Descriptor::of("application/x-layer", &bytes);
    push(&layout, (as_layer.clone(), bytes.clone())).await.unwrap();
    let again = OciLayout::open(layout.root()).await.unwrap();
    for layout in [&layout, &again] {
        assert!(layout.exists(&as_layer).await.unwrap());
        assert!(!layout.exists(&desc).await.unwrap(), "what it points to never came");
    }
    assert_eq!(again.push(&desc, Blob::from_bytes(bytes)).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    for layout in [&layout, &again] {
        assert!(layout.exists(&desc).await.unwrap());
    }
    assert_eq!(listed(layout.root()).len(), 1);
}

#[tokio::test]
async fn a_manifest_exists_when_it_waits_to_be_listed_or_is_below_one_that_is() {
    let (_dir, layout) = fresh().await;
    let (child, bytes) = manifest("child", Vec::new(), None);
    layout.push_deferred(&child, Blob::from_bytes(bytes)).await.unwrap();
    assert!(layout.exists(&child).await.unwrap());
    let unflushed = OciLayout::open(layout.root()).await.unwrap();
    assert!(!unflushed.exists(&child).await.unwrap());
    let root = index_of(&layout, vec![child.plain()]).await;
    list_only(&layout, vec![root]);
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    assert!(reopened.exists(&child).await.unwrap(), "others list the root alone");
}

#[tokio::test]
async fn a_tag_moves_and_its_old_manifest_stays_listed() {
    let (_dir, layout) = fresh().await;
    let (a, b) = (artifact(&layout, "a", None).await, artifact(&layout, "b", None).await);
    layout.tag(&a, "v1").await.unwrap();
    layout.tag(&a, "v2").await.unwrap();
    layout.tag(&b, "v1").await.unwrap();
    assert_eq!((layout.resolve("v1").await.unwrap(), layout.resolve("v2").await.unwrap()), (b.clone(), a.clone()));
    layout.tag(&b, "v2").await.unwrap();
    let entries = listed(layout.root());
    let named: Vec<_> = entries.iter().map(|entry| entry["annotations"][REF_NAME].as_str()).collect();
    assert_eq!(named, [Some("v1"), None, Some("v2")]);
    assert_eq!(entries[1]["digest"].as_str(), Some(a.digest.as_str()));
}

#[tokio::test]
async fn what_a_tag_stands_for_is_the_same_before_and_after_opening_again() {
    let (_dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await.with_annotation("k", "v").with_artifact_type("t/t");
    layout.tag(&desc.clone().with_annotation(REF_NAME, "stale"), "v1").await.unwrap();
    assert_eq!(layout.resolve("v1").await.unwrap(), desc);
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(reopened.resolve("v1").await.unwrap(), desc);
    assert_eq!(reopened.resolve(desc.digest.as_str()).await.unwrap(), desc.plain());
}

#[tokio::test]
async fn references_resolve_by_name_then_by_digest() {
    let (_dir, layout) = fresh().await;
    let blob = push(&layout, content("hello")).await.unwrap();
    let found = layout.resolve(blob.digest.as_str()).await.unwrap();
    assert_eq!(found, Descriptor::new(MediaType::OCTET_STREAM, blob.digest, 5));
    for (reference, kind) in [
        ("", ErrorKind::MissingReference),
        ("nothing", ErrorKind::NotFound),
        ("sha256:bad", ErrorKind::NotFound),
        (content("other").0.digest.as_str(), ErrorKind::NotFound),
    ] {
        assert_eq!(layout.resolve(reference).await.unwrap_err().kind(), kind, "{reference}");
    }
}

#[tokio::test]
async fn a_nested_manifest_resolves_with_its_type_though_it_is_not_listed() {
    let (_dir, layout) = fresh().await;
    let child = artifact(&layout, "child", None).await;
    let root = index_of(&layout, vec![child.plain()]).await;
    list_only(&layout, vec![root.clone()]);
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(reopened.resolve(child.digest.as_str()).await.unwrap(), child.plain());
    assert_eq!(reopened.predecessors(&child).await.unwrap(), [root]);
}

#[tokio::test]
async fn any_name_is_read_and_only_good_names_are_written() {
    let (_dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await;
    for odd in ["docker.io/library/x:1", " with space ", "-"] {
        let entry = desc.clone().with_annotation(REF_NAME, odd);
        list_only(&layout, vec![entry]);
        assert_eq!(layout.resolve(odd).await.unwrap(), desc, "{odd}");
    }
    for good in ["v1", "a__b", "docker.io/library/x:1", "1.0--rc+2"] {
        layout.tag(&desc, good).await.unwrap();
    }
    for bad in ["a b", "-", "a//b", "é", content("other").0.digest.as_str()] {
        assert_eq!(layout.tag(&desc, bad).await.unwrap_err().kind(), ErrorKind::InvalidReference, "{bad}");
    }
    assert_eq!(layout.tag(&desc, "").await.unwrap_err().kind(), ErrorKind::MissingReference);
}

#[tokio::test]
async fn entries_of_one_name_are_told_apart_by_platform() {
    let (_dir, layout) = fresh().await;
    let amd = artifact(&layout, "amd64", None).await.with_platform(Platform::new("linux", "amd64"));
    let arm = artifact(&layout, "arm64", None).await.with_platform(Platform::new("linux", "arm64"));
    let named = |desc: &Descriptor| desc.clone().with_annotation(REF_NAME, "v1");
    list_only(&layout, vec![named(&amd), named(&arm)]);
    assert_eq!(layout.resolve("v1").await.unwrap(), amd);
    assert_eq!(layout.resolve_platform("v1", &Platform::new("linux", "arm64")).await.unwrap(), arm);
    let other = layout.resolve_platform("v1", &Platform::new("linux", "s390x")).await;
    assert_eq!(other.unwrap_err().kind(), ErrorKind::NotFound);
    layout.tag(&arm, "v1").await.unwrap();
    assert_eq!(tags(&layout).await, ["v1"]);
    assert_eq!(listed(layout.root()).len(), 2, "the other one stays, without a name");
}

#[tokio::test]
async fn of_entries_with_one_name_the_last_counts() {
    let (_dir, layout) = fresh().await;
    let (a, b) = (artifact(&layout, "a", None).await, artifact(&layout, "b", None).await);
    let named = |desc: &Descriptor| desc.clone().with_annotation(REF_NAME, "v1");
    let entries = vec![named(&a), named(&b), a.clone().with_annotation(REF_NAME, "")];
    list_only(&layout, entries);
    assert_eq!(layout.resolve("v1").await.unwrap(), b);
}

#[tokio::test]
async fn tags_come_sorted_and_after_the_last_one() {
    use futures_util::TryStreamExt as _;
    use oras_content::TagLister as _;
    let (_dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await;
    for tag in ["b", "a", "c", desc.digest.as_str()] {
        layout.tag(&desc, tag).await.unwrap();
    }
    assert_eq!(tags(&layout).await, ["a", "b", "c"]);
    let behind: Vec<_> = layout.tags(Some("a")).try_collect().await.unwrap();
    assert_eq!(behind, ["b", "c"]);
}

#[tokio::test]
async fn an_untagged_manifest_stays_and_bad_names_are_refused() {
    let (_dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await;
    layout.tag(&desc, "v1").await.unwrap();
    for (reference, kind) in [
        ("", ErrorKind::MissingReference),
        ("nothing", ErrorKind::NotFound),
        (desc.digest.as_str(), ErrorKind::InvalidReference),
    ] {
        assert_eq!(layout.untag(reference).await.unwrap_err().kind(), kind, "{reference}");
    }
    layout.untag("v1").await.unwrap();
    let error = layout.resolve("v1").await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert_eq!(error.to_string(), format!("no reference \"v1\" in {}", layout.root().display()));
    assert_eq!(layout.resolve(desc.digest.as_str()).await.unwrap(), desc.plain());
    assert_eq!(listed(layout.root()).len(), 1);
}

#[tokio::test]
async fn predecessors_follow_pushes_and_other_handles() {
    let (_dir, layout) = fresh().await;
    let other = OciLayout::open(layout.root()).await.unwrap();
    let (layer, _) = content("layer of a");
    assert!(layout.predecessors(&layer).await.unwrap().is_empty());
    let a = artifact(&layout, "a", None).await;
    assert_eq!(layout.predecessors(&layer).await.unwrap(), [a.plain()]);
    assert_eq!(other.predecessors(&layer).await.unwrap(), [a.plain()]);
    let sbom = artifact(&other, "sbom", Some(&a)).await;
    assert_eq!(layout.predecessors(&a).await.unwrap(), [sbom.plain()]);
    let referrers = layout.referrers(&a, Some(&"application/x-artifact".into())).await.unwrap();
    assert_eq!(referrers[0].annotations["name"], "sbom");
    assert!(layout.referrers(&a, Some(&"t/other".into())).await.unwrap().is_empty());
    assert_eq!(layout.referrers(&layer, None).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn missing_content_is_passed_over_by_a_walk_and_wrong_content_is_an_error() {
    let (_dir, layout) = fresh().await;
    let (a, b) = (artifact(&layout, "a", None).await, artifact(&layout, "b", None).await);
    fs::remove_file(blob_path(&layout, &a)).unwrap();
    let (layer, _) = content("layer of b");
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(reopened.predecessors(&layer).await.unwrap(), [b.plain()]);
    // A file that is larger than any memory is not read to its end; not every system has files of holes.
    for len in [1, if cfg!(unix) { 1 << 42 } else { 2 << 20 }] {
        fs::File::create(blob_path(&layout, &a)).unwrap().set_len(len).unwrap();
        let reopened = OciLayout::open(layout.root()).await.unwrap();
        assert_eq!(reopened.predecessors(&layer).await.unwrap_err().kind(), ErrorKind::Corrupt, "{len}");
    }
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(reopened.resolve(b.digest.as_str()).await.unwrap(), b.plain(), "nothing else is lost");
}

#[tokio::test]
async fn the_referrers_tag_of_another_tool_is_honoured() {
    let (_dir, layout) = fresh().await;
    let subject = artifact(&layout, "subject", None).await;
    let sbom = artifact(&layout, "sbom", Some(&subject)).await;
    let fallback = index_of(&layout, vec![sbom.clone()]).await;
    let tag = format!("sha256-{}", subject.digest.encoded());
    let entries = vec![subject.clone().with_annotation(REF_NAME, "v1"), fallback.with_annotation(REF_NAME, tag)];
    list_only(&layout, entries);
    let reopened = OciLayout::open(layout.root()).await.unwrap();
    let referrers = reopened.referrers(&subject, None).await.unwrap();
    assert_eq!(referrers.iter().map(|desc| &desc.digest).collect::<Vec<_>>(), [&sbom.digest]);
}
