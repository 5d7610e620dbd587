use std::{io, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, join, select};
use http::StatusCode;
use tokio::{sync::watch, task::JoinHandle};

use super::session::{Hold, Loan, Session};
use crate::{
    body::Upload,
    error::{ApiError, Code, Result},
    reply,
};

/// How many bytes are written at once when the writer blocks.
const BATCH: usize = 512 * 1024;

/// What a body may bring.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// The exact size in bytes, where it is known.
    pub(super) exact: Option<u64>,
    /// How large the whole blob may become.
    pub(super) blob: Option<u64>,
    /// How long the client may rest.
    pub(super) idle: Duration,
}

/// Adds a body to a session. Whatever happens, the session knows afterwards which bytes it has.
pub(super) async fn append(session: &Arc<Session>, hold: Hold, body: Upload, bounds: Bounds) -> Result<Hold> {
    let Hold { loan, superseded } = hold;
    let mut source = Source { body, superseded, left: bounds.exact, room: None, limit: 0, idle: bounds.idle };
    if let Some(limit) = bounds.blob {
        (source.limit, source.room) = (limit, Some(limit.saturating_sub(loan.position())));
    }
    let (loan, outcome) = match loan.is_blocking() {
        true => pump_in_batches(session, loan, &mut source).await?,
        false => pump(session, loan, &mut source).await,
    };
    outcome?;
    match source.left {
        Some(left @ 1..) => Err(wrong_size(&format!("the body is {left} bytes short"))),
        _ => Ok(Hold { loan, superseded: source.superseded }),
    }
}

fn wrong_size(message: &str) -> ApiError {
    ApiError::bad_request(Code::SizeInvalid, message)
}

/// A body with its bounds.
struct Source {
    body: Upload,
    superseded: watch::Receiver<u64>,
    left: Option<u64>,
    room: Option<u64>,
    limit: u64,
    idle: Duration,
}

impl Source {
    async fn next(&mut self) -> Result<Option<Bytes>> {
        let chunk = {
            let next = pin!(tokio::time::timeout(self.idle, self.body.next()));
            let changed = pin!(self.superseded.changed());
            match select(next, changed).await {
                Either::Left((Ok(chunk), _)) => chunk,
                Either::Left((Err(_elapsed), _)) => Some(Err(io::ErrorKind::TimedOut.into())),
                Either::Right(_) => {
                    let message = "another request goes on with this session";
                    return Err(ApiError::new(StatusCode::CONFLICT, Code::BlobUploadInvalid, message));
                }
            }
        };
        let Some(chunk) = chunk.transpose().map_err(|error| reply::broken_body(&error))? else {
            return Ok(None);
        };
        let len = chunk.len() as u64;
        if let Some(room) = &mut self.room {
            *room = room.checked_sub(len).ok_or_else(|| ApiError::too_large("the blob", self.limit))?;
        }
        if let Some(left) = &mut self.left {
            *left = left.checked_sub(len).ok_or_else(|| wrong_size("the body is longer than it said"))?;
        }
        Ok(Some(chunk))
    }
}

/// Writes on the task of the request.
async fn pump(session: &Session, mut loan: Loan, source: &mut Source) -> (Loan, Result<()>) {
    loop {
        let written = match source.next().await {
            Ok(None) => return (loan, Ok(())),
            Ok(Some(chunk)) => loan.write(&chunk).map_err(ApiError::from),
            Err(error) => Err(error),
        };
        session.set_position(loan.position());
        if let Err(error) = written {
            return (loan, Err(error));
        }
    }
}

/// Writes on threads, a batch at a time, while the next batch comes in. No thread waits for the client.
async fn pump_in_batches(session: &Arc<Session>, loan: Loan, source: &mut Source) -> Result<(Loan, Result<()>)> {
    let mut loan = loan;
    let mut ahead = next_batch(source).await;
    loop {
        let (batch, outcome) = ahead;
        if batch.is_empty() {
            return Ok((loan, outcome));
        }
        let writing = write_batch(session, loan, batch);
        if outcome.is_err() {
            let (loan, written) = writing.await.map_err(io::Error::other)?;
            return Ok((loan, written.map_err(ApiError::from).and(outcome)));
        }
        let (next, written) = join(next_batch(source), writing).await;
        let (returned, written) = written.map_err(io::Error::other)?;
        if let Err(error) = written {
            return Ok((returned, Err(error.into())));
        }
        (loan, ahead) = (returned, next);
    }
}

/// Chunks up to the size of a batch, and why there are no more; an empty batch is the end.
async fn next_batch(source: &mut Source) -> (Vec<Bytes>, Result<()>) {
    let (mut batch, mut size) = (Vec::new(), 0);
    while size < BATCH {
        match source.next().await {
            Ok(Some(chunk)) => {
                size += chunk.len();
                batch.push(chunk);
            }
            Ok(None) => break,
            // Somebody else goes on where the session stands, which must not move any more.
            Err(error) if error.status() == StatusCode::CONFLICT => return (Vec::new(), Err(error)),
            Err(error) => return (batch, Err(error)),
        }
    }
    (batch, Ok(()))
}

fn write_batch(session: &Arc<Session>, mut loan: Loan, batch: Vec<Bytes>) -> JoinHandle<(Loan, io::Result<()>)> {
    let session = Arc::clone(session);
    tokio::task::spawn_blocking(move || {
        let written = batch.iter().try_for_each(|chunk| loan.write(chunk));
        session.set_position(loan.position());
        (loan, written)
    })
}
