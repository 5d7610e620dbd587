//! Every example runs, offline, to its end.

#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/attach.rs"]
mod attach;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/auth.rs"]
mod auth;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/classic.rs"]
mod classic;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/copy_artifact.rs"]
mod copy_artifact;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/embed_registry.rs"]
mod embed_registry;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/extended_copy.rs"]
mod extended_copy;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/fetch_blob.rs"]
mod fetch_blob;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/layout.rs"]
mod layout;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/mirror.rs"]
mod mirror;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/own_http.rs"]
mod own_http;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/own_store.rs"]
mod own_store;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/platform.rs"]
mod platform;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/quickstart.rs"]
mod quickstart;
#[expect(dead_code, reason = "its main is not called here")]
#[path = "../../examples/resume.rs"]
mod resume;

macro_rules! runs {
    ($($test:ident: $example:ident;)*) => {$(
        #[tokio::test]
        async fn $test() {
            $example::run().await.unwrap();
        }
    )*};
}

runs! {
    what_is_attached_is_listed_and_read: attach;
    every_way_to_say_who_one_is: auth;
    the_classic_program: classic;
    an_artifact_is_copied: copy_artifact;
    a_registry_fails_on_demand: embed_registry;
    what_refers_to_an_artifact_comes_along: extended_copy;
    one_blob_is_fetched: fetch_blob;
    an_artifact_goes_through_a_layout: layout;
    a_mirror_is_read_through: mirror;
    another_http_stack_carries_requests: own_http;
    a_stranger_s_store_is_copied_to: own_store;
    one_platform_is_pulled: platform;
    a_download_goes_on_where_it_stopped: resume;
}

#[tokio::test]
async fn the_quickstart_runs_with_a_registry_of_its_own() {
    quickstart::run(None).await.unwrap();
}

#[tokio::test]
async fn the_quickstart_runs_with_a_registry_that_is_given() {
    let server = oras::registry::Server::builder().start().await.unwrap();
    quickstart::run(Some(&format!("{}/some/name:v2", server.host()))).await.unwrap();
    quickstart::run(Some(&format!("{}/some/name", server.host()))).await.unwrap();
}

#[tokio::test]
async fn the_quickstart_says_what_is_wrong_with_a_reference() {
    let error = quickstart::run(Some("no-slash")).await.unwrap_err();
    assert_eq!(error.kind(), oras::ErrorKind::InvalidReference);
}

#[test]
fn the_twin_of_the_classic_program_is_short() {
    let source = include_str!("../../examples/classic.rs");
    let code =
        source.lines().filter(|line| !line.trim().is_empty() && !line.starts_with("//!") && !line.starts_with("#!"));
    assert!(code.count() <= 30);
}
