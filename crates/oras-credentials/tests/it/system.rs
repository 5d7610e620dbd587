use std::{collections::HashMap, ffi::OsString};

use oras_content::ErrorKind;
use oras_credentials::{
    Credential, CredentialChain, CredentialProvider as _, CredentialStore as _, DockerConfigStore, MemoryCredentials,
    SystemCredentials,
};
use proptest::prelude::*;

use crate::support::{Home, me, of};

fn entry(user: &str) -> String {
    format!(r#"{{"auths":{{"r.example":{{"username":"{user}","password":"hunter2"}}}}}}"#)
}

/// The system of a home directory, with variables whose values are below it where they begin with `~`.
fn system(home: &Home, variables: &[(&str, &str)]) -> SystemCredentials {
    let root = home.path().display().to_string();
    let variables: HashMap<String, OsString> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), value.replace('~', &root).into())).collect();
    SystemCredentials::from_environment(|name| variables.get(name).cloned(), Some(home.path().join("home")))
}

#[tokio::test]
async fn the_first_place_that_knows_a_credential_gives_it() {
    let places = [
        ("DOCKER_AUTH_CONFIG", None),
        ("named.json", Some("named.json")),
        ("docker", Some("home/.docker/config.json")),
        ("runtime", Some("run/containers/auth.json")),
        ("config", Some("home/.config/containers/auth.json")),
    ];
    for first in 0..places.len() {
        let home = Home::new();
        let mut variables = vec![("REGISTRY_AUTH_FILE", "~/named.json"), ("XDG_RUNTIME_DIR", "~/run")];
        let variable = entry("DOCKER_AUTH_CONFIG");
        for (name, path) in &places[first..] {
            match path {
                Some(path) => drop(home.write(path, &entry(name))),
                None => variables.push(("DOCKER_AUTH_CONFIG", &variable)),
            }
        }
        let credential = of(&system(&home, &variables), "r.example", None).await;
        assert_eq!(credential.username(), places[first].0);
    }
}

#[tokio::test]
async fn variables_move_the_places() {
    let home = Home::new();
    home.write("elsewhere/config.json", &entry("docker"));
    home.write("xdg/containers/auth.json", &entry("config"));
    let at = |variables: &[(&str, &str)]| system(&home, variables);
    assert_eq!(of(&at(&[("DOCKER_CONFIG", "~/elsewhere")]), "r.example", None).await.username(), "docker");
    assert_eq!(of(&at(&[("XDG_CONFIG_HOME", "~/xdg")]), "r.example", None).await.username(), "config");
    assert!(of(&at(&[("DOCKER_CONFIG", ""), ("DOCKER_AUTH_CONFIG", "")]), "r.example", None).await.is_anonymous());
}

#[tokio::test]
async fn the_most_specific_path_of_an_auth_json_wins() {
    let home = Home::new();
    home.write(
        "run/containers/auth.json",
        r#"{"auths":{
            "r.example":{"auth":"bWU6cHc="},
            "r.example/ns":{"auth":"bnM6cHc="},
            "r.example/ns/repo":{"auth":"cmVwbzpwdw=="},
            "docker.io/library":{"auth":"aHViOnB3"}
        }}"#,
    );
    let system = system(&home, &[("XDG_RUNTIME_DIR", "~/run")]);
    for (registry, repository, user) in [
        ("r.example", Some("ns/repo"), "repo"),
        ("r.example", Some("ns/repo/deep"), "repo"),
        ("r.example", Some("ns/other"), "ns"),
        ("r.example", Some("nsx"), "me"),
        ("r.example", None, "me"),
        ("registry-1.docker.io", Some("library/alpine"), "hub"),
    ] {
        assert_eq!(of(&system, registry, repository).await.username(), user, "{registry} {repository:?}");
    }
}

