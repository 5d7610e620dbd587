//! What the interop task runs against a registry: the contract of the roles, the main job, copies into another registry,
//! what goes wrong on purpose, and single transfers, to be measured or for the clients of others. Where the registry is,
//! and who we are, comes from `INTEROP_*` variables. Layouts on a disk need neither.

#![expect(clippy::print_stdout, reason = "its lines are read by the task that runs it")]

mod copies;
mod job;
mod layouts;
mod memory;
mod notes;
mod pieces;
mod refusals;
mod session;

use std::{cell::RefCell, error::Error, path::Path, process::ExitCode};

use oras::{
    Digest,
    copy::CopyOptions,
    files::{File, PullOptions, PushOptions},
    layout::OciLayout,
};
use oras_testing::contract::{self, Capabilities, Capability};
use session::Session;

type Outcome = Result<(), Box<dyn Error>>;

#[tokio::main]
async fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match run(&words).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("fail {}: {}", words.first().map_or("driver", String::as_str), chain(error.as_ref()));
            ExitCode::FAILURE
        }
    }
}

async fn run(words: &[String]) -> Outcome {
    let option = |name: &str| {
        let at = words.iter().position(|word| word == name);
        at.and_then(|at| words.get(at + 1)).map(String::as_str).ok_or_else(|| format!("{name} is needed"))
    };
    match words.first().map(String::as_str) {
        Some("make-layouts") => return layouts::make(option("--dir")?.as_ref()).await,
        Some("read-layout") => return layouts::read(option("--path")?.as_ref(), option("--reference")?).await,
        _ => {}
    }
    let session = Session::from_env()?;
    match words.first().map(String::as_str) {
        Some("contract") => check_contract(&session, option("--lacks")?).await,
        Some("copies") => copies::run(&session, option("--to")?, option("--label")?).await,
        Some("job") => job::run(&session).await,
        Some("refusals") => refusals::run(&session, option("--expired").ok().map(str::to_owned)).await,
        Some("push") => push(&session, option("--reference")?, option("--dir")?.as_ref()).await,
        Some("pull") => pull(&session, option("--reference")?, option("--dir")?.as_ref()).await,
        Some("save") => save(&session, option("--reference")?, option("--dir")?.as_ref()).await,
        Some("attach") => {
            let repository = session.repository(option("--repository")?)?;
            let (first, count) = (option("--first")?.parse()?, option("--count")?.parse()?);
            notes::attach(&repository, option("--tag")?, first, count).await
        }
        Some("count") => notes::count(&session.repository(option("--repository")?)?, option("--tag")?).await,
        Some("send") => {
            let repository = session.repository(option("--repository")?)?;
            pieces::send(&repository, option("--file")?.as_ref(), option("--state")?.as_ref()).await
        }
        Some("receive") => {
            let repository = session.repository(option("--repository")?)?;
            pieces::receive(&repository, option("--digest")?, option("--dir")?.as_ref()).await
        }
        other => Err(format!("{other:?} is no command").into()),
    }
}

/// Every rule of the contract, each in a repository of its own.
async fn check_contract(session: &Session, lacks: &str) -> Outcome {
    let mut capabilities = Capabilities::all().without(Capability::Predecessors);
    for lack in lacks.split(',').filter(|lack| !lack.is_empty()) {
        capabilities = capabilities.without(match lack {
            "sha512" => Capability::Sha512,
            "untag" => Capability::Untag,
            "delete" => Capability::Delete,
            other => return Err(format!("{other:?} is no capability").into()),
        });
    }
    let rules = RefCell::new(Vec::new());
    let fresh = async |rule: &'static str| {
        rules.borrow_mut().push(rule);
        session.repository(&format!("contract/{}", rule.replace('_', "-"))).expect("a rule's name makes a repository")
    };
    let broken = contract::violations(&capabilities, fresh).await;
    for rule in rules.take() {
        match broken.iter().find(|(broken, _)| broken.rsplit("::").next() == Some(rule)) {
            Some((_, violation)) => println!("fail {rule}: {violation}"),
            None => println!("pass {rule}"),
        }
    }
    Ok(())
}

async fn push(session: &Session, reference: &str, dir: &Path) -> Outcome {
    let (repository, tag) = session.target(reference)?;
    let mut names: Vec<_> =
        std::fs::read_dir(dir)?.map(|entry| Ok(entry?.file_name())).collect::<std::io::Result<_>>()?;
    names.sort();
    let files = names.iter().map(|name| File::at(name).with_media_type("application/octet-stream"));
    let options = PushOptions::new().with_base(dir).with_artifact_type("application/vnd.example.cross");
    let pushed = oras::files::push(&repository, tag.as_str(), files, &options).await?;
    done(&pushed.root().digest)
}

async fn pull(session: &Session, reference: &str, dir: &Path) -> Outcome {
    let (repository, tag) = session.target(reference)?;
    let pulled = oras::files::pull(&repository, &tag, dir, &PullOptions::new()).await?;
    done(&pulled.root().digest)
}

async fn save(session: &Session, reference: &str, dir: &Path) -> Outcome {
    let (repository, tag) = session.target(reference)?;
    let layout = OciLayout::create(dir).await?;
    let root = oras::copy(&repository, &tag, &layout, &tag, &CopyOptions::new()).await?;
    done(&root.digest)
}

/// Says what was moved, and in how much memory.
fn done(digest: &Digest) -> Outcome {
    println!("digest {digest}");
    if let Some(kib) = memory::peak() {
        println!("peak {kib}");
    }
    Ok(())
}

/// An error and what lies below it, in one line.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut below = error.source();
    while let Some(error) = below {
        text.push_str(": ");
        text.push_str(&error.to_string());
        below = error.source();
    }
    text.replace('\n', " ")
}

fn equal<T: PartialEq<U> + std::fmt::Debug, U: std::fmt::Debug + ?Sized>(found: &T, expected: &U) -> Outcome {
    if found == expected {
        return Ok(());
    }
    Err(format!("expected {expected:?}, found {found:?}").into())
}
