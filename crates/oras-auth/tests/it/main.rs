//! What the layer promises, over scripted registries and token servers.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod advisories;
mod basic;
mod bearer;
mod lifetime;
mod rotation;
mod safety;
mod scout;
mod support;
