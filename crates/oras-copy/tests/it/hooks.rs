//! What callers decide and hear.

use std::sync::{Arc, Mutex};

use oras_content::{BoxFuture, Descriptor, ErrorKind, Fetcher as _, Resolver as _, Result, Tagger as _};
use oras_copy::{
    CachedFetcher, CopyError, CopyEvent, CopyHooks, CopyOperation, CopyOptions, CopyOrigin, Decision, copy, copy_graph,
};
use oras_descriptor::Index;
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};

use crate::support::{closure, has, image, put_index};

/// Hears everything, and does what it is told for some digests.
#[derive(Default)]
struct Listener {
    heard: Mutex<Vec<String>>,
    skip: Option<Descriptor>,
    fail_at: Option<CopyOperation>,
    extra: Option<(Descriptor, Vec<Descriptor>)>,
    root: Option<Descriptor>,
}

impl Listener {
    fn hear(&self, what: &str, operation: CopyOperation) -> BoxFuture<'_, Result<()>> {
        self.heard.lock().unwrap().push(what.to_owned());
        let failed = self.fail_at == Some(operation);
        Box::pin(async move {
            if failed { Err(oras_content::Error::new(ErrorKind::Denied, "the hook says no")) } else { Ok(()) }
        })
    }

    fn heard(&self, prefix: &str) -> Vec<String> {
        let heard = self.heard.lock().unwrap();
        heard.iter().filter_map(|line| line.strip_prefix(prefix)).map(str::to_owned).collect()
    }
}

impl CopyHooks for Listener {
    fn policy<'a>(&'a self, reference: &'a str) -> BoxFuture<'a, Result<()>> {
        self.hear(&format!("policy {reference}"), CopyOperation::Policy)
    }

    fn map_root<'a>(&'a self, _: &'a CachedFetcher<'_>, root: &'a Descriptor) -> BoxFuture<'a, Result<Descriptor>> {
        let heard = self.hear(&format!("root {}", root.digest), CopyOperation::MapRoot);
        let mapped = self.root.clone().unwrap_or_else(|| root.clone());
        Box::pin(async move { heard.await.map(|()| mapped) })
    }

    fn successors<'a>(
        &'a self,
        fetcher: &'a CachedFetcher<'_>,
        desc: &'a Descriptor,
    ) -> BoxFuture<'a, Result<Option<Vec<Descriptor>>>> {
        let heard = self.hear(&format!("successors {}", desc.digest), CopyOperation::Successors);
        Box::pin(async move {
            heard.await?;
            match &self.extra {
                Some((parent, extra)) if parent.digest == desc.digest => {
                    let own = oras_content::successors(fetcher, desc).await?;
                    Ok(Some([own, extra.clone()].concat()))
                }
                _ => Ok(None),
            }
        })
    }

    fn before_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Decision>> {
        let heard = self.hear(&format!("before {}", desc.digest), CopyOperation::BeforeCopy);
        let skip = self.skip.as_ref().is_some_and(|skip| skip.digest == desc.digest);
        Box::pin(async move { heard.await.map(|()| if skip { Decision::Skip } else { Decision::Copy }) })
    }

    fn after_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        self.hear(&format!("after {}", desc.digest), CopyOperation::AfterCopy)
    }

    fn after_skip<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        self.hear(&format!("skipped {}", desc.digest), CopyOperation::Exists)
    }

    fn event(&self, event: &CopyEvent<'_>) {
        if let CopyEvent::Tagged { reference, .. } = event {
            self.heard.lock().unwrap().push(format!("tagged {reference}"));
        }
    }
}

async fn run(
    src: &MemoryStore,
    dst: &MemoryStore,
    listener: Listener,
) -> (Result<Descriptor, CopyError>, Arc<Listener>) {
    let listener = Arc::new(listener);
    let options = CopyOptions::new().with_hooks(Arc::clone(&listener) as _);
    (copy(src, "v1", dst, "", &options).await, listener)
}

async fn source() -> (MemoryStore, Descriptor) {
    let src = MemoryStore::new();
    let root = image(&src, "a").await;
    src.tag(&root, "v1").await.unwrap();
    (src, root)
}

#[tokio::test]
async fn hears_of_each_node_before_and_after_and_of_the_tag_last() {
    let (src, root) = source().await;
    let (copied, listener) = run(&src, &MemoryStore::new(), Listener::default()).await;
    copied.unwrap();
    let mut expected: Vec<_> = closure(&src, &root).await.iter().map(|node| node.digest.to_string()).collect();
    let (mut before, mut after) = (listener.heard("before "), listener.heard("after "));
    assert_eq!(after.last(), Some(&root.digest.to_string()), "the root comes last");
    expected.sort();
    before.sort();
    after.sort();
    assert_eq!((before, after), (expected.clone(), expected));
    assert_eq!(listener.heard.lock().unwrap().last().unwrap(), "tagged v1");
}

#[tokio::test]
async fn hears_that_a_node_is_there() {
    let (src, root) = source().await;
    let dst = MemoryStore::new();
    run(&src, &dst, Listener::default()).await.0.unwrap();
    let (copied, listener) = run(&src, &dst, Listener::default()).await;
    copied.unwrap();
    assert_eq!(listener.heard("skipped "), [root.digest.to_string()]);
    assert!(listener.heard("before ").is_empty());
}

