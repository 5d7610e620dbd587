//! Which manifests point to what: found by a walk on first use, kept, and adjusted when the index changes.

use std::collections::{HashMap, HashSet};

use bytes::Bytes;
use oras_content::{Error, PredecessorFinder, Result};
use oras_descriptor::{Descriptor, Digest, Links, MediaType, links};
use oras_memory::PredecessorGraph;

use crate::{blobs::BlobDir, entries::nameless, layout::OciLayout};

/// Gives a manifest, verified, or nothing when it is not there; for blocking threads only.
pub(crate) trait ManifestReader {
    fn read_manifest(&self, desc: &Descriptor) -> Result<Option<Bytes>>;
}

impl ManifestReader for BlobDir {
    fn read_manifest(&self, desc: &Descriptor) -> Result<Option<Bytes>> {
        self.read_manifest(desc)
    }
}

/// The manifests that an index leads to.
#[derive(Debug, Default)]
pub(crate) struct Graph {
    pub(crate) links: PredecessorGraph,
    nodes: HashMap<Digest, Descriptor>,
}

impl Graph {
    /// Walks from the entries of an index, reads what is new, and forgets what cannot be reached any more.
    ///
    /// Content that is not there is passed over: a layout may be sparse. Content that is wrong is an error.
    pub(crate) fn update<'a>(
        &mut self,
        reader: &impl ManifestReader,
        entries: impl Iterator<Item = &'a Descriptor>,
    ) -> Result<()> {
        let mut reached = HashSet::new();
        let mut waiting: Vec<Descriptor> = entries.map(nameless).collect();
        while let Some(desc) = waiting.pop() {
            if !desc.media_type.is_manifest() || !reached.insert(desc.digest.clone()) {
                continue;
            }
            if !self.links.contains(&desc.digest) {
                let Some(bytes) = reader.read_manifest(&desc)? else {
                    reached.remove(&desc.digest);
                    continue;
                };
                let links = links(&desc.media_type, &bytes);
                let links = links.map_err(|error| Error::from(error).with_descriptor(&desc))?;
                self.insert(&desc, links.clone());
                waiting.extend(links.successors());
                continue;
            }
            let known = self.links.successors(&desc.digest).filter_map(|digest| self.nodes.get(digest));
            waiting.extend(known.cloned());
        }
        let lost: Vec<_> = self.nodes.keys().filter(|digest| !reached.contains(*digest)).cloned().collect();
        for digest in lost {
            self.remove(&digest);
        }
        Ok(())
    }

    pub(crate) fn insert(&mut self, desc: &Descriptor, links: Links) {
        self.links.insert(desc, links);
        self.nodes.insert(desc.digest.clone(), desc.plain());
    }

    pub(crate) fn remove(&mut self, digest: &Digest) {
        self.links.remove(digest);
        self.nodes.remove(digest);
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// A manifest that the index leads to.
    pub(crate) fn node(&self, digest: &Digest) -> Option<&Descriptor> {
        self.nodes.get(digest)
    }

    /// Everything that can be reached from `roots`, blobs included, and the referrers of all of it, and so on.
    pub(crate) fn closure(&self, roots: impl IntoIterator<Item = Digest>) -> HashSet<Digest> {
        let mut kept = HashSet::new();
        let mut waiting: Vec<Digest> = roots.into_iter().collect();
        while let Some(digest) = waiting.pop() {
            if kept.contains(&digest) {
                continue;
            }
            waiting.extend(self.links.successors(&digest).cloned());
            waiting.extend(self.links.referrers(&digest, None).map(|referrer| referrer.digest));
            kept.insert(digest);
        }
        kept
    }
}

impl PredecessorFinder for OciLayout {
    /// In ascending order of their digests. Those that the index does not lead to are not known.
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        let digest = desc.digest.clone();
        self.run(move |inner| inner.with_graph(|graph| graph.links.predecessors(&digest).cloned().collect())).await
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        let (desc, wanted) = (desc.plain(), artifact_type.cloned());
        self.run(move |inner| inner.with_graph(|graph| list_referrers(&graph.links, &desc, wanted.as_ref()))?).await
    }
}

/// The referrers of a manifest, as roles give them.
pub(crate) fn list_referrers(
    links: &PredecessorGraph,
    desc: &Descriptor,
    artifact_type: Option<&MediaType>,
) -> Result<Vec<Descriptor>> {
    if !desc.media_type.is_manifest() {
        return Err(Error::unsupported(format_args!("listing referrers of a {}", desc.media_type)));
    }
    Ok(links.referrers(&desc.digest, artifact_type).collect())
}
