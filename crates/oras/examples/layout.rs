//! Takes an artifact from a registry into an OCI image layout, and from there into another registry.
//!
//! `cargo run --example layout`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use futures_util::TryStreamExt as _;
use oras::Result;
use oras::content::TagLister as _;
use oras::copy::CopyOptions;
use oras::files::{self, File, PushOptions};
use oras::layout::OciLayout;
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};

pub(crate) async fn run() -> Result<()> {
    let (here, there) = (Server::builder().start().await?, Server::builder().start().await?);
    let http = RegistryOptions::new().with_plain_http(true);
    let source = Repository::new(&format!("{}/team/app", here.host()), http.clone())?;
    let target = Repository::new(&format!("{}/team/app", there.host()), http)?;
    let pushed = files::push(&source, "v1", [File::from_bytes("app", "an app")], &PushOptions::new()).await?;

    // A directory that crane, skopeo and docker can read too; carry it wherever there is no network.
    let dir = tempfile::tempdir()?;
    let layout = OciLayout::create(dir.path().join("layout")).await?;
    let options = CopyOptions::new();
    oras::copy(&source, "v1", &layout, "v1", &options).await?;
    let tags: Vec<String> = layout.tags(None).try_collect().await?;
    println!("{} holds {}", layout.root().display(), tags.join(", "));

    let root = oras::copy(&layout, "v1", &target, "v1", &options).await?;
    println!("{}:v1 is {}, as before: {}", target.reference(), root.digest, root.digest == pushed.root().digest);
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
