//! Nodes that are tried again.

use std::sync::{Arc, Mutex};

use oras_content::{Descriptor, ErrorKind};
use oras_copy::{CopyEvent, CopyHooks, CopyOptions, CopyOrigin, NodeRetries, copy_graph};

use crate::support::{Odd, assert_has_all, closure, image, reset};

#[derive(Default)]
struct Count(Mutex<Vec<u32>>);

impl CopyHooks for Count {
    fn event(&self, event: &CopyEvent<'_>) {
        if let CopyEvent::Retried { attempts, .. } = event {
            self.0.lock().unwrap().push(*attempts);
        }
    }
}

async fn source() -> (Odd, Descriptor, Vec<Descriptor>) {
    let src = Odd::default();
    let root = image(&src, "a").await;
    let nodes = closure(&src, &root).await;
    (src, root, nodes)
}

#[tokio::test(start_paused = true)]
async fn a_node_is_fetched_and_pushed_again_after_an_error_that_may_pass() {
    let (src, root, nodes) = source().await;
    let dst = Odd::default();
    src.fail_fetch(&nodes[0], [reset()]);
    src.fail_fetch(&nodes[1], [reset(), reset()]);
    dst.fail_push(&nodes[2], [reset()]);
    dst.fail_push(&root, [reset()]);
    let count = Arc::new(Count::default());
    copy_graph(&src, &dst, &root, &CopyOptions::new().with_hooks(Arc::clone(&count) as _)).await.unwrap();
    assert_has_all(&dst, &nodes).await;
    let mut attempts = count.0.lock().unwrap().clone();
    attempts.sort_unstable();
    assert_eq!(attempts, [1, 1, 1, 1, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_node_is_not_tried_more_often_than_allowed() {
    let (src, root, nodes) = source().await;
    let dst = Odd::default();
    dst.fail_push(&nodes[1], std::iter::repeat_with(reset).take(9));
    let error = copy_graph(&src, &dst, &root, &CopyOptions::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.origin()), (ErrorKind::Io, CopyOrigin::Destination));
    assert!(error.is_retryable());
    assert_eq!(dst.push_errors.lock().unwrap()[&nodes[1].digest].len(), 6, "three attempts were made");
}

#[tokio::test(start_paused = true)]
async fn a_copy_has_a_budget_for_all_its_nodes() {
    let (src, root, nodes) = source().await;
    let dst = Odd::default();
    for node in &nodes {
        dst.fail_push(node, [reset()]);
    }
    let options = |in_all| CopyOptions::new().with_retries(NodeRetries::new(2, in_all));
    assert!(copy_graph(&src, &dst, &root, &options(1)).await.is_err());
    let dst = Odd::default();
    for node in &nodes {
        dst.fail_push(node, [reset()]);
    }
    copy_graph(&src, &dst, &root, &options(4)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_was_repeated_below_is_not_multiplied() {
    let (src, root, nodes) = source().await;
    let dst = Odd::default();
    dst.fail_push(&nodes[1], [reset().with_retries(2), reset()]);
    assert!(copy_graph(&src, &dst, &root, &CopyOptions::new()).await.is_err());
    assert_eq!(dst.push_errors.lock().unwrap()[&nodes[1].digest].len(), 1, "one attempt was made");
}

#[tokio::test(start_paused = true)]
async fn an_error_that_does_not_pass_is_final() {
    let (src, root, nodes) = source().await;
    let dst = Odd::default();
    let denied = || oras_content::Error::new(ErrorKind::Denied, "no");
    dst.fail_push(&nodes[1], [denied(), denied()]);
    assert!(copy_graph(&src, &dst, &root, &CopyOptions::new()).await.is_err());
    assert_eq!(dst.push_errors.lock().unwrap()[&nodes[1].digest].len(), 1);
    let (src, root, nodes) = source().await;
    src.fail_fetch(&nodes[1], [reset()]);
    let none = CopyOptions::new().with_retries(NodeRetries::none());
    assert!(copy_graph(&src, &Odd::default(), &root, &none).await.is_err());
}
