//! What a subscriber sees of a copy.

use std::{
    collections::BTreeMap,
    fmt::Debug,
    sync::{Arc, LazyLock, Mutex},
};

use oras_content::{Descriptor, Error, ErrorKind, Tagger as _};
use oras_copy::{CopyOptions, copy};
use tracing::{
    Dispatch, Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::{DefaultGuard, NoSubscriber, set_default},
};

use crate::support::{Odd, closure, image};

/// A span as names and values.
#[derive(Clone, Debug, Default)]
struct Seen {
    fields: BTreeMap<&'static str, String>,
    /// How many hold it open.
    holders: usize,
}

impl Visit for Seen {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.fields.insert(field.name(), value.to_owned());
    }
}

/// Keeps the spans of copies.
#[derive(Clone, Default)]
struct Watcher(Arc<Mutex<Vec<Seen>>>);

impl Watcher {
    fn with<T>(&self, id: &Id, work: impl FnOnce(&mut Seen) -> T) -> T {
        let at = usize::try_from(id.into_u64()).unwrap() - 1;
        work(&mut self.0.lock().unwrap()[at])
    }

    fn spans(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    /// The one span of a node.
    fn of(&self, desc: &Descriptor) -> BTreeMap<&'static str, String> {
        let spans = self.spans();
        let mut found = spans.iter().filter(|span| span.fields["digest"] == desc.digest.as_str());
        let (one, other) = (found.next().unwrap(), found.next());
        assert!(other.is_none(), "{} has more than one span", desc.digest);
        assert_eq!(one.holders, 0, "it has ended");
        one.fields.clone()
    }
}

impl Subscriber for Watcher {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_span() && metadata.target() == "oras::copy"
    }

    fn new_span(&self, attributes: &Attributes<'_>) -> Id {
        let mut seen = Seen { holders: 1, ..Seen::default() };
        attributes.record(&mut seen);
        let mut spans = self.0.lock().unwrap();
        spans.push(seen);
        Id::from_u64(spans.len() as u64)
    }

    fn record(&self, id: &Id, values: &Record<'_>) {
        self.with(id, |seen| values.record(seen));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, _: &Event<'_>) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}

    fn try_close(&self, id: Id) -> bool {
        self.with(&id, |seen| {
            seen.holders -= 1;
            seen.holders == 0
        })
    }

    fn clone_span(&self, id: &Id) -> Id {
        self.with(id, |seen| seen.holders += 1);
        id.clone()
    }
}

/// Watches this thread from now on.
///
/// While there is one subscriber alone, a span that another thread reaches first is taken for one that interests nobody; so
/// there is another.
fn watch() -> (Watcher, DefaultGuard) {
    static OTHER: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::new()));
    LazyLock::force(&OTHER);
    let watcher = Watcher::default();
    let guard = set_default(watcher.clone());
    (watcher, guard)
}

#[tokio::test]
async fn each_node_has_one_span_that_says_what_where_and_how_long() {
    let (watcher, guard) = watch();
    let (src, dst) = (Odd::at("from.example", "a"), Odd::at("to.example:5000", "b"));
    let root = image(&src, "a").await;
    src.tag(&root, "v1").await.unwrap();
    let nodes = closure(&src, &root).await;
    let there = &nodes[1];
    dst.claim(std::slice::from_ref(there));
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap();
    drop(guard);
    assert_eq!(watcher.spans().len(), nodes.len());
    for node in &nodes {
        let fields = watcher.of(node);
        assert_eq!(fields["kind"], node.media_type.as_str());
        assert_eq!(fields["bytes"], node.size.to_string());
        assert_eq!((&*fields["source.host"], &*fields["destination.host"]), ("from.example", "to.example:5000"));
        assert_eq!(fields["outcome"], if node == there { "skipped" } else { "copied" });
        assert!(fields["elapsed"].ends_with('s'), "{}", fields["elapsed"]);
    }
}

#[tokio::test]
async fn the_span_of_the_node_that_ends_a_copy_says_that_it_failed() {
    let (watcher, guard) = watch();
    let (src, dst) = (Odd::default(), Odd::default());
    let root = image(&src, "a").await;
    src.tag(&root, "v1").await.unwrap();
    dst.fail_push(&root, [Error::new(ErrorKind::Denied, "no")]);
    copy(&src, "v1", &dst, "", &CopyOptions::new()).await.unwrap_err();
    drop(guard);
    let fields = watcher.of(&root);
    assert_eq!(fields["outcome"], "failed");
    assert!(!fields.contains_key("source.host"), "a store in memory has no host");
}
