//! Small things that are done often: `cargo bench -p oras-tests`. Without `--bench`, as under `cargo test`, each runs once.

mod challenge;
mod content;
mod documents;
mod graph;
mod reference;

/// Counts allocations beside the times: those of a chunk on its way must not grow.
#[global_allocator]
static ALLOCATOR: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}
