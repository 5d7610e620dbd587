//! Pulls one platform of an index.
//!
//! `cargo run --example platform`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::content::{Blob, Target as _};
use oras::descriptor::{Index, Platform, canonical};
use oras::files::{self, File, PullOptions, PushOptions};
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};
use oras::{Descriptor, MediaType, Result};

pub(crate) async fn run() -> Result<()> {
    let server = Server::builder().start().await?;
    let options = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/demo", server.host()), options)?;
    push_index(&repository, "v1").await?;

    let dir = tempfile::tempdir()?;
    for platform in [Platform::new("linux", "amd64"), Platform::new("linux", "arm64")] {
        let options = PullOptions::new().with_platform(platform.clone());
        files::pull(&repository, "v1", dir.path(), &options).await?;
        println!("{platform}: {}", std::fs::read_to_string(dir.path().join("app"))?);
    }
    Ok(())
}

/// An artifact for each of two platforms, and an index of both under a tag.
async fn push_index(repository: &Repository, tag: &str) -> Result<()> {
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let app = File::from_bytes("app", format!("made for {architecture}"));
        let artifact = files::push(repository, None, [app], &PushOptions::new()).await?;
        entries.push(artifact.root().plain().with_platform(Platform::new("linux", architecture)));
    }
    let bytes = canonical(&Index::new(entries));
    let index = Descriptor::of(MediaType::OCI_INDEX, &bytes);
    repository.push_reference(&index, Blob::from_bytes(bytes), tag).await
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
