use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
};

use bytes::Bytes;
use oras_descriptor::{Algorithm, Digest, Hasher};
use oras_reference::validate_repository;
use serde_json::{Value, json};

use super::{
    Disk,
    files::{self, Durability},
};
use crate::storage::{LeftOver, Writer};

/// How much is read at once when bytes are hashed again.
const REHASH_SIZE: usize = 256 * 1024;

/// The bytes of a session.
const DATA: &str = "data";

/// What else a session needs after a restart.
const SESSION: &str = "session.json";

/// A session as a directory: its bytes, and whose they are.
pub(super) struct DiskWriter {
    disk: Arc<Disk>,
    dir: PathBuf,
    name: String,
    file: File,
    position: u64,
    /// Runs while bytes come; after a restart there is none.
    hasher: Option<Hasher>,
}

impl DiskWriter {
    pub(super) fn create(disk: Arc<Disk>, dir: PathBuf, name: &str, algorithm: Algorithm) -> io::Result<Self> {
        fs::create_dir_all(&dir)?;
        let file = OpenOptions::new().read(true).append(true).create_new(true).open(dir.join(DATA))?;
        let session = json!({"repository": name}).to_string();
        files::write_whole(&dir.join(SESSION), &dir, session.as_bytes(), Durability(false))?;
        Ok(Self { disk, dir, name: name.into(), file, position: 0, hasher: Some(algorithm.hasher()) })
    }

    /// A session of an earlier run; nothing when it cannot be continued.
    fn reopen(disk: Arc<Disk>, dir: PathBuf) -> io::Result<Option<Self>> {
        let Some(text) = files::absent_is_none(fs::read(dir.join(SESSION)))? else { return Ok(None) };
        let session: Value = serde_json::from_slice(&text).unwrap_or_default();
        let name = session.get("repository").and_then(Value::as_str).filter(|name| validate_repository(name).is_ok());
        let file = files::absent_is_none(OpenOptions::new().read(true).append(true).open(dir.join(DATA)))?;
        let (Some(name), Some(file)) = (name.map(str::to_owned), file) else { return Ok(None) };
        let position = file.metadata()?.len();
        Ok(Some(Self { disk, dir, name, file, position, hasher: None }))
    }
}

/// The sessions that an earlier run left in a directory. What is no session is removed.
pub(super) fn left_over(disk: &Arc<Disk>, dir: &Path) -> io::Result<Vec<LeftOver>> {
    let mut found = Vec::new();
    let Some(entries) = files::absent_is_none(fs::read_dir(dir))? else { return Ok(found) };
    for entry in entries {
        let entry = entry?;
        let id = entry.file_name().to_string_lossy().into_owned();
        match DiskWriter::reopen(Arc::clone(disk), entry.path())? {
            Some(writer) => found.push(LeftOver { id, name: writer.name.clone(), writer: Box::new(writer) }),
            None if entry.file_type()?.is_dir() => fs::remove_dir_all(entry.path())?,
            None => fs::remove_file(entry.path())?,
        }
    }
    Ok(found)
}

impl Writer for DiskWriter {
    fn is_blocking(&self) -> bool {
        true
    }

    fn position(&self) -> u64 {
        self.position
    }

    fn write(&mut self, chunk: &Bytes) -> io::Result<()> {
        if let Err(error) = self.file.write_all(chunk) {
            // Whatever part of the chunk came through is not counted, and must not be there.
            self.file.set_len(self.position)?;
            return Err(error);
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(chunk);
        }
        self.position += chunk.len() as u64;
        Ok(())
    }

    fn digest(&mut self, algorithm: Algorithm) -> io::Result<Digest> {
        if let Some(hasher) = self.hasher.as_ref().filter(|hasher| hasher.algorithm() == algorithm) {
            return Ok(hasher.clone().finish());
        }
        let mut hasher = algorithm.hasher();
        let mut buffer = vec![0; REHASH_SIZE];
        self.file.seek(SeekFrom::Start(0))?;
        loop {
            match self.file.read(&mut buffer) {
                Ok(0) => return Ok(hasher.finish()),
                Ok(len) => hasher.update(buffer.get(..len).unwrap_or_default()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn finish(&mut self, digest: &Digest, algorithm: Algorithm) -> io::Result<bool> {
        if self.digest(algorithm)? != *digest {
            return Ok(false);
        }
        let sync = self.disk.sync();
        sync.file(&self.file)?;
        let layout = self.disk.layout_or_new(&self.name)?;
        layout.add_blob(digest, |path| files::rename(&self.dir.join(DATA), path, sync))?;
        self.discard()?;
        Ok(true)
    }

    fn discard(&mut self) -> io::Result<()> {
        files::absent_is_none(fs::remove_dir_all(&self.dir)).map(drop)
    }
}
