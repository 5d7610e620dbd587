use std::{
    collections::{BTreeMap, HashMap},
    future::ready,
    io,
    ops::Range,
    sync::{Arc, PoisonError, RwLock},
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use oras_descriptor::{Algorithm, Digest, Hasher};

use super::{Answer, Change, Outcome, Repository, RepositoryIndex, Storage, Writer};
use crate::body::ByteStream;

/// Chunks below this size are gathered, so that a small one does not keep a large network buffer alive.
const CHUNK: usize = 64 * 1024;

/// Everything in memory.
#[derive(Default)]
pub(crate) struct Memory {
    repositories: Arc<RwLock<BTreeMap<String, Arc<Entry>>>>,
}

struct Entry {
    repository: Arc<Repository>,
    content: RwLock<Content>,
}

#[derive(Default)]
struct Content {
    blobs: HashMap<Digest, Chunks>,
    manifests: HashMap<Digest, Bytes>,
}

/// The bytes of a blob. Mounted blobs share them.
#[derive(Clone)]
struct Chunks {
    chunks: Arc<[Bytes]>,
    size: u64,
}

type Repositories = RwLock<BTreeMap<String, Arc<Entry>>>;

fn entry(repositories: &Repositories, name: &str) -> Option<Arc<Entry>> {
    repositories.read().unwrap_or_else(PoisonError::into_inner).get(name).cloned()
}

fn entry_or_new(repositories: &Repositories, name: &str) -> Arc<Entry> {
    if let Some(found) = entry(repositories, name) {
        return found;
    }
    let mut repositories = repositories.write().unwrap_or_else(PoisonError::into_inner);
    let new = || {
        let repository = Repository::new(name, RepositoryIndex::default());
        Arc::new(Entry { repository, content: RwLock::default() })
    };
    Arc::clone(repositories.entry(name.into()).or_insert_with(new))
}

impl Entry {
    fn with<T>(&self, look: impl FnOnce(&Content) -> T) -> T {
        look(&self.content.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_mut<T>(&self, change: impl FnOnce(&mut Content) -> T) -> T {
        change(&mut self.content.write().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: Change) -> Outcome {
        let mut index = self.repository.write();
        let outcome = index.judge(&change);
        if outcome == Outcome::Done {
            match &change {
                Change::Put(put) => {
                    self.with_mut(|content| content.manifests.insert(put.desc.digest.clone(), put.bytes.clone()));
                }
                Change::DeleteManifest(digest) => {
                    self.with_mut(|content| content.manifests.remove(digest));
                }
                Change::DeleteTag(_) => {}
            }
            index.apply(change);
        }
        outcome
    }
}

impl Memory {
    fn blob(&self, name: &str, digest: &Digest) -> Option<Chunks> {
        entry(&self.repositories, name)?.with(|content| content.blobs.get(digest).cloned())
    }
}

impl Storage for Memory {
    fn repositories(&self) -> Answer<'_, Vec<String>> {
        let names = self.repositories.read().unwrap_or_else(PoisonError::into_inner).keys().cloned().collect();
        Box::pin(ready(Ok(names)))
    }

    fn repository<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Arc<Repository>>> {
        let found = entry(&self.repositories, name).map(|entry| Arc::clone(&entry.repository));
        Box::pin(ready(Ok(found)))
    }

    fn change<'a>(&'a self, name: &'a str, change: Change) -> Answer<'a, Outcome> {
        let entry = match &change {
            Change::Put(_) => Some(entry_or_new(&self.repositories, name)),
            Change::DeleteTag(_) | Change::DeleteManifest(_) => entry(&self.repositories, name),
        };
        Box::pin(ready(Ok(entry.map_or(Outcome::NotFound, |entry| entry.change(change)))))
    }

    fn manifest<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<Bytes>> {
        let found = entry(&self.repositories, name)
            .and_then(|entry| entry.with(|content| content.manifests.get(digest).cloned()));
        Box::pin(ready(Ok(found)))
    }

    fn blob_size<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<u64>> {
        Box::pin(ready(Ok(self.blob(name, digest).map(|blob| blob.size))))
    }

    fn read_blob<'a>(&'a self, name: &'a str, digest: &'a Digest, range: Range<u64>) -> Answer<'a, Option<ByteStream>> {
        Box::pin(ready(Ok(self.blob(name, digest).map(|blob| blob.read(range)))))
    }

    fn delete_blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, bool> {
        let gone = entry(&self.repositories, name)
            .is_some_and(|entry| entry.with_mut(|content| content.blobs.remove(digest).is_some()));
        Box::pin(ready(Ok(gone)))
    }

    fn mount<'a>(&'a self, from: &'a str, to: &'a str, digest: &'a Digest) -> Answer<'a, bool> {
        let found = self.blob(from, digest);
        let is_there = found.is_some();
        if let Some(blob) = found {
            let target = entry_or_new(&self.repositories, to);
            target.with_mut(|content| content.blobs.insert(digest.clone(), blob));
        }
        Box::pin(ready(Ok(is_there)))
    }

    fn begin<'a>(&'a self, _id: &'a str, name: &'a str, algorithm: Algorithm) -> Answer<'a, Box<dyn Writer>> {
        let writer = MemoryWriter {
            repositories: Arc::clone(&self.repositories),
            name: name.into(),
            hasher: algorithm.hasher(),
            chunks: Vec::new(),
            tail: BytesMut::new(),
            size: 0,
        };
        Box::pin(ready(Ok(Box::new(writer) as Box<dyn Writer>)))
    }
}

