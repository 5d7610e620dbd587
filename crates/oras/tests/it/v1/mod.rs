//! What the first version of the Go library offered, as it is done here: a test for each thing that has another name now.

mod registry;
mod stores;
mod streams;
mod walk;
