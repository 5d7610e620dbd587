//! The names of all tests in the tree, read from the source.
//!
//! A test is a function under `#[test]` or an attribute whose path ends so, in a macro such as `proptest!` too; and a row of
//! a table whose macro makes such functions: `name: …`, `name => …`, `name = …`, `name(…)` or `name,` at the start of a line.

use std::collections::{BTreeMap, BTreeSet};

use super::metadata::Package;
use super::tree::{File, Tree};
use crate::source;

/// Where each test name stands.
#[derive(Debug, Default)]
pub(crate) struct TestNames {
    places: BTreeMap<String, Vec<Place>>,
}

/// What a test's crate may be called, and the words a path to it may use: directories, file and modules.
#[derive(Debug)]
struct Place {
    krate: Vec<String>,
    modules: Vec<String>,
}

impl TestNames {
    /// Reads all Rust files.
    pub(crate) fn collect(tree: &Tree) -> Self {
        let files: Vec<(&File, String)> = tree.rust().map(|file| (file, source::code(&file.text))).collect();
        let tables: BTreeSet<String> = files.iter().flat_map(|(_, code)| test_macros(code)).collect();
        let mut names = Self::default();
        for (file, code) in &files {
            let krate = tree.package_of(&file.path).map_or_else(Vec::new, names_of);
            let mut found = test_functions(code);
            found.extend(tables.iter().flat_map(|table| table_rows(code, table)));
            for name in found {
                names.add(name, &krate, modules(&file.path, code));
            }
        }
        names
    }

    /// How many tests have this name: `name`, or `krate::some::modules::name`.
    pub(crate) fn count(&self, path: &str) -> usize {
        let mut parts: Vec<&str> = path.split("::").collect();
        let Some(places) = parts.pop().and_then(|name| self.places.get(name)) else {
            return 0;
        };
        let Some((krate, modules)) = parts.split_first() else {
            return places.len();
        };
        let krate = krate.replace('-', "_");
        let is_meant = |place: &&Place| {
            let has_module = |module: &&str| place.modules.iter().any(|known| known == module);
            place.krate.contains(&krate) && modules.iter().all(has_module)
        };
        places.iter().filter(is_meant).count()
    }

    pub(crate) fn len(&self) -> usize {
        self.places.values().map(Vec::len).sum()
    }

    fn add(&mut self, name: String, krate: &[String], modules: Vec<String>) {
        let place = Place { krate: krate.to_vec(), modules };
        self.places.entry(name).or_default().push(place);
    }
}

/// The package and its directory, as code writes them: the library of the umbrella has the name of its directory.
fn names_of(package: &Package) -> Vec<String> {
    let dir = package.dir.rsplit('/').next().unwrap_or_default();
    [package.name.as_str(), dir].map(|name| name.replace('-', "_")).into()
}

/// Directories and file of the path, and whatever opens a block in the file: modules, and groups of rows that become some.
fn modules(path: &str, code: &str) -> Vec<String> {
    let stem = path.trim_end_matches(".rs");
    let mut modules: Vec<String> = stem.split('/').map(str::to_owned).collect();
    let blocks = code.split('{').filter_map(|before| {
        let (_, word) = source::words(before.rsplit('\n').next()?).last()?;
        before.trim_end().ends_with(word).then(|| word.to_owned())
    });
    modules.extend(blocks);
    modules
}

fn test_functions(code: &str) -> Vec<String> {
    let attributes = code.match_indices("#[").filter_map(|(at, _)| code.get(at..));
    attributes.filter_map(tested_function).collect()
}

/// The name of the function the text's first attribute makes a test of.
fn tested_function(text: &str) -> Option<String> {
    let attribute = source::bracketed(text)?;
    let path = attribute.trim_matches(['[', ']']);
    let path = path.split('(').next()?.trim();
    if path != "test" && !path.ends_with("::test") {
        return None;
    }
    let mut rest = text.split_once(attribute)?.1.trim_start();
    while rest.starts_with('#') {
        let next = source::bracketed(rest)?;
        rest = rest.split_once(next)?.1.trim_start();
    }
    let signature = rest.split(['(', '<', '{', ';']).next()?;
    let mut words = source::words(signature).map(|(_, word)| word);
    words.find(|word| *word == "fn")?;
    let name = words.next()?;
    // In the macro of a table it is `$name`: no name yet.
    (!signature.contains('$')).then(|| name.to_owned())
}

