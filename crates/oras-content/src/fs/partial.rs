use std::{
    fs::File,
    io::{self, Seek as _},
    path::Path,
};

use oras_descriptor::Descriptor;

use super::{FileSink, failed, rehash, write_blob};
use crate::{
    blob::Blob,
    error::{ErrorKind, Result},
};

/// Writes a blob into a file that may hold the first part of it from an earlier attempt: when the blob can be read from
/// an offset, that part is hashed and only the rest is asked for; else the file is written anew.
///
/// The blob is verified. Nothing is synced or renamed. `file` keeps its lock, if it has one; errors call it `path`.
///
/// # Errors
///
/// As [`write_blob`]. The file holds the bytes so far, for another attempt.
///
/// # Cancel safety
///
/// As [`write_blob`].
pub async fn fill(file: &File, path: &Path, desc: &Descriptor, content: Blob) -> Result<()> {
    let content = content.verify(desc);
    let held = file.metadata().map_err(|error| failed("look at", path, error))?.len();
    let emptied = || handle(file, path, if held > 0 { file.set_len(0) } else { Ok(()) });
    // Replayed, because content that was started cannot be resumed.
    let (Some(rest), Some(whole)) = (content.replay(), content.replay()) else {
        return write_blob(content, emptied()?).await.map(|_| ());
    };
    if held == 0 || held > desc.size {
        return write_blob(content, emptied()?).await.map(|_| ());
    }
    let (part, verifier) = rehash(handle(file, path, Ok(()))?, desc).await?;
    match write_blob(rest.resume(verifier)?, FileSink::new(part, path)).await {
        // The earlier attempt may have left wrong bytes: the source is not to blame yet.
        Err(error) if error.kind() == ErrorKind::Corrupt => {}
        written => return written.map(|_| ()),
    }
    write_blob(whole, emptied()?).await.map(|_| ())
}

/// Another handle of a file that was made ready, at its start.
fn handle(file: &File, path: &Path, ready: io::Result<()>) -> Result<FileSink> {
    let handle = ready.and_then(|()| {
        let mut handle = file.try_clone()?;
        handle.rewind()?;
        Ok(FileSink::new(handle, path))
    });
    handle.map_err(|error| failed("write", path, error))
}
