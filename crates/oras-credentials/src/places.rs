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
    let runtime = path(lookup, "XDG_RUNTIME_DIR");
    let config = path(lookup, "XDG_CONFIG_HOME").or_else(|| home.map(|home| home.join(".config")));
    let directories = [runtime, config].into_iter().flatten();
    directories.map(|directory| directory.join("containers").join("auth.json")).collect()
}

/// The file that a person named for all of them.
pub(crate) fn named_auth_file(lookup: Lookup<'_>) -> Option<PathBuf> {
    path(lookup, "REGISTRY_AUTH_FILE")
}
