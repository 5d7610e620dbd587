//! STATUS.md is complete and honest: every row of the list, once, and the tests it names exist.
//!
//! A line is `| ID | what | where | status |`. The status is `not done`; or test names between backticks, parted by commas;
//! or `differs: why` with at least one test name. A test name is `name` when only one test is called so, and
//! `crate::modules::name`, with as many of the modules as it takes, when several are.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::test_names::TestNames;
use super::tree::Tree;
use crate::process::Result;

const STATUS: &str = "STATUS.md";
const ROWS: &str = "xtask/data/rows.txt";

/// A guide with a table of rules and the tests that show them, below a heading of this name.
const GUIDE: &str = "docs/guides/security.md";
const TABLE: &str = "## Where it is tested";

/// Checks the file against the list of rows and the tests of the tree.
pub(crate) fn check(tree: &Tree) -> Result<Vec<Finding>> {
    let ids = ids(tree.text(ROWS).ok_or_else(|| format!("{ROWS} is missing"))?);
    let text = tree.text(STATUS).ok_or_else(|| format!("{STATUS} is missing"))?;
    let rows: Vec<Row<'_>> = text.lines().enumerate().filter_map(Row::parse).collect();
    let tests = TestNames::collect(tree);
    let dirs: BTreeSet<&str> = tree.packages.iter().filter_map(|p| p.dir.rsplit('/').next()).collect();
    let mut findings = compare(&ids, &rows);
    findings.extend(rows.iter().flat_map(|row| row.check(&tests, &dirs)));
    findings.extend(check_guide(tree.text(GUIDE).unwrap_or_default(), &tests));
    println!("{}", summary(&rows, &tests));
    Ok(findings)
}

/// The tests that the guide names exist.
fn check_guide(text: &str, tests: &TestNames) -> Vec<Finding> {
    let lines = text.lines().enumerate().skip_while(|(_, line)| *line != TABLE).skip(1);
    let table = lines.take_while(|(_, line)| !line.starts_with('#'));
    let names = table.flat_map(|(index, line)| line.split('`').skip(1).step_by(2).map(move |name| (index, name)));
    names.filter_map(|(index, name)| Some(Finding::error(GUIDE, index + 1, wrong_name(name, tests)?))).collect()
}

/// A line of a table that starts with something like an id.
struct Row<'a> {
    line: usize,
    id: &'a str,
    cells: Vec<&'a str>,
}

