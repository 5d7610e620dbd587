//! Many referrers of one subject, attached by one process beside others.

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oras::{
    MediaType,
    content::{PredecessorFinder as _, Resolver as _},
    descriptor::Annotations,
    pack::{PackManifestOptions, PackManifestVersion, pack_manifest},
    remote::Repository,
};

use crate::Outcome;

const NOTE: &str = "application/vnd.example.note";
/// How many are on their way.
const AT_ONCE: usize = 4;

/// Attaches so many notes, numbered from `first` on.
pub(crate) async fn attach(repository: &Repository, tag: &str, first: usize, count: usize) -> Outcome {
    let subject = repository.resolve(tag).await?.plain();
    let notes = (first..first + count).map(|number| {
        let annotations = Annotations::from([("number".to_owned(), number.to_string())]);
        let options = PackManifestOptions::new().with_subject(subject.clone()).with_annotations(annotations);
        async move { pack_manifest(repository, PackManifestVersion::V1_1, MediaType::new(NOTE), &options).await }
    });
    stream::iter(notes).buffer_unordered(AT_ONCE).try_collect::<Vec<_>>().await?;
    Ok(())
}

/// Says how many notes are listed.
pub(crate) async fn count(repository: &Repository, tag: &str) -> Outcome {
    let subject = repository.resolve(tag).await?;
    let listed = repository.referrers(&subject, Some(&MediaType::new(NOTE))).await?;
    println!("listed {}", listed.len());
    Ok(())
}
