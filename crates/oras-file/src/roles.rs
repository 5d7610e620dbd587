//! The roles of a file store.

use std::{path::PathBuf, sync::Arc};

use futures_util::{StreamExt as _, stream};
use oras_content::{
    Blob, BoxStream, Deleter, Error, ErrorKind, Fetcher, PredecessorFinder, Pusher, ReadOnlyStorage, ReadOnlyTarget,
    Resolver, Result, Storage, TagLister, Tagger, Target, Untagger, fetch_links,
    fs::{FileSink, blocking, failed, write_blob},
};
use oras_descriptor::{
    Algorithm, Descriptor, Digest, MediaType,
    annotation::{CONTENT_DIGEST, CONTENT_UNPACK, TITLE},
};

use crate::{
    sink,
    store::{FileStore, GiveUp, Held, Named},
    unpack,
};

impl<F: Storage + 'static> FileStore<F> {
    /// The path of content that has one, if a descriptor's name is known.
    fn named_path(&self, desc: &Descriptor) -> Option<Option<Held>> {
        let state = self.inner.state();
        let is_known = |name: &str| matches!(state.names.get(name), Some(Named::Done(_)));
        if desc.title().is_some_and(|name| !is_known(name)) {
            return None;
        }
        Some(state.paths.get(&desc.digest).cloned())
    }

    /// The name under which content is written.
    fn written_name(&self, desc: &Descriptor, name: &str) -> String {
        self.inner.options.rename.as_ref().map_or_else(|| name.to_owned(), |rename| rename(desc, name))
    }

    async fn push_named(&self, desc: &Descriptor, name: &str, content: Blob) -> Result<()> {
        desc.algorithm().map_err(|error| Error::from(error).with_descriptor(desc))?;
        let claim = self.inner.claim(name, Some(&desc.digest)).map_err(|error| error.with_descriptor(desc))?;
        let written = self.written_name(desc, name);
        let path = if is_packed(desc) && !self.inner.options.skip_unpack {
            self.unpack(desc, name, &written, content).await?
        } else if let Some(path) = self.identical(desc, &written).await? {
            path
        } else {
            sink::write_file(&self.inner, &written, desc, content).await?
        };
        claim.keep(desc, path);
        Ok(())
    }

    /// The path of the file of a name that holds the content already, if such files are to be left alone.
    async fn identical(&self, desc: &Descriptor, name: &str) -> Result<Option<PathBuf>> {
        if !self.inner.options.skip_identical {
            return Ok(None);
        }
        let giving_up = GiveUp::default();
        let (cancelled, inner) = (Arc::clone(&giving_up.0), Arc::clone(&self.inner));
        let (name, desc) = (name.to_owned(), desc.plain());
        blocking(move || sink::find_identical(&inner.root, &inner.options, &name, &desc, &cancelled)).await
    }

    /// Keeps an archive until the store is closed, and unpacks it once it is verified.
    async fn unpack(&self, desc: &Descriptor, title: &str, name: &str, content: Blob) -> Result<PathBuf> {
        let inner = Arc::clone(&self.inner);
        let archive = blocking(move || {
            let dir = inner.temp_dir()?;
            let temp = tempfile::Builder::new().prefix("archive-").tempfile_in(&dir);
            temp.map_err(|error| failed("create a file in", &dir, error))
        })
        .await?;
        let file = archive.as_file().try_clone().map_err(|error| failed("open", archive.path(), error))?;
        write_blob(content.verify(desc), FileSink::new(file, archive.path())).await?;
        let giving_up = GiveUp::default();
        let (cancelled, inner) = (Arc::clone(&giving_up.0), Arc::clone(&self.inner));
        let expected = desc.annotations.get(CONTENT_DIGEST).and_then(|digest| digest.parse::<Digest>().ok());
        let (title, name) = (title.to_owned(), name.to_owned());
        blocking(move || {
            let job = unpack::Job { title: &title, name: &name, expected: expected.as_ref(), cancelled: &cancelled };
            unpack::unpack(&inner.root, &inner.options, archive.path(), &job)?;
            let (_, path) = archive.keep().map_err(|error| error.error)?;
            Ok(path)
        })
        .await
    }

    /// Learns what a manifest points to.
    async fn index(&self, desc: &Descriptor) -> Result<()> {
        if !desc.media_type.is_manifest() {
            return Ok(());
        }
        let links = fetch_links(self, desc).await?;
        let named = links.clone().successors().into_iter().filter(|link| link.title().is_some()).collect();
        let mut state = self.inner.state();
        state.graph.insert(desc, links);
        state.named_links.insert(desc.digest.clone(), named);
        state.known.insert(desc.digest.clone(), desc.plain());
        Ok(())
    }

    /// Writes content that is here under the other names that manifests have for it.
    async fn restore(&self, desc: &Descriptor) -> Result<()> {
        if self.inner.options.force_cas {
            return Ok(());
        }
        for link in self.missing_links(desc) {
            let mut nameless = link.clone();
            nameless.annotations.remove(TITLE);
            let restored = match self.fetch(&nameless).await {
                Ok(content) => self.push_named(&link, link.title().unwrap_or_default(), content).await,
                Err(error) => Err(error),
            };
            match restored {
                // It may come later, or somebody else may be bringing it.
                Err(error) if is_no_loss(&error) => {}
                restored => restored?,
            }
        }
        Ok(())
    }

    fn missing_links(&self, desc: &Descriptor) -> Vec<Descriptor> {
        let state = self.inner.state();
        let of_manifest = state.named_links.get(&desc.digest).into_iter().flatten();
        let holders = state.graph.predecessors(&desc.digest).filter_map(|holder| state.named_links.get(&holder.digest));
        let of_content = holders.flatten().filter(|link| link.digest == desc.digest);
        let is_missing = |link: &&Descriptor| link.title().is_some_and(|name| !state.names.contains_key(name));
        of_manifest.chain(of_content).filter(is_missing).cloned().collect()
    }
}

