//! Reads through a mirror, and from the registry itself when the mirror does not have it.
//!
//! `cargo run --example mirror`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::Result;
use oras::copy::CopyOptions;
use oras::files::{self, File, PullOptions, PushOptions};
use oras::registry::{RequestKind, Server};
use oras::remote::{Mirror, RegistryOptions, Repository};

pub(crate) async fn run() -> Result<()> {
    let (origin, mirror) = (Server::builder().start().await?, Server::builder().start().await?);
    let plain = RegistryOptions::new().with_plain_http(true);
    let name = format!("{}/demo", origin.host());
    let direct = Repository::new(&name, plain.clone())?;
    for tag in ["v1", "v2"] {
        files::push(&direct, tag, [File::from_bytes("app", tag)], &PushOptions::new()).await?;
    }
    // The mirror has only the first of them.
    let copy = Repository::new(&format!("{}/demo", mirror.host()), plain.clone())?;
    oras::copy(&direct, "v1", &copy, "v1", &CopyOptions::new()).await?;

    // Whatever a mirror gives is checked against the digest, and it never sees the registry's credentials.
    let through = Mirror::new(&mirror.host())?.with_plain_http(true);
    let repository = Repository::new(&name, plain.with_mirror(through))?;
    let dir = tempfile::tempdir()?;
    for tag in ["v1", "v2"] {
        let before = origin.counters().requests(RequestKind::BlobGet);
        files::pull(&repository, tag, dir.path().join(tag), &PullOptions::new()).await?;
        let after = origin.counters().requests(RequestKind::BlobGet);
        println!("{tag}: from the {}", if after == before { "mirror" } else { "registry itself" });
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
