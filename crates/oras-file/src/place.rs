//! Where a file goes: a handle of its directory, reached without leaving the store's directory.

use std::{
    ffi::OsStr,
    fs::File,
    hash::{BuildHasher as _, Hasher as _, RandomState},
    io,
    path::{Component, Path, PathBuf},
    sync::Arc,
};

use cap_std::fs::{Dir, Metadata, OpenOptions};
use oras_content::{
    Digest, Error, ErrorKind, Result,
    fs::{failed, lock_abandoned},
};

use crate::{
    name::{NameError, Target, check_portable_name, follow},
    options::FileOptions,
};

/// A place for one file or directory.
#[derive(Debug)]
pub(crate) struct Place {
    /// The directory that holds it.
    pub(crate) dir: Dir,
    /// The last part of the path.
    pub(crate) name: String,
    /// The whole path, to be shown and to be read from.
    pub(crate) path: PathBuf,
}

/// What is done about directories on the way that are not there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Missing {
    Create,
    Refuse,
}

/// What is done about links on the way. None is followed out of the bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Links {
    Follow,
    Refuse,
}

/// Finds the place of a name below `root`.
pub(crate) fn find(root: &Path, options: &FileOptions, name: &str, missing: Missing) -> Result<Place> {
    if options.portable_names || cfg!(windows) {
        check_portable_name(name)?;
    }
    let outside = || NameError::Outside { name: name.to_owned() };
    let parts = match follow(root, name) {
        Target::Inside(parts) => parts,
        Target::Outside if options.allow_traversal => return find_anywhere(root, name),
        Target::Outside => return Err(outside().into()),
    };
    let Some((last, parents)) = parts.split_last() else {
        return Err(Error::new(ErrorKind::Denied, format!("the name {name:?} is the directory itself")));
    };
    let bound = open_root(root)?;
    let path = root.join(parts.join("/"));
    let here = descend(&bound, PathBuf::new(), parents, missing, Links::Follow);
    match here.and_then(|here| if here.as_os_str().is_empty() { Ok(bound) } else { bound.open_dir(&here) }) {
        Err(error) if is_escape(&error) && options.allow_traversal => find_anywhere(root, name),
        Err(error) if is_escape(&error) => Err(outside().into()),
        Err(error) => Err(failed("open the directory of", &path, error)),
        Ok(dir) => Ok(Place { dir, name: last.clone(), path }),
    }
}

/// Goes down from a directory below `bound`, and says where that leads to when no link is left in the path.
pub(crate) fn descend(
    bound: &Dir,
    from: PathBuf,
    parts: impl IntoIterator<Item = impl AsRef<Path>>,
    missing: Missing,
    links: Links,
) -> io::Result<PathBuf> {
    let mut here = from;
    for part in parts {
        let next = here.join(part);
        here = match bound.symlink_metadata(&next) {
            Ok(found) if found.is_dir() => next,
            Ok(found) if found.is_symlink() && links == Links::Follow => without_links(bound, &next)?,
            Ok(_) => return Err(io::ErrorKind::NotADirectory.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound && missing == Missing::Create => {
                match bound.create_dir(&next) {
                    // Somebody else was first.
                    Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
                    _ => next,
                }
            }
            Err(error) => return Err(error),
        };
    }
    Ok(here)
}

/// Where a path leads when no link is left in it; empty for `bound` itself.
pub(crate) fn without_links(bound: &Dir, path: &Path) -> io::Result<PathBuf> {
    if path.as_os_str().is_empty() {
        return Ok(PathBuf::new());
    }
    let found = bound.canonicalize(path)?;
    Ok(found.components().filter(|part| matches!(part, Component::Normal(_))).collect())
}

/// Opens a directory below `bound`, or `bound` itself.
pub(crate) fn open(bound: &Dir, path: &Path) -> io::Result<Dir> {
    if path.as_os_str().is_empty() { bound.try_clone() } else { bound.open_dir(path) }
}

pub(crate) fn open_root(root: &Path) -> Result<Dir> {
    let open = || Dir::open_ambient_dir(root, cap_std::ambient_authority());
    let opened = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => std::fs::create_dir_all(root).and_then(|()| open()),
        opened => opened,
    };
    opened.map_err(|error| failed("open", root, error))
}

