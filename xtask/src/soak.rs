//! `cargo xtask soak [NAME]`: what the tests show in small, at the sizes that take long.
//!
//! ```text
//! transfer    1 GiB and a sparse 4 GiB through a registry, in little memory
//! client      500 blobs of 1 to 64 MiB through a registry on which everything goes wrong
//! kill        2 GiB pushed and pulled by a client that is killed in the middle and started again
//! layout      8 processes of 200 pushes in one layout; 100 kills
//! registry    64 clients for a minute; 50 kills
//! properties  100,000 cases of what must hold for any input
//! ```
//!
//! A line of figures a part, and last the line `soak: <passed>/<total> failed <n>`. Large files go where temporary files
//! go: `TMPDIR` with 10 GiB free.

mod kill;
mod tests;
mod transfer;

use std::process::ExitCode;

use crate::lab::error::LabError;

/// One part of a soak: its figures, or why it failed.
struct Part {
    name: String,
    outcome: Result<String, LabError>,
}

struct Soak {
    name: &'static str,
    run: fn() -> Vec<Part>,
}

/// All soaks, the quickest first.
const SOAKS: &[Soak] = &[
    Soak { name: "transfer", run: transfer::run },
    Soak { name: "client", run: tests::client },
    Soak { name: "kill", run: kill::run },
    Soak { name: "layout", run: tests::layout },
    Soak { name: "registry", run: tests::registry },
    Soak { name: "properties", run: tests::properties },
];

/// Runs the command. Exit code 1 when any part failed.
pub(crate) fn run(words: &[String]) -> ExitCode {
    let chosen = match words {
        [] => SOAKS,
        [word] => match SOAKS.iter().find(|soak| soak.name == word) {
            Some(soak) => std::slice::from_ref(soak),
            None => return crate::bad_word("soak", word),
        },
        [_, word, ..] => return crate::bad_word("soak", word),
    };
    let (mut total, mut failed) = (0, 0);
    for soak in chosen {
        for Part { name, outcome } in (soak.run)() {
            total += 1;
            match outcome {
                Ok(figures) => println!("{}: {name}: passed: {figures}", soak.name),
                Err(error) => {
                    failed += 1;
                    println!("{}: {name}: FAILED: {error}", soak.name);
                }
            }
        }
    }
    println!("soak: {}/{total} failed {failed}", total - failed);
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
