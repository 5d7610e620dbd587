//! Our side of `cargo xtask bench`: does what it is told in the same words as the program on oras-go.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks through them")]

mod place;
mod work;

use std::error::Error;
use std::process::ExitCode;

type Result<T, E = Box<dyn Error>> = std::result::Result<T, E>;

const USAGE: &str = "\
usage: bench-client COMMAND, where PLACE is host:port/repository:tag or oci:directory:tag
  push PLACE PATH
  pull PLACE DIRECTORY
  copy PLACE PLACE [--trusted]
  extended PLACE PLACE
  referrers DIRECTORY COUNT
  add DIRECTORY [--parallel]";

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["push", to, path] => work::push(to, path).await,
        ["pull", from, directory] => work::pull(from, directory).await,
        ["copy", from, to] => work::copy(from, to, false).await,
        ["copy", from, to, "--trusted"] => work::copy(from, to, true).await,
        ["extended", from, to] => work::extended(from, to).await,
        ["referrers", directory, count] => work::referrers(directory, count).await,
        ["add", directory] => work::add(directory, false).await,
        ["add", directory, "--parallel"] => work::add(directory, true).await,
        _ => {
            eprintln!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    let Err(error) = done else { return ExitCode::SUCCESS };
    let mut cause: Option<&dyn Error> = Some(error.as_ref());
    while let Some(error) = cause {
        eprintln!("bench-client: {error}");
        cause = error.source();
    }
    ExitCode::FAILURE
}
