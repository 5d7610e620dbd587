//! The contract finds what is wrong with a store.

use oras_content::{
    Blob, BoxStream, Deleter, Descriptor, Error, ErrorKind, Fetcher, MediaType, PredecessorFinder, Pusher,
    ReadOnlyStorage, ReadOnlyTarget, Resolver, Result, TagLister, Tagger, Target, Untagger,
};
use oras_descriptor::Algorithm;
use oras_memory::MemoryStore;
use oras_testing::contract::{Capabilities, Capability, check, violations};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Flaw {
    TakesWrongContent,
    ReadsKnownContent,
    HidesTheSource,
    GivesOtherSizes,
    LosesDeferredContent,
    DescribesWrongly,
    DoesNotMount,
    ResolvesAnything,
    TagsAnything,
    TakesEmptyTags,
    ListsFromTheStart,
    KeepsTags,
    RemovesDigests,
    HasNoPredecessors,
    ListsPlainReferrers,
    ListsAllReferrers,
    KeepsContent,
    DeletesAnything,
}

/// A memory store with a flaw.
struct Flawed(MemoryStore, Flaw);

impl Flawed {
    fn has(&self, flaw: Flaw) -> bool {
        self.1 == flaw
    }
}

/// The size that the sample of the contract has.
const SIZES: [u64; 2] = [10, 12];

impl Fetcher for Flawed {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        if self.has(Flaw::GivesOtherSizes) && SIZES.contains(&desc.size) {
            let right = Descriptor { size: 11, ..desc.clone() };
            let bytes = self.0.fetch(&right).await?.bytes(11).await?;
            let other = bytes.slice(..10);
            return Ok(Blob::from_bytes(other.clone()).verify(&Descriptor::of("a/b", &other)));
        }
        self.0.fetch(desc).await
    }
}

impl ReadOnlyStorage for Flawed {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.0.exists(desc).await
    }
}

impl Pusher for Flawed {
    async fn push(&self, desc: &Descriptor, mut content: Blob) -> Result<()> {
        if self.has(Flaw::ReadsKnownContent) {
            content.start().await?;
        }
        match self.0.push(desc, content).await {
            Err(error) if self.has(Flaw::TakesWrongContent) && error.kind() == ErrorKind::Corrupt => Ok(()),
            Err(error) if self.has(Flaw::HidesTheSource) && error.is_from_blob() => {
                Err(Error::new(error.kind(), "failed"))
            }
            pushed => pushed,
        }
    }

    async fn push_deferred(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        if self.has(Flaw::LosesDeferredContent) { Ok(()) } else { self.0.push(desc, content).await }
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        let wrong = MediaType::OCI_LAYER;
        let media_type = if self.has(Flaw::DescribesWrongly) { &wrong } else { media_type };
        self.0.ingest(media_type, algorithm, content).await
    }

    async fn mount(
        &self,
        desc: &Descriptor,
        from: &[oras_content::Location],
        content: Blob,
    ) -> Result<oras_content::MountOutcome> {
        if self.has(Flaw::DoesNotMount) {
            return Ok(oras_content::MountOutcome::Mounted);
        }
        self.0.mount(desc, from, content).await
    }
}

impl Resolver for Flawed {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        match self.0.resolve(reference).await {
            Err(_) if self.has(Flaw::ResolvesAnything) => Ok(Descriptor::of(MediaType::OCI_MANIFEST, b"")),
            resolved => resolved,
        }
    }
}

impl Tagger for Flawed {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        match self.0.tag(desc, reference).await {
            Err(error) if self.has(Flaw::TagsAnything) && error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if self.has(Flaw::TakesEmptyTags) && error.kind() == ErrorKind::MissingReference => Ok(()),
            tagged => tagged,
        }
    }
}

impl Untagger for Flawed {
    async fn untag(&self, reference: &str) -> Result<()> {
        match self.0.untag(reference).await {
            Err(error) if self.has(Flaw::RemovesDigests) && error.kind() == ErrorKind::InvalidReference => Ok(()),
            removed => removed,
        }
    }
}

impl TagLister for Flawed {
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        self.0.tags(last.filter(|_| !self.has(Flaw::ListsFromTheStart)))
    }
}

impl ReadOnlyTarget for Flawed {}

impl Target for Flawed {}

impl PredecessorFinder for Flawed {
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        if self.has(Flaw::HasNoPredecessors) { Ok(Vec::new()) } else { self.0.predecessors(desc).await }
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        let artifact_type = artifact_type.filter(|_| !self.has(Flaw::ListsAllReferrers));
        let found = self.0.referrers(desc, artifact_type).await?;
        Ok(if self.has(Flaw::ListsPlainReferrers) { found.iter().map(Descriptor::plain).collect() } else { found })
    }
}