fn is_packed(desc: &Descriptor) -> bool {
    desc.annotations.get(CONTENT_UNPACK).is_some_and(|unpack| unpack == "true")
}

fn is_no_loss(error: &Error) -> bool {
    let is_duplicate = matches!(error.find(), Some(crate::NameError::Duplicate { .. }));
    is_duplicate || matches!(error.kind(), ErrorKind::NotFound | ErrorKind::AlreadyExists)
}

impl<F: Storage + 'static> Fetcher for FileStore<F> {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.inner.check_open()?;
        match self.named_path(desc).ok_or_else(|| Error::not_found(desc))? {
            Some(held) => Ok(held.source(&desc.digest).into_blob(Some(desc.size)).verify(desc)),
            None => self.inner.fallback.fetch(desc).await,
        }
    }
}

impl<F: Storage + 'static> ReadOnlyStorage for FileStore<F> {
    /// A manifest exists when it came as one, since only then the files that it names are here.
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.inner.check_open()?;
        if self.is_unknown_manifest(desc) { Ok(false) } else { self.holds(desc).await }
    }
}

impl<F: Storage + 'static> FileStore<F> {
    fn is_unknown_manifest(&self, desc: &Descriptor) -> bool {
        desc.media_type.is_manifest() && !self.inner.state().graph.contains(&desc.digest)
    }

    /// Whether content is here, whatever it came as.
    async fn holds(&self, desc: &Descriptor) -> Result<bool> {
        let Some(path) = self.named_path(desc) else {
            return self.adopt(desc).await;
        };
        let Some(Held { path, .. }) = path else {
            return self.inner.fallback.exists(desc).await;
        };
        let size = desc.size;
        blocking(move || Ok(path.metadata().is_ok_and(|found| found.len() == size))).await
    }

    /// Takes a file that is there already for the content of a name, if it is that.
    async fn adopt(&self, desc: &Descriptor) -> Result<bool> {
        let Some(name) = desc.title().filter(|_| !is_packed(desc)) else {
            return Ok(false);
        };
        let Some(path) = self.identical(desc, &self.written_name(desc, name)).await? else {
            return Ok(false);
        };
        let Ok(claim) = self.inner.claim(name, None) else {
            return Ok(false);
        };
        claim.keep(desc, path);
        Ok(true)
    }
}

