//! The program that everybody writes first: a file with a media type of its own goes from memory into a registry, and
//! comes back to the disk if its type is one that is wanted.
//!
//! `cargo run --example classic`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::Result;
use oras::files::{self, File, PullOptions, PushOptions};
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};

const MEDIA_TYPE: &str = "my.custom.media.type/plain";

pub(crate) async fn run() -> Result<()> {
    let server = Server::builder().start().await?;
    let options = RegistryOptions::new().with_plain_http(true);
    let repository = Repository::new(&format!("{}/oras", server.host()), options)?;

    let hello = File::from_bytes("hello.txt", "Hello World!\n").with_media_type(MEDIA_TYPE);
    let pushed = files::push(&repository, "test", [hello], &PushOptions::new()).await?;
    println!("pushed {}:test with digest {}", repository.reference(), pushed.root().digest);

    let dir = tempfile::tempdir()?;
    let options = PullOptions::new().with_allowed_media_types([MEDIA_TYPE]);
    let pulled = files::pull(&repository, "test", dir.path(), &options).await?;
    for file in pulled.files() {
        println!("pulled {}: {:?}", file.path().display(), std::fs::read_to_string(file.path())?);
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