fn find_anywhere(root: &Path, name: &str) -> Result<Place> {
    let path = root.join(name);
    let (Some(parent), Some(last)) = (path.parent(), path.file_name().and_then(OsStr::to_str)) else {
        return Err(Error::new(ErrorKind::Denied, format!("the name {name:?} is no name of a file")));
    };
    Ok(Place { dir: open_root(parent)?, name: last.to_owned(), path: path.clone() })
}

/// Whether a path led out of the directory of a handle. The system says so with an error of its own, cap-std with a
/// refused permission that has no number.
pub(crate) fn is_escape(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::CrossesDevices
        || (error.kind() == io::ErrorKind::PermissionDenied && error.raw_os_error().is_none())
}

impl Place {
    /// A new file beside the place, under a name that nothing has.
    pub(crate) fn create_beside(self: &Arc<Self>) -> Result<Beside> {
        let name = self.hidden(&format!("{:016x}.tmp", RandomState::new().build_hasher().finish()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        let file = self.dir.open_with(&name, &options).map_err(|error| failed("create", &self.path, error))?;
        Ok(Beside { place: Arc::clone(self), name, file: file.into_std(), keep: false })
    }

    /// A file beside the place that may hold the first part of its content, locked; a new one while another process has
    /// it.
    pub(crate) fn open_part(self: &Arc<Self>, digest: &Digest) -> Result<Beside> {
        let name = self.hidden(&format!("{}.part", digest.encoded()));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true);
        let file = self.dir.open_with(&name, &options).map_err(|error| failed("create", &self.path, error))?;
        let is_ours = |file: &cap_std::fs::File| {
            let found = self.dir.symlink_metadata(&name)?;
            Ok::<_, io::Error>(found.is_file() && same_file(&found, &file.metadata()?))
        };
        let locked = file.try_clone().is_ok_and(|handle| lock_abandoned(&handle.into_std()));
        // Before it was locked, the file may have taken its place.
        if !locked || !is_ours(&file).unwrap_or_default() {
            return self.create_beside();
        }
        Ok(Beside { place: Arc::clone(self), name, file: file.into_std(), keep: true })
    }

    /// A hidden name made of as much of the name as leaves room for what follows.
    fn hidden(&self, suffix: &str) -> String {
        let mut len = self.name.len().min(MAX_STEM_LEN);
        while !self.name.is_char_boundary(len) {
            len -= 1;
        }
        format!(".{}.{suffix}", self.name.get(..len).unwrap_or_default())
    }
}

/// A part of a path has at most 255 bytes, and the longest digest takes 128.
const MAX_STEM_LEN: usize = 100;

#[cfg(unix)]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    use cap_std::fs::MetadataExt as _;
    (a.dev(), a.ino()) == (b.dev(), b.ino())
}

#[cfg(not(unix))]
fn same_file(a: &Metadata, b: &Metadata) -> bool {
    a.created().ok() == b.created().ok() && a.len() == b.len()
}

/// A file beside its place, removed when it is dropped unless it is to be kept.
#[derive(Debug)]
pub(crate) struct Beside {
    place: Arc<Place>,
    name: String,
    pub(crate) file: File,
    pub(crate) keep: bool,
}

impl Beside {
    /// Lets the file take its place.
    pub(crate) fn persist(mut self) -> Result<()> {
        let renamed = self.place.dir.rename(&self.name, &self.place.dir, &self.place.name);
        renamed.map_err(|error| failed("write", &self.place.path, error))?;
        self.keep = true;
        Ok(())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.keep {
            let _ = self.place.dir.remove_file(&self.name);
        }
    }
}
