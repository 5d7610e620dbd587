//! Small things that are done often: `cargo bench -p oras-tests`. Without `--bench`, as under `cargo test`, each runs once.

mod challenge;
mod content;
mod documents;
mod graph;
mod reference;

fn main() {
    divan::main();
}
