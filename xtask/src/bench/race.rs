//! Lets the clients do the same work in turns, and takes their time.

use std::collections::BTreeMap;
use std::fs;
use std::time::Duration;

use super::case::{Case, End, Work};
use super::client::Client;
use super::content::{Store, TAG};
use super::figures::{Cost, Requests};
use super::outcome::{Entry, Outcome};
use super::programs::Programs;
use super::site::{Servers, Site};
use super::work::{Place, Task};
use crate::lab::error::{Doing, LabError};

/// What is over in milliseconds depends on where the system wakes a thread, and jumps: it gets more rounds.
const SHORT_ROUNDS: usize = 21;

/// A case at a site, ready to be run.
#[derive(Debug)]
pub(super) struct Race<'a> {
    case: &'a Case,
    site: Site,
    programs: &'a Programs,
    store: &'a Store,
    servers: Option<Servers>,
    /// No two tasks leave their result at the same place.
    turn: usize,
}

impl<'a> Race<'a> {
    /// Makes what is to be moved, and starts the registries.
    pub(super) fn prepare(
        case: &'a Case,
        site: Site,
        programs: &'a Programs,
        store: &'a mut Store,
    ) -> Result<Self, LabError> {
        store.make(programs, case.content)?;
        let store = &*store;
        let servers = Servers::start(programs, site, store, case.content)?;
        Ok(Self { case, site, programs, store, servers, turn: 0 })
    }

    /// Runs the clients in turns. That oras-go or ours fails is an error; any other is left out, with a word.
    pub(super) fn run(&mut self, pairs: usize, clients: &[Client]) -> Result<Outcome, LabError> {
        let mut samples: BTreeMap<Client, Vec<Cost>> = BTreeMap::new();
        let mut clients = clients.to_vec();
        let is_short = matches!(self.case.work, Work::Start | Work::Referrers(1));
        let rounds = if is_short { SHORT_ROUNDS } else { pairs };
        // The round before the first warms caches up, and does not count.
        for round in 0..=rounds {
            clients.retain(|&client| match self.turn(client) {
                Ok(Some(cost)) if round > 0 => {
                    samples.entry(client).or_default().push(cost);
                    true
                }
                Ok(cost) => cost.is_some(),
                Err(error) => {
                    println!("{}, {}: {}: {error}", self.case.name, self.site.name(), client.name());
                    false
                }
            });
        }
        if Client::PAIR.iter().any(|client| !clients.contains(client)) {
            return Err(LabError::failed(format!("case {}", self.case.name), "a client failed, see above"));
        }
        let mut entries = Vec::new();
        for client in clients {
            let cost = Cost::median(samples.get(&client).map_or(&[], Vec::as_slice));
            entries.push(Entry { client, cost, requests: self.count(client)? });
        }
        Ok(Outcome { case: *self.case, site: self.site, entries })
    }

    /// One client's turn; `None` when it cannot do such work.
    fn turn(&mut self, client: Client) -> Result<Option<Cost>, LabError> {
        let task = self.task(self.servers.as_ref().map(Servers::hosts));
        if self.case.work == Work::Start {
            return self.first_request(client, &task);
        }
        let Some(words) = self.words(client, &task) else { return Ok(None) };
        if let Some(directory) = task.leaves() {
            fs::create_dir_all(directory).doing("make a directory for a result")?;
        }
        let cost = self.measure(&words);
        clean(&task)?;
        cost.map(Some)
    }

    /// What a client and the registries behind it need.
    fn measure(&self, words: &[String]) -> Result<Cost, LabError> {
        let registries = || self.servers.as_ref().and_then(Servers::cpu);
        let before = registries();
        let cost = self.programs.measure(words)?;
        let registry_cpu = registries().zip(before).map(|(after, before)| after - before);
        Ok(Cost { registry_cpu, ..cost })
    }

    /// The requests of one more turn of a client that is compared by them.
    fn count(&mut self, client: Client) -> Result<Option<Requests>, LabError> {
        if self.servers.is_none() || !Client::PAIR.contains(&client) {
            return Ok(None);
        }
        self.through_proxies(client, Duration::ZERO).map(|(_, requests)| Some(requests))
    }

    /// One turn of a client over proxies, which count and let each answer wait.
    pub(super) fn through_proxies(&mut self, client: Client, delay: Duration) -> Result<(Cost, Requests), LabError> {
        let missing = || LabError::failed("count requests", "no servers to put proxies before");
        let servers = self.servers.as_ref().ok_or_else(missing)?;
        let (source, destination) = servers.proxies(self.programs, delay)?;
        let task = self.task(Some((source.host(), destination.host())));
        let words = self.words(client, &task).ok_or_else(missing)?;
        let cost = self.programs.measure(&words);
        clean(&task)?;
        Ok((cost?, source.requests()? + destination.requests()?))
    }

    fn first_request(&self, client: Client, task: &Task) -> Result<Option<Cost>, LabError> {
        if !Client::PAIR.contains(&client) {
            return Ok(None);
        }
        let Some(mut words) = self.words(client, task) else { return Ok(None) };
        words.insert(0, "first".to_owned());
        let text = self.programs.peer(&words)?;
        let wall = text.trim().parse().doing("read the stopwatch")?;
        Ok(Some(Cost { wall, ..Cost::default() }))
    }

    fn words(&self, client: Client, task: &Task) -> Option<Vec<String>> {
        client.words(self.programs.client(client)?, task)
    }

    /// The work of this turn, with a source and a destination at these hosts.
    fn task(&mut self, hosts: Option<(String, String)>) -> Task {
        self.turn += 1;
        let content = self.case.content;
        let name = format!("{}-{}", self.case.name, self.turn);
        let output = self.store.directory().join("out").join(&name);
        let (source, destination) = hosts.unwrap_or_else(|| ("HOST".to_owned(), "HOST".to_owned()));
        let from = Place::registry(&source, content.name());
        let to = Place::registry(&destination, &name);
        let is_index = content.is_index();
        match self.case.work {
            Work::Push => Task::Push { path: self.store.path(content), to },
            Work::Pull => Task::Pull { from, to: output },
            Work::Copy(source, destination) => Task::Copy {
                from: if source == End::Layout { self.store.layout(content) } else { from },
                to: match destination {
                    End::Registry => to,
                    End::Layout => Place::Layout { directory: output, tag: TAG.to_owned() },
                },
                is_index,
            },
            Work::Again => Task::Copy { from, to: Place::registry(&destination, "again"), is_index },
            Work::Start => Task::Copy { from, to: self.store.layout(content), is_index },
            Work::Extended => Task::Extended { from, to },
            Work::Referrers(times) => Task::Referrers { layout: output, count: self.store.referrers() * times },
            Work::Add => Task::Add { path: self.store.path(content) },
            Work::Unpack => Task::Pull { from: self.store.layout(content), to: output },
        }
    }
}

/// Removes what a task has left, which takes time of its own.
fn clean(task: &Task) -> Result<(), LabError> {
    match task.leaves() {
        Some(directory) if directory.exists() => fs::remove_dir_all(directory).doing("remove a result"),
        _ => Ok(()),
    }
}
