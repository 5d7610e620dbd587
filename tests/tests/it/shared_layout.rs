//! The registry on disk keeps each repository as a layout, and the layout store may work on it meanwhile.

use oras_content::{Resolver as _, TagLister, Tagger};
use oras_layout::OciLayout;
use oras_registry::Server;

use crate::support::{image, in_time, repository};

const EACH: u64 = 20;

async fn sorted_tags(target: &impl TagLister) -> Vec<String> {
    use futures_util::TryStreamExt as _;

    let mut tags: Vec<String> = target.tags(None).try_collect().await.unwrap();
    tags.sort();
    tags
}

async fn fill(target: &(impl Tagger + oras_content::Pusher), prefix: &str, first_seed: u64) {
    for number in 0..EACH {
        let desc = image(target, 1, 500, first_seed + number).await;
        target.tag(&desc, &format!("{prefix}{number}")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_registry_and_the_layout_store_write_one_layout_at_once() {
    let root = tempfile::tempdir().unwrap();
    let server = Server::builder().with_root(root.path()).with_sync(false).start().await.unwrap();
    let repository = repository(&server, "shared");
    let first = image(&repository, 1, 500, 0).await;
    repository.tag(&first, "first").await.unwrap();
    let layout = OciLayout::open(root.path().join("shared/_oci")).await.unwrap();

    let both = async { tokio::join!(fill(&repository, "registry-", 100), fill(&layout, "layout-", 200)) };
    Box::pin(in_time("writing from two sides", both)).await;

    let tags = sorted_tags(&layout).await;
    assert_eq!(tags.len() as u64, 2 * EACH + 1);
    assert_eq!(sorted_tags(&repository).await, tags);
    for tag in &tags {
        let (here, there) = (layout.resolve(tag).await.unwrap(), repository.resolve(tag).await.unwrap());
        assert!(here.same_content(&there), "{tag}");
    }
    let report = layout.fsck().await.unwrap();
    assert!(report.is_clean(), "{report:?}");
}
