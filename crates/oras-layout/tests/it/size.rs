//! What large layouts cost. The bounds are those of a release build; a debug build on a busy machine gets many times as
//! much, and there growth is what counts.

use std::time::{Duration, Instant};

use oras_content::{Blob, PredecessorFinder as _, Pusher as _, Tagger as _};
use oras_descriptor::Descriptor;
use oras_layout::{LayoutOptions, OciLayout};

use crate::support::{artifact, content, listed, manifest};

/// As the copy engine does it: deferred, with a flush now and then.
const BATCH: usize = 256;

async fn add(layout: &OciLayout, subject: Option<&Descriptor>, count: usize) {
    for n in 0..count {
        let (desc, bytes) = manifest(&n.to_string(), vec![content("shared").0], subject);
        layout.push_deferred(&desc, Blob::from_bytes(bytes)).await.unwrap();
        if n % BATCH == BATCH - 1 {
            layout.flush().await.unwrap();
        }
    }
    layout.flush().await.unwrap();
}

async fn fastest<T>(mut work: impl AsyncFnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..3 {
        let start = Instant::now();
        work().await;
        best = best.min(start.elapsed());
    }
    best
}

#[tokio::test]
async fn adding_referrers_costs_the_same_for_each() {
    let dir = tempfile::tempdir().unwrap();
    let mut round = 0;
    let mut cost = async |count| {
        fastest(async || {
            round += 1;
            // What a disk takes to sync says nothing about growth.
            let options = LayoutOptions::new().with_sync_index(false);
            let layout = OciLayout::create_with(dir.path().join(round.to_string()), options).await.unwrap();
            let subject = artifact(&layout, "subject", None).await;
            add(&layout, Some(&subject), count).await;
            assert_eq!(layout.referrers(&subject, None).await.unwrap().len(), count);
        })
        .await
    };
    let mut seen = Vec::new();
    // A machine that is busy with something else gets another chance; growth that is not linear shows in all of them.
    for _ in 0..4 {
        let (few, many) = (cost(300).await, cost(3000).await);
        if many <= few * 12 {
            println!("figures: 300 referrers {few:?}, 3,000 {many:?}");
            return;
        }
        seen.push((few, many));
    }
    panic!("300 and 3,000 took {seen:?}");
}

#[tokio::test]
async fn a_layout_of_ten_thousand_manifests_is_quick_to_open_to_tag_and_to_ask() {
    let dir = tempfile::tempdir().unwrap();
    let options = || LayoutOptions::new().with_sync_index(false);
    let layout = OciLayout::create_with(dir.path(), options()).await.unwrap();
    add(&layout, None, 10_000).await;
    assert_eq!(listed(dir.path()).len(), 10_000);
    let within = |millis: u64| Duration::from_millis(millis * if cfg!(debug_assertions) { 20 } else { 1 });

    let open = fastest(async || OciLayout::open(dir.path()).await.unwrap()).await;
    assert!(open <= within(50), "opening took {open:?}");
    let (desc, _) = manifest("77", vec![content("shared").0], None);
    let mut n = 0;
    let tag = fastest(async || {
        n += 1;
        layout.tag(&desc, &format!("v{n}")).await.unwrap();
    })
    .await;
    assert!(tag <= within(20), "tagging took {tag:?}");
    assert_eq!(layout.predecessors(&content("shared").0).await.unwrap().len(), 10_000);
    let of_one = fastest(async || layout.predecessors(&desc).await.unwrap()).await;
    assert!(of_one <= within(5), "predecessors took {of_one:?}");
    println!("figures: 10,000 manifests: open {open:?}, tag {tag:?}, predecessors {of_one:?}");
}
