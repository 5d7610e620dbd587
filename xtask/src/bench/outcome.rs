//! What a case came to.

use serde_json::{Value, json};

use super::case::Case;
use super::client::Client;
use super::figures::{Cost, Requests};
use super::site::Site;
use super::target::Verdict;

/// A case at a site.
#[derive(Clone, Debug)]
pub(super) struct Outcome {
    pub(super) case: Case,
    pub(super) site: Site,
    /// Ours first.
    pub(super) entries: Vec<Entry>,
}

/// What one client needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) client: Client,
    /// Medians.
    pub(super) cost: Cost,
    /// Of one more run, through proxies.
    pub(super) requests: Option<Requests>,
}

impl Outcome {
    /// What a client needed, if it took part.
    pub(super) fn entry(&self, client: Client) -> Option<&Entry> {
        self.entries.iter().find(|entry| entry.client == client)
    }

    pub(super) fn json(&self, verdicts: &[Verdict]) -> Value {
        let entries: Vec<_> = self.entries.iter().map(Entry::json).collect();
        let targets: Vec<_> = verdicts.iter().map(Verdict::json).collect();
        json!({
            "case": self.case.name,
            "title": self.case.title,
            "registry": self.site.name(),
            "clients": entries,
            "targets": targets,
        })
    }
}

impl Entry {
    fn json(&self) -> Value {
        let mut value = self.cost.to_json();
        if let Some(object) = value.as_object_mut() {
            object.insert("client".to_owned(), self.client.name().into());
            if let Some(requests) = self.requests {
                object.insert("requests".to_owned(), requests.all.into());
                object.insert("referrer_indexes".to_owned(), requests.referrer_indexes.into());
            }
        }
        value
    }
}
