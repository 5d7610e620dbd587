//! What fails leaves nothing behind.

use futures_util::future::{Either, select};
use oras_content::{Blob, Descriptor, Error, ErrorKind, Result};
use std::pin::pin;

use super::{
    Capabilities, Store, Verdict,
    sample::{Image, Sample, is_absent, is_there, left_no_trace},
    verdict::{ensure, fails},
};
use crate::faulty::{FaultySource, FaultySourceBuilder};

/// How often a store is asked before a source must have been let go.
const LOOKS_AFTER_A_DROP: usize = 100;

/// More than a store might gather before it looks at anything.
const LEN: usize = 300_000;

fn sample() -> (Sample, FaultySourceBuilder) {
    let sample = Sample::blob_of(vec![b'x'; LEN]);
    let source = FaultySource::builder(sample.bytes.clone());
    (sample, source)
}

async fn refuses<T: Store>(store: &T, sample: &Sample, source: &FaultySource) -> Verdict {
    let blobs = [
        ("a blob that does not check itself", Blob::from_stream(None, source.stream())),
        ("a blob that checks itself", source.blob(&sample.desc)),
    ];
    for (what, blob) in blobs {
        fails(what, store.push(&sample.desc, blob).await, ErrorKind::Corrupt)?;
        is_absent(store, &sample.desc).await?;
    }
    // What failed does not stand in the way of what is right.
    sample.push(store).await?;
    is_there(store, sample).await
}

/// Content that ends early is `Corrupt`.
pub async fn refuses_short_content<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let (sample, source) = sample();
    refuses(store, &sample, &source.end_at(sample.desc.size - 1).build()).await
}

/// Content that goes on past its size is `Corrupt`.
pub async fn refuses_long_content<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let (sample, source) = sample();
    refuses(store, &sample, &source.append(b"!").build()).await
}

/// Content of the right size with one bit wrong is `Corrupt`.
pub async fn refuses_wrong_content<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let (sample, source) = sample();
    refuses(store, &sample, &source.flip(sample.desc.size - 1, 1).build()).await
}

/// A blob that was checked against one descriptor is `Corrupt` for another.
pub async fn refuses_a_blob_of_another_descriptor<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let (one, other) = (Sample::blob_of("one"), Sample::blob_of("two"));
    let blob = one.blob().verify(&one.desc);
    fails("a blob of another descriptor", store.push(&other.desc, blob).await, ErrorKind::Corrupt)?;
    is_absent(store, &other.desc).await?;
    is_absent(store, &one.desc).await
}

/// The error of a source comes out of the push as it is, with the source to blame.
pub async fn passes_on_the_error_of_a_source<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    for offset in [0, LEN as u64 / 2, LEN as u64] {
        let (sample, source) = sample();
        let source = source.fail_at(offset, Error::new(ErrorKind::Denied, "not for you")).build();
        let pushed = store.push(&sample.desc, source.blob(&sample.desc)).await;
        let error = fails("a source that breaks", pushed, ErrorKind::Denied)?;
        ensure!(error.is_from_blob(), "the error of a source does not say that it came out of the blob");
        is_absent(store, &sample.desc).await?;
    }
    Ok(())
}

/// A push that is dropped halfway leaves nothing to be seen, and the content can be pushed again.
pub async fn leaves_nothing_of_a_dropped_push<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    for offset in [0, LEN as u64 / 2, LEN as u64] {
        let (sample, source) = sample();
        let source = source.stall_at(offset).build();
        {
            let push = pin!(store.push(&sample.desc, source.blob(&sample.desc)));
            let stalled = pin!(source.stalled());
            if let Either::Left((pushed, _)) = select(push, stalled).await {
                pushed?;
                ensure!(false, "a push ended before its source did");
            }
        }
        is_absent(store, &sample.desc).await?;
        // A task that drives the connection of a store needs a moment to hear of the drop.
        for _ in 0..LOOKS_AFTER_A_DROP {
            if source.open_streams() == 0 {
                break;
            }
            is_absent(store, &sample.desc).await?;
        }
        ensure!(source.open_streams() == 0, "a dropped push goes on reading");
    }
    let (sample, _) = sample();
    sample.push(store).await?;
    is_there(store, &sample).await
}

/// A manifest that is refused does not become a predecessor, nor does a tag come to stand for it.
pub async fn leaves_nothing_of_a_refused_manifest<T: Store>(store: &T, _: &Capabilities) -> Verdict {
    let image = Image::new("refused");
    image.push_blobs(store).await?;
    let desc = &image.manifest.desc;
    let source = FaultySource::builder(image.manifest.bytes.clone()).flip(desc.size - 2, 1).build();
    let pushed = push_reference(store, desc, &source).await;
    fails("a manifest with a wrong bit", pushed, ErrorKind::Corrupt)?;
    left_no_trace(store, desc, &image.layer.desc).await?;
    fails("its tag", store.resolve("refused").await, ErrorKind::NotFound)?;
    Ok(())
}

async fn push_reference<T: Store>(store: &T, desc: &Descriptor, source: &FaultySource) -> Result<()> {
    store.push_reference(desc, Blob::from_stream(None, source.stream()), "refused").await
}
