//! Removing content: one manifest and what it alone held, or everything that nothing holds.

use std::{
    collections::HashSet,
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use oras_content::{Deleter, Error, Result, fs::failed};
use oras_descriptor::{Algorithm, Descriptor, Digest, IndexEdit};

use crate::{
    blobs::is_missing,
    entries::name,
    graph::Graph,
    layout::{Inner, OciLayout, Reach},
    lock::LOCK_FILE,
};

/// What a collection removed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct GcReport {
    /// The content that was removed, in ascending order.
    pub removed: Vec<Digest>,
    /// How many bytes that were.
    pub removed_bytes: u64,
    /// How many files in `ingest/`, left by pushes that were cut off, were removed.
    pub leftovers: u64,
}

impl OciLayout {
    /// Removes what nothing holds: content that no tagged manifest leads to and that is no referrer of what one leads
    /// to, however far, and what pushes that were cut off left behind.
    ///
    /// Whatever was pushed or found within the lease of the layout's options stays, and so does what another process is
    /// writing. Only files that are named as content of a known algorithm are touched.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Corrupt`](oras_content::ErrorKind::Corrupt) when a listed manifest cannot be read, and then nothing
    /// was removed: what it holds is not known. [`repair`](Self::repair) drops it.
    ///
    /// # Cancel safety
    ///
    /// Once begun, a collection ends even if nobody waits for it.
    pub async fn gc(&self) -> Result<GcReport> {
        self.run_locked(Inner::gc).await
    }
}

impl Deleter for OciLayout {
    /// With collection, which is on by default, what the manifest alone held goes too, and so do its referrers; what has
    /// a tag stays, and so does what is younger than the lease.
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        let desc = desc.clone();
        self.run_locked(move |inner| inner.delete(&desc)).await
    }
}

impl Inner {
    fn gc(&self) -> Result<GcReport> {
        let snapshot = self.snapshot()?;
        let mut roots: Vec<Digest> = Vec::new();
        for entry in snapshot.edit.entries() {
            if name(entry).is_some() || self.is_leased(&entry.digest)? {
                roots.push(entry.digest.clone());
            }
        }
        roots.extend(self.all_pending());
        let kept = self.with_graph(|graph| graph.closure(roots))?;
        let garbage = self.garbage(&kept)?;
        // Entries go first: a listed manifest must never be without its content.
        self.update(Reach::Changed, |edit| {
            edit.retain(|entry| kept.contains(&entry.digest) || entry.digest.known_algorithm().is_err());
            Ok(())
        })?;
        let mut report = GcReport::default();
        // Somebody may have found one of them in the meantime.
        for digest in garbage {
            if self.is_leased(&digest)? {
                continue;
            }
            let size = fs::metadata(self.blobs.path(&digest)).map_or(0, |metadata| metadata.len());
            if self.blobs.remove(&digest)? {
                report.removed_bytes += size;
                report.removed.push(digest);
            }
        }
        report.removed.sort();
        report.leftovers = self.collect_leftovers()?;
        Ok(report)
    }

    /// The content here that is neither kept nor leased.
    fn garbage(&self, kept: &HashSet<Digest>) -> Result<HashSet<Digest>> {
        let mut garbage = HashSet::new();
        for algorithm in Algorithm::ALL {
            let dir = self.blobs.root().join("blobs").join(algorithm.name());
            for file in files_in(&dir)? {
                let Ok(digest) = format!("{}:{file}", algorithm.name()).parse::<Digest>() else {
                    continue;
                };
                if !kept.contains(&digest) && !self.is_leased(&digest)? {
                    garbage.insert(digest);
                }
            }
        }
        Ok(garbage)
    }

    fn is_leased(&self, digest: &Digest) -> Result<bool> {
        is_younger(&self.blobs.path(digest), self.blobs.options.lease)
    }

