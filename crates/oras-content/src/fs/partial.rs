use std::{
    fs::File,
    io::{Seek as _, SeekFrom},
};

use oras_descriptor::Descriptor;

use super::{rehash, write_blob};
use crate::{
    blob::Blob,
    error::{Error, ErrorKind, Result},
};

/// Writes a blob into a file that may hold the first part of it from an earlier attempt: when the blob can be read from
/// an offset, that part is hashed and only the rest is asked for; else the file is written anew.
///
/// The blob is verified. Nothing is synced or renamed. `file` keeps its lock, if it has one.
///
/// # Errors
///
/// As [`write_blob`]. The file holds the bytes so far, for another attempt.
///
/// # Cancel safety
///
/// As [`write_blob`].
pub async fn fill(file: &File, desc: &Descriptor, content: Blob) -> Result<()> {
    let content = content.verify(desc);
    let held = file.metadata()?.len();
    // Replayed, because content that was started cannot be resumed.
    let (Some(rest), Some(whole)) = (content.replay(), content.replay()) else {
        return write_blob(content, emptied(file)?).await.map(|_| ());
    };
    if held == 0 || held > desc.size {
        return write_blob(content, emptied(file)?).await.map(|_| ());
    }
    let mut part = file.try_clone()?;
    part.seek(SeekFrom::Start(0))?;
    let (part, verifier) = rehash(part, desc).await?;
    match write_blob(rest.resume(verifier)?, part).await {
        // The earlier attempt may have left wrong bytes: the source is not to blame yet.
        Err(error) if error.kind() == ErrorKind::Corrupt => {}
        written => return written.map(|_| ()),
    }
    write_blob(whole, emptied(file)?).await.map(|_| ())
}

fn emptied(file: &File) -> Result<File> {
    file.set_len(0)?;
    let mut handle = file.try_clone().map_err(Error::from)?;
    handle.seek(SeekFrom::Start(0))?;
    Ok(handle)
}