impl<F: Storage + 'static> Pusher for FileStore<F> {
    /// Content with a title becomes the file of that name; a packed directory is unpacked there.
    ///
    /// A name that is taken is [`ErrorKind::AlreadyExists`] for the same content and [`ErrorKind::Denied`] for other
    /// content; so is a name that leads out of the directory, and a file that is not to be overwritten.
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.inner.check_open()?;
        let pushed = match desc.title() {
            Some(name) => self.push_named(desc, name, content).await,
            None if self.inner.options.ignore_unnamed => return Ok(()),
            None => self.inner.fallback.push(desc, content).await,
        };
        // What came as a layer, or was in the fallback storage before, becomes a manifest when it comes as one.
        let is_new = match &pushed {
            Ok(()) => true,
            Err(error) => error.kind() == ErrorKind::AlreadyExists && self.is_unknown_manifest(desc),
        };
        if is_new {
            self.index(desc).await?;
            self.restore(desc).await?;
        }
        pushed
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        self.inner.check_open()?;
        let desc = self.inner.fallback.ingest(media_type, algorithm, content).await?;
        self.index(&desc).await?;
        Ok(desc)
    }
}

impl<F: Storage + 'static> Resolver for FileStore<F> {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.inner.check_open()?;
        let state = self.inner.state();
        let by_digest = || reference.parse::<Digest>().ok().and_then(|digest| state.known.get(&digest));
        state.tags.get(reference).or_else(by_digest).cloned().ok_or_else(|| unknown(reference))
    }
}

impl<F: Storage + 'static> Tagger for FileStore<F> {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        if reference.is_empty() {
            return Err(unknown(reference).with_descriptor(desc));
        }
        self.inner.check_open()?;
        if !self.holds(desc).await? {
            return Err(Error::not_found(desc));
        }
        match reference.parse::<Digest>() {
            Ok(digest) if digest != desc.digest => {
                let message = format!("{digest} cannot stand for {}", desc.digest);
                return Err(Error::new(ErrorKind::InvalidReference, message).with_descriptor(desc));
            }
            Ok(digest) => drop(self.inner.state().known.insert(digest, desc.plain())),
            Err(_) => drop(self.inner.state().tags.insert(reference, desc.clone())),
        }
        Ok(())
    }
}

impl<F: Storage + 'static> Untagger for FileStore<F> {
    async fn untag(&self, reference: &str) -> Result<()> {
        self.inner.check_open()?;
        if reference.parse::<Digest>().is_ok() {
            return Err(Error::new(ErrorKind::InvalidReference, format!("{reference} is a digest, not a tag")));
        }
        self.inner.state().tags.remove(reference).map(|_| ()).ok_or_else(|| unknown(reference))
    }
}

impl<F: Storage + 'static> TagLister for FileStore<F> {
    /// In ascending order.
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let tags: Vec<_> = match self.inner.check_open() {
            Ok(()) => self.inner.state().tags.after(last).map(|(tag, _)| Ok(tag.to_owned())).collect(),
            Err(error) => vec![Err(error)],
        };
        stream::iter(tags).boxed()
    }
}

fn unknown(reference: &str) -> Error {
    if reference.is_empty() {
        return Error::new(ErrorKind::MissingReference, "a reference is needed");
    }
    Error::new(ErrorKind::NotFound, format!("reference {reference:?} not found"))
}

impl<F: Storage + 'static> ReadOnlyTarget for FileStore<F> {}

impl<F: Storage + 'static> Target for FileStore<F> {}

impl<F: Storage + 'static> PredecessorFinder for FileStore<F> {
    /// In ascending order of their digests.
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        self.inner.check_open()?;
        Ok(self.inner.state().graph.predecessors(&desc.digest).cloned().collect())
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        self.inner.check_open()?;
        if !desc.media_type.is_manifest() {
            return Err(Error::unsupported(format_args!("listing referrers of a {}", desc.media_type)));
        }
        Ok(self.inner.state().graph.referrers(&desc.digest, artifact_type).collect())
    }
}

impl<F: Storage + 'static> Deleter for FileStore<F> {
    /// Files belong to the user: a store never removes one.
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        Err(Error::unsupported("deleting files through a file store").with_descriptor(desc))
    }
}
