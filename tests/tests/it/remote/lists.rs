//! Tags and the catalog, page by page.

use std::num::NonZeroUsize;

use futures_util::TryStreamExt as _;
use oras_content::{ErrorKind, TagLister as _, Tagger as _};
use oras_registry::{Behaviour, RequestKind};

use super::harness::{Lab, options, page_of, push_empty, push_manifest};

#[tokio::test]
async fn tags_are_listed_over_pages_however_they_are_linked() {
    let expected: Vec<String> = (0..7).map(|at| format!("v{at}")).collect();
    type Change = fn(&mut Behaviour);
    let cases: [(&str, Change); 9] = [
        ("links", |_| {}),
        ("absolute links", |behaviour| behaviour.lists.absolute_link = true),
        ("fewer than asked for", |behaviour| behaviour.lists.page_size = Some(2)),
        ("opaque cursors", |behaviour| behaviour.lists.opaque_cursor = true),
        ("no links", |behaviour| behaviour.lists.omit_link = true),
        ("no notice of n", |behaviour| behaviour.lists.ignore_n = true),
        ("no notice of n and no links", |behaviour| {
            behaviour.lists.ignore_n = true;
            behaviour.lists.omit_link = true;
        }),
        ("unsorted", |behaviour| behaviour.lists.unsorted = true),
        ("null for an empty page", |behaviour| behaviour.lists.tags_null = true),
    ];
    for (name, change) in cases {
        let lab = Lab::with(change, options().with_page_size(page_of(3)), |builder| builder).await;
        let (desc, _) = push_manifest(&lab.repo, "v0", |manifest| manifest).await;
        for tag in &expected[1..] {
            lab.repo.tag(&desc, tag).await.unwrap();
        }
        let mut tags: Vec<String> = lab.repo.tags(None).try_collect().await.unwrap();
        tags.sort_unstable();
        assert_eq!(tags, expected, "{name}");
    }
}

#[tokio::test]
async fn a_repository_without_tags_lists_none_and_an_unknown_one_is_not_found() {
    let lab = Lab::new(|behaviour| behaviour.lists.tags_null = true).await;
    push_empty(&lab.repo).await;
    assert_eq!(lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap(), Vec::<String>::new());
    let unknown = lab.registry.repository("unknown").unwrap();
    assert_eq!(unknown.tags(None).try_collect::<Vec<_>>().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_list_that_leads_back_to_itself_ends_with_an_error() {
    let change = |behaviour: &mut Behaviour| behaviour.lists.looping_link = true;
    let lab = Lab::with(change, options().with_page_size(page_of(1)), |builder| builder).await;
    let (desc, _) = push_manifest(&lab.repo, "v0", |manifest| manifest).await;
    lab.repo.tag(&desc, "v1").await.unwrap();
    let error = lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyPages);
}

#[tokio::test]
async fn a_list_of_too_many_pages_ends_with_an_error() {
    let options = options().with_page_size(page_of(1)).with_max_pages(NonZeroUsize::new(2).unwrap());
    let lab = Lab::with(|_| {}, options, |builder| builder).await;
    let (desc, _) = push_manifest(&lab.repo, "v0", |manifest| manifest).await;
    lab.repo.tag(&desc, "v1").await.unwrap();
    assert_eq!(lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap().len(), 2);
    lab.repo.tag(&desc, "v2").await.unwrap();
    let error = lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::TooManyPages);
}

#[tokio::test]
async fn a_page_has_at_most_a_thousand_entries() {
    let change = |behaviour: &mut Behaviour| behaviour.lists.max_n = Some(1000);
    let lab = Lab::with(change, options().with_page_size(page_of(5000)), |builder| builder).await;
    push_manifest(&lab.repo, "v0", |manifest| manifest).await;
    assert_eq!(lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap(), ["v0"]);
    assert!(lab.targets(RequestKind::TagList)[0].ends_with("?n=1000"));
}

#[tokio::test]
async fn no_page_size_is_asked_for_unless_the_caller_does() {
    let lab = Lab::new(|_| {}).await;
    push_manifest(&lab.repo, "v0", |manifest| manifest).await;
    lab.repo.tags(None).try_collect::<Vec<_>>().await.unwrap();
    assert_eq!(lab.targets(RequestKind::TagList), ["/v2/acme/rocket/tags/list"]);
}

#[tokio::test]
async fn the_catalog_is_listed_over_pages() {
    let lab = Lab::with(|_| {}, options().with_page_size(page_of(2)), |builder| builder).await;
    for name in ["a", "b/c", "d", "e"] {
        push_empty(&lab.registry.repository(name).unwrap()).await;
    }
    lab.registry.ping().await.unwrap();
    let all: Vec<String> = lab.registry.repositories(None).try_collect().await.unwrap();
    assert_eq!(all, ["a", "b/c", "d", "e"]);
    let rest: Vec<String> = lab.registry.repositories(Some("b/c")).try_collect().await.unwrap();
    assert_eq!(rest, ["d", "e"]);
}
