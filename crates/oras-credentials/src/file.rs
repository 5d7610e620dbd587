use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

use oras_content::{Error, ErrorKind, Result};

use crate::config::Config;

/// How many links in a row are followed, as systems do.
const MAX_LINKS: usize = 40;

/// Reads a configuration; one that is not there is none.
pub(crate) fn read(path: &Path) -> Result<Option<Config>> {
    let text = match fs::read(path) {
        Ok(text) => text,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(error) => return Err(failed(path, "read", error)),
    };
    Ok(Some(Config::parse(&text, &path.display().to_string())?))
}

/// Changes a configuration, alone among all that do so by this function: read again, changed, written to a new file, and
/// renamed. Nothing is written when `change` says that nothing changed.
pub(crate) fn update(path: &Path, change: impl FnOnce(&mut Config) -> Result<bool>) -> Result<()> {
    let path = followed(path);
    let directory =
        path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
    make_directory(directory).map_err(|error| failed(directory, "made", error))?;
    let _lock = lock(&path)?;
    let mut config = match read(&path)? {
        Some(config) => config,
        None => Config::parse(b"", &path.display().to_string())?,
    };
    if change(&mut config)? {
        let text = config.print().map_err(|error| failed(&path, "written", error.into()))?;
        replace(&path, directory, &text).map_err(|error| failed(&path, "written", error))?;
    }
    Ok(())
}

/// What a link leads to, be it there or not: links stay links, and what they lead to is replaced.
fn followed(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..MAX_LINKS {
        let Ok(to) = fs::read_link(&path) else { break };
        path = path.parent().unwrap_or_else(|| Path::new("")).join(to);
    }
    path
}

/// The lock is a file of its own, because the configuration is another file after every change.
fn lock(path: &Path) -> Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let path: PathBuf = path.with_file_name(name);
    let open = OpenOptions::new().write(true).create(true).truncate(false).open(&path);
    let file = open.map_err(|error| failed(&path, "opened", error))?;
    file.lock().map_err(|error| failed(&path, "locked", error))?;
    Ok(file)
}

fn replace(path: &Path, directory: &Path, text: &[u8]) -> io::Result<()> {
    // Such files are made readable for their owner alone.
    let mut file = tempfile::Builder::new().prefix("oras_credstore_temp_").tempfile_in(directory)?;
    file.write_all(text)?;
    file.as_file().sync_all()?;
    file.persist(path)?;
    Ok(())
}

#[cfg(unix)]
fn make_directory(path: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

#[cfg(not(unix))]
fn make_directory(path: &Path) -> io::Result<()> {
    fs::create_dir_all(path)
}

fn failed(path: &Path, what: &str, error: io::Error) -> Error {
    Error::new(ErrorKind::Io, format!("{} cannot be {what}", path.display())).with_source(error)
}
