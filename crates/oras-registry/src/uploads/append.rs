use std::{io, pin::pin, sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::future::{Either, select};
use http::StatusCode;
use tokio::sync::{mpsc, watch};

use super::session::{Hold, Loan, Session};
use crate::{
    body::Upload,
    error::{ApiError, Code, Result},
    reply,
};

/// How many chunks wait between the network and a writer that blocks.
const CHANNEL_DEPTH: usize = 4;

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
        true => pump_to_thread(session, loan, &mut source).await?,
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

/// Writes on a thread that ends with the body, with the first failure, or when the request is dropped.
async fn pump_to_thread(session: &Arc<Session>, loan: Loan, source: &mut Source) -> Result<(Loan, Result<()>)> {
    let (sender, receiver) = mpsc::channel(CHANNEL_DEPTH);
    let thread = {
        let session = Arc::clone(session);
        tokio::task::spawn_blocking(move || write_all(&session, loan, receiver))
    };
    let mut outcome = Ok(());
    loop {
        match source.next().await {
            Ok(Some(chunk)) => {
                if sender.send(chunk).await.is_err() {
                    break;
                }
            }
            Ok(None) => break,
            Err(error) => {
                outcome = Err(error);
                break;
            }
        }
    }
    drop(sender);
    let (loan, written) = thread.await.map_err(io::Error::other)?;
    written?;
    Ok((loan, outcome))
}

fn write_all(session: &Session, mut loan: Loan, mut chunks: mpsc::Receiver<Bytes>) -> (Loan, io::Result<()>) {
    while let Some(chunk) = chunks.blocking_recv() {
        let written = loan.write(&chunk);
        session.set_position(loan.position());
        if written.is_err() {
            return (loan, written);
        }
    }
    (loan, Ok(()))
}
