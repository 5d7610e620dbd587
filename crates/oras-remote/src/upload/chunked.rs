use bytes::Bytes;
use oras_content::{Blob, ErrorKind, Result};

use super::{
    MAX_CHUNK,
    chunk::Sent,
    chunks::Chunks,
    driver::{Attempt, Goal, Upload, cancel},
    session::UploadSession,
};

/// A registry that refuses chunks of this size for their size refuses everything.
const SMALLEST_CHUNK: u64 = 64 << 10;

impl Upload<'_> {
    /// The blob chunk by chunk, from where the session stands.
    pub(super) async fn send_chunks(
        &mut self,
        mut session: UploadSession,
        size: u64,
        content: Blob,
    ) -> Result<Attempt> {
        let Goal { repository, desc } = self.goal;
        let Some(size) = self.goal.chunk_size(&session, size) else {
            cancel(session).await;
            return Ok(Attempt::InOnePiece);
        };
        let mut chunks = Chunks::new(content);
        match self.send_all(&mut session, size, &mut chunks).await {
            Ok(Sent::Complete) => {
                if repository.find_blob_to_push(&desc.digest).await?.is_some() {
                    return Ok(Attempt::Done);
                }
            }
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::NotFound && !error.is_from_blob() => {
                return Ok(Attempt::Again(error));
            }
            Err(error) => {
                cancel(session).await;
                return Err(error);
            }
        }
        self.goal.close(session).await
    }

    async fn send_all(&mut self, session: &mut UploadSession, mut size: u64, chunks: &mut Chunks) -> Result<Sent> {
        chunks.skip_to(session.offset).await?;
        let mut last = Sent::Taken;
        while let Some(chunk) = chunks.next(size).await? {
            let start = session.offset;
            match session.send(chunk.clone()).await? {
                Sent::Taken => {
                    last = Sent::Taken;
                    self.checkpoint(session);
                }
                Sent::Complete => {
                    session.offset = chunks.position();
                    last = Sent::Complete;
                }
                Sent::TooLarge => {
                    let taken = usize::try_from(session.offset.saturating_sub(start)).unwrap_or(usize::MAX);
                    size = self.goal.shrink(size, &chunk)?;
                    chunks.take_back(chunk.slice(taken.min(chunk.len())..));
                }
            }
        }
        Ok(last)
    }
}

impl Goal<'_> {
    /// A smaller size, after a chunk was refused for its size.
    fn shrink(&self, size: u64, chunk: &Bytes) -> Result<u64> {
        let smaller = size.min(chunk.len() as u64) / 2;
        if smaller < SMALLEST_CHUNK {
            let message = format!("the registry refuses a chunk of {} bytes as too large", chunk.len());
            return Err(oras_content::Error::new(ErrorKind::SizeExceedsLimit, message));
        }
        self.repository.registry().memory().learn(|known| known.max_chunk = Some(smaller));
        Ok(smaller)
    }

    /// The size of a chunk within all bounds; none when the registry wants more than fits into memory.
    fn chunk_size(&self, session: &UploadSession, wanted: u64) -> Option<u64> {
        let known = self.repository.registry().capabilities();
        let min = session.min_chunk().or(known.min_chunk).unwrap_or(1).max(1);
        let size = wanted.clamp(1, MAX_CHUNK).min(known.max_chunk.unwrap_or(MAX_CHUNK)).max(min);
        (size <= MAX_CHUNK).then_some(size)
    }

    /// Closes the session, in which every byte has arrived.
    async fn close(&self, mut session: UploadSession) -> Result<Attempt> {
        let mut answer = session.put(&self.desc.digest, None).await?;
        if matches!(answer.status().as_u16(), 400 | 416) {
            let offset = session.offset;
            if session.synchronize().await.is_ok() && session.offset == offset {
                answer = session.put(&self.desc.digest, None).await?;
            }
        }
        match self.judge(session, answer).await? {
            // It is in chunks already.
            Attempt::InChunks(error) => Ok(Attempt::Again(error)),
            other => Ok(other),
        }
    }
}
