//! A store as a stranger writes it: public items only, no more than its roles ask for.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use bytes::Bytes;
use oras_content::{
    Blob, Descriptor, Digest, Error, ErrorKind, Fetcher, Pusher, ReadOnlyStorage, ReadOnlyTarget, Resolver, Result,
    Tagger, Target,
};

#[derive(Default)]
pub(super) struct Shelf {
    content: Mutex<HashMap<Digest, (Descriptor, Bytes)>>,
    tags: Mutex<HashMap<String, Descriptor>>,
}

impl Shelf {
    fn find(&self, desc: &Descriptor) -> Option<Bytes> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        let (known, bytes) = content.get(&desc.digest)?;
        (known.size == desc.size).then(|| bytes.clone())
    }
}

impl Fetcher for Shelf {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        let bytes = self.find(desc).ok_or_else(|| Error::not_found(desc))?;
        Ok(Blob::from_bytes(bytes).verify(desc))
    }
}

impl ReadOnlyStorage for Shelf {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        Ok(self.find(desc).is_some())
    }
}

impl Pusher for Shelf {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        if self.find(desc).is_some() {
            return Err(Error::already_exists(desc));
        }
        let bytes = content.verify(desc).bytes(desc.size).await?;
        let mut content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
        content.insert(desc.digest.clone(), (desc.plain(), bytes));
        Ok(())
    }
}

impl Resolver for Shelf {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        if let Ok(digest) = reference.parse::<Digest>() {
            let content = self.content.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((desc, _)) = content.get(&digest) {
                return Ok(desc.clone());
            }
        }
        let tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        let found = tags.get(reference).cloned();
        found.ok_or_else(|| Error::new(ErrorKind::NotFound, format!("{reference} not found")))
    }
}

impl Tagger for Shelf {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        if reference.is_empty() {
            return Err(Error::new(ErrorKind::MissingReference, "a tag needs a name"));
        }
        self.find(desc).ok_or_else(|| Error::not_found(desc))?;
        let mut tags = self.tags.lock().unwrap_or_else(PoisonError::into_inner);
        tags.insert(reference.to_owned(), desc.clone());
        Ok(())
    }
}

impl ReadOnlyTarget for Shelf {}

impl Target for Shelf {}
