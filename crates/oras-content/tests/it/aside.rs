//! Sources whose chunks are hashed on a thread beside them.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _, stream};
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Descriptor, Error, ErrorKind, Result, Sum};
use oras_descriptor::Algorithm;

const CHUNK: usize = 1000;

/// Breaks at each offset of `breaks`, once.
struct Source {
    content: Bytes,
    breaks: Vec<usize>,
    opened: AtomicUsize,
}

impl Source {
    fn new(content: &Bytes, breaks: &[usize]) -> Arc<Self> {
        Arc::new(Self { content: content.clone(), breaks: breaks.to_vec(), opened: AtomicUsize::new(0) })
    }
}

impl BlobSource for Source {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        let offset = usize::try_from(offset).unwrap();
        let end = self.breaks.get(self.opened.fetch_add(1, Ordering::Relaxed)).copied();
        let part = self.content.slice(offset..end.unwrap_or(self.content.len()));
        let starts = (0..part.len()).step_by(CHUNK);
        let chunks: Vec<_> = starts.map(|start| Ok(part.slice(start..part.len().min(start + CHUNK)))).collect();
        let broken = end.map(|_| Err(Error::new(ErrorKind::Io, "reset").with_retryable(true)));
        Box::pin(async move { Ok(stream::iter(chunks.into_iter().chain(broken)).boxed()) })
    }

    fn open_summed<'a>(&'a self, offset: u64, sum: &'a Sum) -> BoxFuture<'a, Result<(ByteStream, bool)>> {
        Box::pin(async move { Ok(sum.add_aside(self.open(offset).await?)) })
    }
}

fn content() -> (Bytes, Descriptor) {
    let content: Bytes = (0..100_000u32).map(|number| number.to_le_bytes()[0]).collect();
    let desc = Descriptor::of("text/plain", &content);
    (content, desc)
}

#[tokio::test]
async fn what_is_described_comes_whole_and_what_is_not_never_completes() {
    let (content, desc) = content();
    let blob = Blob::from_source(None, Source::new(&content, &[])).verify(&desc);
    assert_eq!(blob.bytes(u64::MAX).await.unwrap(), content);

    let mut wrong = content.to_vec();
    wrong[0] ^= 1;
    let mut blob = Blob::from_source(None, Source::new(&wrong.into(), &[])).verify(&desc);
    let mut seen = 0;
    let error = loop {
        match blob.next().await.expect("an error before the end") {
            Ok(chunk) => seen += chunk.len(),
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert_eq!(seen, content.len() - CHUNK, "the last chunk is kept back");
}

#[tokio::test]
async fn a_stream_that_breaks_goes_on_under_the_same_hash() {
    let (content, desc) = content();
    for _ in 0..20 {
        let source = Source::new(&content, &[1, 1, 2500, 99_999, 100_000]);
        let blob = Blob::from_source(None, Arc::clone(&source) as Arc<dyn BlobSource>).verify(&desc);
        assert_eq!(blob.bytes(u64::MAX).await.unwrap(), content);
        assert_eq!(source.opened.load(Ordering::Relaxed), 5);
    }
}

#[tokio::test]
async fn what_is_not_described_yet_is_described() {
    let (content, desc) = content();
    let (blob, sum) = Blob::from_source(None, Source::new(&content, &[50_000])).summed(Algorithm::Sha256).unwrap();
    assert_eq!(blob.bytes(u64::MAX).await.unwrap(), content);
    assert_eq!(sum.described(), Some((desc.digest, desc.size)));
}

#[tokio::test]
async fn content_that_goes_on_past_its_size_is_corrupt() {
    let (content, desc) = content();
    let longer: Bytes = [content.as_ref(), b"more"].concat().into();
    let error = Blob::from_source(None, Source::new(&longer, &[])).verify(&desc).bytes(u64::MAX).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[test]
fn without_a_runtime_the_chunks_are_hashed_where_they_are_polled() {
    let (content, desc) = content();
    let blob = Blob::from_source(None, Source::new(&content, &[])).verify(&desc);
    assert_eq!(blob.bytes(u64::MAX).now_or_never().unwrap().unwrap(), content);
}
