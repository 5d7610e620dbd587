//! What is measured.

use std::num::NonZeroUsize;
use std::path::Path;
use std::time::{Duration, SystemTime};

use oras_content::{Blob, Descriptor, Fetcher, PredecessorFinder as _, Pusher, ReadOnlyStorage, Tagger as _};
use oras_copy::{CopyOptions, ExtendedCopyOptions};
use oras_file::{Compression, FileOptions, FileStore, PackOptions};
use oras_layout::OciLayout;
use oras_pack::{PackManifestOptions, PackManifestVersion, pack_manifest};

use crate::{Result, place::open};

const ARTIFACT_TYPE: &str = "application/vnd.bench";
/// Another time, another digest: all clients make the same.
const CREATED: Duration = Duration::from_secs(946_684_800);

/// The default of oras-go, unless the environment says something else.
fn options() -> CopyOptions {
    let concurrency = std::env::var("BENCH_CONCURRENCY").ok().and_then(|text| text.parse::<NonZeroUsize>().ok());
    let options = CopyOptions::new();
    match concurrency {
        Some(concurrency) => options.with_concurrency(concurrency),
        None => options,
    }
}

/// Packs a file, a directory as one archive, or, of a path that ends in `/`, each file in the directory.
pub(crate) async fn push(to: &str, path: &str) -> Result<()> {
    let (to, tag) = open(to).await?;
    let store = FileStore::new(".")?;
    let mut layers = Vec::new();
    if path.ends_with('/') {
        let mut files = std::fs::read_dir(path)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<Vec<_>>>()?;
        files.sort();
        let named = files.iter().map(|file| Ok((name_of(file)?, None, file))).collect::<Result<Vec<_>>>()?;
        layers = store.add_all(named).await?;
    } else {
        let path = Path::new(path);
        layers.push(store.add_to(&to, name_of(path)?, None, path).await?);
    }
    let pack = PackManifestOptions::new().with_layers(layers);
    let root = pack_manifest(&store, PackManifestVersion::V1_1, ARTIFACT_TYPE, &pack).await?;
    store.tag(&root, &tag).await?;
    oras_copy::copy(&store, &tag, &to, &tag, &options()).await?;
    store.close().await?;
    Ok(())
}

fn name_of(path: &Path) -> Result<&str> {
    Ok(path.file_name().and_then(|name| name.to_str()).ok_or("expected the path of a file")?)
}

pub(crate) async fn pull(from: &str, directory: &str) -> Result<()> {
    let (from, tag) = open(from).await?;
    let store = FileStore::new(directory)?;
    oras_copy::copy(&from, &tag, &store, &tag, &options()).await?;
    store.close().await?;
    Ok(())
}

pub(crate) async fn copy(from: &str, to: &str, trusted: bool) -> Result<()> {
    let ((from, from_tag), (to, to_tag)) = (open(from).await?, open(to).await?);
    let options = options().with_trusted_source(trusted);
    oras_copy::copy(&from, &from_tag, &to, &to_tag, &options).await?;
    Ok(())
}

pub(crate) async fn extended(from: &str, to: &str) -> Result<()> {
    let ((from, from_tag), (to, to_tag)) = (open(from).await?, open(to).await?);
    let options = ExtendedCopyOptions::new().with_copy(options());
    oras_copy::extended_copy(&from, &from_tag, &to, &to_tag, &options).await?;
    Ok(())
}

/// Lets the index of a layout be written once, when all is there.
struct Batch<'a>(&'a OciLayout);

impl Fetcher for Batch<'_> {
    async fn fetch(&self, desc: &Descriptor) -> oras_content::Result<Blob> {
        self.0.fetch(desc).await
    }
}

impl ReadOnlyStorage for Batch<'_> {
    async fn exists(&self, desc: &Descriptor) -> oras_content::Result<bool> {
        self.0.exists(desc).await
    }
}

impl Pusher for Batch<'_> {
    async fn push(&self, desc: &Descriptor, content: Blob) -> oras_content::Result<()> {
        self.0.push_deferred(desc, content).await
    }
}

pub(crate) async fn referrers(directory: &str, count: &str) -> Result<()> {
    let count: usize = count.parse()?;
    let layout = OciLayout::create(directory).await?;
    let batch = Batch(&layout);
    let created = SystemTime::UNIX_EPOCH + CREATED;
    let pack = PackManifestOptions::new().with_created(created);
    let subject = pack_manifest(&batch, PackManifestVersion::V1_1, ARTIFACT_TYPE, &pack).await?;
    for number in 0..count {
        let content = format!("referrer {number}");
        let layer = Descriptor::of("application/vnd.bench.layer", content.as_bytes());
        batch.push(&layer, Blob::from_bytes(content.into())).await?;
        let pack =
            PackManifestOptions::new().with_created(created).with_subject(subject.clone()).with_layers(vec![layer]);
        pack_manifest(&batch, PackManifestVersion::V1_1, ARTIFACT_TYPE, &pack).await?;
    }
    layout.flush().await?;
    let found = layout.predecessors(&subject).await?.len();
    if found != count {
        return Err(format!("{found} referrers, expected {count}").into());
    }
    Ok(())
}

/// Packs a directory, on two threads where that is asked for.
pub(crate) async fn add(directory: &str, parallel: bool) -> Result<()> {
    let threads = if parallel { NonZeroUsize::new(2) } else { None };
    let compression =
        threads.map_or_else(Compression::default, |threads| Compression::ParallelGzip { level: 6, threads });
    let options = FileOptions::new().with_pack(PackOptions::new().with_compression(compression));
    let store = FileStore::with_options(".", options)?;
    let path = Path::new(directory);
    let desc = store.add(name_of(path)?, None, path).await?;
    println!("{} {}", desc.digest, desc.size);
    store.close().await?;
    Ok(())
}
