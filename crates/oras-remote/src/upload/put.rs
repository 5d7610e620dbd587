use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use futures_util::StreamExt as _;
use http::StatusCode;
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Error, Result};
use oras_transport::HttpBody;

use super::{
    chunks::Chunks,
    driver::{Attempt, Goal, cancel},
    session::UploadSession,
};
use crate::{client::Answer, error::ErrorCode};

/// How often a transfer is taken up again without a single new byte.
const MAX_BARREN: u32 = 7;

/// The pause before a refused request is sent again; it doubles each time, up to a second. What `Retry-After` asks for comes on top, by
/// the client's own pause of the host.
const PAUSE: Duration = Duration::from_millis(100);
const MAX_PAUSE: Duration = Duration::from_secs(1);

impl Goal<'_> {
    /// The whole blob in the request that closes the session. Where it breaks, the registry is asked how much it has, and
    /// the rest is sent.
    pub(super) async fn put(&self, mut session: UploadSession, content: Box<Blob>) -> Result<Attempt> {
        let mut spare = content.replay().map(Box::new);
        let mut body = HttpBody::from_blob(*content);
        let mut barren = 0;
        loop {
            let before = session.offset;
            let unread = body.replay();
            let error = match session.put(&self.desc.digest, Some((body, self.desc.size))).await {
                Ok(answer) if is_transient(answer.status()) => {
                    Box::pin(answer.into_response_error()).await.about(&self.what())
                }
                Ok(answer) if is_done(answer.status()) => {
                    return session.completed(answer, &self.desc.digest).await.map(|()| Attempt::Done);
                }
                Ok(answer) => return Box::pin(self.judge(session, answer)).await,
                Err(error) if error.is_retryable() && !error.is_from_blob() => error,
                Err(error) => {
                    Box::pin(cancel(session)).await;
                    return Err(error);
                }
            };
            if Box::pin(session.synchronize()).await.is_err() || session.offset > self.desc.size {
                return Ok(Attempt::Again(error));
            }
            // A body that can be read once can be sent again as long as nobody has read any of it.
            let unread = unread.filter(|_| session.offset == before).and_then(|unread| unread.replay());
            let content = spare.take();
            spare = content.as_ref().and_then(|content| content.replay()).map(Box::new);
            body = match (content, unread) {
                (Some(content), _) => self.rest(*content, session.offset),
                (None, Some(unread)) => unread,
                (None, None) => return Ok(Attempt::Again(error)),
            };
            barren = if session.offset > before { 0 } else { barren + 1 };
            if barren > MAX_BARREN {
                Box::pin(cancel(session)).await;
                return Err(error.with_retries(barren));
            }
            tokio::time::sleep(MAX_PAUSE.min(PAUSE * 2u32.pow(barren))).await;
        }
    }

    /// What follows an offset. All of it is read and verified; what the registry has is not sent.
    fn rest(&self, content: Blob, offset: u64) -> HttpBody {
        if offset == 0 {
            return HttpBody::from_blob(content);
        }
        let rest = Rest { content: Mutex::new(content), offset };
        HttpBody::from_blob(Blob::from_source(Some(self.desc.size - offset), Arc::new(rest)))
    }

    /// What the answer to the request that closes a session means.
    pub(super) async fn judge(&self, session: UploadSession, answer: Answer) -> Result<Attempt> {
        if is_done(answer.status()) {
            return session.completed(answer, &self.desc.digest).await.map(|()| Attempt::Done);
        }
        let refused = answer.into_response_error().await;
        let status = refused.status().as_u16();
        // What was sent was verified, so it is the session that holds something else.
        let stale = [ErrorCode::BlobUploadInvalid, ErrorCode::DigestInvalid, ErrorCode::from("RANGE_INVALID")];
        let is_stale = status == 416 || stale.iter().any(|code| refused.has_code(code));
        let error = refused.about(&self.what());
        match status {
            404 => Ok(Attempt::Again(error)),
            400 | 416 if is_stale && session.is_resumed() => {
                cancel(session).await;
                Ok(Attempt::Again(error))
            }
            413 | 416 => {
                cancel(session).await;
                Ok(Attempt::InChunks(error))
            }
            _ => {
                cancel(session).await;
                Err(error)
            }
        }
    }
}

/// A blob behind an offset, as often as it is asked for: a token may end just when the rest is sent.
struct Rest {
    content: Mutex<Blob>,
    offset: u64,
}

impl BlobSource for Rest {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        let content = self.content.lock().unwrap_or_else(PoisonError::into_inner).replay();
        let offset = self.offset + offset;
        Box::pin(async move {
            let content =
                content.ok_or_else(|| Error::unsupported("reading content again that can be read only once"))?;
            let mut chunks = Chunks::new(content);
            chunks.skip_to(offset).await?;
            Ok(chunks.into_rest().boxed())
        })
    }
}

fn is_done(status: StatusCode) -> bool {
    status.is_success() && status != StatusCode::ACCEPTED
}

fn is_transient(status: StatusCode) -> bool {
    matches!(status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504)
}
