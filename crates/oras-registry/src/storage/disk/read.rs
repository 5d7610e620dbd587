use std::{
    fs::File,
    io::{self, Read as _, Seek as _, SeekFrom},
    ops::Range,
    path::Path,
};

use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt as _, stream};
use tokio::task::JoinHandle;

use super::blocking;
use crate::body::ByteStream;

/// How much is read at once. Larger reads gain nothing measurable, smaller ones cost system calls and switches.
const READ_SIZE: usize = 256 * 1024;

/// Opens a part of a file; nothing when there is no file.
///
/// No thread waits for the client: each read is a task of its own, and the next one is under way while the last chunk is
/// sent. So a thousand slow clients cost a thousand buffers, and no thread.
pub(in crate::storage) async fn read(path: &Path, range: Range<u64>) -> io::Result<Option<ByteStream>> {
    let path = path.to_owned();
    let opened = blocking(move || {
        let Some(mut file) = super::files::absent_is_none(File::open(path))? else { return Ok(None) };
        file.seek(SeekFrom::Start(range.start))?;
        Part { file, left: range.end - range.start, buffer: BytesMut::new() }.next().map(Some)
    });
    let Some(first) = opened.await? else { return Ok(None) };
    let Some((chunk, rest)) = first else { return Ok(Some(stream::empty().boxed())) };
    let ahead = (rest.left > 0).then(|| rest.read_ahead());
    let chunks = stream::try_unfold(ahead, |ahead| async move {
        let Some(reading) = ahead else { return Ok(None) };
        let Some((chunk, rest)) = reading.await.map_err(io::Error::other)?? else { return Ok(None) };
        let ahead = (rest.left > 0).then(|| rest.read_ahead());
        Ok(Some((chunk, ahead)))
    });
    Ok(Some(stream::iter([Ok(chunk)]).chain(chunks).boxed()))
}

/// What is left of a file to be read.
struct Part {
    file: File,
    left: u64,
    buffer: BytesMut,
}

impl Part {
    fn read_ahead(self) -> JoinHandle<io::Result<Option<(Bytes, Self)>>> {
        tokio::task::spawn_blocking(move || self.next())
    }

    /// Reads a chunk; nothing at the end, which is an error before all was read.
    fn next(mut self) -> io::Result<Option<(Bytes, Self)>> {
        let want = usize::try_from(self.left).unwrap_or(READ_SIZE).min(READ_SIZE);
        if want == 0 {
            return Ok(None);
        }
        self.buffer.resize(want, 0);
        self.file.read_exact(&mut self.buffer)?;
        let chunk = self.buffer.split().freeze();
        self.left -= want as u64;
        Ok(Some((chunk, self)))
    }
}
