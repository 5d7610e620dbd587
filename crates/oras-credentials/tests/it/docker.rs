use std::fs;

use futures_util::future::join_all;
use oras_content::ErrorKind;
use oras_credentials::{Credential, CredentialError, CredentialProvider as _, CredentialStore as _, DockerConfigStore};
use serde_json::json;

use crate::support::{Home, me, of};

#[tokio::test]
async fn what_is_not_there_knows_nobody() {
    for home in [Home::new(), Home::with(""), Home::with(" \n\t "), Home::with("{}"), Home::with(r#"{"auths":null}"#)] {
        let store = DockerConfigStore::new(home.config());
        assert!(of(&store, "r.example", None).await.is_anonymous());
        assert!(!store.is_auth_configured().await.unwrap());
    }
    let nowhere = DockerConfigStore::new("/nowhere/at/all/config.json");
    assert!(of(&nowhere, "r.example", None).await.is_anonymous());
    assert!(of(&nowhere, "", None).await.is_anonymous());
}

#[tokio::test]
async fn a_broken_file_says_which_and_where() {
    let home = Home::with("{\n  \"auths\": {\n    oops \"hunter2\"\n");
    let place = home.config().display().to_string();
    let error = DockerConfigStore::new(home.config()).credential("r.example", None).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
    let expected = CredentialError::InvalidConfig { place: place.clone(), line: 3, column: 5 };
    assert_eq!(error.find(), Some(&expected));

    for config in
        [r#"{"auths":{"r.example":{"auth":"aHVudGVyMg=="}}}"#, r#"{"auths":{"r.example":{"auth":"hunter2!"}}}"#]
    {
        let home = Home::with(config);
        let error = DockerConfigStore::new(home.config()).credential("r.example", None).await.unwrap_err();
        assert!(
            matches!(error.find(), Some(CredentialError::InvalidEntry { key, .. }) if key == "r.example"),
            "{error}"
        );
        let text = format!("{error} {error:?}");
        assert!(!text.contains("hunter2") && !text.contains("aHVu"), "{text}");
        // Who asks for another registry is not concerned.
        assert!(of(&DockerConfigStore::new(home.config()), "other.example", None).await.is_anonymous());
    }
    for config in ["[]", r#"{"auths":[]}"#, r#"{"credsStore":{}}"#, r#"{"credHelpers":"x"}"#] {
        let home = Home::with(config);
        let error = DockerConfigStore::new(home.config()).credential("r.example", None).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{config}");
    }
}

#[tokio::test]
async fn a_byte_order_mark_is_no_error() {
    let home = Home::with("\u{feff}{\"auths\":{\"r.example\":{\"auth\":\"bWU6cHc=\"}}}");
    assert_eq!(of(&DockerConfigStore::new(home.config()), "r.example", None).await, me());
}

#[tokio::test]
async fn entries_are_found_by_exact_path_host_and_old_keys() {
    let home = Home::with(
        r#"{"auths":{
            "r.example":{"auth":"bWU6cHc="},
            "r.example/team":{"auth":"dGVhbTpwdw=="},
            "https://old.example/v1/":{"auth":"b2xkOnB3"},
            "https://index.docker.io/v1/":{"identitytoken":"hub"},
            "token.example":{"registrytoken":"reg"}
        }}"#,
    );
    let store = DockerConfigStore::new(home.config());
    for (registry, repository, expected) in [
        ("r.example", None, me()),
        ("r.example", Some("other/app"), me()),
        ("r.example", Some("team/app/deep"), Credential::password("team", "pw")),
        ("old.example", Some("app"), Credential::password("old", "pw")),
        ("registry-1.docker.io", Some("library/alpine"), Credential::refresh_token("hub")),
        ("docker.io", None, Credential::refresh_token("hub")),
        ("token.example", None, Credential::access_token("reg")),
        ("r.example:5000", None, Credential::anonymous()),
    ] {
        assert_eq!(of(&store, registry, repository).await, expected, "{registry} {repository:?}");
    }
}

