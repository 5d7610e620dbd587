//! A store of your own: content as files of one directory. It copies to and from every other store, and it passes the
//! contract of the roles.
//!
//! `cargo run --example own_store`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::{io::ErrorKind as Io, path::PathBuf};

use oras::content::{Blob, Fetcher, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Tagger, Target, fs};
use oras::copy::CopyOptions;
use oras::files::{self, File, PushOptions};
use oras::memory::MemoryStore;
use oras::{Descriptor, Digest, Error, ErrorKind, MediaType, Result};

/// Content is in `<algorithm>-<hex>`, its media type in `<algorithm>-<hex>.type`, the digest of a tag in `tag-<name>`.
#[derive(Clone, Debug)]
struct Shelf {
    dir: PathBuf,
}

impl Shelf {
    fn path(&self, digest: &Digest) -> PathBuf {
        self.dir.join(format!("{}-{}", digest.algorithm(), digest.encoded()))
    }

    /// Writes a file that is there whole or not at all.
    async fn write(&self, path: PathBuf, content: Blob) -> Result<()> {
        let temporary = tempfile::NamedTempFile::new_in(&self.dir)?;
        fs::write_blob(content, fs::FileSink::new(temporary.reopen()?, &path)).await?;
        temporary.persist(path).map_err(|failed| failed.error)?;
        Ok(())
    }

    async fn read(&self, path: PathBuf) -> Result<String> {
        fs::blocking(|| Ok(std::fs::read_to_string(path)?)).await
    }
}

impl Fetcher for Shelf {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        match self.exists(desc).await? {
            true => Ok(fs::FileSource::new(self.path(&desc.digest)).into_blob(Some(desc.size)).verify(desc)),
            false => Err(Error::not_found(desc)),
        }
    }
}

impl ReadOnlyStorage for Shelf {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        let path = self.path(&desc.digest);
        match fs::blocking(|| Ok(std::fs::metadata(path)?.len())).await {
            Ok(size) => Ok(size == desc.size),
            Err(error) if is_missing(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl Pusher for Shelf {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        if self.exists(desc).await? {
            return Err(Error::already_exists(desc));
        }
        let path = self.path(&desc.digest);
        let media_type = Blob::from_bytes(desc.media_type.to_string().into());
        self.write(path.with_extension("type"), media_type).await?;
        self.write(path, content.verify(desc)).await
    }
}

impl Resolver for Shelf {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        let unknown = || Error::new(ErrorKind::NotFound, format!("{reference:?} is not on the shelf"));
        let digest: Digest = match reference.parse() {
            Ok(digest) => digest,
            Err(_) => match self.read(self.dir.join(format!("tag-{reference}"))).await {
                Err(error) if is_missing(&error) => return Err(unknown()),
                digest => digest?.parse()?,
            },
        };
        let path = self.path(&digest);
        let media_type = match self.read(path.with_extension("type")).await {
            Err(error) if is_missing(&error) => return Err(unknown()),
            media_type => MediaType::new(media_type?),
        };
        match fs::blocking(|| Ok(std::fs::metadata(path)?.len())).await {
            Err(error) if is_missing(&error) => Err(unknown()),
            size => Ok(Descriptor::new(media_type, digest, size?)),
        }
    }
}

impl Tagger for Shelf {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        if reference.is_empty() {
            return Err(Error::new(ErrorKind::MissingReference, "a tag needs a name"));
        }
        oras::reference::validate_tag(reference)?;
        if !self.exists(desc).await? {
            return Err(Error::not_found(desc));
        }
        let digest = Blob::from_bytes(desc.digest.to_string().into());
        self.write(self.dir.join(format!("tag-{reference}")), digest).await
    }
}

impl ReadOnlyTarget for Shelf {}

impl Target for Shelf {}

fn is_missing(error: &Error) -> bool {
    error.find::<std::io::Error>().is_some_and(|error| error.kind() == Io::NotFound)
}

/// Copies an artifact onto the shelf.
pub(crate) async fn run() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let shelf = Shelf { dir: dir.path().to_owned() };

    let store = MemoryStore::new();
    files::push(&store, "v1", [File::from_bytes("a.txt", "a")], &PushOptions::new()).await?;
    let root = oras::copy(&store, "v1", &shelf, "v1", &CopyOptions::default()).await?;
    println!("copied {} onto the shelf, which holds:", root.digest);
    for entry in std::fs::read_dir(&shelf.dir)? {
        println!("  {}", entry?.file_name().to_string_lossy());
    }
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}

#[cfg(test)]
mod tests {
    use oras::content::AnyTarget;
    use oras_testing::contract::{self, Capabilities};

    use super::*;

    #[tokio::test]
    async fn the_shelf_keeps_the_contract_of_a_target() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = async |rule: &'static str| {
            let dir = dir.path().join(rule);
            std::fs::create_dir(&dir).unwrap();
            AnyTarget::new(Shelf { dir })
        };
        contract::check("Shelf", &Capabilities::target(), fresh).await;
    }
}
