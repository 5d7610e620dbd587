//! The table, as text that is Markdown too.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;

use super::case::CASES;
use super::figures::Cost;
use super::outcome::{Entry, Outcome};
use super::target::Verdict;
use crate::lab::error::{Doing, LabError};
use crate::process;

/// Above the table in `BENCHMARKS.md`.
const BEGIN: &str = "<!-- table -->";
/// Below it.
const END: &str = "<!-- end of table -->";

const HEAD: &str = "\
| case | registry | client | wall s | CPU s | registry CPU s | MiB | requests | wall × | CPU × | targets |
|---|---|---|--:|--:|--:|--:|--:|--:|--:|---|
";

/// Puts outcomes and verdicts beside each other. `×` is times oras-go.
pub(super) fn table(rows: &[(Outcome, Vec<Verdict>)]) -> String {
    let mut text = HEAD.to_owned();
    for (outcome, verdicts) in rows {
        let base = outcome.entry(super::client::Client::OrasGo).map_or_else(Cost::default, |entry| entry.cost);
        for (index, entry) in outcome.entries.iter().enumerate() {
            let (case, site) = if index == 0 {
                (format!("{}. {}", outcome.case.name, outcome.case.title), outcome.site.name())
            } else {
                (String::new(), "")
            };
            text.push_str(&row(&case, site, entry, base, verdicts));
        }
    }
    text
}

fn row(case: &str, site: &str, entry: &Entry, base: Cost, verdicts: &[Verdict]) -> String {
    let cost = entry.cost;
    let times = |ours: f64, theirs: f64| if theirs > 0.0 { format!("{:.2}", ours / theirs) } else { String::new() };
    let requests = entry.requests.map_or_else(String::new, |requests| requests.all.to_string());
    let targets: Vec<_> =
        verdicts.iter().filter(|verdict| verdict.client == entry.client).map(ToString::to_string).collect();
    let mut row = format!(
        "| {case} | {site} | {} | {} | {} | {} | {:.0} ",
        entry.client.name(),
        seconds(cost.wall),
        seconds(cost.cpu),
        cost.registry_cpu.map_or_else(String::new, hundredths),
        cost.peak
    );
    // A string takes all that is written into it.
    let _ = writeln!(
        row,
        "| {requests} | {} | {} | {} |",
        times(cost.wall, base.wall),
        times(cost.cpu, base.cpu),
        targets.join("; ")
    );
    row
}

/// Three digits that say something.
fn seconds(seconds: f64) -> String {
    match seconds {
        0.0 => String::new(),
        small if small < 0.1 => format!("{small:.4}"),
        large => format!("{large:.2}"),
    }
}

/// As exactly as the system tells of a process that goes on.
fn hundredths(seconds: f64) -> String {
    format!("{seconds:.2}")
}

/// Puts the rows of a run into the table of `BENCHMARKS.md`, in place of those of the same cases and registries; the rows of
/// others stay, unless they have other columns.
pub(super) fn write(table: &str) -> Result<(), LabError> {
    const TASK: &str = "write BENCHMARKS.md";
    let path = process::root().join("BENCHMARKS.md");
    let text = fs::read_to_string(&path).doing(TASK)?;
    let new = replace(&text, table).ok_or_else(|| LabError::failed(TASK, format!("no {BEGIN} and {END}")))?;
    fs::write(path, new).doing(TASK)
}

fn replace(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (old, after) = rest.split_once(END)?;
    let mut all = if old.contains(HEAD) { groups(old) } else { BTreeMap::new() };
    all.extend(groups(table));
    let order = CASES.iter().flat_map(|case| case.sites.iter().map(|site| key(case.name, site.name())));
    let rows: String = order.filter_map(|key| all.remove(&key)).collect();
    Some(format!("{before}{BEGIN}\n{HEAD}{rows}{END}{after}"))
}

/// The rows of each case at each registry.
fn groups(table: &str) -> BTreeMap<String, String> {
    let mut groups: BTreeMap<String, String> = BTreeMap::new();
    let mut current = String::new();
    for line in table.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| case ")) {
        let mut cells = line.trim_start_matches('|').split('|').map(str::trim);
        if let (Some(title), Some(site)) = (cells.next(), cells.next())
            && let Some((case, _)) = title.split_once(". ")
        {
            current = key(case, site);
        }
        let group = groups.entry(current.clone()).or_default();
        group.push_str(line);
        group.push('\n');
    }
    groups
}

fn key(case: &str, site: &str) -> String {
    format!("{case} {site}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::case::CASES;
    use crate::bench::client::Client;
    use crate::bench::site::Site;

    #[test]
    fn ours_stands_beside_oras_go() {
        let entry = |client, wall, registry_cpu| {
            let cost = Cost { wall, cpu: 0.05, peak: 9.6, registry_cpu };
            Entry { client, cost, requests: None }
        };
        let entries = vec![entry(Client::Ours, 0.5, Some(0.07)), entry(Client::OrasGo, 1.0, None)];
        let text = table(&[(Outcome { case: CASES[0], site: Site::Free, entries }, Vec::new())]);
        let rows: Vec<_> = text.lines().skip(2).collect();
        assert_eq!(
            rows[0],
            "| a. push a file of 1 GiB | free | ours | 0.50 | 0.0500 | 0.07 | 10 |  | 0.50 | 1.00 |  |"
        );
        assert_eq!(rows[1], "|  |  | oras-go | 1.00 | 0.0500 |  | 10 |  | 1.00 | 1.00 |  |");
    }

    fn rows(case: usize, site: Site, wall: f64) -> String {
        let cost = Cost { wall, cpu: 0.05, peak: 9.6, registry_cpu: None };
        let entry = |client| Entry { client, cost, requests: None };
        let entries = vec![entry(Client::Ours), entry(Client::OrasGo)];
        table(&[(Outcome { case: CASES[case], site, entries }, Vec::new())])
    }

    #[test]
    fn only_the_rows_of_the_run_are_replaced() {
        let text = "before\n<!-- table -->\nold\n<!-- end of table -->\nafter\n";
        let b = replace(text, &rows(1, Site::Free, 2.0)).unwrap();
        let both = replace(&b, &rows(0, Site::Free, 1.0)).unwrap();
        let wall: Vec<_> = both.lines().filter_map(|line| line.split('|').nth(4)).skip(2).collect();
        assert_eq!(wall, [" 1.00 ", " 1.00 ", " 2.00 ", " 2.00 "], "in the order of the cases");
        let again = replace(&both, &rows(1, Site::Free, 3.0)).unwrap();
        assert!(again.contains("| 3.00 ") && again.contains("| 1.00 ") && !again.contains("| 2.00 "));
        assert!(again.starts_with("before\n") && again.ends_with("\nafter\n"));
        let other_site = replace(&again, &rows(1, Site::Distribution, 4.0)).unwrap();
        assert!(other_site.contains("| 4.00 ") && other_site.contains("| 3.00 "));
        assert_eq!(replace("no marks", "new"), None);
    }

    #[test]
    fn a_table_of_other_columns_is_replaced_whole() {
        let old = "| case | registry | client | wall s |\n|---|---|---|--:|\n| b. pull | free | ours | 7.00 |\n";
        let text = format!("before\n{BEGIN}\n{old}{END}\nafter\n");
        let new = replace(&text, &rows(0, Site::Free, 1.0)).unwrap();
        assert!(new.starts_with(&format!("before\n{BEGIN}\n{HEAD}| a. ")) && new.ends_with("\nafter\n"));
        assert!(!new.contains("7.00") && !new.contains("| wall s |\n"));
    }
}
