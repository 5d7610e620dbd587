//! Manifests and indexes, read and written.

use bytes::Bytes;
use divan::{Bencher, black_box, counter::BytesCount};
use oras_descriptor::{Descriptor, Index, IndexEdit, Manifest, Platform, canonical};

/// Entries of an index that many artifacts refer to.
const ENTRIES: usize = 3000;

fn entry(number: usize) -> Descriptor {
    Descriptor::of("application/vnd.oci.image.manifest.v1+json", number.to_string().as_bytes())
        .with_artifact_type("application/vnd.example")
        .with_annotation("org.opencontainers.image.created", "2000-01-01T00:00:00Z")
}

fn index() -> Index {
    Index::new((0..ENTRIES).map(entry).collect())
}

fn manifest() -> Manifest {
    let layers = (0..20).map(entry).collect();
    Manifest::new(Descriptor::of("application/vnd.oci.image.config.v1+json", b"{}"), layers)
}

#[divan::bench]
fn parse_index(bencher: Bencher<'_, '_>) {
    let bytes = canonical(&index());
    bencher.counter(BytesCount::of_slice(&bytes)).bench_local(|| Index::from_slice(black_box(&bytes)).expect("ours"));
}

#[divan::bench]
fn write_index(bencher: Bencher<'_, '_>) {
    let index = index();
    bencher.counter(BytesCount::of_slice(&canonical(&index))).bench_local(|| canonical(black_box(&index)));
}

#[divan::bench]
fn parse_manifest(bencher: Bencher<'_, '_>) {
    let bytes = canonical(&manifest());
    bencher
        .counter(BytesCount::of_slice(&bytes))
        .bench_local(|| Manifest::from_slice(black_box(&bytes)).expect("ours"));
}

#[divan::bench]
fn write_manifest(bencher: Bencher<'_, '_>) {
    let manifest = manifest();
    bencher.bench_local(|| canonical(black_box(&manifest)));
}

/// The index of a layout gets one more entry.
#[divan::bench]
fn edit_index(bencher: Bencher<'_, '_>) {
    let bytes = canonical(&index());
    let added = entry(ENTRIES).with_platform(Platform::new("amd64", "linux"));
    bencher.bench_local(|| -> Bytes {
        let mut edit = IndexEdit::from_slice(black_box(&bytes)).expect("ours");
        edit.push(&added);
        edit.to_bytes()
    });
}
