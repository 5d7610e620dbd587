use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use oras_content::{Blob, Descriptor, Digest, Error, ErrorKind, Result};
use oras_descriptor::Verifier;
use oras_testing::FaultySource;
use tokio::io::AsyncReadExt as _;

const HELLO: &[u8] = b"hello world";

fn desc() -> Descriptor {
    Descriptor::of("text/plain", HELLO)
}

fn once(chunks: &[&'static str]) -> Blob {
    let chunks: Vec<Result<Bytes>> = chunks.iter().map(|chunk| Ok(Bytes::from_static(chunk.as_bytes()))).collect();
    Blob::from_stream(None, stream::iter(chunks))
}

/// The chunks that were handed out, and how it ended.
async fn drain(mut blob: Blob) -> (Vec<Bytes>, Option<ErrorKind>) {
    let mut chunks = Vec::new();
    while let Some(item) = blob.next().await {
        match item {
            Ok(chunk) => chunks.push(chunk),
            Err(error) => return (chunks, Some(error.kind())),
        }
    }
    (chunks, None)
}

#[tokio::test]
async fn short_long_and_wrong_content_never_hands_out_its_last_chunk() {
    let cases: [(&str, &[&str]); 5] = [
        ("short", &["hello ", "worl"]),
        ("long in another chunk", &["hello ", "world", "!"]),
        ("long in the same chunk", &["hello ", "world!"]),
        ("wrong at the end", &["hello ", "worlD"]),
        ("wrong at the start", &["Hello ", "world"]),
    ];
    for (name, chunks) in cases {
        let (handed_out, end) = drain(once(chunks).verify(&desc())).await;
        assert_eq!(end, Some(ErrorKind::Corrupt), "{name}");
        assert!(handed_out.concat().len() < HELLO.len(), "{name}");
    }
    let (handed_out, end) = drain(once(&["hello", "", " ", "world", ""]).verify(&desc())).await;
    assert_eq!((handed_out.concat(), end), (HELLO.to_vec(), None));
}

#[tokio::test]
async fn an_error_of_a_check_names_the_descriptor_and_blames_the_source() {
    let error = once(&["hello"]).verify(&desc()).bytes(100).await.unwrap_err();
    assert_eq!(error.descriptor(), Some(&desc()));
    assert!(error.is_from_blob());
}

#[tokio::test]
async fn the_last_chunk_waits_for_the_end_of_the_stream() {
    let source = FaultySource::builder(Bytes::from_static(HELLO)).stall_at(HELLO.len() as u64).build();
    let mut blob = source.blob(&desc());
    assert!(blob.next().now_or_never().is_none(), "all bytes are here, and the stream has not ended");
}

#[tokio::test]
async fn a_second_descriptor_must_be_the_first() {
    let fresh = || Blob::from_bytes(Bytes::from_static(HELLO)).verify(&desc());
    let same = Descriptor::of("another/type", HELLO).with_annotation("k", "v");
    assert_eq!(fresh().verify(&same).bytes(100).await.unwrap(), HELLO);
    for other in [Descriptor { size: 3, ..desc() }, Descriptor { digest: Digest::of(b"x"), ..desc() }] {
        let blob = fresh().verify(&other);
        assert_eq!(drain(blob).await, (Vec::new(), Some(ErrorKind::Corrupt)));
    }
}

#[tokio::test]
async fn a_refused_blob_stays_refused_when_it_is_replayed() {
    let other = Descriptor { digest: Digest::of(b"another one"), ..desc() };
    let mut blob = Blob::from_bytes(Bytes::from_static(HELLO)).verify(&desc()).verify(&other);
    let replay = blob.replay().unwrap();
    assert_eq!(drain(replay).await.1, Some(ErrorKind::Corrupt));
    assert_eq!(blob.start().await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(drain(blob.replay().unwrap()).await.1, Some(ErrorKind::Corrupt));
}

#[tokio::test]
async fn a_digest_that_cannot_be_computed_is_unsupported() {
    let unknown = Descriptor::new("a/b", "blake3:00".parse().unwrap(), 11);
    let error = Blob::from_bytes(Bytes::from_static(HELLO)).verify(&unknown).bytes(100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn a_blob_that_was_read_in_part_cannot_be_checked_any_more() {
    let mut blob = once(&["hello ", "world"]);
    blob.next().await.unwrap().unwrap();
    assert_eq!(drain(blob.verify(&desc())).await.1, Some(ErrorKind::Corrupt));
}

#[tokio::test]
async fn a_trusted_blob_is_checked_for_its_size_alone() {
    let wrong = once(&["hello ", "worlD"]).trusted().verify(&desc());
    assert_eq!(wrong.bytes(100).await.unwrap(), "hello worlD");
    let short = once(&["hello"]).trusted().verify(&desc());
    assert_eq!(short.bytes(100).await.unwrap_err().kind(), ErrorKind::Corrupt);
    let long = once(&["hello world!"]).trusted().verify(&desc());
    assert_eq!(long.bytes(100).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn parting_a_blob_never_loses_the_chunk_that_was_kept_back() {
    let source = FaultySource::builder(Bytes::from_static(HELLO)).stall_at(HELLO.len() as u64).build();
    let mut blob = source.blob(&desc());
    assert!(blob.next().now_or_never().is_none());
    let (mut raw, _) = blob.into_parts();
    assert_eq!(raw.next().await.unwrap().unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn nothing_is_opened_before_the_first_poll_or_start() {
    let source = FaultySource::builder(Bytes::from_static(HELLO)).build();
    let mut blob = source.blob(&desc());
    assert!(source.opens().is_empty());
    blob.start().await.unwrap();
    blob.start().await.unwrap();
    assert_eq!((source.opens(), source.bytes_given()), (vec![0], 0));
    assert_eq!(blob.bytes(100).await.unwrap(), HELLO);
    assert_eq!(source.opens(), [0]);
}

#[tokio::test]
async fn start_tells_what_opening_tells() {
    let source = FaultySource::builder(Bytes::new()).refuse_open(Error::not_found(&desc())).build();
    let error = source.blob(&desc()).start().await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::NotFound, true));
}

#[tokio::test]
async fn a_blob_without_bytes_is_checked_by_start() {
    let nothing = Descriptor::of("a/b", b"");
    once(&[]).verify(&nothing).start().await.unwrap();
    assert_eq!(once(&[]).verify(&nothing).bytes(0).await.unwrap(), "");
    assert_eq!(once(&["x"]).verify(&nothing).start().await.unwrap_err().kind(), ErrorKind::Corrupt);
    let wrong = Descriptor { size: 0, ..desc() };
    assert_eq!(once(&[]).verify(&wrong).start().await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn memory_grows_with_what_arrives_and_not_with_what_is_declared() {
    let huge = Descriptor { size: 1 << 62, ..desc() };
    let error = once(&["hello ", "world"]).verify(&huge).bytes(u64::MAX).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn reading_all_stops_at_the_limit() {
    let known = Blob::from_bytes(Bytes::from_static(HELLO)).bytes(10).await.unwrap_err();
    let one_chunk = once(&["hello world"]).bytes(10).await.unwrap_err();
    let many_chunks = once(&["hello ", "wor", "ld"]).bytes(10).await.unwrap_err();
    for error in [known, one_chunk, many_chunks] {
        assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    }
    assert_eq!(once(&["hello ", "world"]).bytes(11).await.unwrap(), HELLO);
}

#[tokio::test]
async fn a_reader_that_failed_goes_on_failing() {
    let mut reader = once(&["hello ", "worlD"]).verify(&desc()).into_reader();
    let mut all = Vec::new();
    for _ in 0..3 {
        let error = Error::from(reader.read_to_end(&mut all).await.unwrap_err());
        assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Corrupt, true));
    }
    assert_eq!(all, b"hello ");
}

#[tokio::test]
async fn a_blob_made_of_a_reader_is_read_once() {
    let blob = Blob::from_reader(None, HELLO).verify(&desc());
    assert!(!blob.is_replayable() && blob.replay().is_none());
    let mut text = String::new();
    blob.into_reader().read_to_string(&mut text).await.unwrap();
    assert_eq!(text.as_bytes(), HELLO);
}

#[tokio::test]
async fn resuming_is_for_fresh_replayable_blobs_of_the_same_content() {
    let verifier = || Verifier::new(&desc()).unwrap();
    let of_other = Blob::from_bytes("x".into()).verify(&Descriptor::of("a/b", b"x"));
    assert_eq!(of_other.resume(verifier()).unwrap_err().kind(), ErrorKind::Corrupt);
    assert_eq!(once(&["x"]).resume(verifier()).unwrap_err().kind(), ErrorKind::Unsupported);
    let mut started = Blob::from_bytes(Bytes::from_static(HELLO));
    started.start().await.unwrap();
    assert_eq!(started.resume(verifier()).unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn bytes_are_not_opened_past_their_end() {
    let opened = oras_content::BlobSource::open(&Bytes::from_static(HELLO), 12).await;
    assert_eq!(opened.map(|_| ()).unwrap_err().kind(), ErrorKind::Corrupt);
    let blob = Blob::from_source(Some(20), Arc::new(Bytes::from_static(HELLO)));
    let error = blob.bytes(100).await.unwrap_err();
    assert_eq!((error.kind(), error.is_retryable()), (ErrorKind::Corrupt, true));
}

#[tokio::test]
async fn every_observer_is_told_also_by_a_replay() {
    let told = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    let observe = |blob: Blob, at: usize| {
        let told = Arc::clone(&told);
        blob.observed(move |position| {
            told[at].fetch_add(position, Ordering::Relaxed);
        })
    };
    let blob = observe(observe(Blob::from_bytes("hello".into()), 0), 1);
    let replay = blob.replay().unwrap();
    blob.bytes(5).await.unwrap();
    replay.bytes(5).await.unwrap();
    assert_eq!(told.each_ref().map(|sum| sum.load(Ordering::Relaxed)), [10, 10]);
}
