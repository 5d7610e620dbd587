use bytes::Bytes;
use fastrand::Rng;
use oras_content::{Descriptor, MediaType};
use oras_descriptor::{Annotations, Index, Manifest, canonical};

use super::{Graph, Node};

/// Makes random graphs of content; the same seed makes the same graph.
///
/// Blobs are shared between manifests, and some appear under two media types. Beside that there are, unless switched
/// off: indexes in indexes, subjects, layers that are not to be distributed, and indexes with entries that are not there.
#[derive(Clone, Debug)]
pub struct GraphGenerator {
    blobs: usize,
    manifests: usize,
    blob_size: usize,
    indexes: bool,
    subjects: bool,
    foreign_layers: bool,
    sparse: bool,
}

impl Default for GraphGenerator {
    /// At most 12 blobs of at most 2,000 bytes and 12 manifests, with everything switched on.
    fn default() -> Self {
        Self {
            blobs: 12,
            manifests: 12,
            blob_size: 2000,
            indexes: true,
            subjects: true,
            foreign_layers: true,
            sparse: true,
        }
    }
}

impl GraphGenerator {
    /// A generator with everything switched on.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets how many different blobs there are at most; there is at least one.
    #[must_use]
    pub const fn with_blobs(mut self, blobs: usize) -> Self {
        self.blobs = blobs;
        self
    }

    /// Sets how many manifests and indexes there are at most; there is at least one.
    #[must_use]
    pub const fn with_manifests(mut self, manifests: usize) -> Self {
        self.manifests = manifests;
        self
    }

    /// Sets how many bytes a blob has at most.
    #[must_use]
    pub const fn with_blob_size(mut self, bytes: usize) -> Self {
        self.blob_size = bytes;
        self
    }

    /// Sets whether there are indexes, and indexes in them.
    #[must_use]
    pub const fn with_indexes(mut self, indexes: bool) -> Self {
        self.indexes = indexes;
        self
    }

    /// Sets whether manifests have subjects.
    #[must_use]
    pub const fn with_subjects(mut self, subjects: bool) -> Self {
        self.subjects = subjects;
        self
    }

    /// Sets whether there are layers that are not to be distributed, and are not there.
    #[must_use]
    pub const fn with_foreign_layers(mut self, foreign_layers: bool) -> Self {
        self.foreign_layers = foreign_layers;
        self
    }

    /// Sets whether indexes have entries that are not there.
    #[must_use]
    pub const fn with_sparse_indexes(mut self, sparse: bool) -> Self {
        self.sparse = sparse;
        self
    }

    /// The graph of a seed.
    pub fn generate(&self, seed: u64) -> Graph {
        let mut build = Build { options: self, rng: Rng::with_seed(seed), graph: Graph::default(), blobs: Vec::new() };
        for _ in 0..build.rng.usize(1..=self.blobs.max(1)) {
            build.add_blob();
        }
        for serial in 0..build.rng.usize(1..=self.manifests.max(1)) {
            if self.indexes && serial > 0 && build.one_in(3) {
                build.add_index(serial);
            } else {
                build.add_manifest(serial);
            }
        }
        build.graph
    }

    /// A strategy that makes graphs of every size up to the one set, and shrinks to smaller ones.
    #[cfg(feature = "proptest")]
    pub fn strategy(&self) -> impl proptest::strategy::Strategy<Value = Graph> + use<> {
        use proptest::strategy::Strategy as _;

        let generator = self.clone();
        let sizes = (1..=self.blobs.max(1), 1..=self.manifests.max(1), proptest::prelude::any::<u64>());
        sizes.prop_map(move |(blobs, manifests, seed)| {
            generator.clone().with_blobs(blobs).with_manifests(manifests).generate(seed)
        })
    }
}

/// A graph that is being made.
struct Build<'a> {
    options: &'a GraphGenerator,
    rng: Rng,
    graph: Graph,
    blobs: Vec<Descriptor>,
}

impl Build<'_> {
    fn one_in(&mut self, n: u32) -> bool {
        self.rng.u32(0..n) == 0
    }

    fn add(&mut self, media_type: MediaType, bytes: Bytes) -> Descriptor {
        let desc = Descriptor::of(media_type, &bytes);
        self.graph.add(Node { desc: desc.clone(), bytes });
        desc
    }

    fn add_blob(&mut self) {
        let len = self.rng.usize(0..=self.options.blob_size);
        let bytes: Bytes = std::iter::repeat_with(|| self.rng.u8(..)).take(len).collect();
        let desc = self.add(MediaType::OCTET_STREAM, bytes.clone());
        self.blobs.push(desc);
        if self.one_in(4) {
            let desc = self.add(MediaType::OCI_LAYER, bytes);
            self.blobs.push(desc);
        }
    }

    fn any_blob(&mut self) -> Option<Descriptor> {
        self.rng.choice(&self.blobs).cloned()
    }

    fn any_manifest(&mut self) -> Option<Descriptor> {
        let manifests: Vec<_> = self.graph.manifests().collect();
        self.rng.choice(manifests).cloned()
    }

    fn subject(&mut self) -> Option<Descriptor> {
        if self.options.subjects && self.one_in(3) { self.any_manifest() } else { None }
    }

    fn add_manifest(&mut self, serial: usize) {
        let config = self.any_blob().unwrap_or_else(Descriptor::empty);
        let mut layers: Vec<_> = (0..self.rng.usize(0..5)).filter_map(|_| self.any_blob()).collect();
        if self.options.foreign_layers && self.one_in(4) {
            layers.push(self.absent(MediaType::OCI_FOREIGN_LAYER_GZIP));
        }
        if self.one_in(4)
            && let Some(manifest) = self.any_manifest()
        {
            layers.push(self.as_a_blob(&manifest));
        }
        let is_docker = self.one_in(4);
        let media_type = if is_docker { MediaType::DOCKER_MANIFEST } else { MediaType::OCI_MANIFEST };
        let mut manifest = Manifest::new(config, layers).with_annotations(annotations(serial));
        manifest.media_type = Some(media_type.clone());
        manifest.subject = if is_docker { None } else { self.subject() };
        self.add(media_type, canonical(&manifest));
    }

    fn add_index(&mut self, serial: usize) {
        let mut entries: Vec<_> = (0..self.rng.usize(0..4)).filter_map(|_| self.any_manifest()).collect();
        if self.options.sparse && self.one_in(3) {
            entries.push(self.absent(MediaType::OCI_MANIFEST));
        }
        let mut index = Index::new(entries).with_annotations(annotations(serial));
        index.subject = self.subject();
        self.add(MediaType::OCI_INDEX, canonical(&index));
    }

    /// The bytes of a manifest, pointed to as if they were a blob.
    fn as_a_blob(&mut self, manifest: &Descriptor) -> Descriptor {
        let bytes = self.graph.bytes(&manifest.digest).cloned().unwrap_or_default();
        self.add(MediaType::OCTET_STREAM, bytes)
    }

    fn absent(&mut self, media_type: MediaType) -> Descriptor {
        let mut desc = Descriptor::of(media_type, &self.rng.u128(..).to_le_bytes());
        if desc.media_type.is_foreign_layer() {
            desc.urls.push("https://layers.invalid/absent".to_owned());
        }
        self.graph.absent.push(desc.clone());
        desc
    }
}

/// Makes each manifest differ from all others.
fn annotations(serial: usize) -> Annotations {
    [("org.example.serial".to_owned(), serial.to_string())].into()
}
