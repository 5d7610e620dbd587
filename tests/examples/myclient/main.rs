//! A command-line client to start your own from: push, pull, copy, discover, tags, login, logout.
//!
//! ```sh
//! cargo run -p oras-tests --example myclient -- push localhost:5000/demo:v1 README.md docs --artifact-type application/vnd.example
//! cargo run -p oras-tests --example myclient -- copy --recursive localhost:5000/demo:v1 oci:backup:v1
//! ```
//!
//! Transfers show a bar for each blob; `--json` prints one JSON document in its place. The exit code says what a script
//! can do about an error; see [`exit`].
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program speaks")]

mod arguments;
mod commands;
mod exit;
mod output;
mod place;
mod progress;

use std::process::ExitCode;

use clap::Parser as _;
use oras::Report;

pub(crate) use self::{arguments::Arguments, commands::run, exit::code as exit_code};

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let is_json = arguments.json;
    match run(arguments).await {
        Ok(output) if is_json => println!("{}", output.json),
        Ok(output) => print!("{}", output.text),
        Err(error) => {
            eprintln!("myclient: {}", Report::new(&error));
            if let Some(hint) = exit::hint(&error) {
                eprintln!("hint: {hint}");
            }
            return ExitCode::from(exit_code(&error));
        }
    }
    ExitCode::SUCCESS
}