impl<'a> Row<'a> {
    fn parse((index, text): (usize, &'a str)) -> Option<Self> {
        let inner = text.trim().strip_prefix('|')?;
        let inner = inner.strip_suffix('|').unwrap_or(inner);
        let mut cells = inner.split('|').map(str::trim);
        let id = cells.next().filter(|id| looks_like_id(id))?;
        Some(Self { line: index + 1, id, cells: cells.collect() })
    }

    fn check(&self, tests: &TestNames, dirs: &BTreeSet<&str>) -> Vec<Finding> {
        let &[what, place, status] = self.cells.as_slice() else {
            return vec![self.wrong("a row is `| ID | what | where | status |`")];
        };
        let mut findings = Vec::new();
        if what.is_empty() {
            findings.push(self.wrong("says nothing about what it is"));
        }
        let wrong_place = place.split(", ").find(|dir| !dirs.contains(dir));
        if let Some(dir) = wrong_place {
            findings.push(self.wrong(&format!("`{dir}` is no directory of a package")));
        }
        findings.extend(self.check_status(status, tests));
        findings
    }

    fn check_status(&self, status: &str, tests: &TestNames) -> Vec<Finding> {
        if status == "not done" {
            return Vec::new();
        }
        let names: Vec<&str> = status.split('`').skip(1).step_by(2).collect();
        let differs = status.strip_prefix("differs: ").is_some_and(|why| !why.starts_with('`'));
        if names.is_empty() || !(differs || only_names(status)) {
            return vec![self.wrong("the status is `not done`, test names, or `differs: why` with test names")];
        }
        let wrong = names.into_iter().filter_map(|name| wrong_name(name, tests));
        wrong.map(|message| self.wrong(&message)).collect()
    }

    fn wrong(&self, message: &str) -> Finding {
        Finding::error(STATUS, self.line, format!("{}: {message}", self.id))
    }

    fn status(&self) -> &str {
        self.cells.last().copied().unwrap_or_default()
    }
}

fn ids(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().map(str::trim);
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

/// Rows that are absent, unknown, or there twice.
fn compare(ids: &BTreeSet<&str>, rows: &[Row<'_>]) -> Vec<Finding> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut findings = Vec::new();
    for row in rows {
        if !ids.contains(row.id) {
            findings.push(row.wrong("unknown row"));
        }
        if let Some(first) = seen.insert(row.id, row.line) {
            findings.push(row.wrong(&format!("stands in line {first} too")));
        }
    }
    let absent = ids.iter().filter(|id| !seen.contains_key(*id));
    findings.extend(absent.map(|id| Finding::error(STATUS, 1, format!("{id}: row is missing"))));
    findings
}

/// Why a reader would not find the test.
fn wrong_name(name: &str, tests: &TestNames) -> Option<String> {
    match tests.count(name) {
        0 => Some(format!("no test is called {name}")),
        1 => None,
        _ if name.contains("::") => None,
        many => Some(format!("{many} tests are called {name}: name the crate and the modules")),
    }
}

/// Whether nothing but names between backticks and commas is there.
fn only_names(status: &str) -> bool {
    let parts = status.split(',').map(str::trim);
    parts.into_iter().all(|part| {
        let name = part.strip_prefix('`').and_then(|part| part.strip_suffix('`'));
        name.is_some_and(|name| !name.is_empty() && !name.contains('`'))
    })
}

/// Capital letters and digits, perhaps a dash, then a number: `CNT-01`, `D7`, `V1-02`.
fn looks_like_id(word: &str) -> bool {
    let allowed = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-';
    word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.ends_with(|c: char| c.is_ascii_digit())
        && word.chars().all(allowed)
}

fn summary(rows: &[Row<'_>], tests: &TestNames) -> String {
    let open = rows.iter().filter(|row| row.status() == "not done").count();
    let differ = rows.iter().filter(|row| row.status().starts_with("differs:")).count();
    let done = rows.len() - open - differ;
    let total = rows.len();
    let tests = tests.len();
    format!("status: {total} rows: {done} done, {differ} differ, {open} not done; {tests} tests in the tree")
}

#[cfg(test)]
mod tests {
    use super::super::metadata::Package;
    use super::super::tree::File;
    use super::*;

    fn messages(status: &str) -> Vec<String> {
        let source = "#[test]\nfn works() {}\n#[test]\nfn holds() {}\n#[test]\nfn twice() {}\n";
        let tree = Tree {
            files: vec![
                File::new(ROWS, "# list\nCNT-01\nD1\n"),
                File::new(STATUS, status),
                File::new("crates/oras-copy/src/a.rs", source),
                File::new("crates/oras-copy/src/b.rs", "#[test]\nfn twice() {}\n"),
            ],
            packages: vec![Package {
                name: "oras-copy".to_owned(),
                dir: "crates/oras-copy".to_owned(),
                ..Package::default()
            }],
        };
        let findings = check(&tree).unwrap();
        findings.iter().map(ToString::to_string).collect()
    }

    fn with(row: &str) -> Vec<String> {
        let head = "| ID | what | where | status |\n|---|---|---|---|\n";
        messages(&format!("{head}| D1 | a | oras-copy | not done |\n{row}\n"))
    }

    #[test]
    fn tests_that_a_guide_names_exist() {
        let source = File::new("crates/oras-copy/src/a.rs", "#[test]\nfn works() {}\n");
        let tests = TestNames::collect(&Tree { files: vec![source], packages: Vec::new() });
        let guide = |names: &str| format!("`kind()`\n\n{TABLE}\n\n| a rule | {names} |\n\n## Next\n\n`other`\n");
        assert!(check_guide(&guide("`works`"), &tests).is_empty());
        let found = check_guide(&guide("`works`, `fails`"), &tests);
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("security.md:5: no test is called fails"), "{found:?}");
    }

    #[test]
    fn good_rows() {
        let rows = [
            "| CNT-01 | a | oras-copy | not done |",
            "| CNT-01 | a | oras-copy | `works` |",
            "| CNT-01 | a | oras-copy | `oras_copy::a::works`, `holds` |",
            "| CNT-01 | a | oras-copy | `oras_copy::b::twice` |",
            "| CNT-01 | a | oras-copy | differs: it is stricter, `works` |",
        ];
        for row in rows {
            assert_eq!(with(row), Vec::<String>::new(), "{row}");
        }
    }

    #[test]
    fn bad_rows() {
        let rows = [
            ("| CNT-01 | a | oras-copy | done |", "the status is"),
            ("| CNT-01 | a | oras-copy | |", "the status is"),
            ("| CNT-01 | a | oras-copy | not done yet |", "the status is"),
            ("| CNT-01 | a | oras-copy | differs: because |", "the status is"),
            ("| CNT-01 | a | oras-copy | differs: `works` |", "the status is"),
            ("| CNT-01 | a | oras-copy | mostly `works` |", "the status is"),
            ("| CNT-01 | a | oras-copy | `works`, `fails` |", "no test is called fails"),
            ("| CNT-01 | a | oras-copy | differs: why `fails` |", "no test is called fails"),
            ("| CNT-01 | a | oras-copy | `twice` |", "2 tests are called twice"),
            ("| CNT-01 | a | oras_copy | not done |", "no directory of a package"),
            ("| CNT-01 |  | oras-copy | not done |", "says nothing"),
            ("| CNT-01 | a | not done |", "a row is"),
        ];
        for (row, message) in rows {
            let found = with(row);
            assert_eq!(found.len(), 1, "{row}: {found:?}");
            assert!(found[0].starts_with("STATUS.md:4: CNT-01: "), "{found:?}");
            assert!(found[0].contains(message), "{found:?}");
        }
    }

    #[test]
    fn missing_unknown_and_repeated_rows() {
        assert!(with("")[0].contains("CNT-01: row is missing"));
        let row = "| CNT-01 | a | oras-copy | not done |\n";
        assert!(with(&row.repeat(2))[0].contains("line 4 too"));
        let unknown = with(&format!("{row}| CNT-99 | a | oras-copy | not done |"));
        assert!(unknown[0].contains("CNT-99: unknown row"));
    }
}
