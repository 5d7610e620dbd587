//! Helpers run by their name on the PATH, so each of these tests runs in a process of its own: the test program starts
//! itself again with a PATH of its own.

use std::{
    process::Command,
    sync::{Arc, Mutex},
};

use oras_content::{Error, ErrorKind};
use oras_credentials::{
    Credential, CredentialError, CredentialProvider as _, CredentialStore as _, DockerConfigStore, HelperObserver,
    HelperStore,
};
use serde_json::json;

use crate::support::{Home, me, of};

/// A helper that keeps a file per server beside itself, and notes every run.
const SCRIPT: &str = r#"#!/bin/sh
dir=$(/usr/bin/dirname "$0")
input=$(/bin/cat)
echo "${0##*/} $1" >> "$dir/runs"
case "$1" in
store)
    server=$(printf '%s' "$input" | /bin/sed 's/.*"ServerURL":"\([^"]*\)".*/\1/')
    printf '%s' "$input" > "$dir/kept-$(printf '%s' "$server" | /usr/bin/tr -c 'a-z0-9.\n' _)" ;;
get)
    kept="$dir/kept-$(printf '%s' "$input" | /usr/bin/tr -c 'a-z0-9.\n' _)"
    if [ -f "$kept" ]; then /bin/cat "$kept"; else echo "credentials not found in native keychain"; exit 1; fi ;;
erase)
    /bin/rm -f "$dir/kept-$(printf '%s' "$input" | /usr/bin/tr -c 'a-z0-9.\n' _)" ;;
esac
"#;

/// Installs programs into a directory that becomes the PATH of the test `name`, run again in a process of its own.
#[cfg(unix)]
fn alone(name: &str, programs: &[(&str, &str)]) -> Option<std::path::PathBuf> {
    use std::os::unix::fs::PermissionsExt as _;
    if let Ok(path) = std::env::var("HELPER_TEST_PATH") {
        return Some(path.into());
    }
    let directory = tempfile::tempdir().unwrap();
    for (program, text) in programs {
        let path = directory.path().join(program);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", name, "--nocapture"])
        .env("HELPER_TEST_PATH", directory.path())
        .env("PATH", directory.path())
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && text.contains("1 passed"), "{text}{}", String::from_utf8_lossy(&output.stderr));
    None
}

fn runs(path: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(path.join("runs")).unwrap_or_default();
    text.lines().map(|line| line.trim_start_matches("docker-credential-").to_owned()).collect()
}

