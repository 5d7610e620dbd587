//! Finding what points to a node.

use std::collections::HashSet;

use futures_util::{StreamExt as _, stream};
use oras_content::{BoxFuture, Descriptor, ErrorKind, ReadOnlyGraphTarget, Storage};
use oras_descriptor::links;

use super::options::ExtendedCopyOptions;
use crate::{
    engine::{Context, Key, key},
    error::{CopyError, CopyOperation, CopyOrigin},
};

/// What cosign appends to the tag made of a digest.
const DIGEST_TAG_SUFFIXES: [&str; 3] = ["sig", "att", "sbom"];

type Searching<'a> = BoxFuture<'a, Result<Vec<Descriptor>, CopyError>>;

/// What is copied beside a node.
#[derive(Default)]
pub(crate) struct Found {
    /// The node, and everything from which it is reached, each once.
    pub(crate) nodes: Vec<Descriptor>,
    /// What is tagged by a digest, and its tag.
    pub(crate) tagged: Vec<(String, Descriptor)>,
    seen: HashSet<Key>,
}

impl Found {
    fn add(&mut self, desc: Descriptor) -> bool {
        let is_new = self.seen.insert(key(&desc));
        if is_new {
            self.nodes.push(desc);
        }
        is_new
    }
}

pub(crate) struct Search<'c, 'a, S, D> {
    pub(crate) ctx: &'c Context<'a, S, D>,
    pub(crate) options: &'c ExtendedCopyOptions,
}

impl<S: ReadOnlyGraphTarget, D: Storage> Search<'_, '_, S, D> {
    /// Goes from the node to its predecessors, level by level.
    pub(crate) async fn run(&self, node: &Descriptor) -> Result<Found, CopyError> {
        let mut found = Found::default();
        let mut level = self.starts(node).await?;
        for start in &level {
            found.add(start.clone());
            if self.options.digest_tags {
                self.find_tagged(start, &mut found).await?;
            }
        }
        let mut depth = 0;
        while !level.is_empty() && self.options.depth.is_none_or(|limit| depth < limit.get()) {
            let mut next = Vec::new();
            // In order, so that the same graph is walked in the same way each time.
            let width = self.ctx.options.concurrency.get().saturating_mul(2);
            let searches: Vec<Searching<'_>> =
                level.iter().map(|desc| Box::pin(self.predecessors(desc)) as _).collect();
            let mut searched = stream::iter(searches).buffered(width);
            while let Some(predecessors) = searched.next().await {
                next.extend(predecessors?.into_iter().filter(|desc| found.add(desc.clone())));
            }
            drop(searched);
            level = next;
            depth += 1;
        }
        Ok(found)
    }

    /// The node, and with `children` the manifests below it.
    async fn starts(&self, node: &Descriptor) -> Result<Vec<Descriptor>, CopyError> {
        let (mut seen, mut starts) = (HashSet::from([key(node)]), vec![node.clone()]);
        let mut at = 0;
        while let Some(desc) = starts.get(at).filter(|_| self.options.children).cloned() {
            at += 1;
            if desc.media_type.is_index() {
                let entries = self.ctx.options.platforms.choose(self.links(&desc).await?.children);
                let manifests = entries.into_iter().filter(|entry| entry.media_type.is_manifest());
                starts.extend(manifests.filter(|entry| seen.insert(key(entry))));
            }
        }
        Ok(starts)
    }

    async fn links(&self, desc: &Descriptor) -> Result<oras_descriptor::Links, CopyError> {
        let fetched = self.ctx.fetcher().bytes(desc).await;
        let bytes = fetched.map_err(|error| CopyError::source_at(CopyOperation::Fetch, desc, error))?;
        links(&desc.media_type, &bytes)
            .map_err(|error| CopyError::source_at(CopyOperation::Successors, desc, error.into()))
    }

    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>, CopyError> {
        let hooked = match &self.ctx.options.hooks {
            Some(hooks) => hooks.predecessors(desc).await,
            None => Ok(None),
        };
        let failed = |error| CopyError::hook_at(CopyOperation::Predecessors, desc, error);
        let found = match hooked.map_err(failed)? {
            Some(predecessors) => predecessors,
            None => self
                .ctx
                .src
                .predecessors(desc)
                .await
                .map_err(|error| CopyError::source_at(CopyOperation::Predecessors, desc, error))?,
        };
        let mut kept = Vec::with_capacity(found.len());
        for predecessor in found {
            if self.can_point_to(&predecessor, desc) && self.is_wanted(&predecessor).await? {
                kept.push(predecessor);
            }
        }
        Ok(kept)
    }

    /// Some registries take the tag of a referrers index for something else, and list a node itself, or what it points
    /// to, as pointing to it.
    fn can_point_to(&self, predecessor: &Descriptor, desc: &Descriptor) -> bool {
        let successors = || {
            let bytes = self.ctx.cache.get(desc)?;
            links(&desc.media_type, &bytes).ok().map(oras_descriptor::Links::successors)
        };
        predecessor.media_type.is_manifest()
            && predecessor.digest != desc.digest
            && !successors().is_some_and(|nodes| nodes.iter().any(|node| node.digest == predecessor.digest))
    }

    async fn is_wanted(&self, desc: &Descriptor) -> Result<bool, CopyError> {
        if self.options.filters.is_empty() {
            return Ok(true);
        }
        let mut told = desc.clone();
        if told.artifact_type.is_none() || told.annotations.is_empty() {
            let document = self.links(desc).await?;
            told.artifact_type = told.artifact_type.or(document.artifact_type);
            if told.annotations.is_empty() {
                told.annotations = document.annotations;
            }
        }
        Ok(self.options.filters.iter().all(|keep| keep(&told)))
    }

    async fn find_tagged(&self, node: &Descriptor, found: &mut Found) -> Result<(), CopyError> {
        for suffix in DIGEST_TAG_SUFFIXES {
            let tag = format!("{}-{}.{suffix}", node.digest.algorithm(), node.digest.encoded());
            match self.ctx.src.resolve(&tag).await {
                Ok(desc) => {
                    found.add(desc.clone());
                    found.tagged.push((tag, desc));
                }
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => {
                    return Err(CopyError::new(CopyOrigin::Source, CopyOperation::Resolve, error).named(&tag));
                }
            }
        }
        Ok(())
    }
}
