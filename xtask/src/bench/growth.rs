//! `cargo xtask bench --growth`: more and more small images, and larger and larger blobs.
//!
//! Time shall grow as the work does, and memory not at all.

use std::fs;

use super::case::{Case, End, Work, case};
use super::client::Client;
use super::content::{Content, Sizes, Store};
use super::options::Options;
use super::outcome::Outcome;
use super::plot::{self, Line, Panel};
use super::programs::Programs;
use super::race::Race;
use super::site::Site;
use crate::lab::error::{Doing, LabError};
use crate::process;

/// The plot, beside the other data of the benchmark.
const PLOT: &str = "xtask/data/bench/growth.svg";
const GIB: u64 = 1 << 30;

const IMAGES: Case =
    case("images", "small images", Content::Images, Work::Copy(End::Registry, End::Registry), &[Site::Free]);
const BLOB: Case =
    case("blob", "GiB in one blob", Content::Sparse, Work::Copy(End::Layout, End::Registry), &[Site::Free]);

/// A row of sizes, and what each came to.
struct Series {
    case: Case,
    points: Vec<(u64, Outcome)>,
}

/// Runs both rows, prints them, and draws them at need.
pub(super) fn run(options: &Options, programs: &Programs, store: &Store) -> Result<bool, LabError> {
    let (images, blobs): (&[u64], &[u64]) =
        if options.quick { (&[10, 30, 100], &[1]) } else { (&[10, 100, 1000, 10_000], &[1, 4, 16]) };
    let series = [
        Series::run(&IMAGES, images, |images| Sizes { images, ..Sizes::FULL }, options, programs, store)?,
        Series::run(&BLOB, blobs, |gib| Sizes { sparse: gib * GIB, ..Sizes::FULL }, options, programs, store)?,
    ];
    for series in &series {
        print!("{}", series.table());
    }
    if options.write {
        let panels: Vec<_> = series.iter().flat_map(Series::panels).collect();
        fs::write(process::root().join(PLOT), plot::svg(&panels)).doing("write the plot")?;
    }
    Ok(true)
}

impl Series {
    fn run(
        case: &Case,
        amounts: &[u64],
        sizes: impl Fn(u64) -> Sizes,
        options: &Options,
        programs: &Programs,
        store: &Store,
    ) -> Result<Self, LabError> {
        let mut points = Vec::new();
        for &amount in amounts {
            let directory = store.directory().join(format!("{}-{amount}", case.name));
            let mut own = Store::new(directory.clone(), sizes(amount));
            let outcome = Race::prepare(case, Site::Free, programs, &mut own)?.run(options.pairs, &Client::PAIR)?;
            println!("{amount} {}: done", case.title);
            points.push((amount, outcome));
            fs::remove_dir_all(directory).doing("remove what was copied")?;
        }
        Ok(Self { case: *case, points })
    }

    fn table(&self) -> String {
        let mut text = format!("| {} | client | wall s | CPU s | MiB |\n|--:|---|--:|--:|--:|\n", self.case.title);
        for (amount, outcome) in &self.points {
            for entry in &outcome.entries {
                let cost = entry.cost;
                let name = entry.client.name();
                text += &format!("| {amount} | {name} | {:.3} | {:.3} | {:.0} |\n", cost.wall, cost.cpu, cost.peak);
            }
        }
        text + "\n"
    }

    /// Time and memory over the amount.
    fn panels(&self) -> [Panel; 2] {
        let lines = |figure: fn(&super::figures::Cost) -> f64| {
            Client::PAIR
                .iter()
                .map(|&client| Line { name: client.name(), points: self.points(client, figure) })
                .collect()
        };
        let of = |what: &str| format!("{what} over {}", self.case.title);
        [
            Panel { title: of("seconds"), lines: lines(|cost| cost.wall) },
            Panel { title: of("MiB at most"), lines: lines(|cost| cost.peak) },
        ]
    }

    #[expect(clippy::cast_precision_loss, reason = "amounts are small")]
    fn points(&self, client: Client, figure: fn(&super::figures::Cost) -> f64) -> Vec<(f64, f64)> {
        let point = |(amount, outcome): &(u64, Outcome)| Some((*amount as f64, figure(&outcome.entry(client)?.cost)));
        self.points.iter().filter_map(point).collect()
    }
}
