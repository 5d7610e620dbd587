//! The walk of a copy: its order, what hears of it, what of it is kept.

use std::{
    num::NonZeroUsize,
    sync::{Arc, Mutex},
};

use bytes::Bytes;
use oras::content::{
    Blob, BoxFuture, Fetcher, Pusher as _, ReadOnlyStorage, ReadOnlyTarget, Resolver, fetch_all, successors,
};
use oras::copy::{CachedFetcher, CopyHooks, CopyOptions, Decision, copy};
use oras::descriptor::Manifest;
use oras::files::{self, File, PushOptions};
use oras::memory::MemoryStore;
use oras::{Descriptor, Digest, MediaType, Result};
use oras_testing::{Method, Recording};

/// Two files under `v1`; the second has a type of its own.
async fn artifact() -> (MemoryStore, Descriptor, Vec<Descriptor>) {
    let store = MemoryStore::new();
    let files = [File::from_bytes("a.txt", "a"), File::from_bytes("b.md", "b").with_media_type("text/markdown")];
    let pushed = files::push(&store, "v1", files, &PushOptions::new()).await.unwrap();
    (store, pushed.root().plain(), pushed.layers().to_vec())
}

/// Writes lines as the first version printed them, and does what it is told.
#[derive(Default)]
struct Handler {
    lines: Mutex<Vec<String>>,
    skip: Option<MediaType>,
    stop_below: Option<Digest>,
    root: Mutex<Option<Bytes>>,
}

impl Handler {
    fn write(&self, verb: &str, desc: &Descriptor) {
        let name = desc.title().unwrap_or_default();
        self.lines.lock().unwrap().push(format!("{verb} {:.12} {name}", desc.digest.encoded()).trim_end().to_owned());
    }

    fn lines(&self, verb: &str) -> Vec<String> {
        self.lines.lock().unwrap().iter().filter(|line| line.starts_with(verb)).cloned().collect()
    }
}

impl CopyHooks for Handler {
    fn map_root<'a>(
        &'a self,
        fetcher: &'a CachedFetcher<'_>,
        root: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Descriptor>> {
        Box::pin(async move {
            *self.root.lock().unwrap() = Some(fetcher.bytes(root).await?);
            Ok(root.clone())
        })
    }

    fn successors<'a>(
        &'a self,
        _: &'a CachedFetcher<'_>,
        desc: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Vec<Descriptor>>>> {
        let stops = self.stop_below.as_ref() == Some(&desc.digest);
        Box::pin(async move { Ok(stops.then(Vec::new)) })
    }

    fn before_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Decision>> {
        self.write("Downloading", desc);
        let skips = self.skip.as_ref() == Some(&desc.media_type);
        Box::pin(async move { Ok(if skips { Decision::Skip } else { Decision::Copy }) })
    }

    fn after_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        self.write("Downloaded", desc);
        Box::pin(async { Ok(()) })
    }
}

async fn run<S: ReadOnlyTarget>(src: &S, handler: Handler) -> (MemoryStore, Arc<Handler>) {
    let (dst, handler) = (MemoryStore::new(), Arc::new(handler));
    let options = CopyOptions::new().with_concurrency(NonZeroUsize::MIN).with_metadata_concurrency(NonZeroUsize::MIN);
    copy(src, "v1", &dst, "", &options.with_hooks(Arc::clone(&handler) as _)).await.unwrap();
    (dst, handler)
}

#[tokio::test]
async fn one_at_a_time_the_walk_has_the_same_order_each_time() {
    let (store, root, layers) = artifact().await;
    let lines = run(&store, Handler::default()).await.1.lines("Downloading");
    assert_eq!(lines, run(&store, Handler::default()).await.1.lines("Downloading"));
    let position = |desc: &Descriptor| {
        let start = format!("Downloading {:.12}", desc.digest.encoded());
        lines.iter().position(|line| line.starts_with(&start)).unwrap()
    };
    assert!(position(&layers[0]) < position(&layers[1]), "in the order of the manifest");
    assert_eq!(position(&root), lines.len() - 1, "the root comes last");
}

#[tokio::test]
async fn a_hook_passes_over_content_and_stops_the_walk_without_an_error() {
    let (store, root, layers) = artifact().await;
    let (dst, _) = run(&store, Handler { skip: Some(MediaType::new("text/markdown")), ..Handler::default() }).await;
    assert!(dst.exists(&layers[0]).await.unwrap() && !dst.exists(&layers[1]).await.unwrap());
    let (dst, _) = run(&store, Handler { stop_below: Some(root.digest.clone()), ..Handler::default() }).await;
    assert!(dst.exists(&root).await.unwrap() && !dst.exists(&layers[0]).await.unwrap());
}

#[tokio::test]
async fn handlers_hear_of_each_node_before_and_after_and_print_its_digest_and_name() {
    let (store, _, layers) = artifact().await;
    let (_, handler) = run(&store, Handler::default()).await;
    for verb in ["Downloading", "Downloaded"] {
        let lines = handler.lines(verb);
        assert_eq!(lines.len(), 4, "two files, configuration and manifest: {lines:?}");
        assert!(lines.contains(&format!("{verb} {:.12} a.txt", layers[0].digest.encoded())), "{lines:?}");
    }
}

#[tokio::test]
async fn the_root_manifest_and_its_layers_are_given_without_another_request() {
    let (store, root, layers) = artifact().await;
    let src = Recording::new(store);
    let (dst, handler) = run(&src, Handler::default()).await;
    let bytes = handler.root.lock().unwrap().clone().unwrap();
    assert_eq!(Digest::of(&bytes), root.digest);
    assert_eq!(Manifest::from_slice(&bytes).unwrap().layers, layers);
    assert_eq!((src.count(Method::FetchReference), src.count_of(Method::Fetch, root.digest.as_str())), (1, 0));
    // Or afterwards, from where it was copied to.
    assert_eq!(successors(&dst, &root).await.unwrap()[1..], layers);
}

/// A source that keeps what it gave of some types, so that it is asked of the other one once.
struct Keeping<S> {
    source: S,
    kept: MemoryStore,
    types: Vec<MediaType>,
}

impl<S: Fetcher> Fetcher for Keeping<S> {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        if !self.types.contains(&desc.media_type) {
            return self.source.fetch(desc).await;
        }
        if !self.kept.exists(desc).await? {
            let bytes = fetch_all(&self.source, desc, 1 << 20).await?;
            self.kept.push(desc, Blob::from_bytes(bytes)).await?;
        }
        self.kept.fetch(desc).await
    }
}

impl<S: ReadOnlyStorage> ReadOnlyStorage for Keeping<S> {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.source.exists(desc).await
    }
}

impl<S: Resolver> Resolver for Keeping<S> {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.source.resolve(reference).await
    }
}

impl<S: ReadOnlyTarget> ReadOnlyTarget for Keeping<S> {}

#[tokio::test]
async fn what_is_kept_between_copies_is_chosen_by_a_source_of_ones_own() {
    let (store, root, layers) = artifact().await;
    let types = vec![MediaType::OCI_MANIFEST, MediaType::new("text/markdown")];
    let src = Keeping { source: Recording::new(store), kept: MemoryStore::new(), types };
    for _ in 0..2 {
        run(&src, Handler::default()).await;
    }
    let fetched = |desc: &Descriptor| src.source.count_of(Method::Fetch, desc.digest.as_str());
    assert_eq!((fetched(&root), fetched(&layers[0]), fetched(&layers[1])), (1, 2, 1));
}