/// The macros of this file that make tests.
fn test_macros(code: &str) -> Vec<String> {
    let definitions = code.split("macro_rules!").skip(1);
    definitions
        .filter(|text| {
            let body = source::bracketed(text).unwrap_or_default();
            body.contains("#[test]") || body.contains("::test]") || body.contains("::test(")
        })
        .filter_map(|text| source::words(text).next())
        .map(|(_, name)| name.to_owned())
        .collect()
}

/// The names that start the lines of a table. What stands beside the opening brace of several lines is no row.
fn table_rows(code: &str, table: &str) -> Vec<String> {
    let call = format!("{table}!");
    let calls = code.split(&call).skip(1).filter_map(source::bracketed);
    calls.flat_map(|call| call.lines().skip(usize::from(call.contains('\n')))).filter_map(row_name).collect()
}

fn row_name(line: &str) -> Option<String> {
    let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '{' || c == '(');
    let end = line.find(|c| !source::is_word(c))?;
    let (name, rest) = line.split_at(end);
    let rest = rest.trim_start();
    let is_row = rest.starts_with([':', '=', ',', '(']) && !rest.starts_with("::");
    (!name.is_empty() && is_row).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(path: &str, text: &str) -> TestNames {
        let package =
            Package { name: "oras-copy".to_owned(), dir: "crates/oras-copy".to_owned(), ..Package::default() };
        TestNames::collect(&Tree { files: vec![File::new(path, text)], packages: vec![package] })
    }

    #[test]
    fn finds_tests_of_every_kind() {
        let text = "
            #[test]
            fn plain() {}
            #[tokio::test(start_paused = true)]
            #[cfg(unix)]
            async fn with_attributes() {}
            proptest! { #[test] fn property(x in 0..3u8) {} }
            #[test]
            #[should_panic(expected = \"fn no\")]
            // fn neither
            fn panics<T>() where T: X {}";
        let names = names("crates/oras-copy/tests/it.rs", text);
        for name in ["plain", "with_attributes", "property", "panics"] {
            assert_eq!(names.count(name), 1, "{name}");
        }
        assert_eq!(names.len(), 4);
    }

    #[test]
    fn finds_rows_of_tables() {
        let text = "
            macro_rules! table { ($($n:ident: $x:expr,)*) => { $(#[test] fn $n() { t($x) })* } }
            macro_rules! other { ($n:ident) => { fn $n() {} } }
            table! { f:
                accepts_a: \"a\",
                rejects_b: f::g(1),
                std::mem,
            }
            other!(unrelated,);";
        let names = names("crates/oras-copy/tests/it.rs", text);
        assert_eq!((names.count("accepts_a"), names.count("rejects_b")), (1, 1));
        for other in ["std", "unrelated", "f", "n"] {
            assert_eq!(names.count(other), 0, "{other}");
        }
    }

    #[test]
    fn counts_a_row_once_where_two_files_have_a_macro_of_the_name() {
        let table = "macro_rules! t { ($n:ident) => { #[test] fn $n() {} } }\n";
        let tree = Tree {
            files: vec![File::new("a.rs", &format!("{table}t! {{\n    one,\n}}\n")), File::new("b.rs", table)],
            packages: Vec::new(),
        };
        assert_eq!(TestNames::collect(&tree).len(), 1);
    }

    #[test]
    fn the_umbrella_has_two_names() {
        let package = Package { name: "oras-rs".to_owned(), dir: "crates/oras".to_owned(), ..Package::default() };
        assert_eq!(names_of(&package), ["oras_rs", "oras"]);
    }

    #[test]
    fn is_not_fooled() {
        let rows = [
            "fn helper() {}",
            "// #[test]\nfn commented() {}",
            "const S: &str = \"#[test] fn quoted() {}\";",
            "#[cfg(test)]\nfn only_cfg() {}",
            "#[attest]\nfn odd() {}",
        ];
        for text in rows {
            assert_eq!(names("crates/oras-copy/src/a.rs", text).len(), 0, "{text}");
        }
    }

    #[test]
    fn paths_name_the_crate_and_modules() {
        let text = "mod inner {\n    #[test] fn works() {}\n}\n";
        let names = names("crates/oras-copy/src/graph/walk.rs", text);
        for good in ["works", "oras_copy::works", "oras-copy::graph::walk::inner::works"] {
            assert_eq!(names.count(good), 1, "{good}");
        }
        for bad in ["oras_pack::works", "oras_copy::other::works", "oras_copy::fails", "fails", ""] {
            assert_eq!(names.count(bad), 0, "{bad}");
        }
    }
}
