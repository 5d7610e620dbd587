//! A repository keeps the contract of the roles, over every kind of access that the embedded registry has.

use oras_content::AnyTarget;
use oras_registry::Server;
use oras_remote::{RegistryOptions, Repository};
use oras_testing::contract::{self, Capabilities, Capability};

fn capabilities() -> Capabilities {
    Capabilities::all().without(Capability::Predecessors)
}

fn repository(server: &Server, rule: &str, options: RegistryOptions) -> Repository {
    let name = format!("{}/contract/{}", server.host(), rule.replace('_', "-"));
    Repository::new(&name, options.with_plain_http(true)).unwrap()
}

#[tokio::test]
async fn a_repository_keeps_the_contract() {
    let server = Server::builder().start().await.unwrap();
    let fresh = async |rule: &'static str| repository(&server, rule, RegistryOptions::new());
    contract::check("Repository", &capabilities(), fresh).await;
}

#[tokio::test]
async fn a_repository_behind_any_target_keeps_the_contract() {
    let server = Server::builder().start().await.unwrap();
    let fresh = async |rule: &'static str| AnyTarget::with_graph(repository(&server, rule, RegistryOptions::new()));
    contract::check("AnyTarget over Repository", &capabilities(), fresh).await;
}
