//! Says who you are: with a password, with docker's configuration file, with a credential helper, with a refresh token.
//!
//! `cargo run --example auth`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use oras::auth::{Credential, CredentialProvider, StaticCredential};
use oras::credentials::{DockerConfigStore, SystemCredentials};
use oras::files::{self, File, PushOptions};
use oras::registry::{Accounts, AuthScheme, Permission, Server};
use oras::remote::{RegistryOptions, Repository};
use oras::{ErrorKind, Report, Result};

pub(crate) async fn run() -> Result<()> {
    let accounts = Accounts::new().with_user("alice", "secret", [Permission::push("team/*")]);
    let server = Server::builder().with_auth(AuthScheme::Token, accounts).start().await?;
    let host = server.host();

    // A password that the program knows. It goes to this registry only.
    let alice = StaticCredential::new(host.as_str(), Credential::password("alice", "secret"));
    attempt("a password", &host, alice).await?;

    // A refresh token, as registries give it at login; a token server makes short-lived tokens of it.
    // attempt("a refresh token", &host, StaticCredential::new(host.as_str(), Credential::refresh_token("…"))).await?;

    // A file of docker's form. It is read at each lookup; helpers that it names are asked.
    let dir = tempfile::tempdir()?;
    let path = dir.path().join("config.json");
    // base64 of `alice:secret`
    std::fs::write(&path, format!(r#"{{"auths":{{"{host}":{{"auth":"YWxpY2U6c2VjcmV0"}}}}}}"#))?;
    attempt("docker's configuration", &host, DockerConfigStore::new(path)).await?;

    // Wherever docker, podman and their kin keep credentials on this machine: what most programs want.
    match attempt("this machine's credentials", &host, SystemCredentials::new()).await {
        Err(error) if error.kind() == ErrorKind::Unauthorized => println!("refused: {}", Report::new(&error)),
        other => other?,
    }
    Ok(())
}

async fn attempt(with: &str, host: &str, credentials: impl CredentialProvider) -> Result<()> {
    let options = RegistryOptions::new().with_plain_http(true).with_credentials(credentials);
    let repository = Repository::new(&format!("{host}/team/app"), options)?;
    files::push(&repository, "v1", [File::from_bytes("app", with.to_owned())], &PushOptions::new()).await?;
    println!("pushed with {with}");
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