#[cfg(unix)]
#[tokio::test]
async fn a_helper_stores_gives_and_erases() {
    let name = "helper::a_helper_stores_gives_and_erases";
    let Some(path) = alone(name, &[("docker-credential-fake", SCRIPT)]) else { return };
    let helper = HelperStore::new("fake").unwrap();
    assert!(of(&helper, "r.example", None).await.is_anonymous());
    for credential in [me(), Credential::refresh_token("t")] {
        helper.put("r.example", &credential).await.unwrap();
        assert_eq!(of(&helper, "r.example", Some("app")).await, credential);
    }
    let kept = std::fs::read_to_string(path.join("kept-r.example")).unwrap();
    assert_eq!(kept, r#"{"ServerURL":"r.example","Username":"<token>","Secret":"t"}"#);
    helper.delete("r.example").await.unwrap();
    assert!(of(&helper, "r.example", None).await.is_anonymous());

    helper.put("docker.io", &me()).await.unwrap();
    assert!(path.join("kept-https___index.docker.io_v1_").exists());
    assert_eq!(of(&helper, "registry-1.docker.io", None).await, me());
    let error = helper.put("r.example", &Credential::access_token("x")).await.unwrap_err();
    assert!(matches!(error.find(), Some(CredentialError::Unstorable { .. })));
}

#[cfg(unix)]
#[tokio::test]
async fn a_failing_helper_is_quoted_and_a_missing_one_named() {
    let name = "helper::a_failing_helper_is_quoted_and_a_missing_one_named";
    let locked = "#!/bin/sh\necho 'the keychain is locked'\nexit 3\n";
    let silent = "#!/bin/sh\nexit 4\n";
    let garbage = "#!/bin/sh\necho 'hunter2'\n";
    let programs = [("locked", locked), ("silent", silent), ("garbage", garbage)]
        .map(|(name, text)| (format!("docker-credential-{name}"), text));
    let programs: Vec<_> = programs.iter().map(|(name, text)| (name.as_str(), *text)).collect();
    if alone(name, &programs).is_none() {
        return;
    }
    for (helper, expected) in [
        ("locked", "the credential helper docker-credential-locked failed: the keychain is locked"),
        ("silent", "the credential helper docker-credential-silent failed: exit status: 4"),
        ("garbage", "the credential helper docker-credential-garbage failed: its answer is not what helpers answer"),
        ("absent", "the credential helper docker-credential-absent is not installed, or not on the PATH"),
    ] {
        let error = HelperStore::new(helper).unwrap().credential("r.example", None).await.unwrap_err();
        assert_eq!((error.kind(), error.to_string().as_str()), (ErrorKind::Io, expected));
        assert!(!format!("{error:?}").contains("hunter2"));
    }
    let error = HelperStore::new("desktop.exe").unwrap().credential("r.example", None).await.unwrap_err();
    assert!(error.to_string().contains("WSL"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn a_helper_that_hangs_or_never_stops_talking_is_ended() {
    let name = "helper::a_helper_that_hangs_or_never_stops_talking_is_ended";
    // One that notes that it began, and would note that it went on.
    let hangs = "#!/bin/sh\ndir=$(/usr/bin/dirname \"$0\")\necho began > \"$dir/began\"\nexec /bin/sleep 60\n";
    let talks = "#!/bin/sh\nwhile :; do echo '{\"Username\":\"hunter2\"'; done\n";
    let programs = [("docker-credential-hangs", hangs), ("docker-credential-talks", talks)];
    let Some(path) = alone(name, &programs) else { return };
    let start = std::time::Instant::now();
    let helper = HelperStore::new("hangs").unwrap().with_timeout(std::time::Duration::from_millis(500));
    let error = helper.credential("r.example", None).await.unwrap_err();
    assert_eq!(error.to_string(), "the credential helper docker-credential-hangs failed: it did not end within 0.5 s");
    assert!(path.join("began").exists());
    let error = HelperStore::new("talks").unwrap().credential("r.example", None).await.unwrap_err();
    let expected = "the credential helper docker-credential-talks failed: it says more than 1048576 bytes";
    assert_eq!(error.to_string(), expected);
    assert!(!format!("{error:?}").contains("hunter2"));
    assert!(start.elapsed() < std::time::Duration::from_secs(30), "{:?}", start.elapsed());
}

#[test]
fn the_name_of_a_helper_leads_nowhere_else() {
    for name in ["", "../evil", "a/b", "a\\b", "a b", "a;b", "$(x)"] {
        let error = HelperStore::new(name).unwrap_err();
        assert!(matches!(error.find(), Some(CredentialError::HelperName { .. })), "{name}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn a_registry_s_own_helper_comes_before_the_one_for_everything_and_the_file() {
    let name = "helper::a_registry_s_own_helper_comes_before_the_one_for_everything_and_the_file";
    let programs = [("docker-credential-own", SCRIPT), ("docker-credential-all", SCRIPT)];
    let Some(path) = alone(name, &programs) else { return };
    let home = Home::with(
        r#"{
            "credsStore": "all",
            "credHelpers": {"own.example": "own", "empty.example": ""},
            "auths": {
                "own.example": {"auth": "ZmlsZTpwdw=="},
                "all.example": {"auth": "ZmlsZTpwdw=="},
                "own.example/team": {"auth": "dGVhbTpwdw=="}
            }
        }"#,
    );
    let store = DockerConfigStore::new(home.config());
    let file = Credential::password("file", "pw");
    // The helpers know nothing yet, so the file's entries serve.
    assert_eq!(of(&store, "own.example", None).await, file);
    assert_eq!(of(&store, "all.example", None).await, file);
    store.put("own.example", &me()).await.unwrap();
    store.put("all.example", &me()).await.unwrap();
    store.put("empty.example", &me()).await.unwrap();
    assert_eq!(runs(&path), ["own get", "all get", "own store", "all store", "all store"]);
    assert_eq!(of(&store, "own.example", None).await, me());
    assert_eq!(of(&store, "all.example", None).await, me());
    // A path is more specific than any helper, which knows hosts only.
    assert_eq!(of(&store, "own.example", Some("team/app")).await, Credential::password("team", "pw"));
    store.delete("all.example").await.unwrap();
    assert!(of(&store, "all.example", None).await.is_anonymous());
    assert!(home.json()["auths"].get("all.example").is_none());
}

#[cfg(unix)]
#[tokio::test]
async fn the_system_s_helper_is_taken_and_written_down_where_nothing_is_configured() {
    let name = "helper::the_system_s_helper_is_taken_and_written_down_where_nothing_is_configured";
    let programs = [
        ("pass", "#!/bin/sh\n"),
        ("docker-credential-pass", SCRIPT),
        ("docker-credential-secretservice", SCRIPT),
        ("docker-credential-osxkeychain", SCRIPT),
    ];
    let Some(path) = alone(name, &programs) else { return };
    let detected = HelperStore::detect().unwrap();
    let expected = if cfg!(target_os = "macos") { "osxkeychain" } else { "pass" };
    assert_eq!(detected.name(), expected);

    let home = Home::with(r#"{"HttpHeaders":{}}"#);
    let store = DockerConfigStore::new(home.config()).detect_helper();
    assert!(of(&store, "r.example", None).await.is_anonymous());
    assert_eq!(home.json(), json!({"HttpHeaders": {}}));
    store.put("r.example", &me()).await.unwrap();
    assert_eq!(home.json(), json!({"HttpHeaders": {}, "credsStore": expected}));
    assert_eq!(of(&store, "r.example", None).await, me());

    // Even an empty entry is a configuration: nothing is detected then.
    let configured = Home::with(r#"{"auths":{"x":{}}}"#);
    let store = DockerConfigStore::new(configured.config()).detect_helper();
    assert!(store.put("r.example", &me()).await.is_err());
    std::fs::remove_file(path.join("pass")).unwrap();
    if !cfg!(target_os = "macos") {
        assert_eq!(HelperStore::detect().unwrap().name(), "secretservice");
        std::fs::remove_file(path.join("docker-credential-secretservice")).unwrap();
        assert!(HelperStore::detect().is_none());
    }
}

#[derive(Default)]
struct Notes(Mutex<Vec<String>>);

impl HelperObserver for Notes {
    fn start(&self, program: &str, action: &str) {
        self.0.lock().unwrap().push(format!("start {program} {action}"));
    }

    fn done(&self, program: &str, action: &str, error: Option<&Error>) {
        self.0.lock().unwrap().push(format!("done {program} {action} {}", error.is_some()));
    }
}

#[tokio::test]
async fn every_run_is_observed() {
    let home = Home::with(r#"{"credsStore":"surely-not-installed"}"#);
    let notes = Arc::new(Notes::default());
    let store = DockerConfigStore::new(home.config()).with_observer(Arc::clone(&notes) as Arc<dyn HelperObserver>);
    store.credential("r.example", None).await.unwrap_err();
    let program = "docker-credential-surely-not-installed";
    assert_eq!(*notes.0.lock().unwrap(), [format!("start {program} get"), format!("done {program} get true")]);
}