#[tokio::test]
async fn a_change_of_the_file_counts_at_once() {
    let home = Home::with("{}");
    let store = DockerConfigStore::new(home.config());
    assert!(of(&store, "r.example", None).await.is_anonymous());
    fs::write(home.config(), r#"{"auths":{"r.example":{"auth":"bWU6cHc="}}}"#).unwrap();
    assert_eq!(of(&store, "r.example", None).await, me());
}

#[tokio::test]
async fn writing_keeps_what_it_does_not_know_and_indents_by_tabs() {
    let home = Home::with(
        r#"{"HttpHeaders":{"X":"y"},"auths":{"r.example":{"auth":"b2xkOnB3","email":"e"}},"credsStore":""}"#,
    );
    let store = DockerConfigStore::new(home.config()).allow_plaintext();
    store.put("r.example", &me()).await.unwrap();
    store.put("docker.io", &Credential::refresh_token("hub")).await.unwrap();
    let expected = json!({
        "HttpHeaders": {"X": "y"},
        "auths": {
            "r.example": {"auth": "bWU6cHc=", "email": "e"},
            "https://index.docker.io/v1/": {"identitytoken": "hub"},
        },
    });
    assert_eq!(home.json(), expected);
    assert!(home.text().contains("\n\t\t\"r.example\": {\n\t\t\t\"auth\""), "{}", home.text());
    assert_eq!(of(&store, "r.example", None).await, me());
}

#[cfg(unix)]
#[tokio::test]
async fn files_are_for_their_owner_alone_links_stay_links_and_nothing_is_left_behind() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};

    let home = Home::new();
    let path = home.path().join("new/.docker/config.json");
    let store = DockerConfigStore::new(&path).allow_plaintext();
    store.put("r.example", &me()).await.unwrap();
    let mode = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(path.parent().unwrap()), mode(&path)), (0o700, 0o600));

    let link = home.path().join("link.json");
    symlink(&path, &link).unwrap();
    DockerConfigStore::new(&link).allow_plaintext().put("s.example", &me()).await.unwrap();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(of(&store, "s.example", None).await, me());

    // So do those that lead to a file which is not there yet, by way of others.
    let (absent, first) = (home.path().join("new/.docker/absent.json"), home.path().join("first.json"));
    symlink("new/.docker/absent.json", home.path().join("second.json")).unwrap();
    symlink("second.json", &first).unwrap();
    DockerConfigStore::new(&first).allow_plaintext().put("t.example", &me()).await.unwrap();
    assert!(fs::symlink_metadata(&first).unwrap().is_symlink());
    assert_eq!(mode(&absent), 0o600);
    for name in ["absent.json", "absent.json.lock"] {
        fs::remove_file(absent.with_file_name(name)).unwrap();
    }

    let mut names: Vec<_> =
        fs::read_dir(path.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["config.json", "config.json.lock"]);
}

#[tokio::test]
async fn no_secret_is_written_in_plain_text_unless_that_is_allowed() {
    let home = Home::new();
    let error = DockerConfigStore::new(home.config()).put("r.example", &me()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert_eq!(error.find(), Some(&CredentialError::PlaintextDisabled { path: home.config() }));
    assert!(!home.config().exists());
}

#[tokio::test]
async fn a_user_name_with_a_colon_cannot_be_stored() {
    let home = Home::new();
    let store = DockerConfigStore::new(home.config()).allow_plaintext();
    let error = store.put("r.example", &Credential::password("a:b", "c")).await.unwrap_err();
    assert!(matches!(error.find(), Some(CredentialError::Unstorable { .. })));
    assert!(!home.config().exists());
}

#[tokio::test]
async fn deleting_removes_the_exact_key_and_writes_nothing_when_there_is_none() {
    let home = Home::with(r#"{"auths":{"r.example":{"auth":"bWU6cHc="},"https://r.example/v1/":{"auth":"bWU6cHc="}}}"#);
    let store = DockerConfigStore::new(home.config());
    let before = home.text();
    store.delete("other.example").await.unwrap();
    assert_eq!(home.text(), before);
    store.delete("r.example").await.unwrap();
    assert_eq!(home.json(), json!({"auths": {"https://r.example/v1/": {"auth": "bWU6cHc="}}}));

    let absent = Home::new();
    DockerConfigStore::new(absent.config()).delete("r.example").await.unwrap();
    assert!(!absent.config().exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nobody_s_change_is_lost_when_many_write_at_once() {
    let home = Home::new();
    let names: Vec<String> = (0..40).map(|at| format!("r{at}.example")).collect();
    let credential = me();
    join_all(names.iter().map(|name| {
        let store = DockerConfigStore::new(home.config()).allow_plaintext();
        let credential = credential.clone();
        async move { store.put(name, &credential).await.unwrap() }
    }))
    .await;
    let store = DockerConfigStore::new(home.config());
    for name in &names {
        assert_eq!(of(&store, name, None).await, me(), "{name}");
    }
}
