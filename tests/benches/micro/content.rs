//! Bytes on the move, checked on the way.

use bytes::Bytes;
use divan::{Bencher, counter::BytesCount};
use futures_util::{FutureExt as _, StreamExt as _, stream};
use oras_content::{Blob, fs::write_blob};
use oras_descriptor::{Algorithm, Descriptor, Verifier};

/// Of a transfer: large enough that what is done once does not show.
const SIZE: usize = 16 << 20;
/// As they come from a connection.
const CHUNK: usize = 256 << 10;

fn data() -> Bytes {
    (0..251).cycle().take(SIZE).collect()
}

fn descriptor(algorithm: Algorithm, data: &[u8]) -> Descriptor {
    Descriptor::of_with(algorithm, "application/octet-stream", data)
}

#[divan::bench(args = [Algorithm::Sha256, Algorithm::Sha512])]
fn verifier(bencher: Bencher<'_, '_>, algorithm: Algorithm) {
    let data = data();
    let desc = descriptor(algorithm, &data);
    bencher.counter(BytesCount::new(SIZE)).bench_local(|| {
        let mut verifier = Verifier::new(&desc).expect("a known algorithm");
        for chunk in data.chunks(CHUNK) {
            verifier.update(chunk).expect("not too long");
        }
        verifier.finish().expect("the same content");
    });
}

/// What a blob adds to the hash, and, trusted, what it costs by itself.
#[divan::bench(args = ["verified", "trusted"])]
fn blob(bencher: Bencher<'_, '_>, trust: &str) {
    let data = data();
    let desc = descriptor(Algorithm::Sha256, &data);
    bencher.counter(BytesCount::new(SIZE)).bench_local(|| {
        let chunks: Vec<_> = (0..SIZE).step_by(CHUNK).map(|at| Ok(data.slice(at..at + CHUNK))).collect();
        let blob = Blob::from_stream(Some(SIZE as u64), stream::iter(chunks));
        let blob = if trust == "trusted" { blob.trusted() } else { blob };
        let moved = blob.verify(&desc).fold(0, |moved, chunk| async move { moved + chunk.expect("checked").len() });
        assert_eq!(moved.now_or_never(), Some(SIZE));
    });
}

/// A pull behind the connection: hashed and written, each on a thread of its own. Allocations are those of one chunk times
/// the chunks, and a few for the threads.
#[divan::bench(args = [16, 64])]
fn chunks_to_a_file(bencher: Bencher<'_, '_>, chunks: usize) {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let data = data().slice(..chunks * CHUNK);
    let desc = descriptor(Algorithm::Sha256, &data);
    bencher.counter(BytesCount::new(data.len())).bench_local(|| {
        let pieces: Vec<_> = (0..chunks).map(|at| Ok(data.slice(at * CHUNK..(at + 1) * CHUNK))).collect();
        let blob = Blob::from_stream(Some(desc.size), stream::iter(pieces)).verify(&desc);
        let file = tempfile::tempfile().expect("a file");
        runtime.block_on(write_blob(blob, file)).expect("checked")
    });
}
