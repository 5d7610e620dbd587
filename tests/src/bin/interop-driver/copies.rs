//! An index of two platforms with what refers to it, copied from one registry into another.

use std::num::NonZeroUsize;
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use oras::{
    Descriptor, MediaType,
    content::{PredecessorFinder as _, Resolver as _, fetch_all, successors},
    copy::{CopyEvent, CopyHooks, CopyOptions, ExtendedCopyOptions, extended_copy, tag_bytes},
    descriptor::{Annotations, Index, Platform, canonical},
    files::{self, File, PushOptions},
    remote::Repository,
};

use crate::{Outcome, chain, equal, session::Session};

const SBOM: &str = "application/vnd.example.sbom";
const SIGNATURE: &str = "application/vnd.example.signature";
/// More than anything here has.
const LIMIT: u64 = 8 << 20;

/// Copies from the session's registry to another one, a line a check; `label` says which.
pub(crate) async fn run(session: &Session, to: &str, label: &str) -> Outcome {
    let from = session.repository("copies/source")?;
    let to = session.with_host(to).repository(&format!("copies/from-{}", session.host().replace([':', '.'], "-")))?;
    let source = fill(&from).await?;
    let moved = copy(&from, &to).await?;
    let say = |name: &str, outcome: Outcome| match outcome {
        Ok(()) => println!("pass {label} {name}"),
        Err(error) => println!("fail {label} {name}: {}", chain(error.as_ref())),
    };
    say("tag", equal(&to.resolve("v1").await?.digest, &source.root.digest));
    say("moved", if moved > 0 { Ok(()) } else { Err("nothing was moved".into()) });
    for node in [&source.root, &source.sbom] {
        say("content", same_content(&from, &to, node).await);
        say("referrers", same_referrers(&from, &to, node).await);
    }
    say("again", equal(&copy(&from, &to).await?, &0));
    Ok(())
}

struct Source {
    root: Descriptor,
    sbom: Descriptor,
}

/// An index under `v1`, an SBOM and a signature of it, and a signature of the SBOM.
async fn fill(repository: &Repository) -> Result<Source, Box<dyn std::error::Error>> {
    let mut entries = Vec::new();
    for architecture in ["amd64", "arm64"] {
        let config = format!(r#"{{"os":"linux","architecture":"{architecture}"}}"#);
        let options = PushOptions::new().with_config(MediaType::OCI_CONFIG, config).with_created(std::time::UNIX_EPOCH);
        let layers = [File::from_bytes("app", architecture.repeat(100_000)), File::from_bytes("shared", "the same")];
        let image = files::push(repository, None, layers, &options).await?;
        entries.push(image.root().plain().with_platform(Platform::new("linux", architecture)));
    }
    let root = tag_bytes(repository, MediaType::OCI_INDEX, canonical(&Index::new(entries)), "v1").await?;
    let sbom = refer(repository, &root, SBOM).await?;
    refer(repository, &root, SIGNATURE).await?;
    refer(repository, &sbom, SIGNATURE).await?;
    Ok(Source { root, sbom })
}

async fn refer(repository: &Repository, subject: &Descriptor, kind: &'static str) -> oras::Result<Descriptor> {
    let options = PushOptions::new()
        .with_artifact_type(kind)
        .with_subject(subject.plain())
        .with_annotations(Annotations::from([("note".to_owned(), format!("<{kind}>"))]))
        .with_created(std::time::UNIX_EPOCH);
    let pushed = files::push(repository, None, [File::from_bytes("note", kind)], &options).await?;
    Ok(pushed.root().plain())
}

/// Counts the nodes that move.
#[derive(Default)]
struct Moves(AtomicUsize);

impl CopyHooks for Moves {
    fn event(&self, event: &CopyEvent<'_>) {
        if matches!(event, CopyEvent::Started { .. }) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Copies everything, and says how many nodes moved.
async fn copy(from: &Repository, to: &Repository) -> oras::Result<usize> {
    let moves = Arc::new(Moves::default());
    // olareg loses referrers by itself when manifests are pushed at once.
    let one = CopyOptions::new().with_concurrency(NonZeroUsize::MIN).with_metadata_concurrency(NonZeroUsize::MIN);
    let options = ExtendedCopyOptions::new().with_copy(one.with_hooks(Arc::clone(&moves) as _));
    extended_copy(from, "v1", to, "", &options).await?;
    Ok(moves.0.load(Ordering::Relaxed))
}

/// Everything at and below a node is there, byte by byte.
async fn same_content(from: &Repository, to: &Repository, node: &Descriptor) -> Outcome {
    let mut open = vec![node.clone()];
    while let Some(desc) = open.pop() {
        let (here, there) = (fetch_all(from, &desc, LIMIT).await?, fetch_all(to, &desc, LIMIT).await?);
        equal(&there, &here)?;
        open.extend(successors(to, &desc).await?);
    }
    Ok(())
}

/// The same manifests refer to a node, with the same types and annotations.
async fn same_referrers(from: &Repository, to: &Repository, node: &Descriptor) -> Outcome {
    let list = async |repository: &Repository| -> oras::Result<Vec<_>> {
        let found = repository.referrers(node, None).await?;
        let mut found: Vec<_> = found.into_iter().map(|d| (d.digest, d.artifact_type, d.annotations)).collect();
        found.sort_by(|one, other| one.0.cmp(&other.0));
        Ok(found)
    };
    let (here, there) = (list(from).await?, list(to).await?);
    if here.is_empty() {
        return Err(format!("nothing refers to {} at the source", node.digest).into());
    }
    equal(&there, &here)
}
