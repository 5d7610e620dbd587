use std::collections::{HashMap, HashSet, VecDeque};

use oras_content::{DEFAULT_METADATA_LIMIT, Error, ErrorKind, Fetcher, Result, fetch_all};
use oras_descriptor::{Descriptor, Digest, annotation, links};
use oras_file::NameError;

use super::{
    options::PullOptions,
    report::{SkipReason, SkippedContent},
};

/// What to pull, decided before the first byte of a file moves.
#[derive(Debug, Default)]
pub(super) struct Plan {
    pub(super) wanted: Vec<Wanted>,
    pub(super) skipped: Vec<SkippedContent>,
    by_name: HashMap<String, Digest>,
}

/// A file to pull.
#[derive(Debug)]
pub(super) struct Wanted {
    pub(super) name: String,
    /// As it stands in the manifest.
    pub(super) desc: Descriptor,
}

impl Wanted {
    /// The descriptor under the name that the file gets.
    pub(super) fn titled(&self) -> Descriptor {
        self.desc.clone().with_annotation(annotation::TITLE, self.name.clone())
    }
}

impl Plan {
    /// Reads the manifests at and below `root`, but for what they speak of.
    pub(super) async fn of<F: Fetcher>(source: &F, root: &Descriptor, options: &PullOptions) -> Result<Self> {
        let mut plan = Self::default();
        let mut seen = HashSet::from([root.digest.clone()]);
        let mut manifests = VecDeque::from([root.clone()]);
        while let Some(desc) = manifests.pop_front() {
            let bytes = fetch_all(source, &desc, DEFAULT_METADATA_LIMIT).await?;
            let found = links(&desc.media_type, &bytes).map_err(|error| Error::from(error).with_descriptor(&desc))?;
            if let Some(config) = found.config
                && let Some(name) = &options.config_name
            {
                plan.want(name.clone(), config)?;
            }
            for child in found.children {
                if !child.media_type.is_manifest() {
                    plan.consider(child, options)?;
                } else if seen.insert(child.digest.clone()) {
                    manifests.push_back(child);
                }
            }
        }
        Ok(plan)
    }

    fn consider(&mut self, desc: Descriptor, options: &PullOptions) -> Result<()> {
        let reason = if desc.media_type.is_foreign_layer() {
            SkipReason::Foreign
        } else if !options.allows(&desc.media_type) {
            SkipReason::MediaType
        } else if let Some(name) = options.name_of(&desc) {
            return self.want(name, desc);
        } else {
            SkipReason::Unnamed
        };
        self.skipped.push(SkippedContent { descriptor: desc, reason });
        Ok(())
    }

    fn want(&mut self, name: String, desc: Descriptor) -> Result<()> {
        match self.by_name.get(&name) {
            None => {
                self.by_name.insert(name.clone(), desc.digest.clone());
                self.wanted.push(Wanted { name, desc });
                Ok(())
            }
            Some(known) if *known == desc.digest => Ok(()),
            Some(known) => {
                let message = format!(
                    "two files are called {name:?}: {known} and {}; choose a platform, or map the names",
                    desc.digest
                );
                let duplicate = NameError::Duplicate { name };
                Err(Error::new(ErrorKind::Denied, message).with_descriptor(&desc).with_source(duplicate))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use oras_content::{Blob, Pusher as _};
    use oras_descriptor::{Canonical, Index, Manifest, MediaType, canonical};
    use oras_memory::MemoryStore;

    use super::*;

    fn layer(media_type: impl Into<MediaType>, title: &str, text: &str) -> Descriptor {
        Descriptor::of(media_type, text.as_bytes()).with_annotation(annotation::TITLE, title)
    }

    async fn store<T: Canonical>(store: &MemoryStore, media_type: MediaType, document: &T) -> Descriptor {
        let bytes = canonical(document);
        let desc = Descriptor::of(media_type, &bytes);
        store.push(&desc, Blob::from_bytes(bytes)).await.unwrap();
        desc
    }

    async fn index_of(layers: Vec<Vec<Descriptor>>) -> (MemoryStore, Descriptor) {
        let memory = MemoryStore::new();
        let mut entries = Vec::new();
        for layers in layers {
            let manifest = Manifest::new(Descriptor::empty(), layers);
            entries.push(store(&memory, MediaType::OCI_MANIFEST, &manifest).await);
        }
        let root = store(&memory, MediaType::OCI_INDEX, &Index::new(entries)).await;
        (memory, root)
    }

    async fn names(layers: Vec<Vec<Descriptor>>, options: &PullOptions) -> Result<Vec<String>> {
        let (memory, root) = index_of(layers).await;
        let plan = Plan::of(&memory, &root, options).await?;
        Ok(plan.wanted.into_iter().map(|wanted| wanted.name).collect())
    }

    #[tokio::test]
    async fn files_of_all_manifests_come_in_their_order() {
        let layers = vec![vec![layer("a/b", "2", "x"), layer("a/b", "1", "y")], vec![layer("a/b", "0", "z")]];
        assert_eq!(names(layers, &PullOptions::new()).await.unwrap(), ["2", "1", "0"]);
    }

    #[tokio::test]
    async fn the_same_file_twice_is_one() {
        let layers = vec![vec![layer("a/b", "1", "x")], vec![layer("a/b", "1", "x"), layer("a/b", "2", "x")]];
        assert_eq!(names(layers, &PullOptions::new()).await.unwrap(), ["1", "2"]);
    }

    #[tokio::test]
    async fn two_files_of_one_name_are_refused() {
        let layers = vec![vec![layer("a/b", "1", "x")], vec![layer("a/b", "1", "y")]];
        let error = names(layers.clone(), &PullOptions::new()).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Denied);
        let mapped = PullOptions::new().with_names(|desc| Some(desc.digest.encoded().to_owned()));
        assert_eq!(names(layers, &mapped).await.unwrap().len(), 2);
    }

    #[tokio::test]
    async fn the_configuration_is_pulled_on_request_only() {
        let layers = vec![vec![layer("a/b", "1", "x")]];
        let options = PullOptions::new().with_config_name("config.json");
        assert_eq!(names(layers, &options).await.unwrap(), ["config.json", "1"]);
    }

    #[tokio::test]
    async fn what_is_skipped_is_reported_with_the_reason() {
        let foreign = layer(MediaType::OCI_FOREIGN_LAYER, "f", "1");
        let unnamed = Descriptor::of("a/b", b"2");
        let other = layer("c/d", "o", "3");
        let (memory, root) = index_of(vec![vec![foreign.clone(), unnamed.clone(), other.clone()]]).await;
        let options = PullOptions::new().with_allowed_media_types(["a/b"]);
        let plan = Plan::of(&memory, &root, &options).await.unwrap();
        let skipped: Vec<_> = plan.skipped.iter().map(|skipped| (skipped.descriptor(), skipped.reason())).collect();
        let expected =
            [(&foreign, SkipReason::Foreign), (&unnamed, SkipReason::Unnamed), (&other, SkipReason::MediaType)];
        assert_eq!(skipped, expected);
        assert!(plan.wanted.is_empty());
    }
}
