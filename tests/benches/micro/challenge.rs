//! Challenges, as registries send them.

use divan::{Bencher, black_box};
use http::{HeaderMap, HeaderValue, header::WWW_AUTHENTICATE};
use oras_auth::Challenge;

const BEARER: &str = "Bearer realm=\"https://auth.example.com/token\",service=\"registry.example.com\",\
    scope=\"repository:team/project/app:pull,push\",error=\"insufficient_scope\"";

#[divan::bench]
fn parse_bearer(bencher: Bencher<'_, '_>) {
    let headers = HeaderMap::from_iter([(WWW_AUTHENTICATE, HeaderValue::from_static(BEARER))]);
    bencher.bench_local(|| {
        let challenges = Challenge::all(black_box(&headers));
        assert_eq!(challenges.len(), 1);
        challenges
    });
}
