//! Copies an artifact from one registry to another, and tells what happens on the way.
//!
//! `cargo run --example copy_artifact`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::sync::{Arc, Mutex, PoisonError};

use oras::Result;
use oras::copy::{CopyEvent, CopyHooks, CopyOptions};
use oras::files::{self, File, PushOptions};
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};

/// Counts what happens. A hook can also decide: what to copy, what to skip, from where to mount.
#[derive(Default)]
struct Tally(Mutex<(u32, u32)>);

impl CopyHooks for Tally {
    fn event(&self, event: &CopyEvent<'_>) {
        let mut tally = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match event {
            CopyEvent::Copied { .. } => tally.0 += 1,
            CopyEvent::Skipped { .. } => tally.1 += 1,
            _ => {}
        }
    }
}

pub(crate) async fn run() -> Result<()> {
    let (here, there) = (Server::builder().start().await?, Server::builder().start().await?);
    let options = RegistryOptions::new().with_plain_http(true);
    let source = Repository::new(&format!("{}/team/app", here.host()), options.clone())?;
    let target = Repository::new(&format!("{}/mirror/app", there.host()), options)?;
    let files = [File::from_bytes("a.txt", "a"), File::from_bytes("b.txt", "b")];
    files::push(&source, "v1", files, &PushOptions::new()).await?;

    for attempt in ["first", "second"] {
        let tally = Arc::new(Tally::default());
        let options = CopyOptions::new().with_hooks(Arc::clone(&tally) as Arc<dyn CopyHooks>);
        let root = oras::copy(&source, "v1", &target, "v1", &options).await?;
        let (copied, skipped) = *tally.0.lock().unwrap_or_else(PoisonError::into_inner);
        println!("{attempt} copy of {}: {copied} copied, {skipped} there already", root.digest);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
