//! Layers, not a web: a crate uses lower layers only, and the test kit never gets into a library.

use super::finding::Finding;
use super::metadata::{Dependency, Kind, Package};
use super::tree::Tree;
use crate::process::Result;
use crate::source;

/// The layer of each published crate; a crate may use any lower one, and none of its own.
const LAYERS: &[(&str, u8)] = &[
    ("oras-rs", 7),
    ("oras-registry", 6),
    ("oras-remote", 5),
    ("oras-credentials", 5),
    ("oras-auth", 4),
    ("oras-layout", 4),
    ("oras-file", 4),
    // Beside the layers, above content and transport; nothing published may depend on it.
    (TEST_KIT, 4),
    ("oras-memory", 3),
    ("oras-transport", 3),
    ("oras-pack", 3),
    ("oras-copy", 3),
    ("oras-content", 2),
    ("oras-reference", 1),
    ("oras-descriptor", 0),
];

const TEST_KIT: &str = "oras-testing";

/// Checks normal and build edges against the layers, and who uses the test kit and how.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let mut findings: Vec<Finding> = tree
        .packages
        .iter()
        .filter(|package| package.published)
        .flat_map(|package| check_package(package, tree))
        .collect();
    findings.extend(test_kit_in_source(tree));
    Ok(findings)
}

fn check_package(package: &Package, tree: &Tree) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", package.dir);
    let Some(layer) = layer(&package.name) else {
        let message = format!("{} has no layer: give it one in the layers check", package.name);
        return vec![Finding::error(&manifest, 1, message)];
    };
    let text = tree.text(&manifest).unwrap_or_default();
    let wrong = package.dependencies.iter().filter_map(|dependency| {
        let message = wrong(&package.name, layer, dependency)?;
        let line = line_naming(text, &dependency.name);
        Some(Finding::error(&manifest, line, message))
    });
    wrong.collect()
}

/// The last line that starts with the name: dev-dependencies stand at the end. The first line when none does.
fn line_naming(text: &str, name: &str) -> usize {
    let lines = text.lines().enumerate();
    let found = lines.filter(|(_, line)| line.strip_prefix(name).is_some_and(|rest| rest.starts_with(['.', ' ', '='])));
    found.last().map_or(1, |(index, _)| index + 1)
}

/// Why a crate of this layer may not have this dependency.
fn wrong(user: &str, user_layer: u8, dependency: &Dependency) -> Option<String> {
    let used = dependency.name.as_str();
    let used_layer = layer(used)?;
    if used == TEST_KIT {
        return wrong_test_kit(dependency);
    }
    let is_upward = dependency.kind != Kind::Dev && used_layer >= user_layer;
    is_upward
        .then(|| format!("{user} (layer {user_layer}) uses {used} (layer {used_layer}): only lower layers may be used"))
}

fn wrong_test_kit(dependency: &Dependency) -> Option<String> {
    if dependency.kind != Kind::Dev {
        return Some(format!("{TEST_KIT} may only be a dev-dependency"));
    }
    dependency.has_version.then(|| {
        format!("{TEST_KIT} is named by path alone: with a version the crates could not be published in order")
    })
}

/// A `#[cfg(test)]` module that used the test kit would see two copies of its own crate.
fn test_kit_in_source(tree: &Tree) -> Vec<Finding> {
    let name = TEST_KIT.replace('-', "_");
    let files = tree.rust().filter(|file| file.is_library());
    files
        .filter(|file| tree.package_of(&file.path).is_none_or(|package| package.name != TEST_KIT))
        .filter_map(|file| {
            let code = source::code(&file.text);
            let (at, _) = source::words(&code).find(|(_, word)| *word == name)?;
            let line = source::line_of(&code, at);
            let message = format!("{name} is used from tests/, never from src/");
            Some(Finding::error(&file.path, line, message))
        })
        .collect()
}

fn layer(name: &str) -> Option<u8> {
    let (_, layer) = LAYERS.iter().find(|(known, _)| *known == name)?;
    Some(*layer)
}

#[cfg(test)]
mod tests {
    use super::super::tree::File;
    use super::*;

    fn depends(name: &str, kind: Kind, has_version: bool) -> Dependency {
        Dependency { name: name.to_owned(), kind, has_version }
    }

    fn findings(user: &str, dependency: Dependency) -> usize {
        let package = Package {
            name: user.to_owned(),
            dir: format!("crates/{user}"),
            published: true,
            dependencies: vec![dependency],
            ..Package::default()
        };
        check_package(&package, &Tree::default()).len()
    }

    #[test]
    fn lower_layers_may_be_used() {
        for used in ["oras-content", "oras-descriptor", "serde", "oras-transport"] {
            assert_eq!(findings("oras-auth", depends(used, Kind::Normal, true)), 0, "{used}");
        }
    }

    #[test]
    fn own_and_higher_layers_may_not() {
        for used in ["oras-layout", "oras-remote", "oras-rs"] {
            for kind in [Kind::Normal, Kind::Build] {
                assert_eq!(findings("oras-auth", depends(used, kind, true)), 1, "{used}");
            }
        }
    }

    #[test]
    fn tests_may_look_up() {
        assert_eq!(findings("oras-remote", depends("oras-registry", Kind::Dev, true)), 0);
    }

    #[test]
    fn the_test_kit_is_for_tests_and_by_path() {
        assert_eq!(findings("oras-copy", depends(TEST_KIT, Kind::Dev, false)), 0);
        assert_eq!(findings("oras-copy", depends(TEST_KIT, Kind::Dev, true)), 1);
        assert_eq!(findings("oras-rs", depends(TEST_KIT, Kind::Normal, false)), 1);
    }

    #[test]
    fn the_line_in_the_manifest_is_named() {
        let text = "[dependencies]\noras-content-x = \"1\"\noras-content.workspace = true\n";
        assert_eq!(line_naming(text, "oras-content"), 3);
        assert_eq!(line_naming(text, "oras-copy"), 1);
    }

    #[test]
    fn a_crate_without_a_layer_is_found() {
        assert_eq!(findings("oras-new", depends("serde", Kind::Normal, true)), 1);
    }

    #[test]
    fn the_test_kit_in_source_is_found() {
        let text = "//! oras_testing may be named here.\n\nuse oras_testing::Faulty;\n";
        let tree = Tree {
            files: vec![File::new("crates/oras-copy/src/a.rs", text), File::new("crates/oras-copy/tests/it.rs", text)],
            packages: Vec::new(),
        };
        let place = "crates/oras-copy/src/a.rs:3";
        let found = test_kit_in_source(&tree);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().starts_with(place));
    }
}
