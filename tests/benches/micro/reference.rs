//! References, as they are typed.

use divan::black_box;
use oras_reference::Reference;

const SHORT: &str = "registry.example.com/app:v1.2.3";
const LONG: &str = "registry.example.com:5000/team/project/app:v1.2.3\
    @sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn parse(text: &str) -> Reference {
    text.parse().expect("it is a reference")
}

#[divan::bench]
fn parse_tag() -> Reference {
    parse(black_box(SHORT))
}

#[divan::bench]
fn parse_tag_and_digest() -> Reference {
    parse(black_box(LONG))
}

#[divan::bench]
fn print_tag_and_digest(bencher: divan::Bencher<'_, '_>) {
    let reference = parse(LONG);
    bencher.bench_local(|| reference.to_string());
}
