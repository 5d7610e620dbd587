use std::num::NonZeroUsize;

use bytes::Bytes;
use futures_util::{FutureExt as _, StreamExt as _};
use oras_content::{Blob, Descriptor, ErrorKind, Result};
use oras_descriptor::Algorithm;
use oras_testing::FaultySource;
use proptest::{collection::vec, prelude::*};

fn contents() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..2000).prop_map(Bytes::from)
}

fn algorithms() -> impl Strategy<Value = Algorithm> {
    prop::sample::select(&Algorithm::ALL[..])
}

fn describe(algorithm: Algorithm, content: &[u8]) -> Descriptor {
    Descriptor::of_with(algorithm, "a/b", content)
}

/// How many bytes were handed out, and the kind of the error.
fn drain(mut blob: Blob) -> (usize, Option<ErrorKind>) {
    let mut given = 0;
    loop {
        match blob.next().now_or_never().expect("nothing waits") {
            Some(Ok(chunk)) => given += chunk.len(),
            Some(Err(error)) => return (given, Some(error.kind())),
            None => return (given, None),
        }
    }
}

/// A blob that can be read once, and one that can be opened again.
fn both(source: &FaultySource, desc: &Descriptor) -> [Blob; 2] {
    [Blob::from_stream(None, source.stream()).verify(desc), source.blob(desc)]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(crate::cases()))]

    #[test]
    fn any_chunking_gives_the_same_result(
        content in contents(), algorithm in algorithms(), sizes in vec(0usize..300, 1..20),
    ) {
        let desc = describe(algorithm, &content);
        let mut rest = content.clone();
        let mut chunks: Vec<Result<Bytes>> = Vec::new();
        for size in sizes {
            chunks.push(Ok(rest.split_to(size.min(rest.len()))));
        }
        chunks.push(Ok(rest));
        let blob = Blob::from_stream(None, futures_util::stream::iter(chunks)).verify(&desc);
        prop_assert_eq!(blob.bytes(u64::MAX).now_or_never().unwrap().unwrap(), content);
    }

    #[test]
    fn any_flipped_bit_fails_before_the_last_chunk(
        content in contents(), algorithm in algorithms(), at in any::<prop::sample::Index>(), bit in 0u32..8,
        chunk in 1usize..500,
    ) {
        prop_assume!(!content.is_empty());
        let desc = describe(algorithm, &content);
        let at = at.index(content.len()) as u64;
        let source = FaultySource::builder(content).flip(at, 1 << bit).chunk_size(NonZeroUsize::new(chunk).unwrap());
        for blob in both(&source.build(), &desc) {
            let (given, error) = drain(blob);
            prop_assert_eq!(error, Some(ErrorKind::Corrupt));
            prop_assert!((given as u64) < desc.size);
        }
    }

    #[test]
    fn any_missing_byte_fails_before_the_last_chunk(
        content in contents(), algorithm in algorithms(), at in any::<prop::sample::Index>(), chunk in 1usize..500,
    ) {
        prop_assume!(!content.is_empty());
        let desc = describe(algorithm, &content);
        let mut shorter = content.to_vec();
        shorter.remove(at.index(content.len()));
        let source = FaultySource::builder(shorter.into()).chunk_size(NonZeroUsize::new(chunk).unwrap()).build();
        for blob in both(&source, &desc) {
            let (given, error) = drain(blob);
            prop_assert_eq!(error, Some(ErrorKind::Corrupt));
            prop_assert!((given as u64) < desc.size);
        }
    }

    #[test]
    fn any_extra_byte_fails_before_the_last_chunk(
        content in contents(), algorithm in algorithms(), at in any::<prop::sample::Index>(), extra in any::<u8>(),
        chunk in 1usize..500,
    ) {
        let desc = describe(algorithm, &content);
        let mut longer = content.to_vec();
        longer.insert(at.index(content.len() + 1), extra);
        let source = FaultySource::builder(longer.into()).chunk_size(NonZeroUsize::new(chunk).unwrap()).build();
        for blob in both(&source, &desc) {
            let (given, error) = drain(blob);
            prop_assert_eq!(error, Some(ErrorKind::Corrupt));
            prop_assert!(given == 0 || (given as u64) < desc.size);
        }
    }
}