impl Deleter for Flawed {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        if self.has(Flaw::KeepsContent) {
            return Ok(());
        }
        let tags = if self.has(Flaw::KeepsTags) { self.0.resolve("v1").await.ok() } else { None };
        match self.0.delete(desc).await {
            Err(error) if self.has(Flaw::DeletesAnything) && error.kind() == ErrorKind::NotFound => return Ok(()),
            deleted => deleted?,
        }
        if tags.is_some() {
            let other = Descriptor::of("a/b", b"other");
            self.0.push(&other, Blob::from_bytes("other".into())).await?;
            self.0.tag(&other, "v1").await?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn names_the_rule_that_a_flawed_store_breaks() {
    let cases = [
        (Flaw::TakesWrongContent, "failure::refuses_short_content"),
        (Flaw::TakesWrongContent, "failure::refuses_long_content"),
        (Flaw::TakesWrongContent, "failure::refuses_wrong_content"),
        (Flaw::TakesWrongContent, "failure::refuses_a_blob_of_another_descriptor"),
        (Flaw::TakesWrongContent, "failure::leaves_nothing_of_a_refused_manifest"),
        (Flaw::ReadsKnownContent, "push::knows_pushed_content"),
        (Flaw::HidesTheSource, "failure::passes_on_the_error_of_a_source"),
        (Flaw::GivesOtherSizes, "push::does_not_know_content_of_another_size"),
        (Flaw::LosesDeferredContent, "deferred::lists_deferred_content_after_a_flush"),
        (Flaw::DescribesWrongly, "deferred::describes_content_that_it_takes_in"),
        (Flaw::DoesNotMount, "deferred::pushes_what_cannot_be_mounted"),
        (Flaw::ResolvesAnything, "tags::does_not_resolve_an_unknown_reference"),
        (Flaw::TagsAnything, "tags::does_not_tag_missing_content"),
        (Flaw::TakesEmptyTags, "tags::wants_a_tag_to_have_a_name"),
        (Flaw::ListsFromTheStart, "tags::lists_tags"),
        (Flaw::RemovesDigests, "tags::does_not_remove_an_unknown_tag"),
        (Flaw::HasNoPredecessors, "graph::finds_predecessors"),
        (Flaw::ListsPlainReferrers, "graph::lists_referrers_with_type_and_annotations"),
        (Flaw::ListsAllReferrers, "graph::lists_referrers_of_one_type"),
        (Flaw::KeepsContent, "removal::deletes_a_blob"),
        (Flaw::KeepsContent, "removal::forgets_a_deleted_referrer"),
        (Flaw::KeepsTags, "removal::deletes_a_manifest_with_its_tags"),
        (Flaw::DeletesAnything, "removal::does_not_delete_what_is_not_there"),
    ];
    for (flaw, rule) in cases {
        let found = violations(&Capabilities::all(), async |_| Flawed(MemoryStore::new(), flaw)).await;
        assert!(found.iter().any(|(broken, _)| *broken == rule), "{flaw:?}: {rule} holds, broken are {found:?}");
    }
}

#[tokio::test]
async fn holds_a_store_to_what_it_says_it_cannot_do() {
    let capabilities = [
        (Capability::ListTags, "tags::lists_tags"),
        (Capability::Untag, "tags::removes_a_tag"),
        (Capability::Delete, "removal::deletes_a_blob"),
        (Capability::Ingest, "deferred::describes_content_that_it_takes_in"),
        (Capability::Sha512, "push::takes_content_by_sha512"),
        (Capability::Referrers, "graph::lists_referrers_with_type_and_annotations"),
        (Capability::RefusesKnownContent, "push::knows_pushed_content"),
    ];
    for (capability, rule) in capabilities {
        let all = Capabilities::all().without(capability);
        let found = violations(&all, async |_| MemoryStore::new()).await;
        assert!(found.iter().any(|(broken, _)| *broken == rule), "{capability:?}: {found:?}");
    }
}

#[tokio::test]
#[should_panic(
    expected = "Flawed breaks 1 rules of its contract:\n  tags::wants_a_tag_to_have_a_name: tagging: expected"
)]
async fn a_failure_names_the_store_the_rule_and_what_was_found() {
    let fresh = async |_| Flawed(MemoryStore::new(), Flaw::TakesEmptyTags);
    check("Flawed", &Capabilities::all(), fresh).await;
}
