use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oras_content::{Blob, Fetcher, Location, ReadOnlyStorage, ReadOnlyTarget, Result};
use oras_copy::{copy_graph, resolve};
use oras_descriptor::Descriptor;
use oras_file::FileStore;

use super::{
    options::PullOptions,
    plan::{Plan, Wanted},
    report::{Pulled, PulledFile},
};

/// Pulls the files of an artifact into a directory.
///
/// All manifests are read first, and a file is known by the title of its content: two of the same name are refused before
/// anything is written. A file that is there with the same bytes is left alone and not downloaded; the others are
/// replaced whole, when size and digest are verified. What cannot be a file is reported, not an error.
///
/// # Errors
///
/// [`ErrorKind::NotFound`](oras_content::ErrorKind::NotFound) when there is no such reference or platform,
/// [`ErrorKind::Denied`](oras_content::ErrorKind::Denied) when two files have the same name, when a name leads out of the
/// directory, or when a file may not be replaced; else a copy's error, with the [`CopyError`](oras_copy::CopyError) as its source.
///
/// # Cancel safety
///
/// A dropped future leaves whole files; partial ones are not seen under their names.
pub async fn pull<S: ReadOnlyTarget>(
    source: &S,
    reference: &str,
    dir: impl AsRef<Path>,
    options: &PullOptions,
) -> Result<Pulled> {
    // Boxed, because what a store and an engine need on the way is large, and callers await many such futures.
    Box::pin(pull_files(source, reference, dir.as_ref(), options)).await
}

async fn pull_files<S: ReadOnlyTarget>(
    source: &S,
    reference: &str,
    dir: &Path,
    options: &PullOptions,
) -> Result<Pulled> {
    let root = resolve(source, reference, &options.resolve).await?;
    let Plan { wanted, skipped, .. } = Plan::of(source, &root, options).await?;
    let store = FileStore::with_options(dir, options.store.clone())?;
    let pulls = wanted.into_iter().enumerate().map(|wanted| pull_one(source, &store, wanted, options));
    let mut files: Vec<(usize, PulledFile)> =
        stream::iter(pulls).buffer_unordered(options.copy.concurrency().get()).try_collect().await?;
    store.close().await?;
    files.sort_unstable_by_key(|(at, _)| *at);
    Ok(Pulled { root, files: files.into_iter().map(|(_, file)| file).collect(), skipped })
}

/// Pulls one file, and says again at which place of the manifest it stands.
async fn pull_one<S: ReadOnlyTarget>(
    source: &S,
    store: &FileStore,
    (at, wanted): (usize, Wanted),
    options: &PullOptions,
) -> Result<(usize, PulledFile)> {
    let titled = wanted.titled();
    let Wanted { name, desc } = wanted;
    let source = One { source, desc: &desc, was_read: Arc::default() };
    copy_graph(&source, store, &titled, &options.copy).await?;
    let unchanged = desc.size > 0 && !source.was_read.load(Ordering::Relaxed);
    let path = store.root().join(&name);
    Ok((at, PulledFile { name, path, descriptor: desc, unchanged }))
}

/// One blob of a source, which need not know it by its new name.
struct One<'a, S> {
    source: &'a S,
    desc: &'a Descriptor,
    was_read: Arc<AtomicBool>,
}

impl<S: Fetcher> Fetcher for One<'_, S> {
    async fn fetch(&self, _: &Descriptor) -> Result<Blob> {
        let was_read = Arc::clone(&self.was_read);
        let blob = self.source.fetch(self.desc).await?;
        Ok(blob.observed(move |_| was_read.store(true, Ordering::Relaxed)))
    }

    fn location(&self) -> Option<Location> {
        self.source.location()
    }
}

impl<S: ReadOnlyStorage> ReadOnlyStorage for One<'_, S> {
    async fn exists(&self, _: &Descriptor) -> Result<bool> {
        self.source.exists(self.desc).await
    }
}
