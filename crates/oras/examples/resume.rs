//! Loses the connection in the middle of a download, and goes on later where it stopped, also in another process.
//!
//! `cargo run --example resume`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::file::FileOptions;
use oras::files::{self, File, PullOptions, PushOptions};
use oras::registry::{Action, Behaviour, Fault, RequestKind, Server};
use oras::remote::{RegistryOptions, Repository};
use oras::{Report, Result};

const SIZE: usize = 32 << 20;

pub(crate) async fn run() -> Result<()> {
    let server = Server::builder().start().await?;
    let options = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/demo", server.host()), options)?;
    let content: Vec<u8> = (0..=255).cycle().take(SIZE).collect();
    let file = [File::from_bytes("large.bin", content.clone())];
    files::push(&repository, "v1", file, &PushOptions::new()).await?;

    // What has come of a file stays beside its place, under a hidden name.
    let dir = tempfile::tempdir()?;
    let options = PullOptions::new().with_store(FileOptions::new().with_resume(true));

    // The connection breaks after three quarters, and then the registry refuses to go on.
    let broken = Fault::new(Action::CloseAnswer(SIZE as u64 / 4 * 3)).on(RequestKind::BlobGet).times(1);
    let refused = Fault::new(Action::Status(http::StatusCode::FORBIDDEN, None)).on(RequestKind::BlobGet);
    server.set_behaviour(Behaviour::with(|behaviour| behaviour.faults.extend([broken, refused])));
    match files::pull(&repository, "v1", dir.path(), &options).await {
        Err(error) => println!("first attempt: {}", Report::new(&error)),
        Ok(_) => println!("first attempt: came whole"),
    }
    assert!(!dir.path().join("large.bin").exists(), "half a file is never under its name");

    server.set_behaviour(Behaviour::default());
    let before = server.counters().bytes_sent();
    files::pull(&repository, "v1", dir.path(), &options).await?;
    let sent = server.counters().bytes_sent() - before;
    println!("second attempt: {} of {} MiB had to be sent", sent >> 20, SIZE >> 20);
    assert!(sent < SIZE as u64 / 2, "only the rest was asked for");
    assert!(std::fs::read(dir.path().join("large.bin"))? == content, "every byte is right");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