    fn collect_leftovers(&self) -> Result<u64> {
        let dir = self.blobs.ingest_dir();
        let mut removed = 0;
        for name in files_in(&dir)? {
            let path = dir.join(&name);
            if name == LOCK_FILE || is_younger(&path, self.blobs.options.lease)? {
                continue;
            }
            // A file that somebody writes is locked, however old it is.
            let Ok(file) = File::open(&path) else { continue };
            if file.try_lock().is_ok() && fs::remove_file(&path).is_ok() {
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn delete(&self, desc: &Descriptor) -> Result<()> {
        let snapshot = self.snapshot()?;
        let is_listed = snapshot.is_listed(&desc.digest);
        if !is_listed && self.blobs.size(&desc.digest)?.is_none() {
            return Err(Error::not_found(desc));
        }
        let tagged: HashSet<_> =
            snapshot.edit.entries().filter(|entry| name(entry).is_some()).map(|entry| entry.digest.clone()).collect();
        let mut gone = vec![desc.digest.clone()];
        if self.blobs.options.auto_gc && desc.media_type.is_manifest() {
            // When a walk fails, what the manifest holds is not known, and it goes alone.
            let falls = self.with_graph(|graph| fallout(graph, &desc.digest, &tagged)).unwrap_or_default();
            for digest in falls {
                if !self.is_leased(&digest)? {
                    gone.push(digest);
                }
            }
        }
        let all: HashSet<_> = gone.iter().collect();
        let is_gone = |digest: &Digest| all.contains(digest);
        self.forget(is_gone);
        self.update(Reach::Changed, |edit: &mut IndexEdit| {
            edit.retain(|entry| !is_gone(&entry.digest));
            Ok(())
        })?;
        for digest in &gone {
            self.blobs.remove(digest)?;
        }
        Ok(())
    }
}

/// What goes with a manifest: its referrers, and what no other manifest points to; never what has a tag. A subject does
/// not belong to those that refer to it, and stays.
fn fallout(graph: &Graph, target: &Digest, tagged: &HashSet<Digest>) -> Vec<Digest> {
    let mut gone = HashSet::from([target.clone()]);
    let mut order = Vec::new();
    let mut waiting = vec![target.clone()];
    while let Some(digest) = waiting.pop() {
        let referrers = graph.links.referrers(&digest, None).map(|referrer| referrer.digest);
        let is_subject = |of: &Digest| graph.links.referrers(of, None).any(|referrer| referrer.digest == digest);
        let is_orphan = |of: &Digest| graph.links.predecessors(of).all(|holder| gone.contains(&holder.digest));
        let successors = graph.links.successors(&digest).filter(|of| !gone.contains(of));
        let orphans: Vec<_> = successors.filter(|of| is_orphan(of) && !is_subject(of)).cloned().collect();
        let falling: Vec<_> = referrers.chain(orphans).filter(|digest| !tagged.contains(digest)).collect();
        for digest in falling {
            if gone.insert(digest.clone()) {
                order.push(digest.clone());
                waiting.push(digest);
            }
        }
    }
    order
}

/// Whether a file was changed within a time, or lies in the future; what is not there was not.
fn is_younger(path: &Path, lease: Duration) -> Result<bool> {
    let modified = match fs::metadata(path).and_then(|metadata| metadata.modified()) {
        Ok(modified) => modified,
        Err(error) if is_missing(&error) => return Ok(false),
        Err(error) => return Err(failed("look at", path, error)),
    };
    Ok(SystemTime::now().duration_since(modified).map_or(true, |age| age < lease))
}

/// The names of the files in a directory, which need not be there.
pub(crate) fn files_in(dir: &Path) -> Result<Vec<String>> {
    let entries = match fs::read_dir(dir) {
        Ok(entries) => entries,
        Err(error) if is_missing(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed("list", dir, error)),
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|error| failed("list", dir, error))?;
        if entry.file_type().is_ok_and(|kind| kind.is_file()) {
            names.extend(entry.file_name().into_string());
        }
    }
    Ok(names)
}
