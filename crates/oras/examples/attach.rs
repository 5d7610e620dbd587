//! Attaches a signature and an SBOM to an artifact, lists what is attached, and reads one of them.
//!
//! `cargo run --example attach`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::content::{PredecessorFinder as _, fetch_all};
use oras::descriptor::Manifest;
use oras::files::{self, File, PushOptions};
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};
use oras::{Error, ErrorKind, MediaType, Result};

const SBOM: &str = "application/spdx+json";
const SIGNATURE: &str = "application/vnd.example.signature";
/// The largest manifest that registries must take.
const LIMIT: u64 = 4 << 20;

pub(crate) async fn run() -> Result<()> {
    let server = Server::builder().start().await?;
    let options = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/demo", server.host()), options)?;
    let app = files::push(&repository, "v1", [File::from_bytes("app", "an app")], &PushOptions::new()).await?;

    // What is attached is an artifact whose manifest has the other one as its subject. It needs no tag.
    for (kind, text) in [(SBOM, "{}"), (SIGNATURE, "signed")] {
        let options = PushOptions::new().with_artifact_type(kind).with_subject(app.root().clone());
        files::push(&repository, None, [File::from_bytes("attachment", text)], &options).await?;
    }

    for referrer in repository.referrers(app.root(), None).await? {
        let kind = referrer.artifact_type.unwrap_or_default();
        println!("{kind}: {}", referrer.digest);
    }

    // Of one type, and down to its content.
    let signatures = repository.referrers(app.root(), Some(&MediaType::new(SIGNATURE))).await?;
    let missing = || Error::new(ErrorKind::NotFound, "there is no signature");
    let manifest = fetch_all(&repository, signatures.first().ok_or_else(missing)?, LIMIT).await?;
    let manifest = Manifest::from_slice(&manifest)?;
    let signature = fetch_all(&repository, manifest.layers.first().ok_or_else(missing)?, LIMIT).await?;
    println!("the signature: {}", String::from_utf8_lossy(&signature));
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
