//! Tests for stores and clients: the contract of the roles, a scripted service, faulty sources, random graphs.
//!
//! Made for those who write a store of their own as well as for this project. [`contract::check`] drives a store through
//! every rule of the roles; [`FaultySource`] feeds it content that breaks as told; [`Recording`] stands in front of it
//! and counts its calls; [`GraphGenerator`] makes graphs to fill it, and [`assert_closed`] looks for parents without
//! children. [`ScriptedService`] takes the place of a registry for a client, request by request.
//!
//! ```
//! use oras_content::AnyTarget;
//! use oras_memory::MemoryStore;
//! use oras_testing::contract::{self, Capabilities, Capability};
//!
//! # futures_util::FutureExt::now_or_never(async {
//! // The store that is tested, with nothing but the roles of a target.
//! let fresh = async |_rule: &'static str| AnyTarget::new(MemoryStore::new());
//! let capabilities = Capabilities::target().with(Capability::Ingest);
//! contract::check("MyStore", &capabilities, fresh).await;
//! # }).expect("memory is always ready")
//! ```
//!
//! # Features
//!
//! - `proptest`: a proptest strategy over random graphs.
//!
//! # Errors
//!
//! What is asserted panics, with the store, the rule, what was expected and what was found.

pub mod contract;
mod faulty;
mod graph;
mod recording;
mod scripted;

pub use faulty::{FaultySource, FaultySourceBuilder};
pub use graph::{Graph, GraphGenerator, Node, assert_closed};
pub use recording::{Call, Method, Recording};
pub use scripted::{Expected, Reply, ScriptedService};
