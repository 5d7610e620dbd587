//! Blobs that need not move.

use std::sync::{Arc, Mutex};

use oras_content::{BoxFuture, Descriptor, Location, Result};
use oras_copy::{CopyEvent, CopyHooks, CopyOptions, Decision, copy_graph};
use oras_memory::MemoryStore;
use oras_testing::{Method, Recording};

use crate::support::{Odd, assert_has_all, closure, image};

async fn stores(mountable: bool, to: &str) -> (Odd, Recording<Odd>, Descriptor) {
    let src = Odd::at("registry.example", "from");
    let root = image(&src, "a").await;
    let mountable = mountable.then(|| src.store.clone());
    let dst = Odd { mountable, ..Odd::at(to, "to") };
    (src, Recording::new(dst), root)
}

#[tokio::test]
async fn blobs_are_mounted_within_a_registry_and_manifests_are_pushed() {
    let (src, dst, root) = stores(true, "registry.example").await;
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert_eq!((dst.count(Method::Mount), dst.count(Method::PushDeferred)), (3, 1));
    assert_has_all(&dst, &closure(&src, &root).await).await;
}

#[tokio::test]
async fn a_refused_mount_becomes_an_upload() {
    let (src, dst, root) = stores(false, "registry.example").await;
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.count(Method::Mount), 3);
    assert_has_all(&dst, &closure(&src, &root).await).await;
}

#[tokio::test]
async fn nothing_is_mounted_across_registries_or_where_that_is_switched_off() {
    let (src, dst, root) = stores(true, "other.example").await;
    copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap();
    assert_eq!(dst.count(Method::Mount), 0);
    let (src, dst, root) = stores(true, "registry.example").await;
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_mount_from_source(false)).await.unwrap();
    assert_eq!(dst.count(Method::Mount), 0);
}

/// Names a place for each blob, skips one, and hears what became of the others.
#[derive(Default)]
struct Places {
    skip: Option<Descriptor>,
    mounted: Mutex<Vec<Descriptor>>,
    copied: Mutex<Vec<Descriptor>>,
    events: Mutex<usize>,
}

impl CopyHooks for Places {
    fn mount_from<'a>(&'a self, _: &'a Descriptor) -> BoxFuture<'a, Result<Vec<Location>>> {
        Box::pin(async { Ok(vec![Location::new("registry.example", "elsewhere")]) })
    }

    fn before_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<Decision>> {
        let skip = self.skip.as_ref().is_some_and(|skip| skip.digest == desc.digest);
        Box::pin(async move { Ok(if skip { Decision::Skip } else { Decision::Copy }) })
    }

    fn after_mount<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        self.mounted.lock().unwrap().push(desc.clone());
        Box::pin(async { Ok(()) })
    }

    fn after_copy<'a>(&'a self, desc: &'a Descriptor) -> BoxFuture<'a, Result<()>> {
        self.copied.lock().unwrap().push(desc.clone());
        Box::pin(async { Ok(()) })
    }

    fn event(&self, event: &CopyEvent<'_>) {
        if matches!(event, CopyEvent::Mounted { .. }) {
            *self.events.lock().unwrap() += 1;
        }
    }
}

#[tokio::test]
async fn a_hook_names_places_and_hears_of_mounts() {
    let src = MemoryStore::new();
    let root = image(&src, "a").await;
    let dst = Odd { mountable: Some(src.clone()), ..Odd::default() };
    let hooks = Arc::new(Places::default());
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_hooks(Arc::clone(&hooks) as _)).await.unwrap();
    assert_eq!((hooks.mounted.lock().unwrap().len(), *hooks.events.lock().unwrap()), (3, 3));
    assert_eq!(*hooks.copied.lock().unwrap(), [root]);

    // Refused: the same blobs are copied, and told as such.
    let hooks = Arc::new(Places::default());
    let root = image(&src, "b").await;
    copy_graph(&src, &Odd::default(), &root, &CopyOptions::new().with_hooks(Arc::clone(&hooks) as _)).await.unwrap();
    assert_eq!((hooks.mounted.lock().unwrap().len(), hooks.copied.lock().unwrap().len()), (0, 4));
}

#[tokio::test]
async fn a_decision_to_skip_holds_where_a_mount_is_possible_or_refused() {
    for mountable in [true, false] {
        let (src, dst, root) = stores(mountable, "registry.example").await;
        let layer = closure(&src, &root).await.pop().unwrap();
        let hooks = Arc::new(Places { skip: Some(layer.clone()), ..Places::default() });
        copy_graph(&src, &dst, &root, &CopyOptions::new().with_hooks(hooks as _)).await.unwrap();
        assert_eq!(dst.count_of(Method::Mount, layer.digest.as_str()), 0);
        assert!(!crate::support::has(&dst, &layer).await);
        assert!(crate::support::has(&dst, &root).await);
    }
}
