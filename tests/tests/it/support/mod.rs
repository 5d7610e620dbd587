//! What the tests share: clients that do not wait long, content, servers that are no registry.

mod content;
mod origin;
mod tls;

use std::{fmt::Display, time::Duration};

use oras_content::{Error, Report};
use oras_registry::{RequestKind, Server};
use oras_remote::{RegistryOptions, Repository};
use oras_transport::{HttpClient, HttpClientBuilder, RetryPolicy};

pub(crate) use content::{blob, image, push, random_bytes};
pub(crate) use origin::Origin;
pub(crate) use tls::Authority;

/// Nothing here takes as long; who waits for it hangs.
const DEADLINE: Duration = Duration::from_secs(30);

/// Retries as usual, but after waits that a test can afford.
pub(crate) fn builder() -> HttpClientBuilder {
    let retry = RetryPolicy::new().with_backoff(Duration::from_millis(1), Duration::from_millis(20));
    HttpClient::builder().without_proxies().with_retry(retry)
}

/// Plain http by a client of its own.
pub(crate) fn plain() -> RegistryOptions {
    RegistryOptions::new().with_plain_http(true).with_transport(builder().build())
}

pub(crate) fn repository(server: &Server, name: &str) -> Repository {
    repository_with(server, name, plain())
}

pub(crate) fn repository_with(server: &Server, name: &str, options: RegistryOptions) -> Repository {
    Repository::new(&format!("{}/{name}", server.host()), options).unwrap()
}

/// Fails in place of hanging.
pub(crate) async fn in_time<T>(what: impl Display, work: impl Future<Output = T>) -> T {
    match tokio::time::timeout(DEADLINE, work).await {
        Ok(done) => done,
        Err(_) => panic!("{what} hangs"),
    }
}

/// What a person is told.
pub(crate) fn told(error: &Error) -> String {
    Report::new(error).to_string()
}

/// Asserts that a person is told all of this.
#[track_caller]
pub(crate) fn assert_told(error: &Error, parts: &[&str]) {
    let told = told(error);
    for part in parts {
        assert!(told.contains(part), "{part:?} is not said in {told:?}");
    }
}

/// How many requests of several kinds there were.
pub(crate) fn requests(server: &Server, kinds: &[RequestKind]) -> u64 {
    kinds.iter().map(|kind| server.counters().requests(*kind)).sum()
}
