//! The main job: files packed, pushed, listed, pulled and compared, a referrer attached and listed.

use std::error::Error;

use futures_util::TryStreamExt as _;
use oras::{
    Descriptor, MediaType,
    content::{PredecessorFinder as _, Resolver as _, TagLister as _},
    descriptor::Annotations,
    files::{File, PullOptions, PushOptions},
    pack::{PackManifestOptions, PackManifestVersion, pack_manifest},
    remote::Repository,
};

use crate::{Outcome, chain, equal, session::Session};

const SBOM: &str = "application/spdx+json";

/// Runs the job, a line a step; a step that fails ends it.
pub(crate) async fn run(session: &Session) -> Outcome {
    let repository = session.repository("job/main")?;
    let work = tempfile::tempdir()?;
    let step = |name: &str, outcome: Outcome| match outcome {
        Ok(()) => {
            println!("pass {name}");
            Ok(())
        }
        Err(error) => Err(Box::<dyn Error>::from(format!("{name}: {}", chain(error.as_ref())))),
    };
    step("ping", repository.registry().ping().await.map_err(Into::into))?;
    step("push", push(&repository).await)?;
    step("tags", tags(&repository).await)?;
    step("pull", pull(&repository, work.path()).await)?;
    step("attach", attach(&repository).await)?;
    step("referrers", referrers(&repository).await)?;
    step("push again", push(&repository).await)
}

fn annotations(key: &str, value: &str) -> Annotations {
    Annotations::from([(key.to_owned(), value.to_owned())])
}

fn content() -> Vec<(&'static str, Vec<u8>)> {
    let large = (0..3_000_000_u32).flat_map(u32::to_le_bytes).collect();
    vec![("empty.txt", Vec::new()), ("hello.txt", b"hello\n".to_vec()), ("large.bin", large)]
}

async fn push(repository: &Repository) -> Outcome {
    let files = content().into_iter().map(|(name, bytes)| File::from_bytes(name, bytes));
    let options = PushOptions::new()
        .with_artifact_type("application/vnd.example.job")
        .with_annotations(annotations("a", "<b> & c"));
    oras::files::push(repository, "v1", files, &options).await?;
    Ok(())
}

async fn tags(repository: &Repository) -> Outcome {
    let tags: Vec<String> = repository.tags(None).try_collect().await?;
    equal(&tags, &["v1".to_owned()])
}

async fn pull(repository: &Repository, dir: &std::path::Path) -> Outcome {
    let pulled = oras::files::pull(repository, "v1", dir, &PullOptions::new()).await?;
    equal(&pulled.files().len(), &content().len())?;
    for (name, bytes) in content() {
        if std::fs::read(dir.join(name))? != bytes {
            return Err(format!("{name} differs").into());
        }
    }
    Ok(())
}

async fn attach(repository: &Repository) -> Outcome {
    let subject = repository.resolve("v1").await?.plain();
    let options = PackManifestOptions::new().with_subject(subject).with_annotations(annotations("sbom", "yes"));
    pack_manifest(repository, PackManifestVersion::V1_1, MediaType::new(SBOM), &options).await?;
    Ok(())
}

async fn referrers(repository: &Repository) -> Outcome {
    let subject: Descriptor = repository.resolve("v1").await?;
    let kind = |wanted: &'static str| {
        let subject = subject.clone();
        async move { repository.referrers(&subject, Some(&MediaType::new(wanted))).await }
    };
    let found = kind(SBOM).await?;
    equal(&found.len(), &1)?;
    equal(&found.first().and_then(|desc| desc.annotations.get("sbom")).map(String::as_str), &Some("yes"))?;
    equal(&kind("application/vnd.other").await?.len(), &0)
}
