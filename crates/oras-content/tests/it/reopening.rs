//! A broken download goes on, through nothing but the blob's own reopening.

use bytes::Bytes;
use futures_util::FutureExt as _;
use oras_content::{Descriptor, Error, ErrorKind};
use oras_descriptor::Verifier;
use oras_testing::FaultySource;
use proptest::{collection::btree_set, prelude::*};

fn content(len: usize) -> Bytes {
    (0..=250).cycle().take(len).collect()
}

fn passing() -> Error {
    Error::new(ErrorKind::Io, "broken").with_retryable(true)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases()))]

    #[test]
    fn a_download_cut_at_any_byte_goes_on(
        len in 0usize..3000,
        cuts in btree_set(0u64..3100, 0..8),
        ends in btree_set(0u64..3100, 0..4),
        chunk in 1usize..1200,
    ) {
        let content = content(len);
        let desc = Descriptor::of("a/b", &content);
        let mut source = FaultySource::builder(content.clone()).chunk_size(chunk.try_into().unwrap());
        for cut in &cuts {
            source = source.reset_at(*cut);
        }
        for end in ends.difference(&cuts) {
            source = source.end_once_at(*end);
        }
        let source = source.build();
        let read = source.blob(&desc).bytes(u64::MAX).now_or_never().unwrap();
        prop_assert_eq!(read.unwrap(), content);
        let opens: Vec<_> = [0].into_iter().chain(cuts.union(&ends).copied().filter(|cut| *cut < desc.size)).collect();
        prop_assert_eq!(source.opens(), opens);
        prop_assert_eq!(source.bytes_given(), desc.size);
    }

    #[test]
    fn a_part_that_is_there_is_not_asked_for_again(
        len in 0usize..3000,
        held in any::<prop::sample::Index>(),
        cuts in btree_set(0u64..3100, 0..4),
        chunk in 1usize..1200,
    ) {
        let content = content(len);
        let desc = Descriptor::of("a/b", &content);
        let held = held.index(len + 1);
        let mut source = FaultySource::builder(content.clone()).chunk_size(chunk.try_into().unwrap());
        for cut in &cuts {
            source = source.reset_at(*cut);
        }
        let source = source.build();
        let mut verifier = Verifier::new(&desc).unwrap();
        verifier.update(&content[..held]).unwrap();
        let rest = source.blob(&desc).resume(verifier).unwrap().bytes(u64::MAX).now_or_never().unwrap();
        prop_assert_eq!(rest.unwrap(), &content[held..]);
        prop_assert!(source.opens().iter().all(|offset| *offset >= held as u64));
        prop_assert_eq!(source.bytes_given(), (len - held) as u64);
    }
}

#[tokio::test]
async fn a_part_that_is_whole_asks_for_nothing_and_is_checked() {
    let content = content(10);
    let desc = Descriptor::of("a/b", &content);
    for (held, expected) in
        [(content.clone(), Ok(Bytes::new())), (Bytes::from_static(&[9; 10]), Err(ErrorKind::Corrupt))]
    {
        let source = FaultySource::builder(content.clone()).build();
        let mut verifier = Verifier::new(&desc).unwrap();
        verifier.update(&held).unwrap();
        let rest = source.blob(&desc).resume(verifier).unwrap().bytes(u64::MAX).await;
        assert_eq!(rest.map_err(|error| error.kind()), expected);
        assert!(source.opens().is_empty());
    }
}

#[tokio::test]
async fn gives_up_when_no_opening_brings_a_byte() {
    let source = FaultySource::builder(content(10)).fail_at(4, passing()).build();
    let error = source.blob(&Descriptor::of("a/b", &content(10))).bytes(100).await.unwrap_err();
    assert_eq!((error.kind(), error.retries(), error.is_from_blob()), (ErrorKind::Io, 5, true));
    assert_eq!(source.opens(), [0, 4, 4, 4, 4, 4]);
}

#[tokio::test]
async fn does_not_give_up_while_each_opening_brings_a_byte() {
    let source = FaultySource::builder(content(100)).reset_every(1).build();
    let read = source.blob(&Descriptor::of("a/b", &content(100))).bytes(100).await.unwrap();
    assert_eq!((read, source.opens().len()), (content(100), 100));
}

#[tokio::test]
async fn an_error_that_does_not_pass_is_final() {
    let source = FaultySource::builder(content(10)).fail_at(4, Error::new(ErrorKind::Denied, "no")).build();
    let error = source.blob(&Descriptor::of("a/b", &content(10))).bytes(100).await.unwrap_err();
    assert_eq!((error.kind(), source.opens()), (ErrorKind::Denied, vec![0]));
}

#[tokio::test]
async fn an_error_of_opening_is_final() {
    let source = FaultySource::builder(content(10)).reset_at(4).allow_open().refuse_open(passing()).build();
    let error = source.blob(&Descriptor::of("a/b", &content(10))).bytes(100).await.unwrap_err();
    assert_eq!((error.kind(), source.opens()), (ErrorKind::Io, vec![0, 4]));
}

#[tokio::test]
async fn content_that_changed_between_openings_is_corrupt() {
    let desc = Descriptor::of("a/b", &content(10));
    let before = FaultySource::builder(content(10)).build();
    let mut verifier = Verifier::new(&desc).unwrap();
    verifier.update(&content(10)[..5]).unwrap();
    assert_eq!(before.bytes_given(), 0);
    let changed = FaultySource::builder(content(10)).flip(7, 1).build();
    let error = changed.blob(&desc).resume(verifier).unwrap().bytes(100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}
