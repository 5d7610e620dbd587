//! Embeds a registry in a test: it fails on demand, and it knows what it was asked.
//!
//! `cargo run --example embed_registry`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::Result;
use oras::files::{self, File, PullOptions, PushOptions};
use oras::registry::{Action, Behaviour, Fault, RequestKind, Server};
use oras::remote::{RegistryOptions, Repository};

pub(crate) async fn run() -> Result<()> {
    // On a port of its own, in memory, until it is dropped.
    let server = Server::builder().start().await?;
    let options = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/demo", server.host()), options)?;
    let content = vec![7; 1 << 20];
    files::push(&repository, "v1", [File::from_bytes("data.bin", content.clone())], &PushOptions::new()).await?;

    // The next two downloads break after 300,000 bytes.
    let fault = Fault::new(Action::CloseAnswer(300_000)).on(RequestKind::BlobGet).times(2);
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.push(fault)));

    let dir = tempfile::tempdir()?;
    files::pull(&repository, "v1", dir.path(), &PullOptions::new()).await?;
    assert!(std::fs::read(dir.path().join("data.bin"))? == content, "every byte came");

    let counters = server.counters();
    println!(
        "{} requests for the blob, {} bytes sent in all",
        counters.requests(RequestKind::BlobGet),
        counters.bytes_sent()
    );
    server.shutdown().await;
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
