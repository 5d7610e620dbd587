//! What meets a client on the way to a registry.

use std::time::Duration;

use oras_content::{Descriptor, Error, ErrorKind, ReadOnlyStorage as _, Resolver as _};
use oras_registry::Server;
use oras_remote::{Registry, RegistryOptions};
use oras_transport::{HttpClient, RetryPolicy};

use super::harness::options;

fn registry(host: &str, plain_http: bool) -> Registry {
    let policy = RetryPolicy::new().with_max_retries(1).with_backoff(Duration::ZERO, Duration::ZERO);
    let transport = HttpClient::builder().without_proxies().with_retry(policy).build();
    Registry::new(host, RegistryOptions::new().with_plain_http(plain_http).with_transport(transport)).unwrap()
}

fn is_about_the_network(error: &Error) {
    assert_eq!(error.kind(), ErrorKind::Io, "{error}");
    assert!(!error.to_string().is_empty());
}

#[tokio::test]
async fn a_refused_connection_is_io_in_every_call() {
    let unused = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let registry = registry(&unused.to_string(), true);
    let repo = registry.repository("app").unwrap();
    is_about_the_network(&registry.ping().await.unwrap_err());
    is_about_the_network(&repo.resolve("v1").await.unwrap_err());
    is_about_the_network(&repo.exists(&Descriptor::of("a/b", b"x")).await.unwrap_err());
}

#[tokio::test]
async fn tls_where_none_is_spoken_is_io() {
    let server = Server::builder().start().await.unwrap();
    is_about_the_network(&registry(&server.host(), false).ping().await.unwrap_err());
}

#[tokio::test]
async fn a_host_that_is_no_registry_is_not_found() {
    let server = Server::builder().start().await.unwrap();
    let html = oras_registry::Fault::new(oras_registry::Action::Html(http::StatusCode::NOT_FOUND));
    server.set_behaviour(oras_registry::Behaviour::with(|behaviour| behaviour.faults.push(html)));
    let error = Registry::new(&server.host(), options()).unwrap().ping().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound, "{error}");
}

#[test]
fn names_that_break_the_grammar_are_refused_before_any_request() {
    for host in ["", "host:", "....", "host:99999", "a/b", "https://host/x"] {
        let refused = Registry::new(host, options()).map(|_| ());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidReference, "{host}");
    }
    let registry = Registry::new("localhost:5000", options()).unwrap();
    for name in ["", "UPPER", "a//b", "../a", "a/"] {
        let refused = registry.repository(name).map(|_| ());
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::InvalidReference, "{name}");
    }
}
