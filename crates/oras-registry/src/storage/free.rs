use std::{
    collections::HashMap,
    future::ready,
    io,
    ops::Range,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use bytes::Bytes;
use oras_descriptor::{Algorithm, Digest};

use super::{
    Answer, Change, Durability, Memory, Outcome, Repository, Storage, Writer,
    disk::{Layout, read},
};
use crate::body::ByteStream;

type Sizes = Mutex<HashMap<(String, Digest), u64>>;

/// A storage that costs nothing, to measure clients with: uploads are counted and forgotten, no digest is checked, and what
/// can be pulled is what lies in a layout, under the name of any repository.
pub(crate) struct Free {
    pushed: Memory,
    sizes: Arc<Sizes>,
    layout: Option<Layout>,
}

impl Free {
    pub(crate) fn open(layout: Option<&Path>) -> io::Result<Self> {
        let layout = match layout {
            None => None,
            Some(dir) => {
                let missing = || io::Error::new(io::ErrorKind::NotFound, format!("{} is no layout", dir.display()));
                Some(Layout::open(dir.to_owned(), "", Durability(false))?.ok_or_else(missing)?)
            }
        };
        Ok(Self { pushed: Memory::default(), sizes: Arc::default(), layout })
    }

    fn size(&self, name: &str, digest: &Digest) -> io::Result<Option<u64>> {
        let pushed =
            self.sizes.lock().unwrap_or_else(PoisonError::into_inner).get(&(name.into(), digest.clone())).copied();
        match (pushed, &self.layout) {
            (None, Some(layout)) => layout.blob_size(digest),
            _ => Ok(pushed),
        }
    }
}

impl Storage for Free {
    fn repositories(&self) -> Answer<'_, Vec<String>> {
        self.pushed.repositories()
    }

    fn repository<'a>(&'a self, name: &'a str) -> Answer<'a, Option<Arc<Repository>>> {
        Box::pin(async move {
            let pushed = self.pushed.repository(name).await?;
            match (pushed, &self.layout) {
                (None, Some(layout)) => layout.repository().map(Some),
                (pushed, _) => Ok(pushed),
            }
        })
    }

    fn change<'a>(&'a self, name: &'a str, change: Change) -> Answer<'a, Outcome> {
        self.pushed.change(name, change)
    }

    fn manifest<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<Bytes>> {
        Box::pin(async move {
            let pushed = self.pushed.manifest(name, digest).await?;
            match (pushed, &self.layout) {
                (None, Some(layout)) => layout.manifest(digest),
                (pushed, _) => Ok(pushed),
            }
        })
    }

    fn blob_size<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, Option<u64>> {
        Box::pin(ready(self.size(name, digest)))
    }

    fn read_blob<'a>(
        &'a self,
        _name: &'a str,
        digest: &'a Digest,
        range: Range<u64>,
    ) -> Answer<'a, Option<ByteStream>> {
        let path = self.layout.as_ref().map(|layout| layout.path(digest));
        Box::pin(async move {
            match path {
                Some(path) => read(&path, range).await,
                None => Ok(None),
            }
        })
    }

    fn delete_blob<'a>(&'a self, name: &'a str, digest: &'a Digest) -> Answer<'a, bool> {
        let key = (name.to_owned(), digest.clone());
        let removed = self.sizes.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
        Box::pin(ready(Ok(removed.is_some())))
    }

    fn mount<'a>(&'a self, from: &'a str, to: &'a str, digest: &'a Digest) -> Answer<'a, bool> {
        let size = self.size(from, digest);
        if let Ok(Some(size)) = size {
            self.sizes.lock().unwrap_or_else(PoisonError::into_inner).insert((to.into(), digest.clone()), size);
        }
        Box::pin(ready(size.map(|size| size.is_some())))
    }

    fn begin<'a>(&'a self, _id: &'a str, name: &'a str, _algorithm: Algorithm) -> Answer<'a, Box<dyn Writer>> {
        let writer = FreeWriter { sizes: Arc::clone(&self.sizes), name: name.into(), position: 0 };
        Box::pin(ready(Ok(Box::new(writer) as Box<dyn Writer>)))
    }
}

struct FreeWriter {
    sizes: Arc<Sizes>,
    name: String,
    position: u64,
}

impl Writer for FreeWriter {
    fn is_blocking(&self) -> bool {
        false
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn write(&mut self, chunk: &Bytes) -> io::Result<()> {
        self.position += chunk.len() as u64;
        Ok(())
    }

    fn digest(&mut self, _algorithm: Algorithm) -> io::Result<Digest> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "bytes that are not kept have no digest"))
    }

    fn finish(&mut self, digest: &Digest, _algorithm: Algorithm) -> io::Result<bool> {
        let key = (self.name.clone(), digest.clone());
        self.sizes.lock().unwrap_or_else(PoisonError::into_inner).insert(key, self.position);
        Ok(true)
    }

    fn discard(&mut self) -> io::Result<()> {
        Ok(())
    }
}
