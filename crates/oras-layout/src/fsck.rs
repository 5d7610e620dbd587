//! Checking everything that a layout holds.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::Read as _,
};

use oras_content::{Error, ErrorKind, Result, fs::failed};
use oras_descriptor::{Algorithm, Descriptor, Digest, links};

use crate::{
    gc::files_in,
    layout::{Inner, OciLayout, Reach},
};

/// How much is hashed at once.
const BUFFER: usize = 256 * 1024;

/// What a check of a layout found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct FsckReport {
    /// How many blobs are what their names say.
    pub verified: u64,
    /// Content that is here and is not what its name says, in ascending order.
    pub corrupt: Vec<Digest>,
    /// Content that the index leads to and that is not here, in ascending order; subjects do not count. That is allowed:
    /// it may be kept elsewhere.
    pub missing: Vec<Digest>,
    /// Content that the index does not lead to, in ascending order. That is allowed, until a collection.
    pub unreachable: Vec<Digest>,
    /// Entries of the index whose content is missing, corrupt, or not the document that its type says.
    pub broken_entries: Vec<Descriptor>,
    /// Content under algorithms that cannot be computed here, as far as the index leads to it.
    pub unverifiable: Vec<Digest>,
}

impl FsckReport {
    /// Whether nothing is corrupt, missing or broken.
    pub fn is_clean(&self) -> bool {
        self.corrupt.is_empty() && self.missing.is_empty() && self.broken_entries.is_empty()
    }
}

impl OciLayout {
    /// Verifies every blob, and walks from the index to all that it leads to. Nothing is changed.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Io`] when something cannot be read; what is found wrong is in the report.
    ///
    /// # Cancel safety
    ///
    /// A check that nobody waits for any more still ends on its thread, and changes nothing.
    pub async fn fsck(&self) -> Result<FsckReport> {
        self.run(Inner::fsck).await
    }

    /// Checks, removes the files of corrupt content, so that the next push brings it back, and drops broken entries from
    /// the index. The report says what was found, and so what is gone.
    ///
    /// # Errors
    ///
    /// As [`fsck`](Self::fsck), or when the index cannot be written.
    ///
    /// # Cancel safety
    ///
    /// Once begun, a repair ends even if nobody waits for it.
    pub async fn repair(&self) -> Result<FsckReport> {
        self.run_locked(|inner| {
            let report = inner.fsck()?;
            let broken: HashSet<_> = report.broken_entries.iter().map(|entry| &entry.digest).collect();
            if !broken.is_empty() {
                inner.forget(|digest| broken.contains(digest));
                inner.update(Reach::Changed, |edit| {
                    edit.retain(|entry| !broken.contains(&entry.digest));
                    Ok(())
                })?;
            }
            for digest in &report.corrupt {
                inner.blobs.remove(digest)?;
            }
            Ok(report)
        })
        .await
    }
}

impl Inner {
    fn fsck(&self) -> Result<FsckReport> {
        let files = self.verify_files()?;
        let snapshot = self.snapshot()?;
        let mut walk = Walk { inner: self, files: &files, reached: HashSet::new(), report: FsckReport::default() };
        for entry in snapshot.edit.entries() {
            if !walk.check(entry)? {
                walk.report.broken_entries.push(entry.clone());
            }
        }
        let Walk { reached, mut report, .. } = walk;
        for (digest, is_good) in &files {
            report.verified += u64::from(*is_good);
            if !is_good {
                report.corrupt.push(digest.clone());
            }
            if !reached.contains(digest) {
                report.unreachable.push(digest.clone());
            }
        }
        for list in [&mut report.corrupt, &mut report.missing, &mut report.unreachable, &mut report.unverifiable] {
            list.sort();
        }
        Ok(report)
    }

    /// Hashes every blob of a known algorithm.
    fn verify_files(&self) -> Result<HashMap<Digest, bool>> {
        let mut files = HashMap::new();
        for algorithm in Algorithm::ALL {
            for file in files_in(&self.blobs.root().join("blobs").join(algorithm.name()))? {
                if let Ok(digest) = format!("{}:{file}", algorithm.name()).parse::<Digest>()
                    && let Some(actual) = self.hash(&digest, algorithm)?
                {
                    files.insert(digest.clone(), actual == digest);
                }
            }
        }
        Ok(files)
    }

    /// The digest of what a blob's file holds; nothing when it was removed in the meantime.
    fn hash(&self, digest: &Digest, algorithm: Algorithm) -> Result<Option<Digest>> {
        let path = self.blobs.path(digest);
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed("open", &path, error)),
        };
        let (mut hasher, mut buffer) = (algorithm.hasher(), vec![0; BUFFER]);
        loop {
            match file.read(&mut buffer).map_err(|error| failed("read", &path, error))? {
                0 => return Ok(Some(hasher.finish())),
                len => hasher.update(buffer.get(..len).unwrap_or_default()),
            }
        }
    }
}

struct Walk<'a> {
    inner: &'a Inner,
    files: &'a HashMap<Digest, bool>,
    reached: HashSet<Digest>,
    report: FsckReport,
}

impl Walk<'_> {
    /// Checks an entry and all that it leads to, and says whether the entry itself is whole.
    fn check(&mut self, entry: &Descriptor) -> Result<bool> {
        let is_good = self.is_good(entry);
        let mut waiting = vec![entry.clone()];
        let mut is_readable = true;
        while let Some(desc) = waiting.pop() {
            let is_new = self.reached.insert(desc.digest.clone());
            if !is_new && desc.digest != entry.digest {
                continue;
            }
            if !self.files.contains_key(&desc.digest) {
                if is_new {
                    self.note_absent(&desc);
                }
            } else if desc.media_type.is_manifest() && self.is_good(&desc) {
                match self.children(&desc) {
                    Ok(children) => waiting.extend(children.into_iter().filter(|child| child.digest != entry.digest)),
                    Err(error) if error.kind() == ErrorKind::Io => return Err(error),
                    Err(_) if desc.digest == entry.digest => is_readable = false,
                    Err(_) => {}
                }
            }
        }
        Ok(is_readable && is_good)
    }

    fn is_good(&self, desc: &Descriptor) -> bool {
        match self.files.get(&desc.digest) {
            Some(is_good) => {
                *is_good && fs::metadata(self.inner.blobs.path(&desc.digest)).is_ok_and(|m| m.len() == desc.size)
            }
            None => desc.digest.known_algorithm().is_err(),
        }
    }

    fn note_absent(&mut self, desc: &Descriptor) {
        let list = match desc.digest.known_algorithm() {
            Ok(_) => &mut self.report.missing,
            Err(_) => &mut self.report.unverifiable,
        };
        list.push(desc.digest.clone());
    }

    /// What a manifest points to; a subject that is not here is no loss.
    fn children(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        let Some(bytes) = self.inner.blobs.read_manifest(desc)? else {
            return Ok(Vec::new());
        };
        let mut links = links(&desc.media_type, &bytes).map_err(Error::from)?;
        links.subject = links.subject.filter(|subject| self.files.contains_key(&subject.digest));
        Ok(links.successors())
    }
}
