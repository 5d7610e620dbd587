//! The example client, command by command.

#[expect(dead_code, reason = "its main and what only main uses are not called here")]
#[path = "../../examples/myclient/main.rs"]
mod program;

use std::fs;

use clap::Parser as _;
use oras::ErrorKind;
use oras_registry::{Accounts, AuthScheme, Permission, Server};
use serde_json::Value;

async fn run(line: &[&str]) -> oras::Result<Value> {
    let arguments = program::Arguments::try_parse_from([&["myclient", "--json"], line].concat()).unwrap();
    Ok(program::run(arguments).await?.json)
}

#[tokio::test]
async fn files_go_into_a_registry_through_a_layout_and_back() {
    let (server, dir) = (Server::builder().start().await.unwrap(), tempfile::tempdir().unwrap());
    let path = |name: &str| dir.path().join(name).display().to_string();
    fs::write(path("a.txt"), "a").unwrap();
    let place = format!("{}/demo:v1", server.host());

    let line = ["push", &place, "a.txt", "-C", &path(""), "--artifact-type", "a/b", "--annotation", "k=v"];
    let pushed = run(&line).await.unwrap();
    assert_eq!(pushed["files"][0]["annotations"]["org.opencontainers.image.title"], "a.txt");
    let sbom = run(&["push", &place, "a.txt", "-C", &path(""), "--artifact-type", "c/d", "--attach"]).await.unwrap();

    let layout = format!("oci:{}:copy", path("layout"));
    let copied = run(&["copy", "--recursive", &place, &layout]).await.unwrap();
    assert_eq!(copied["root"]["digest"], pushed["root"]["digest"]);
    let found = run(&["discover", &layout, "--artifact-type", "c/d"]).await.unwrap();
    assert_eq!(found["referrers"][0]["digest"], sbom["root"]["digest"]);
    assert_eq!(run(&["tags", &layout]).await.unwrap()["tags"], serde_json::json!(["copy"]));

    let other = format!("{}/other/name", server.host());
    run(&["copy", &layout, &other]).await.unwrap();
    let pulled = run(&["pull", &other, "-o", &path("out")]).await.unwrap();
    assert_eq!(pulled["files"][0]["unchanged"], false);
    assert_eq!(fs::read_to_string(path("out/a.txt")).unwrap(), "a");
}

#[tokio::test]
async fn a_name_that_cannot_be_is_a_mistake_of_the_command() {
    let line = ["push", "localhost:1/demo:v1", "../a", "a"];
    let error = run(&line).await.unwrap_err();
    assert_eq!((error.kind(), program::exit_code(&error)), (ErrorKind::Unsupported, 2));
    let error = run(&["push", "localhost:1/demo:v1", "a", "./a"]).await.unwrap_err();
    assert_eq!((error.kind(), program::exit_code(&error)), (ErrorKind::Denied, 2));
}

#[tokio::test]
async fn a_layout_that_is_not_there_is_not_made_to_be_read() {
    let dir = tempfile::tempdir().unwrap();
    let layout = dir.path().join("none");
    let error = run(&["pull", &format!("oci:{}:v1", layout.display()), "-o", "nowhere"]).await.unwrap_err();
    assert_eq!((error.kind(), program::exit_code(&error)), (ErrorKind::NotFound, 3));
    assert!(!layout.exists());
}

#[tokio::test]
async fn an_error_has_an_exit_code() {
    let accounts = Accounts::new().with_anonymous([Permission::pull("public")]);
    let server = Server::builder().with_auth(AuthScheme::Basic, accounts).start().await.unwrap();
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let rows = [
        ("host/Upper".to_owned(), ErrorKind::InvalidReference, 2),
        (format!("{}/public:none", server.host()), ErrorKind::NotFound, 3),
        (format!("{}/private", server.host()), ErrorKind::Unauthorized, 4),
        (format!("{closed}/demo"), ErrorKind::Io, 5),
    ];
    for (place, kind, code) in rows {
        let error = run(&["pull", &place, "-o", "nowhere"]).await.unwrap_err();
        assert_eq!((error.kind(), program::exit_code(&error)), (kind, code), "{place}: {}", oras::Report::new(&error));
    }
}
