//! What meets a client on the way to a registry.

use http::StatusCode;
use oras_content::ErrorKind;
use oras_registry::{Action, Behaviour, Fault, Server};
use oras_remote::Registry;

use super::harness::options;

#[tokio::test]
async fn a_host_that_is_no_registry_is_not_found() {
    let server = Server::builder().start().await.unwrap();
    let html = Fault::new(Action::Html(StatusCode::NOT_FOUND));
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(html)));
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
