//! Copies an artifact with the SBOMs that refer to it, and leaves its signatures behind.
//!
//! `cargo run --example extended_copy`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::Result;
use oras::content::PredecessorFinder as _;
use oras::copy::{ExtendedCopyOptions, extended_copy};
use oras::files::{self, File, PushOptions};
use oras::layout::OciLayout;
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};

const SBOM: &str = "application/spdx+json";
const SIGNATURE: &str = "application/vnd.example.signature";

pub(crate) async fn run() -> Result<()> {
    let server = Server::builder().start().await?;
    let http = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/demo", server.host()), http)?;
    let app = files::push(&repository, "v1", [File::from_bytes("app", "an app")], &PushOptions::new()).await?;
    for kind in [SBOM, SIGNATURE] {
        let options = PushOptions::new().with_artifact_type(kind).with_subject(app.root().clone());
        files::push(&repository, None, [File::from_bytes("attachment", kind)], &options).await?;
    }

    let dir = tempfile::tempdir()?;
    let layout = OciLayout::create(dir.path().join("layout")).await?;
    let options = ExtendedCopyOptions::new().with_artifact_type_filter(|kind| kind == SBOM);
    let root = extended_copy(&repository, "v1", &layout, "v1", &options).await?;
    println!("{} came with:", root.digest);
    for referrer in layout.referrers(&root, None).await? {
        println!("  {}", referrer.artifact_type.unwrap_or_default());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