#[tokio::test]
async fn the_choice_is_explained_without_a_secret() {
    let home = Home::new();
    home.write("home/.docker/config.json", r#"{"auths":{"other.example":{"auth":"bWU6cHc="}}}"#);
    home.write("run/containers/auth.json", r#"{"auths":{"r.example/ns":{"auth":"bWU6aHVudGVyMg=="}}}"#);
    let system = system(&home, &[("XDG_RUNTIME_DIR", "~/run")]);
    let explanation = system.explain("r.example", Some("ns/app")).await.unwrap();
    let root = home.path().display();
    let expected = format!(
        "credential for r.example/ns/app:\n  \
         DOCKER_AUTH_CONFIG: it is not set\n  \
         {root}/home/.docker/config.json: it knows no credential for it\n  \
         {root}/run/containers/auth.json: its entry r.example/ns gives the user me with a password"
    );
    assert_eq!(explanation.to_string(), expected);
    assert_eq!(explanation.credential, Credential::password("me", "hunter2"));
    assert!(!format!("{explanation:?}").contains("hunter2"));

    let nobody = system.explain("unknown.example", None).await.unwrap().to_string();
    assert!(nobody.contains("there is no such file") && nobody.ends_with("so nobody in particular"), "{nobody}");
}

#[tokio::test]
async fn a_broken_place_stops_the_search_and_is_named() {
    let home = Home::new();
    home.write("home/.docker/config.json", "{");
    home.write("run/containers/auth.json", &entry("later"));
    let error = system(&home, &[("XDG_RUNTIME_DIR", "~/run")]).credential("r.example", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    assert!(error.to_string().contains("config.json"), "{error}");

    let broken = [("DOCKER_AUTH_CONFIG", "{\"auths\": hunter2")];
    let error = system(&Home::new(), &broken).credential("r.example", None).await.unwrap_err();
    assert!(error.to_string().contains("DOCKER_AUTH_CONFIG"), "{error}");
    assert!(!format!("{error:?}").contains("hunter2"));
}

#[tokio::test]
async fn credentials_are_stored_in_docker_s_file() {
    let home = Home::new();
    home.write("home/.docker/config.json", r#"{"auths":{"x":{}}}"#);
    let system = system(&home, &[]);
    assert_eq!(system.put("r.example", &me()).await.unwrap_err().kind(), ErrorKind::Unsupported);
    let system = system.allow_plaintext();
    system.put("docker.io", &me()).await.unwrap();
    let docker = DockerConfigStore::new(home.path().join("home/.docker/config.json"));
    assert_eq!(of(&docker, "registry-1.docker.io", None).await, me());
    system.delete("docker.io").await.unwrap();
    assert!(of(&system, "docker.io", None).await.is_anonymous());

    let homeless = SystemCredentials::from_environment(|_| None, None);
    assert!(of(&homeless, "r.example", None).await.is_anonymous());
    assert_eq!(homeless.put("r.example", &me()).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_chain_looks_into_all_and_writes_to_the_first() {
    let (first, second) = (MemoryCredentials::new(), MemoryCredentials::new());
    second.put("r.example", &me()).await.unwrap();
    let alone = CredentialChain::new(first.clone());
    assert!(of(&alone, "r.example", None).await.is_anonymous());
    let chain = CredentialChain::new(first.clone()).or(second.clone());
    assert_eq!(of(&chain, "r.example", None).await, me());
    chain.put("r.example", &Credential::refresh_token("first")).await.unwrap();
    assert_eq!(of(&chain, "r.example", None).await, Credential::refresh_token("first"));
    assert_eq!(of(&second, "r.example", None).await, me());
    chain.delete("r.example").await.unwrap();
    assert!(of(&first, "r.example", None).await.is_anonymous());
    assert_eq!(of(&second, "r.example", None).await, me());

    let home = Home::with("{");
    let broken = CredentialChain::new(DockerConfigStore::new(home.config())).or(second);
    assert_eq!(broken.credential("r.example", None).await.unwrap_err().kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn memory_holds_what_it_is_given_and_what_a_configuration_holds() {
    let store = MemoryCredentials::new();
    store.put("docker.io", &me()).await.unwrap();
    assert_eq!(of(&store, "registry-1.docker.io", Some("a/b")).await, me());
    store.delete("registry-1.docker.io").await.unwrap();
    assert!(of(&store, "docker.io", None).await.is_anonymous());
    assert!(of(&store, "", None).await.is_anonymous());

    let text = br#"{"auths":{"https://r.example/v1/":{"auth":"bWU6cHc="},"docker.io":{"identitytoken":"t"}},"credsStore":"none"}"#;
    let store = MemoryCredentials::from_docker_config(text).unwrap();
    assert_eq!(of(&store, "r.example", None).await, me());
    assert_eq!(of(&store, "registry-1.docker.io", None).await, Credential::refresh_token("t"));
    assert_eq!(MemoryCredentials::from_docker_config(b"{").unwrap_err().kind(), ErrorKind::Corrupt);
}

proptest! {
    #[test]
    fn any_bytes_are_a_configuration_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100), text in "[{}\\[\\]\":,authscredStoHlp0-9 ]{0,60}") {
        for input in [&bytes[..], text.as_bytes()] {
            if let Err(error) = MemoryCredentials::from_docker_config(input) {
                prop_assert_eq!(error.kind(), ErrorKind::Corrupt);
            }
        }
    }

    #[test]
    fn what_is_stored_is_found_again(
        user in "[^:\\x00]{1,12}", password in "\\PC{1,12}", token in "\\PC{0,12}", host in "[a-z]{1,8}(:[0-9]{1,4})?",
    ) {
        let home = Home::new();
        let credential = Credential::password(user, password).with_refresh_token(token);
        let found = tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
            let store = DockerConfigStore::new(home.config()).allow_plaintext();
            store.put(&host, &credential).await.unwrap();
            of(&store, &host, Some("any/repo")).await
        });
        prop_assert_eq!(found, credential);
    }
}
