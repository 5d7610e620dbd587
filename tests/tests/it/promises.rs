//! What the guides promise, where no other test shows it.

use oras_content::{Descriptor, ErrorKind, Fetcher as _};
use oras_registry::Server;
use oras_remote::{RegistryOptions, Repository};

#[tokio::test]
async fn plain_http_is_not_spoken_unless_asked_for() {
    let server = Server::builder().with_recorded_requests(100).start().await.unwrap();
    let repository = Repository::new(&format!("{}/demo", server.host()), RegistryOptions::new()).unwrap();
    let error = repository.fetch(&Descriptor::of("a/b", b"x")).await.unwrap().bytes(100).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(server.requests().is_empty());
}
