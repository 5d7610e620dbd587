//! `cargo xtask bench --latency`: every answer comes late, so the time is that of round trips that wait for each other.

use std::time::Duration;

use super::case::{Case, End, Work, case};
use super::client::Client;
use super::content::{Content, Store};
use super::figures::{Cost, median};
use super::options::Options;
use super::programs::Programs;
use super::race::Race;
use super::site::Site;
use crate::lab::error::LabError;

/// Of each answer.
const DELAY: Duration = Duration::from_millis(50);
/// What a copy may need over the round trips that must wait for each other.
const LIMIT: f64 = 1.3;

const CASE: Case =
    case("latency", "200 small images", Content::Images, Work::Copy(End::Registry, End::Registry), &[Site::Free]);

/// Runs the copy, prints what it took, and answers whether that is little enough.
pub(super) fn run(options: &Options, programs: &Programs, store: &mut Store) -> Result<bool, LabError> {
    let mut race = Race::prepare(&CASE, Site::Free, programs, store)?;
    let mut rows = Vec::new();
    for client in Client::PAIR {
        let mut costs = Vec::new();
        let mut counts = Vec::new();
        for _ in 0..options.pairs {
            let (cost, requests) = race.through_proxies(client, DELAY)?;
            costs.push(cost);
            counts.push(as_float(requests.all));
        }
        rows.push((client, Cost::median(&costs).wall, median(counts)));
    }
    println!("| client | wall s | requests | × round trips at {} |", options.concurrency);
    println!("|---|--:|--:|--:|");
    let mut times = Vec::new();
    for (client, wall, requests) in &rows {
        let trips = (requests / as_float(options.concurrency as u64)).ceil();
        times.push(wall / (trips * DELAY.as_secs_f64()));
        println!(
            "| {} | {wall:.2} | {requests:.0} | {:.2} |",
            client.name(),
            times.last().copied().unwrap_or_default()
        );
    }
    let ours = times.first().is_some_and(|times| *times <= LIMIT);
    let fewer = matches!(rows.as_slice(), [(_, _, ours), (_, _, theirs)] if ours < theirs);
    println!("latency: at most {LIMIT} × round trips: {ours}; fewer requests than oras-go: {fewer}");
    Ok(ours && fewer)
}

#[expect(clippy::cast_precision_loss, reason = "nobody sends that many requests")]
fn as_float(count: u64) -> f64 {
    count as f64
}