impl Chunks {
    fn read(self, range: Range<u64>) -> ByteStream {
        let mut start = 0;
        let parts: Vec<Bytes> = self
            .chunks
            .iter()
            .filter_map(|chunk| {
                let len = chunk.len() as u64;
                let cut = |at: u64| usize::try_from(at.saturating_sub(start).min(len)).unwrap_or_default();
                let part = chunk.slice(cut(range.start)..cut(range.end).max(cut(range.start)));
                start += len;
                Some(part).filter(|part| !part.is_empty())
            })
            .collect();
        stream::iter(parts.into_iter().map(Ok)).boxed()
    }
}

struct MemoryWriter {
    repositories: Arc<Repositories>,
    name: String,
    hasher: Hasher,
    chunks: Vec<Bytes>,
    tail: BytesMut,
    size: u64,
}

impl MemoryWriter {
    fn seal_tail(&mut self) {
        if !self.tail.is_empty() {
            self.chunks.push(self.tail.split().freeze());
        }
    }
}

impl Writer for MemoryWriter {
    fn is_blocking(&self) -> bool {
        false
    }

    fn position(&self) -> u64 {
        self.size
    }

    fn write(&mut self, chunk: &Bytes) -> io::Result<()> {
        self.hasher.update(chunk);
        self.size += chunk.len() as u64;
        if chunk.len() >= CHUNK {
            self.seal_tail();
            self.chunks.push(chunk.clone());
            return Ok(());
        }
        self.tail.extend_from_slice(chunk);
        if self.tail.len() >= CHUNK {
            self.seal_tail();
        }
        Ok(())
    }

    fn digest(&mut self, algorithm: Algorithm) -> io::Result<Digest> {
        self.seal_tail();
        if self.hasher.algorithm() == algorithm {
            return Ok(self.hasher.clone().finish());
        }
        let mut hasher = algorithm.hasher();
        for chunk in &self.chunks {
            hasher.update(chunk);
        }
        Ok(hasher.finish())
    }

    fn finish(&mut self, digest: &Digest, algorithm: Algorithm) -> io::Result<bool> {
        if self.digest(algorithm)? != *digest {
            return Ok(false);
        }
        let blob = Chunks { chunks: std::mem::take(&mut self.chunks).into(), size: self.size };
        let entry = entry_or_new(&self.repositories, &self.name);
        entry.with_mut(|content| content.blobs.insert(digest.clone(), blob));
        Ok(true)
    }

    fn discard(&mut self) -> io::Result<()> {
        self.chunks.clear();
        self.tail.clear();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blob(parts: &[&'static str]) -> Chunks {
        let chunks: Vec<Bytes> = parts.iter().map(|part| Bytes::from_static(part.as_bytes())).collect();
        Chunks { size: chunks.iter().map(|chunk| chunk.len() as u64).sum(), chunks: chunks.into() }
    }

    #[tokio::test]
    async fn reads_any_range_over_its_chunks() {
        let whole = "abcdefghij";
        for start in 0..=10 {
            for end in start..=10 {
                let parts: Vec<_> = blob(&["abc", "", "defg", "hij"]).read(start..end).collect().await;
                let read: Vec<u8> = parts.into_iter().flat_map(|part| part.unwrap()).collect();
                let (start, end) = (usize::try_from(start).unwrap(), usize::try_from(end).unwrap());
                assert_eq!(read, whole.as_bytes()[start..end]);
            }
        }
    }
}
