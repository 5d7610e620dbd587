//! Lists, page by page.

use std::num::NonZeroU32;

use futures_util::TryStreamExt as _;
use oras_content::{ErrorKind, TagLister as _};
use oras_remote::RegistryOptions;
use oras_testing::{Expected, Reply, ScriptedService};

use crate::support::{repository, with};

fn page(tags: &str) -> Reply {
    Reply::status(200).header("content-type", "application/json").body(format!(r#"{{"name":"app","tags":{tags}}}"#))
}

async fn list(service: &ScriptedService, options: RegistryOptions) -> oras_content::Result<Vec<String>> {
    let tags = with(service, options).tags(None).try_collect().await;
    service.finish();
    tags
}

#[tokio::test]
async fn links_are_followed_as_they_are() {
    let service = ScriptedService::new()
        .expect(
            Expected::get("/v2/app/tags/list"),
            page(r#"["a"]"#)
                .header("link", r#"</first>; rel="first""#)
                .header("link", "<?cursor=a%2Fb,c>; title=\"x, y\"; REL=Next"),
        )
        .expect(
            Expected::get("/v2/app/tags/list?cursor=a%2Fb,c"),
            page("[]").header("link", "<https://registry.example:443/other?x>"),
        )
        .expect(Expected::get("/other?x"), page(r#"["b"]"#));
    assert_eq!(list(&service, RegistryOptions::new()).await.unwrap(), ["a", "b"]);
}

#[tokio::test]
async fn a_link_to_another_origin_is_not_followed() {
    for link in ["https://evil.example/next", "http://registry.example/next", "https://registry.example:8443/next"] {
        let service = ScriptedService::new()
            .expect(Expected::get("/v2/app/tags/list"), page(r#"["a"]"#).header("link", format!("<{link}>; rel=next")));
        assert_eq!(list(&service, RegistryOptions::new()).await.unwrap_err().kind(), ErrorKind::Denied, "{link}");
    }
}

#[tokio::test]
async fn a_full_page_without_link_is_followed_behind_its_last_tag_and_a_refusal_is_the_end() {
    let three = RegistryOptions::new().with_page_size(NonZeroU32::new(3).unwrap());
    let first = || (Expected::get("/v2/app/tags/list?n=3"), page(r#"["a","b","c"]"#));
    let second = || Expected::get("/v2/app/tags/list?n=3&last=c");
    for (reply, expected) in [
        (page(r#"["d"]"#), vec!["a", "b", "c", "d"]),
        (page("null"), vec!["a", "b", "c"]),
        (page(r#"["a","b","c"]"#), vec!["a", "b", "c"]),
        (Reply::status(405), vec!["a", "b", "c"]),
    ] {
        let (request, answer) = first();
        let service = ScriptedService::new().expect(request, answer).expect(second(), reply);
        assert_eq!(list(&service, three.clone()).await.unwrap(), expected);
    }
}

#[tokio::test]
async fn where_links_were_written_once_their_absence_is_the_end() {
    let two = RegistryOptions::new().with_page_size(NonZeroU32::new(2).unwrap());
    let service = ScriptedService::new()
        .expect(Expected::get("/v2/app/tags/list?n=2"), page(r#"["b","a"]"#).header("link", "</opaque>; rel=\"next\""))
        .expect(Expected::get("/opaque"), page(r#"["d","c"]"#));
    assert_eq!(list(&service, two).await.unwrap(), ["b", "a", "d", "c"]);
}

#[tokio::test]
async fn a_registry_that_takes_no_notice_of_last_is_read_behind_it() {
    let service = ScriptedService::new().expect(Expected::get("/v2/app/tags/list?last=b"), page(r#"["a","b","c"]"#));
    let tags: Vec<String> = repository(&service).tags(Some("b")).try_collect().await.unwrap();
    assert_eq!(tags, ["c"]);
    service.finish();
}

#[tokio::test]
async fn a_page_is_read_when_its_first_tag_is_asked_for() {
    let service = ScriptedService::new()
        .expect(Expected::get("/v2/app/tags/list"), page(r#"["a","b"]"#).header("link", "</next>; rel=next"));
    let repo = repository(&service);
    let mut tags = repo.tags(None);
    assert_eq!(tags.try_next().await.unwrap().as_deref(), Some("a"));
    assert_eq!(tags.try_next().await.unwrap().as_deref(), Some("b"));
    service.finish();
}

#[tokio::test]
async fn what_is_no_list_is_an_error_with_the_request() {
    for body in ["<html>", "", "[]", r#"{"tags":7}"#] {
        let reply = Reply::status(200).header("content-type", "text/html").body(body);
        let service = ScriptedService::new().expect(Expected::get("/v2/app/tags/list"), reply);
        let error = list(&service, RegistryOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Other);
        let text = error.to_string();
        assert!(text.contains("https://registry.example/v2/app/tags/list") && text.contains("text/html"), "{text}");
    }
}

#[tokio::test]
async fn a_page_over_the_limit_is_an_error() {
    let reply = Reply::status(200).header("content-length", "2000").body("{}");
    let service = ScriptedService::new().expect(Expected::get("/v2/app/tags/list"), reply);
    let error = list(&service, RegistryOptions::new().with_metadata_limit(1000)).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
}

#[tokio::test]
async fn the_extensions_of_a_registry_are_listed_by_name() {
    let document = r#"{"extensions":[{"name":"_oci","url":"x","endpoints":["_oci/ext/discover"]},{"name":"_zot"}]}"#;
    let discover = || Expected::get("/v2/_oci/ext/discover");
    let service = ScriptedService::new()
        .expect(discover(), Reply::status(200).body(document))
        .expect(discover(), Reply::status(404));
    let repo = repository(&service);
    assert_eq!(repo.registry().extensions().await.unwrap(), ["_oci", "_zot"]);
    assert_eq!(repo.registry().extensions().await.unwrap_err().kind(), ErrorKind::NotFound);
    service.finish();
}
