//! Each deviation of a real registry, seen from the outside.

mod content;
mod lists;
mod uploads;

use oras_registry::Behaviour;

use crate::{client::Client, memory::setup::sparse};

/// A registry that deviates.
async fn odd(change: impl FnOnce(&mut Behaviour)) -> Client {
    let client = sparse().await;
    client.0.set_behaviour(Behaviour::with(change));
    client
}
