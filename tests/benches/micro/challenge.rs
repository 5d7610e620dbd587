//! Challenges, as registries send them.

use divan::black_box;
use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use oras_auth::Challenge;

const BEARER: &str = r#"Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:team/app:pull,push""#;
const SEVERAL: &str = r#"Negotiate YWJjZGVm==, Basic realm="a \"quoted\" realm", Bearer realm="https://auth.example.com/token",service="registry.example.com",scope="repository:a:pull repository:b:pull,push",error="insufficient_scope""#;

fn headers(line: &'static str) -> HeaderMap {
    [(WWW_AUTHENTICATE, HeaderValue::from_static(line))].into_iter().collect()
}

fn parse(bencher: divan::Bencher<'_, '_>, line: &'static str, challenges: usize) {
    let headers = headers(line);
    bencher.bench_local(|| {
        let found = Challenge::all(black_box(&headers));
        assert_eq!(found.len(), challenges);
        found
    });
}

#[divan::bench]
fn parse_bearer(bencher: divan::Bencher<'_, '_>) {
    parse(bencher, BEARER, 1);
}

#[divan::bench]
fn parse_three_schemes(bencher: divan::Bencher<'_, '_>) {
    parse(bencher, SEVERAL, 3);
}
