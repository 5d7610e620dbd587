//! Files that appear whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// Whether files are forced to the disk before they count. Switching it off is for tests and benchmarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Durability(pub(crate) bool);

impl Durability {
    pub(super) fn file(self, file: &File) -> io::Result<()> {
        if self.0 { file.sync_data() } else { Ok(()) }
    }

    /// Makes the names in the directory of a file last.
    pub(super) fn parent(self, path: &Path) -> io::Result<()> {
        match path.parent() {
            Some(parent) if self.0 && cfg!(unix) => File::open(parent)?.sync_all(),
            _ => Ok(()),
        }
    }
}

/// Writes a file under another name, and gives it its own in one step.
pub(super) fn write_whole(path: &Path, scratch: &Path, bytes: &[u8], sync: Durability) -> io::Result<()> {
    let mut temp = temp_in(scratch)?;
    temp.write_all(bytes)?;
    sync.file(temp.as_file())?;
    create_parent(path)?;
    temp.persist(path).map_err(|error| error.error)?;
    sync.parent(path)
}

/// Gives a file another place. Both must be on one file system.
pub(super) fn rename(from: &Path, to: &Path, sync: Durability) -> io::Result<()> {
    create_parent(to)?;
    fs::rename(from, to)?;
    sync.parent(to)
}

/// Makes a file appear at a second place: by a link, else by a copy.
pub(super) fn link_or_copy(from: &Path, to: &Path, scratch: &Path, sync: Durability) -> io::Result<()> {
    create_parent(to)?;
    match fs::hard_link(from, to) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(error),
        Err(_) => {
            let mut temp = temp_in(scratch)?;
            io::copy(&mut File::open(from)?, temp.as_file_mut())?;
            sync.file(temp.as_file())?;
            temp.persist(to).map_err(|error| error.error)?;
            sync.parent(to)
        }
        Ok(()) => sync.parent(to),
    }
}

/// The size of a file; nothing when there is none.
pub(super) fn size(path: &Path) -> io::Result<Option<u64>> {
    absent_is_none(fs::metadata(path).map(|metadata| metadata.len()))
}

/// Removes a file, and says whether it was there.
pub(super) fn remove(path: &Path) -> io::Result<bool> {
    absent_is_none(fs::remove_file(path)).map(|removed| removed.is_some())
}

pub(super) fn absent_is_none<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn create_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), fs::create_dir_all)
}

fn temp_in(scratch: &Path) -> io::Result<tempfile::NamedTempFile> {
    fs::create_dir_all(scratch)?;
    let mut builder = tempfile::Builder::new();
    readable(builder.prefix("document-").suffix(".tmp"));
    builder.tempfile_in(scratch)
}

/// Temporary files are for their owner alone; these become documents, for whom the mask of the process says.
#[cfg(unix)]
fn readable(builder: &mut tempfile::Builder<'_, '_>) {
    use std::os::unix::fs::PermissionsExt as _;
    builder.permissions(fs::Permissions::from_mode(0o666));
}

#[cfg(not(unix))]
fn readable(_: &mut tempfile::Builder<'_, '_>) {}

/// The directories below `root` that hold a repository, as names with slashes.
pub(super) fn repositories(root: &Path, marker: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    let mut left: Vec<(PathBuf, String)> = vec![(root.into(), String::new())];
    while let Some((dir, name)) = left.pop() {
        for entry in fs::read_dir(&dir)? {
            let entry = entry?;
            let Ok(part) = entry.file_name().into_string() else { continue };
            if part == marker && !name.is_empty() {
                names.push(name.clone());
            } else if !part.starts_with('_') && entry.file_type()?.is_dir() {
                let below = if name.is_empty() { part } else { format!("{name}/{part}") };
                left.push((entry.path(), below));
            }
        }
    }
    Ok(names)
}
