//! The tasks of this workspace: `cargo xtask <command>`.
//!
//! One file a command. A command gets the words after its name and answers with an exit code: 0 when all is well, 1 when
//! a check failed, 2 when the words make no sense.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program speaks through them")]

mod api;
mod bench;
mod ci;
mod conformance;
mod interop;
mod lab;
mod process;
mod soak;
mod source;
mod tidy;

use std::process::ExitCode;

/// A word after `cargo xtask`.
struct Command {
    name: &'static str,
    usage: &'static str,
    run: fn(&[String]) -> ExitCode,
}

/// All commands; a new one is a line here and a file beside this one.
const COMMANDS: &[Command] = &[
    Command {
        name: "api",
        usage: "api [--write]    the public interface of each crate, compared with docs/api or written there",
        run: api::run,
    },
    Command {
        name: "bench",
        usage: "bench            [--case X] [--site S] [--pairs N] [--quick] [--json FILE] [--no-peers]: ours against oras-go and others",
        run: bench::run,
    },
    Command {
        name: "ci",
        usage: "ci [--no-test]   every gate in order; --no-test leaves tests and doctests out",
        run: ci::run,
    },
    Command {
        name: "conformance",
        usage: "conformance      the official suite of the distribution specification against our registry",
        run: conformance::run,
    },
    Command {
        name: "interop",
        usage: "interop          [--short]: our client against the registries and clients of others",
        run: interop::run,
    },
    Command {
        name: "lab",
        usage: "lab              gets and starts the registries and clients of others, and compares what they can do",
        run: lab::run,
    },
    Command {
        name: "soak",
        usage: "soak             [transfer | layout | registry | properties]: the sizes that take long",
        run: soak::run,
    },
    Command {
        name: "tidy",
        usage: "tidy             layers, lengths, STATUS.md, README.md, links, cancel safety, dependency counts, forbidden text",
        run: tidy::run,
    },
];

fn main() -> ExitCode {
    if let Some(done) = api::stand_in() {
        return done;
    }
    let mut words = std::env::args().skip(1);
    let name = words.next();
    let rest: Vec<String> = words.collect();
    let known = COMMANDS.iter().find(|command| Some(command.name) == name.as_deref());
    match known {
        Some(command) => (command.run)(&rest),
        None => bad_words(name.as_deref()),
    }
}

/// Says what could have been said instead; exit code 2.
fn bad_words(name: Option<&str>) -> ExitCode {
    if let Some(name) = name {
        eprintln!("unknown command: {name}");
    }
    eprintln!("usage: cargo xtask <command>");
    for command in COMMANDS {
        eprintln!("  {}", command.usage);
    }
    ExitCode::from(2)
}

/// Says which word of a known command made no sense; exit code 2.
fn bad_word(command: &str, word: &str) -> ExitCode {
    eprintln!("{command}: unknown argument: {word}");
    bad_words(None)
}

/// The names of all commands, for checks of documents that mention them.
fn command_names() -> Vec<&'static str> {
    COMMANDS.iter().map(|command| command.name).collect()
}
