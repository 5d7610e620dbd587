//! The registries that tests begin with, over the storage that the module is named after.

use std::sync::Arc;

use oras_registry::{Builder, Server};

use crate::client::Client;

/// A registry without a socket.
pub(crate) async fn client(builder: Builder) -> Client {
    if !module_path!().contains("disk") {
        return Client(builder.service().await.unwrap(), None);
    }
    let dir = tempfile::tempdir().unwrap();
    let service = builder.with_root(dir.path()).service().await.unwrap();
    Client(service, Some(Arc::new(dir)))
}

/// An ordinary registry.
pub(crate) async fn plain() -> Client {
    client(Server::builder()).await
}

/// One that takes manifests without their blobs.
pub(crate) async fn sparse() -> Client {
    client(Server::builder().with_sparse(true)).await
}
