//! The whole way of an artifact: packed, pushed, listed, pulled, compared, and described by an SBOM.
//!
//! ```sh
//! cargo run --example quickstart
//! cargo run --example quickstart -- --registry localhost:5000/demo:v1
//! ```
//!
//! Without arguments it talks to a registry of its own, in memory. To a registry on this machine it speaks plain http, and
//! to any other it is whoever docker or podman logged in as.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example shows what it does")]

use std::{fs, path::Path, process::ExitCode};

use futures_util::TryStreamExt as _;
use oras::content::{PredecessorFinder as _, TagLister as _};
use oras::credentials::SystemCredentials;
use oras::descriptor::{Annotations, annotation};
use oras::files::{self, PullOptions, Pulled, PushOptions, Pushed};
use oras::registry::Server;
use oras::remote::{RegistryOptions, Repository};
use oras::{Descriptor, Error, ErrorKind, Reference, Report, Result};

const TYPE: &str = "application/vnd.example.bundle";
const SBOM_TYPE: &str = "application/spdx+json";

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let registry = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => None,
        ["--registry", registry] => Some(registry),
        _ => {
            eprintln!("usage: quickstart [--registry HOST/REPOSITORY[:TAG]]");
            return ExitCode::from(2);
        }
    };
    match run(registry).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("quickstart: {}", Report::new(&error));
            ExitCode::FAILURE
        }
    }
}

/// Does it all, against a registry that is given or one of its own.
pub(crate) async fn run(registry: Option<&str>) -> Result<()> {
    // It serves until it is dropped, at the end of this function.
    let server = match registry {
        Some(_) => None,
        None => Some(Server::builder().start().await?),
    };
    let own = server.as_ref().map(|server| format!("{}/demo:v1", server.host()));
    let name = registry.or(own.as_deref()).unwrap_or_default();
    let reference: Reference = name.parse()?;
    let (repository, tag) = (open(&reference)?, reference.tag().unwrap_or("latest"));
    match &own {
        Some(_) => println!("Registry   {} (in memory, for this run)", reference.registry()),
        None => println!("Registry   {}", reference.registry()),
    }

    let dir = tempfile::tempdir()?;
    let (from, to) = (dir.path().join("made"), dir.path().join("pulled"));
    make_files(&from)?;
    let (pushed, pulled, referrers) = send_around(&repository, tag, &from, &to).await?;
    tell_pushed(&repository, tag, &pushed).await?;
    compare(&pulled, &from, &to)?;
    tell_referrers(&referrers, pushed.root());
    Ok(())
}

/// The repository: plain http on this machine, and the credentials of docker and podman elsewhere.
fn open(reference: &Reference) -> Result<Repository> {
    let host = reference.registry();
    let is_local = ["localhost", "127.0.0.1", "[::1]"]
        .iter()
        .any(|local| host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with(':')));
    let options = RegistryOptions::new().with_plain_http(is_local).with_credentials(SystemCredentials::new());
    Repository::new(&reference.clone().without_reference().to_string(), options)
}

/// What a program of yours would do.
async fn send_around(
    repository: &Repository,
    tag: &str,
    from: &Path,
    to: &Path,
) -> Result<(Pushed, Pulled, Vec<Descriptor>)> {
    // region: main
    // Pack a file and a directory as an artifact, push it under a tag, and pull it into another directory.
    let about = Annotations::from([(annotation::TITLE.into(), "Quickstart".into())]);
    let options = PushOptions::new().with_base(from).with_artifact_type(TYPE).with_annotations(about);
    let pushed = files::push(repository, tag, ["hello.txt", "data"], &options).await?;
    let pulled = files::pull(repository, tag, to, &PullOptions::new()).await?;

    // Attach an SBOM to it, and list what is attached.
    let options = PushOptions::new().with_base(from).with_artifact_type(SBOM_TYPE).with_subject(pushed.root().clone());
    files::push(repository, None, ["sbom.spdx.json"], &options).await?;
    let referrers = repository.referrers(pushed.root(), None).await?;
    // endregion
    Ok((pushed, pulled, referrers))
}

fn make_files(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir.join("data/more"))?;
    fs::write(dir.join("hello.txt"), "Hello from ORAS for Rust.\n")?;
    fs::write(dir.join("data/numbers.bin"), (0..=255).cycle().take(1 << 20).collect::<Vec<u8>>())?;
    fs::write(dir.join("data/more/notes.md"), "# Notes\n")?;
    fs::write(dir.join("sbom.spdx.json"), "{\"spdxVersion\":\"SPDX-2.3\",\"name\":\"quickstart\"}\n")?;
    Ok(())
}

async fn tell_pushed(repository: &Repository, tag: &str, pushed: &Pushed) -> Result<()> {
    println!("Pushed     {}:{tag}", repository.reference());
    println!("           {}", pushed.root().digest);
    for layer in pushed.layers() {
        println!("           {:>9}  {}", size(layer.size), layer.title().unwrap_or_default());
    }
    let tags: Vec<String> = repository.tags(None).try_collect().await?;
    println!("Tags       {}", tags.join(", "));
    Ok(())
}

/// Compares what was pulled with what was made, byte by byte.
fn compare(pulled: &Pulled, from: &Path, to: &Path) -> Result<()> {
    for name in ["hello.txt", "data/numbers.bin", "data/more/notes.md"] {
        if fs::read(from.join(name))? != fs::read(to.join(name))? {
            return Err(Error::new(ErrorKind::Corrupt, format!("{name} is not what was pushed")));
        }
    }
    let names: Vec<&str> = pulled.files().iter().map(|file| file.name()).collect();
    println!("Pulled     {}: every byte is the same", names.join(", "));
    Ok(())
}

fn tell_referrers(referrers: &[Descriptor], subject: &Descriptor) {
    println!("Referrers  of {}…", subject.digest.as_str().get(..19).unwrap_or_default());
    for referrer in referrers {
        let kind = referrer.artifact_type.as_ref().map_or("of unknown type", |kind| kind.as_str());
        println!("           {kind}  {}", referrer.digest);
    }
}

/// A size as a person reads it.
fn size(bytes: u64) -> String {
    match bytes {
        0..10_000 => format!("{bytes} B"),
        10_000..10_000_000 => format!("{} kB", bytes / 1000),
        _ => format!("{} MB", bytes / 1_000_000),
    }
}
