use bytes::Bytes;
use http::{Method, StatusCode, header};
use oras_content::{Error, ErrorKind, Result};
use oras_transport::{HttpBody, RequestOptions};

use super::session::UploadSession;
use crate::{
    client::{Answer, Call},
    error::{ErrorCode, ResponseError},
    location,
    range::Held,
};

/// How often a session is asked where it stands without a single new byte, before it is given up.
const MAX_BARREN_QUESTIONS: u32 = 4;

/// What became of a chunk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The session moved on.
    Taken,
    /// The registry says that the blob is complete.
    Complete,
    /// The registry refused it for its size.
    TooLarge,
}

impl UploadSession {
    /// Sends a chunk until all of it was taken.
    pub(super) async fn send(&mut self, chunk: Bytes) -> Result<Sent> {
        let start = self.offset;
        let end = start.checked_add(chunk.len() as u64).ok_or_else(|| {
            let message = format!("the registry claims {start} bytes of an upload, behind which nothing has room");
            Error::new(ErrorKind::Other, message)
        })?;
        self.guessed = false;
        let mut barren = 0;
        while self.offset < end {
            let taken = usize::try_from(self.offset - start).unwrap_or(usize::MAX);
            let before = self.offset;
            let rest = chunk.slice(taken.min(chunk.len())..);
            match self.patch(rest, end).await? {
                Sent::Taken => {}
                other => return Ok(other),
            }
            if self.offset < start {
                let message = format!("the registry lost bytes that it had taken: {} of {start} are left", self.offset);
                return Err(Error::new(ErrorKind::NotFound, message));
            }
            barren = if self.offset > before { 0 } else { barren + 1 };
            if barren > MAX_BARREN_QUESTIONS {
                let message = format!("the registry takes no byte behind {} of an upload", self.offset);
                return Err(Error::new(ErrorKind::Io, message).with_retries(barren));
            }
        }
        Ok(Sent::Taken)
    }

    async fn patch(&mut self, chunk: Bytes, end: u64) -> Result<Sent> {
        let range = format!("{}-{}", self.offset, end - 1);
        let call = Call::new(Method::PATCH, self.location.clone(), self.repository.push_access())
            .header(header::CONTENT_RANGE, range)
            .header(header::CONTENT_LENGTH, chunk.len().to_string())
            .bytes(HttpBody::from_bytes(chunk))
            // Where the session stands must be asked before a chunk is sent again.
            .options(RequestOptions::new().without_retry());
        let answer = match call.send(self.repository.registry().client()).await {
            Ok(answer) => answer,
            Err(error) if error.is_retryable() => {
                self.synchronize().await.map_err(|status| status.with_source(error))?;
                return Ok(Sent::Taken);
            }
            Err(error) => return Err(error),
        };
        match answer.status().as_u16() {
            202 | 204 => self.take(&answer, end).map(|()| Sent::Taken),
            201 => Ok(Sent::Complete),
            413 => Ok(Sent::TooLarge),
            // Some answer 400 where 416 is meant.
            416 | 400 | 408 | 429 | 500..=599 => self.repair(answer).await,
            _ => Err(self.failed(answer).await),
        }
    }

    /// Notes what an accepted chunk came to. The own count is the truth; the registry's is a hint, and often wrong.
    fn take(&mut self, answer: &Answer, end: u64) -> Result<()> {
        if let Some(location) = answer.header(&header::LOCATION) {
            self.location = location::resolve(answer.uri(), location)?;
        }
        self.offset = match Held::of(answer.headers()) {
            // A part of the chunk was taken.
            Some(Held::Bytes(held)) if held > self.offset && held < end => held,
            // Taken whole; or a count that stands still, or counts the chunk alone, or is one too high, or is none.
            _ => end,
        };
        Ok(())
    }

    /// Asks where the session stands after a chunk was refused.
    async fn repair(&mut self, answer: Answer) -> Result<Sent> {
        let (before, was_resumed) = (self.offset, self.resumed);
        let is_range_error = answer.status() == StatusCode::RANGE_NOT_SATISFIABLE;
        let refused = answer.into_response_error().await;
        if !is_range_error
            && !refused.errors().is_empty()
            && !is_out_of_order(&refused)
            && refused.status().is_client_error()
        {
            return Err(refused.about(&format!("upload to {}", self.repository.reference())));
        }
        self.synchronize().await.map_err(|error| error.with_source(refused))?;
        if !is_range_error || self.offset != before {
            return Ok(Sent::Taken);
        }
        match (self.held, self.guessed) {
            // What broke before may have left one byte, and none and one look the same.
            (Held::NoneOrOne, false) if was_resumed && before == 0 => {
                (self.offset, self.guessed) = (1, true);
                Ok(Sent::Taken)
            }
            (Held::NoneOrOne, true) => {
                self.offset = 0;
                Ok(Sent::TooLarge)
            }
            // In the right place, and refused all the same.
            _ => Ok(Sent::TooLarge),
        }
    }
}

/// Whether a refused chunk was not the one that should come next.
fn is_out_of_order(error: &ResponseError) -> bool {
    let out_of_order = ErrorCode::from("RANGE_INVALID");
    [ErrorCode::BlobUploadInvalid, ErrorCode::SizeInvalid, out_of_order].iter().any(|code| error.has_code(code))
}
