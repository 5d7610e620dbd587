//! Fetches one blob of an artifact: whole into memory, and as a stream into a file.
//!
//! `cargo run --example fetch_blob`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::content::{Fetcher as _, ReadOnlyTarget as _};
use oras::descriptor::Manifest;
use oras::files::{self, File, PushOptions};
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};
use oras::{Error, ErrorKind, Result};

/// The largest manifest that registries must take.
const LIMIT: u64 = 4 << 20;

pub(crate) async fn run() -> Result<()> {
    let server = Server::builder().start().await?;
    let options = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/demo", server.host()), options)?;
    files::push(&repository, "v1", [File::from_bytes("hello.txt", "hello")], &PushOptions::new()).await?;

    // A tag stands for a manifest, and the manifest names blobs.
    let (_, blob) = repository.fetch_reference("v1").await?;
    let manifest = Manifest::from_slice(&blob.bytes(LIMIT).await?)?;
    let layer = manifest.layers.first().ok_or_else(|| Error::new(ErrorKind::NotFound, "the artifact has no layer"))?;
    println!("{} {} bytes, {}", layer.digest, layer.size, layer.media_type);

    // Whole, with a limit on what may be held in memory.
    let bytes = repository.fetch(layer).await?.bytes(layer.size).await?;
    println!("in memory: {}", String::from_utf8_lossy(&bytes));

    // As a stream. The last chunk comes only if size and digest are right, so a failed copy is never complete.
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("hello.txt");
    let mut file = tokio::fs::File::create(&path).await?;
    let copied = tokio::io::copy(&mut repository.fetch(layer).await?.into_reader(), &mut file).await?;
    println!("in {}: {copied} bytes", path.display());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