#[tokio::test]
async fn a_node_skipped_by_a_decision_is_neither_read_nor_pushed() {
    let (src, root) = source().await;
    let layer = closure(&src, &root).await.pop().unwrap();
    let src = Recording::new(src);
    let dst = MemoryStore::new();
    let listener = Arc::new(Listener { skip: Some(layer.clone()), ..Listener::default() });
    let options = CopyOptions::new().with_hooks(Arc::clone(&listener) as _);
    copy_graph(&src, &dst, &root, &options).await.unwrap();
    assert!(has(&dst, &root).await && !has(&dst, &layer).await);
    assert_eq!(src.count_of(Method::Fetch, layer.digest.as_str()), 0);
    assert!(!listener.heard("after ").contains(&layer.digest.to_string()));
}

#[tokio::test]
async fn a_root_skipped_by_a_decision_is_tagged_all_the_same() {
    let (src, root) = source().await;
    let dst = MemoryStore::new();
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    let (copied, _) = run(&src, &dst, Listener { skip: Some(root.clone()), ..Listener::default() }).await;
    copied.unwrap();
    assert_eq!(dst.resolve("v1").await.unwrap(), root);
}

#[tokio::test]
async fn the_policy_is_asked_before_anything_is_read() {
    let (src, _) = source().await;
    let src = Recording::new(src);
    let listener = Arc::new(Listener { fail_at: Some(CopyOperation::Policy), ..Listener::default() });
    let options = CopyOptions::new().with_hooks(Arc::clone(&listener) as _);
    let error = copy(&src, "v1", &MemoryStore::new(), "", &options).await.unwrap_err();
    assert_eq!((error.origin(), error.operation()), (CopyOrigin::Hook, CopyOperation::Policy));
    assert_eq!(listener.heard("policy "), ["v1"]);
    assert_eq!(src.count(Method::FetchReference) + src.count(Method::Resolve), 0);
}

#[tokio::test]
async fn an_error_of_any_hook_ends_the_copy_and_blames_the_hook() {
    for operation in [
        CopyOperation::Policy,
        CopyOperation::MapRoot,
        CopyOperation::Successors,
        CopyOperation::BeforeCopy,
        CopyOperation::AfterCopy,
    ] {
        let (src, _) = source().await;
        let dst = MemoryStore::new();
        let (copied, _) = run(&src, &dst, Listener { fail_at: Some(operation), ..Listener::default() }).await;
        let error = copied.unwrap_err();
        assert_eq!((error.origin(), error.operation()), (CopyOrigin::Hook, operation));
        assert_eq!(error.kind(), ErrorKind::Denied);
        assert!(dst.resolve("v1").await.is_err(), "{operation:?}");
    }
}

#[tokio::test]
async fn successors_may_come_from_elsewhere() {
    let (src, root) = source().await;
    let elsewhere = image(&src, "elsewhere").await;
    let dst = MemoryStore::new();
    let extra = Some((root.clone(), vec![elsewhere.clone()]));
    run(&src, &dst, Listener { extra, ..Listener::default() }).await.0.unwrap();
    assert!(has(&dst, &elsewhere).await && has(&dst, &root).await);
    for node in closure(&src, &elsewhere).await {
        assert!(has(&dst, &node).await);
    }
}

#[tokio::test]
async fn loops_made_by_a_hook_end() {
    let src = MemoryStore::new();
    let child = image(&src, "child").await;
    let root = put_index(&src, vec![child.clone()]).await;
    src.tag(&root, "v1").await.unwrap();
    // The child points back to its parent, and to itself.
    for back in [vec![root.clone()], vec![child.clone()], vec![child.clone(), root.clone()]] {
        let dst = MemoryStore::new();
        let listener = Arc::new(Listener { extra: Some((child.clone(), back)), ..Listener::default() });
        let options = CopyOptions::new().with_hooks(listener as _);
        copy(&src, "v1", &dst, "", &options).await.unwrap();
        assert!(has(&dst, &root).await && has(&dst, &child).await);
        let dst = MemoryStore::new();
        copy_graph(&src, &dst, &root, &options).await.unwrap();
        assert!(has(&dst, &root).await && has(&dst, &child).await);
    }
}

#[tokio::test]
async fn the_root_can_be_mapped_to_another_node() {
    let src = MemoryStore::new();
    let child = image(&src, "child").await;
    let root = put_index(&src, vec![child.clone()]).await;
    src.tag(&root, "v1").await.unwrap();
    let dst = MemoryStore::new();
    let (copied, _) = run(&src, &dst, Listener { root: Some(child.clone()), ..Listener::default() }).await;
    assert_eq!(copied.unwrap(), child);
    assert_eq!(dst.resolve("v1").await.unwrap(), child);
    assert!(!has(&dst, &root).await);
}

#[tokio::test]
async fn the_fetcher_of_hooks_reads_each_manifest_once() {
    struct Reader;
    impl CopyHooks for Reader {
        fn map_root<'a>(
            &'a self,
            fetcher: &'a CachedFetcher<'_>,
            root: &'a Descriptor,
        ) -> BoxFuture<'a, Result<Descriptor>> {
            Box::pin(async move {
                let index = Index::from_slice(&fetcher.bytes(root).await?)?;
                for entry in &index.manifests {
                    fetcher.bytes(entry).await?;
                    fetcher.fetch(entry).await?.bytes(1 << 20).await?;
                }
                Ok(root.clone())
            })
        }
    }
    let src = Recording::new(MemoryStore::new());
    let images = vec![image(src.target(), "a").await, image(src.target(), "b").await];
    let root = put_index(src.target(), images.clone()).await;
    src.target().tag(&root, "v1").await.unwrap();
    let options = CopyOptions::new().with_hooks(Arc::new(Reader));
    copy(&src, "v1", &MemoryStore::new(), "", &options).await.unwrap();
    for image in &images {
        assert_eq!(src.count_of(Method::Fetch, image.digest.as_str()), 1);
    }
    assert_eq!(src.count_of(Method::Fetch, root.digest.as_str()), 0, "it came with its reference");
}
