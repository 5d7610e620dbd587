//! Says who you are: with a password, with docker's configuration file, with a credential helper, with a refresh token.
//!
//! `cargo run --example auth`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::auth::{Credential, CredentialProvider, StaticCredential};
use oras::credentials::{DockerConfigStore, HelperStore, SystemCredentials};
use oras::files::{self, File, PushOptions};
use oras::registry::{Accounts, AuthScheme, Permission, Server};
use oras::remote::{RegistryOptions, Repository};
use oras::transport::{HttpBody, HttpClient};
use oras::{Error, ErrorKind, Report, Result};

pub(crate) async fn run() -> Result<()> {
    let accounts = Accounts::new().with_user("alice", "secret", [Permission::push("team/*")]);
    let server = Server::builder().with_auth(AuthScheme::Token, accounts).start().await?;
    let host = server.host();

    // A password that the program knows. It goes to this registry only.
    let alice = StaticCredential::new(host.as_str(), Credential::password("alice", "secret"));
    attempt("a password", &host, alice).await?;

    // A refresh token, as registries give it at login: a token server makes short-lived tokens of it, and the password is
    // needed no more.
    let token = StaticCredential::new(host.as_str(), Credential::refresh_token(refresh_token(&server).await?));
    attempt("a refresh token", &host, token).await?;

    // A file of docker's form. It is read at each lookup; helpers that it names are asked.
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("config.json");
    // base64 of `alice:secret`
    std::fs::write(&path, format!(r#"{{"auths":{{"{host}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#))?;
    attempt("docker's configuration", &host, DockerConfigStore::new(path)).await?;

    // A credential helper, where this machine has one; and wherever docker, podman and their kin keep credentials, which is
    // what most programs want. Neither knows the registry of this example.
    if let Some(helper) = HelperStore::detect() {
        expect_refusal(attempt(helper.program(), &host, helper.clone()).await)?;
    }
    expect_refusal(attempt("this machine's credentials", &host, SystemCredentials::new()).await)?;
    Ok(())
}

async fn attempt(with: &str, host: &str, credentials: impl CredentialProvider) -> Result<()> {
    let options = RegistryOptions::new().with_plain_http(true).with_credentials(credentials);
    let repository = Repository::new(&format!("{host}/team/app"), options)?;
    files::push(&repository, "v1", [File::from_bytes("app", with.to_owned())], &PushOptions::new()).await?;
    println!("pushed with {with}");
    Ok(())
}

fn expect_refusal(attempt: Result<()>) -> Result<()> {
    match attempt {
        Err(error) if error.kind() == ErrorKind::Unauthorized => println!("refused: {}", Report::new(&error)),
        other => other?,
    }
    Ok(())
}

/// What a login gives: the token endpoint of the registry, asked with the password once.
async fn refresh_token(server: &Server) -> Result<String> {
    let url = format!("{}/token?service={}&offline_token=true", server.url(), server.host());
    // base64 of `alice:secret`
    let request = http::Request::get(url).header("authorization", "Basic YWxpY2U6c2VjcmV0").body(HttpBody::empty());
    let request = request.map_err(|error| Error::new(ErrorKind::Other, "no request").with_source(error))?;
    let answer = HttpClient::new().send(request).await?.into_body().bytes(64 << 10).await?;
    let answer: serde_json::Value = serde_json::from_slice(&answer)
        .map_err(|error| Error::new(ErrorKind::Corrupt, "no token").with_source(error))?;
    Ok(answer.get("refresh_token").and_then(|token| token.as_str()).unwrap_or_default().to_owned())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
