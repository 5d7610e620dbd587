use std::{
    fs::File,
    io::{Read as _, Seek as _, Write as _},
};

use bytes::Bytes;
use futures_util::StreamExt as _;
use oras_descriptor::{Algorithm, Descriptor, Digest, Hasher, Verifier};
use tokio::{sync::mpsc, task::JoinHandle};

use super::{CHANNEL_DEPTH, blocking, joined};
use crate::{
    blob::{Blob, RawStream},
    error::{Error, ErrorKind, Result},
};

/// How much of a partial file is read at once when it is hashed again.
const REHASH_SIZE: usize = 256 * 1024;

/// Writes what is left of a blob into a file at its cursor, and gives the file back when the blob has been verified.
///
/// Hashing and writing happen on one blocking thread, while the caller's task reads. Nothing is synced or renamed: that
/// is for whoever makes the file visible.
///
/// # Errors
///
/// What the blob gives, marked as its own; [`ErrorKind::Io`] when writing fails. The file holds the bytes so far.
///
/// # Cancel safety
///
/// After a drop the thread ends within one chunk and leaves the file with the bytes so far.
pub async fn write_blob(blob: Blob, file: File) -> Result<File> {
    let (stream, verifier) = blob.into_parts();
    let (sender, receiver) = mpsc::channel(CHANNEL_DEPTH);
    let writer = tokio::task::spawn_blocking(move || write_chunks(receiver, file, verifier, None));
    feed(stream, sender, writer).await.map(|written| written.file)
}

/// Writes a blob that is not described yet into a file at its cursor, and gives the file back with the digest and the
/// size of what was written.
///
/// # Errors
///
/// As [`write_blob`].
///
/// # Cancel safety
///
/// As [`write_blob`].
pub async fn write_and_hash(blob: Blob, file: File, algorithm: Algorithm) -> Result<(File, Digest, u64)> {
    let (stream, verifier) = blob.into_parts();
    let (sender, receiver) = mpsc::channel(CHANNEL_DEPTH);
    let hasher = Some(algorithm.hasher());
    let writer = tokio::task::spawn_blocking(move || write_chunks(receiver, file, verifier, hasher));
    let Written { file, hasher, size } = feed(stream, sender, writer).await?;
    let hasher = hasher.unwrap_or_else(|| algorithm.hasher());
    Ok((file, hasher.finish(), size))
}

async fn feed(
    mut stream: RawStream,
    sender: mpsc::Sender<Message>,
    writer: JoinHandle<Result<Written>>,
) -> Result<Written> {
    while let Some(chunk) = stream.next().await {
        let message = match chunk {
            Ok(chunk) => Message::Chunk(chunk),
            Err(error) => {
                drop(sender);
                // The writer can only say that it was left alone.
                let _ = writer.await;
                return Err(error);
            }
        };
        if sender.send(message).await.is_err() {
            return joined(writer).await;
        }
    }
    // When the writer is gone already, joining it tells why.
    let _ = sender.send(Message::End).await;
    joined(writer).await
}

enum Message {
    Chunk(Bytes),
    End,
}

struct Written {
    file: File,
    hasher: Option<Hasher>,
    size: u64,
}

fn write_chunks(
    mut receiver: mpsc::Receiver<Message>,
    mut file: File,
    mut verifier: Option<Verifier>,
    mut hasher: Option<Hasher>,
) -> Result<Written> {
    let mut size = 0;
    while let Some(message) = receiver.blocking_recv() {
        match message {
            Message::Chunk(chunk) => {
                if let Some(verifier) = &mut verifier {
                    verifier.update(&chunk).map_err(|error| Error::from(error).out_of_blob())?;
                }
                if let Some(hasher) = &mut hasher {
                    hasher.update(&chunk);
                }
                file.write_all(&chunk)?;
                size += chunk.len() as u64;
            }
            Message::End => {
                if let Some(verifier) = verifier {
                    verifier.finish().map_err(|error| Error::from(error).out_of_blob())?;
                }
                return Ok(Written { file, hasher, size });
            }
        }
    }
    Err(Error::new(ErrorKind::Other, "writing a blob was given up"))
}

/// Hashes what a partial file holds, from its start, and leaves its cursor behind the last byte.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] when the file holds more than the descriptor says; [`ErrorKind::Io`] when reading fails.
pub async fn rehash(mut file: File, desc: &Descriptor) -> Result<(File, Verifier)> {
    let mut verifier = Verifier::new(desc)?;
    blocking(move || {
        file.rewind()?;
        let mut buffer = vec![0; REHASH_SIZE];
        loop {
            match file.read(&mut buffer) {
                Ok(0) => return Ok((file, verifier)),
                Ok(len) => verifier.update(buffer.get(..len).unwrap_or_default())?,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    })
    .await
}
