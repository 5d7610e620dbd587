//! The entries of an archive, each put where it belongs through handles of directories: no path leaves the bounds, and
//! no link is followed out of them.

use std::{
    collections::HashMap,
    io::{self, Read, Write as _},
    path::{Component, Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use cap_std::fs::{Dir, OpenOptions};
use oras_content::{Error, ErrorKind, Result, fs::failed};
use tar::EntryType;

use crate::{
    entry_path::{ArchivePaths, text},
    modes::{self, Modes},
    options::FileOptions,
    place::{self, Links, Missing, is_escape},
    policy::{Duplicates, LinkPolicy, PrivilegedBits, SpecialFiles, UnpackPolicy},
    unpack::{Meter, Metered},
};

/// How much of a file is written at once.
const WRITE_SIZE: usize = 256 * 1024;

/// What nothing in an archive leaves.
pub(crate) struct Bounds {
    pub(crate) dir: Dir,
    /// The directory that is unpacked, below `dir`.
    pub(crate) base: PathBuf,
    /// The same, as it will be called.
    pub(crate) shown: PathBuf,
}

pub(crate) struct Extractor<'a> {
    bounds: Bounds,
    policy: &'a UnpackPolicy,
    modes: Modes,
    paths: ArchivePaths,
    /// The parent of the entry before, which is most often that of the next: as the archive has it, and where it is.
    parent: Option<(PathBuf, Parent)>,
    /// What was made and is no directory, and whether it is a file.
    made: HashMap<PathBuf, bool>,
    dirs: Vec<MadeDir>,
    links: Vec<PathBuf>,
    entries: u64,
    buffer: Vec<u8>,
}

struct Parent {
    dir: Dir,
    /// Where it is below the bounds, without links.
    path: PathBuf,
}

/// A directory that gets its mode and time when all is in it.
struct MadeDir {
    path: PathBuf,
    mode: u32,
    mtime: u64,
    is_new: bool,
}

type Entry<'a, R> = tar::Entry<'a, R>;

impl<'a> Extractor<'a> {
    pub(crate) fn new(bounds: Bounds, options: &'a FileOptions, title: &str) -> Self {
        let paths = ArchivePaths::new(title, &bounds.shown, options.portable_names || cfg!(windows));
        Self {
            bounds,
            policy: &options.unpack,
            modes: Modes { preserve: options.preserve_permissions },
            paths,
            parent: None,
            made: HashMap::new(),
            dirs: Vec::new(),
            links: Vec::new(),
            entries: 0,
            buffer: vec![0; WRITE_SIZE],
        }
    }

    /// Puts every entry in its place.
    pub(crate) fn extract<R: Read>(mut self, input: &mut Metered<'_, R>) -> Result<()> {
        let (mut written, headers) = (input.meter.clone(), input.headers.clone());
        let mut archive = tar::Archive::new(input);
        let mut entries = archive.entries()?;
        loop {
            headers.begin();
            let next = entries.next();
            headers.end();
            let Some(entry) = next else { break };
            self.entries += 1;
            if self.entries > self.policy.max_entries {
                let message = format!("an archive has more than {} entries", self.policy.max_entries);
                return Err(Error::new(ErrorKind::SizeExceedsLimit, message));
            }
            let mut entry = entry.map_err(broken)?;
            self.entry(&mut entry, &mut written)?;
            // Content that nobody wanted must not count as a part of the next header.
            io::copy(&mut entry, &mut io::sink()).map_err(broken)?;
        }
        self.check_links()?;
        self.finish_dirs();
        Ok(())
    }

    fn entry<R: Read>(&mut self, entry: &mut Entry<'_, R>, written: &mut Meter<'_>) -> Result<()> {
        let kind = entry.header().entry_type();
        if kind == EntryType::XGlobalHeader {
            return Ok(());
        }
        let path = self.paths.locate(&entry.path_bytes())?;
        match kind {
            EntryType::Directory => self.directory(entry, &path),
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => self.file(entry, &path, written),
            EntryType::Symlink => self.symlink(entry, &path),
            EntryType::Link => self.hard_link(entry, &path),
            _ if self.policy.special_files == SpecialFiles::Skip => Ok(()),
            _ => Err(denied(&path, "is neither a file nor a directory nor a link")),
        }
    }

    fn directory<R: Read>(&mut self, entry: &Entry<'_, R>, path: &Path) -> Result<()> {
        let (mode, mtime) = (self.mode(entry, path)?, mtime(entry));
        let Some((parent, name)) = self.place(path)? else {
            let path = self.bounds.base.clone();
            self.dirs.push(MadeDir { path, mode, mtime, is_new: true });
            return Ok(());
        };
        let found = parent.dir.symlink_metadata(name);
        let is_new = match found {
            Ok(found) if found.is_dir() => false,
            // A link may not stand for a directory that others are put into.
            Ok(_) => parent.dir.remove_file(name).map(|()| true).map_err(|error| failed("replace", path, error))?,
            Err(_) => true,
        };
        if is_new {
            modes::create_dir(&parent.dir, name, mode).map_err(|error| failed("create", path, error))?;
        }
        let path = parent.path.join(name);
        self.made.remove(&path);
        self.dirs.push(MadeDir { path, mode, mtime, is_new });
        Ok(())
    }

    fn file<R: Read>(&mut self, entry: &mut Entry<'_, R>, path: &Path, written: &mut Meter<'_>) -> Result<()> {
        let (mode, mtime) = (self.mode(entry, path)?, mtime(entry));
        let mut buffer = std::mem::take(&mut self.buffer);
        let (parent, name) = self.free_place(path)?;
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        modes::of_new_file(&mut options, mode);
        let file = parent.dir.open_with(name, &options).map_err(|error| failed("create", path, error))?;
        let mut file = file.into_std();
        loop {
            let len = entry.read(&mut buffer).map_err(broken)?;
            written.add(len as u64)?;
            if len == 0 {
                break;
            }
            let chunk = buffer.get(..len).unwrap_or_default();
            file.write_all(chunk).map_err(|error| failed("write", path, error))?;
        }
        let made = parent.path.join(name);
        self.modes.finish_file(&file, mode).map_err(|error| failed("set the mode of", path, error))?;
        // A time that the file system does not know is no reason to fail.
        let _ = file.set_modified(UNIX_EPOCH + Duration::from_secs(mtime));
        self.made.insert(made, true);
        self.buffer = buffer;
        Ok(())
    }

    fn symlink<R: Read>(&mut self, entry: &Entry<'_, R>, path: &Path) -> Result<()> {
        if self.policy.links == LinkPolicy::Refuse {
            return Err(denied(path, "is a link"));
        }
        let target = entry.link_name_bytes().ok_or_else(|| denied(path, "is a link to nothing"))?;
        let target = text(&target)?;
        let shown = self.bounds.shown.clone();
        let (parent, name) = self.free_place(path)?;
        if !stays_inside(&parent.path, &target, &shown) {
            return Err(denied(path, "is a link that leads out of the directory"));
        }
        modes::symlink(&parent.dir, &target, name).map_err(|error| failed("create", path, error))?;
        let made = parent.path.join(name);
        if !target.is_absolute() {
            self.links.push(made.clone());
        }
        self.made.insert(made, false);
        Ok(())
    }

    /// The target of a hard link is a file that this archive brought: named from the archive's root, as tar has it, or
    /// from the link's own directory, as oras-go has it.
    fn hard_link<R: Read>(&mut self, entry: &Entry<'_, R>, path: &Path) -> Result<()> {
        if self.policy.links == LinkPolicy::Refuse {
            return Err(denied(path, "is a link"));
        }
        let target = entry.link_name_bytes().ok_or_else(|| denied(path, "is a link to nothing"))?;
        let beside = text(&target)?;
        let beside = beside.is_relative().then(|| path.parent().unwrap_or_else(|| Path::new("")).join(beside));
        let candidates = self.paths.locate(&target).ok().into_iter().chain(beside);
        let Some(source) = candidates.filter_map(|candidate| self.find_file(&candidate)).next() else {
            return Err(denied(path, "is a link to no file of the archive"));
        };
        let (parent, name) = self.free_place(path)?;
        let made = parent.path.join(name);
        if made != source {
            let linked = self.bounds.dir.hard_link(&source, &self.bounds.dir, &made);
            linked.map_err(|error| failed("create", path, error))?;
        }
        self.made.insert(made, true);
        Ok(())
    }

    /// Where a file that was made is, by its path in the archive.
    fn find_file(&self, path: &Path) -> Option<PathBuf> {
        let name = path.file_name()?;
        let parent = self.bounds.base.join(path.parent()?);
        let found = place::without_links(&self.bounds.dir, &parent).ok()?.join(name);
        self.made.get(&found).is_some_and(|is_file| *is_file).then_some(found)
    }

    /// The place of an entry that is no directory, with whatever was there removed.
    fn free_place<'p>(&mut self, path: &'p Path) -> Result<(&Parent, &'p Path)> {
        let refuses_duplicates = self.policy.duplicates == Duplicates::Refuse;
        let made = self.place(path)?.map(|(parent, name)| parent.path.join(name));
        let Some(made) = made else {
            return Err(denied(path, "stands for the directory itself"));
        };
        if self.made.remove(&made).is_some() && refuses_duplicates {
            return Err(denied(path, "is there twice"));
        }
        let Some((parent, name)) = self.place(path)? else {
            return Err(denied(path, "stands for the directory itself"));
        };
        match parent.dir.remove_file(name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed("replace", path, error)),
            _ => Ok((parent, name)),
        }
    }

    /// The parent of a path, created where it is missing, and the last part; nothing for the directory itself.
    fn place<'p>(&mut self, path: &'p Path) -> Result<Option<(&Parent, &'p Path)>> {
        let (Some(above), Some(name)) = (path.parent(), path.file_name()) else {
            return Ok(None);
        };
        if self.parent.as_ref().is_none_or(|(known, _)| known != above) {
            let parent = self.open_parent(above)?;
            self.parent = Some((above.to_owned(), parent));
        }
        Ok(self.parent.as_ref().map(|(_, parent)| (parent, Path::new(name))))
    }

    fn open_parent(&self, path: &Path) -> Result<Parent> {
        let bound = &self.bounds.dir;
        let links = if self.policy.links == LinkPolicy::Refuse { Links::Refuse } else { Links::Follow };
        let found = place::descend(bound, self.bounds.base.clone(), path.components(), Missing::Create, links)
            .and_then(|here| Ok(Parent { dir: place::open(bound, &here)?, path: here }));
        found.map_err(|error| match error.kind() {
            _ if is_escape(&error) => denied(path, "leads out of the directory"),
            io::ErrorKind::NotADirectory => denied(path, "leads through what is no directory"),
            _ => failed("open", path, error),
        })
    }

    fn mode<R: Read>(&self, entry: &Entry<'_, R>, path: &Path) -> Result<u32> {
        let mode = entry.header().mode().map_err(broken)? & 0o7777;
        match self.policy.privileged_bits {
            PrivilegedBits::Refuse if mode & 0o7000 != 0 => Err(denied(path, "has privileged bits in its mode")),
            PrivilegedBits::Keep => Ok(mode),
            PrivilegedBits::Refuse | PrivilegedBits::Clear => Ok(mode & 0o777),
        }
    }

    /// Looks once more where each link leads, now that everything is in its place.
    fn check_links(&self) -> Result<()> {
        for link in &self.links {
            match self.bounds.dir.canonicalize(link) {
                Err(error) if is_escape(&error) => {
                    let _ = self.bounds.dir.remove_file(link);
                    return Err(denied(link, "is a link that leads out of the directory"));
                }
                // A link to nothing, or in a circle, leads nowhere.
                _ => {}
            }
        }
        Ok(())
    }

    /// Gives directories their modes and times, the innermost first; failing that, they are still usable.
    fn finish_dirs(&self) {
        for made in self.dirs.iter().rev() {
            // Opened to be read, as the handles of directories are for walking alone.
            let path = if made.path.as_os_str().is_empty() { Path::new(".") } else { &made.path };
            let Ok(dir) = self.bounds.dir.open(path).map(cap_std::fs::File::into_std) else { continue };
            if made.is_new || self.modes.preserve {
                let _ = self.modes.finish_dir(&dir, made.mode);
            }
            let _ = dir.set_modified(UNIX_EPOCH + Duration::from_secs(made.mtime));
        }
    }
}

