//! Where tools keep credentials. The environment comes in as a function, so that nothing here depends on it.

use std::{ffi::OsString, path::PathBuf};

type Lookup<'a> = &'a dyn Fn(&str) -> Option<OsString>;

fn path(lookup: Lookup<'_>, name: &str) -> Option<PathBuf> {
    lookup(name).filter(|value| !value.is_empty()).map(PathBuf::from)
}

/// Docker's configuration file.
pub(crate) fn docker_config(lookup: Lookup<'_>, home: Option<PathBuf>) -> Option<PathBuf> {
    let directory = path(lookup, "DOCKER_CONFIG").or_else(|| home.map(|home| home.join(".docker")))?;
    Some(directory.join("config.json"))
}

/// The files of podman, buildah and skopeo, in their order.
pub(crate) fn auth_json(lookup: Lookup<'_>, home: Option<PathBuf>) -> Vec<PathBuf> {
    let runtime =
        path(lookup, "XDG_RUNTIME_DIR").map(|directory| directory.join("containers")).or_else(runtime_of_user);
    let config = path(lookup, "XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
    let directories = [runtime, config.map(|directory| directory.join("containers"))];
    directories.into_iter().flatten().map(|directory| directory.join("auth.json")).collect()
}

/// Where podman keeps what it needs while it runs, for a user without a session.
#[cfg(target_os = "linux")]
fn runtime_of_user() -> Option<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;

    // A process is its user's.
    let user = std::fs::metadata("/proc/self").ok()?.uid();
    Some(PathBuf::from(format!("/run/containers/{user}")))
}

#[cfg(not(target_os = "linux"))]
fn runtime_of_user() -> Option<PathBuf> {
    None
}

/// The file that a person named for all of them.
pub(crate) fn named_auth_file(lookup: Lookup<'_>) -> Option<PathBuf> {
    path(lookup, "REGISTRY_AUTH_FILE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_without_a_session_has_a_place_by_number() {
        let named = |name: &str| (name == "XDG_RUNTIME_DIR").then(|| OsString::from("/run/user/7"));
        let home = || Some(PathBuf::from("/home/me"));
        let in_session = auth_json(&named, home());
        assert_eq!(in_session[0], PathBuf::from("/run/user/7/containers/auth.json"));
        let without = auth_json(&|_| None, home());
        assert_eq!(without.last(), in_session.last());
        if cfg!(target_os = "linux") {
            assert!(without[0].starts_with("/run/containers/") && without[0].ends_with("auth.json"), "{without:?}");
            assert_eq!(without[0].iter().count(), 5);
        }
    }
}
