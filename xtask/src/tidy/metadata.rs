//! The members of the workspace and what they depend on directly, from `cargo metadata`.

use std::path::Path;

use serde_json::{Value, json};

use crate::process::{self, Result};

/// A member of the workspace.
#[derive(Debug, Default)]
pub(crate) struct Package {
    pub(crate) name: String,
    /// The name of its library, as code writes it; empty when it has none.
    pub(crate) library: String,
    /// Its directory, relative to the workspace, with `/`.
    pub(crate) dir: String,
    /// Whether it may go to a package registry.
    pub(crate) published: bool,
    pub(crate) dependencies: Vec<Dependency>,
}

/// A direct dependency, of any target and feature.
#[derive(Debug, Default)]
pub(crate) struct Dependency {
    pub(crate) name: String,
    pub(crate) kind: Kind,
    /// Whether it names a version beside its path.
    pub(crate) has_version: bool,
}

/// When a dependency is needed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Normal,
    Build,
    Dev,
}

/// Asks cargo.
pub(crate) fn load() -> Result<Vec<Package>> {
    let mut cargo = process::cargo();
    cargo.args(["metadata", "--format-version", "1", "--no-deps"]);
    parse(&process::output(&mut cargo)?)
}

fn parse(text: &str) -> Result<Vec<Package>> {
    let document: Value = serde_json::from_str(text).map_err(|error| format!("cargo metadata: {error}"))?;
    let root = string(&document, "workspace_root")?;
    let packages = array(&document, "packages")?;
    packages.iter().map(|value| package(value, &root)).collect()
}

fn package(value: &Value, root: &str) -> Result<Package> {
    let manifest = string(value, "manifest_path")?;
    let dir = Path::new(&manifest)
        .parent()
        .and_then(|dir| dir.strip_prefix(root).ok())
        .ok_or_else(|| format!("{manifest} is not below {root}"))?;
    let dependencies = array(value, "dependencies")?;
    Ok(Package {
        name: string(value, "name")?,
        library: library(value).unwrap_or_default(),
        dir: dir.to_string_lossy().replace('\\', "/"),
        published: value.get("publish").is_none_or(Value::is_null),
        dependencies: dependencies.iter().map(dependency).collect::<Result<_>>()?,
    })
}

fn library(package: &Value) -> Option<String> {
    let targets = package.get("targets")?.as_array()?;
    let is_library = |target: &&Value| target.get("kind").is_some_and(|kind| kind == &json!(["lib"]));
    Some(targets.iter().find(is_library)?.get("name")?.as_str()?.to_owned())
}

fn dependency(value: &Value) -> Result<Dependency> {
    let kind = match value.get("kind").and_then(Value::as_str) {
        None => Kind::Normal,
        Some("build") => Kind::Build,
        Some("dev") => Kind::Dev,
        Some(other) => return Err(format!("unknown kind of dependency: {other}")),
    };
    Ok(Dependency { name: string(value, "name")?, kind, has_version: string(value, "req")? != "*" })
}

fn string(value: &Value, key: &str) -> Result<String> {
    let found = value.get(key).and_then(Value::as_str);
    found.map(str::to_owned).ok_or_else(|| format!("cargo metadata without {key}"))
}

fn array<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    let found = value.get(key).and_then(Value::as_array);
    found.ok_or_else(|| format!("cargo metadata without {key}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"{"workspace_root":"/w","packages":[{"name":"a","manifest_path":"/w/crates/a/Cargo.toml","publish":null,
        "targets":[{"kind":["test"],"name":"it"},{"kind":["lib"],"name":"l"}],
        "dependencies":[{"name":"b","kind":null,"req":"^1"},{"name":"c","kind":"dev","req":"*"},{"name":"d","kind":"build","req":"^1"}]},
        {"name":"x","manifest_path":"/w/x/Cargo.toml","publish":[],"dependencies":[]}]}"#;

    #[test]
    fn reads_packages_and_dependencies() {
        let packages = parse(TEXT).unwrap();
        let (a, x) = (&packages[0], &packages[1]);
        assert_eq!((a.dir.as_str(), a.published), ("crates/a", true));
        assert_eq!((a.library.as_str(), x.library.as_str()), ("l", ""));
        assert_eq!((x.dir.as_str(), x.published), ("x", false));
        let kinds: Vec<_> = a.dependencies.iter().map(|dependency| dependency.kind).collect();
        assert_eq!(kinds, [Kind::Normal, Kind::Dev, Kind::Build]);
        assert!(a.dependencies[0].has_version && !a.dependencies[1].has_version);
    }

    #[test]
    fn says_what_is_missing() {
        assert!(parse(r#"{"workspace_root":"/w"}"#).unwrap_err().contains("packages"));
        assert!(parse("not json").is_err());
    }
}
