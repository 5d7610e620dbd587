use std::fmt;

use bytes::Bytes;
use futures_util::{StreamExt as _, stream};
use oras_content::{BoxStream, Error, ErrorKind, Result};
use oras_transport::{Response, ResponseBody};

/// What a [`ScriptedService`](super::ScriptedService) gives: a response, an error, or nothing at all.
#[derive(Clone)]
pub struct Reply {
    outcome: Outcome,
    headers: Vec<(String, String)>,
    chunks: Vec<Bytes>,
    end: End,
    reads: Option<u64>,
}

#[derive(Clone)]
enum Outcome {
    Status(u16),
    Error(Error),
    Nothing,
}

/// How the body of a response ends.
#[derive(Clone)]
enum End {
    Whole,
    Error(Error),
    Nothing,
}

fn reset() -> Error {
    Error::new(ErrorKind::Io, "connection reset").with_retryable(true)
}

impl Reply {
    /// A response of a status, without a body yet.
    pub fn status(status: u16) -> Self {
        Self::new(Outcome::Status(status))
    }

    /// No response: the request fails with `error` after its body was read.
    pub fn error(error: Error) -> Self {
        Self::new(Outcome::Error(error))
    }

    /// No response: the connection is reset, which may pass, when at least `bytes` bytes of the request's body were read.
    pub fn reset_after(bytes: u64) -> Self {
        Self { reads: Some(bytes), ..Self::error(reset()) }
    }

    /// No response, ever.
    pub fn stall() -> Self {
        Self::new(Outcome::Nothing)
    }

    fn new(outcome: Outcome) -> Self {
        Self { outcome, headers: Vec::new(), chunks: Vec::new(), end: End::Whole, reads: None }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Adds a chunk to the body.
    #[must_use]
    pub fn body(mut self, chunk: impl Into<Bytes>) -> Self {
        self.chunks.push(chunk.into());
        self
    }

    /// Resets the connection, which may pass, after the chunks of the body.
    #[must_use]
    pub fn then_reset(self) -> Self {
        self.then_error(reset())
    }

    /// Fails after the chunks of the body.
    #[must_use]
    pub fn then_error(mut self, error: Error) -> Self {
        self.end = End::Error(error);
        self
    }

    /// Stands still for good after the chunks of the body.
    #[must_use]
    pub fn then_stall(mut self) -> Self {
        self.end = End::Nothing;
        self
    }

    /// Answers before the request's body is read to its end, when at least `bytes` bytes of it were read.
    #[must_use]
    pub fn early(mut self, bytes: u64) -> Self {
        self.reads = Some(bytes);
        self
    }

    /// How much of the request's body is read; none for all of it.
    pub(super) fn reads(&self) -> Option<u64> {
        self.reads
    }

    pub(super) async fn give(self) -> Result<Response> {
        let status = match self.outcome {
            Outcome::Status(status) => status,
            Outcome::Error(error) => return Err(error),
            Outcome::Nothing => std::future::pending().await,
        };
        let mut response = http::Response::builder().status(status);
        for (name, value) in self.headers {
            response = response.header(name, value);
        }
        let body = match self.end {
            End::Whole if self.chunks.len() < 2 => {
                ResponseBody::from_bytes(self.chunks.into_iter().next().unwrap_or_default())
            }
            end => ResponseBody::from_stream(body(self.chunks, end)),
        };
        response
            .body(body)
            .map_err(|error| Error::new(ErrorKind::Other, "the script has a bad reply").with_source(error))
    }
}

fn body(chunks: Vec<Bytes>, end: End) -> BoxStream<'static, Result<Bytes>> {
    let chunks = stream::iter(chunks).map(Ok);
    match end {
        End::Whole => chunks.boxed(),
        End::Error(error) => chunks.chain(stream::once(std::future::ready(Err(error)))).boxed(),
        End::Nothing => chunks.chain(stream::pending()).boxed(),
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Reply");
        match &self.outcome {
            Outcome::Status(status) => debug.field("status", status),
            Outcome::Error(error) => debug.field("error", error),
            Outcome::Nothing => debug.field("stalls", &true),
        };
        debug.field("headers", &self.headers).field("chunks", &self.chunks.len()).finish_non_exhaustive()
    }
}