/// Whether a link's target, by its text alone, stays inside: relative to `parent`, which has no links, or below the
/// directory itself if it is absolute.
fn stays_inside(parent: &Path, target: &Path, shown: &Path) -> bool {
    if target.has_root() {
        return target
            .strip_prefix(shown)
            .is_ok_and(|rest| rest.components().all(|c| matches!(c, Component::Normal(_))));
    }
    let mut depth = parent.components().count();
    for part in target.components() {
        match part {
            Component::Normal(_) => depth += 1,
            Component::CurDir => {}
            Component::ParentDir => match depth.checked_sub(1) {
                Some(up) => depth = up,
                None => return false,
            },
            Component::RootDir | Component::Prefix(_) => return false,
        }
    }
    true
}

fn mtime<R: Read>(entry: &Entry<'_, R>) -> u64 {
    entry.header().mtime().unwrap_or_default()
}

fn denied(path: &Path, problem: &str) -> Error {
    Error::new(ErrorKind::Denied, format!("the entry {:?} {problem}", path.display().to_string()))
}

/// An archive that cannot be read is corrupt, unless what stopped it is an error of ours.
fn broken(error: io::Error) -> Error {
    if let Some(ours) = Error::find_in(&error) {
        return ours.clone();
    }
    Error::new(ErrorKind::Corrupt, format!("invalid archive: {error}")).with_source(error)
}
