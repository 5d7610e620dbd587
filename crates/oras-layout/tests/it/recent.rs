//! What a handle remembers of a moment ago never says more than the directory does.

use std::{fs, time::Duration};

use futures_util::FutureExt as _;
use oras_content::{Deleter as _, ErrorKind, PredecessorFinder as _, ReadOnlyStorage as _};
use oras_descriptor::Descriptor;
use oras_layout::{LayoutOptions, OciLayout};
use tempfile::TempDir;

#[cfg(unix)]
use crate::support::blob_path;
use crate::support::{artifact, content, fresh, manifest, overwrite, push};

/// A layout, another handle of it without a lease, as another process would have it, and a blob that the first has just
/// found.
async fn with_found_blob() -> (TempDir, OciLayout, OciLayout, Descriptor) {
    let (dir, layout) = fresh().await;
    let other = OciLayout::open_with(layout.root(), LayoutOptions::new().with_lease(Duration::ZERO)).await.unwrap();
    let blob = push(&layout, content("shared")).await.unwrap();
    assert!(layout.exists(&blob).await.unwrap());
    (dir, layout, other, blob)
}

/// Only on Linux does the system tell which file systems answer at once.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn content_that_was_found_a_moment_ago_is_found_without_another_thread() {
    let (_dir, layout, _, blob) = with_found_blob().await;
    assert!(matches!(layout.exists(&blob).now_or_never(), Some(Ok(true))));
}

#[tokio::test]
async fn content_that_another_handle_deleted_is_gone_at_once() {
    let (_dir, layout, other, blob) = with_found_blob().await;
    other.delete(&blob).await.unwrap();
    assert!(!layout.exists(&blob).await.unwrap());
}

#[tokio::test]
async fn content_that_another_handle_collected_is_gone_at_once() {
    let (_dir, layout, other, blob) = with_found_blob().await;
    assert_eq!(other.gc().await.unwrap().removed, vec![blob.digest.clone()]);
    assert!(!layout.exists(&blob).await.unwrap());
}

#[tokio::test]
async fn content_that_was_deleted_can_be_pushed_again() {
    let (_dir, layout, _, blob) = with_found_blob().await;
    layout.delete(&blob).await.unwrap();
    assert!(!layout.exists(&blob).await.unwrap());
    push(&layout, content("shared")).await.unwrap();
    assert!(layout.exists(&blob).await.unwrap());
    let again = push(&layout, content("shared")).await;
    assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
}

#[tokio::test]
async fn content_that_another_program_cut_short_does_not_exist() {
    let (_dir, layout, _, blob) = with_found_blob().await;
    overwrite(&layout, &blob, "sha");
    assert!(!layout.exists(&blob).await.unwrap());
}

/// A look that writes nothing cannot renew a lease: then it is left to the thread that can.
#[cfg(unix)]
#[tokio::test]
async fn content_found_again_has_its_lease_renewed() {
    let (_dir, layout, _, blob) = with_found_blob().await;
    let long_ago = std::time::SystemTime::now() - Duration::from_secs(86_400);
    fs::File::open(blob_path(&layout, &blob)).unwrap().set_modified(long_ago).unwrap();
    assert!(layout.exists(&blob).await.unwrap());
    assert_eq!(layout.gc().await.unwrap().removed, []);
}

/// That a blob was found says nothing of a manifest with the same bytes.
#[tokio::test]
async fn a_blob_that_was_found_is_no_manifest() {
    let (_dir, layout) = fresh().await;
    let (desc, bytes) = manifest("hidden", vec![], None);
    let blob = Descriptor::of("application/x-test", &bytes);
    push(&layout, (blob.clone(), bytes)).await.unwrap();
    assert!(layout.exists(&blob).await.unwrap() && layout.exists(&blob).await.unwrap());
    assert!(!layout.exists(&desc).await.unwrap());
}

#[tokio::test]
async fn links_of_what_this_handle_stored_are_not_read_again() {
    let (_dir, layout) = fresh().await;
    let subject = artifact(&layout, "subject", None).await;
    let referrer = artifact(&layout, "referrer", Some(&subject)).await;
    overwrite(&layout, &referrer, "not read");
    assert_eq!(layout.predecessors(&subject).await.unwrap(), [referrer.plain()]);
    let other = OciLayout::open(layout.root()).await.unwrap();
    assert_eq!(other.predecessors(&subject).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn referrers_that_another_handle_deleted_are_not_listed() {
    let (_dir, layout) = fresh().await;
    let subject = artifact(&layout, "subject", None).await;
    let referrer = artifact(&layout, "referrer", Some(&subject)).await;
    let other = OciLayout::open(layout.root()).await.unwrap();
    other.delete(&referrer).await.unwrap();
    assert_eq!(layout.predecessors(&subject).await.unwrap(), []);
}
