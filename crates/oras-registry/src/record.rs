use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError},
    time::Instant,
};

use http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts};

use crate::counters::RequestKind;

/// A request that was answered, for tests that look at exact traffic.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RequestRecord {
    /// What it asked for.
    pub kind: RequestKind,
    /// Its method.
    pub method: Method,
    /// Its path and query, as they came.
    pub target: String,
    /// Its headers. Of `Authorization` only the scheme is kept.
    pub headers: HeaderMap,
    /// The status of the answer; none when the connection was reset in its place.
    pub status: Option<StatusCode>,
}

/// What the log says of a request. Queries are left out: they may hold what is not for everybody.
pub(crate) struct LogLine {
    method: Method,
    path: String,
    start: Instant,
}

impl LogLine {
    pub(crate) fn new(head: &Parts) -> Self {
        Self { method: head.method.clone(), path: head.uri.path().to_owned(), start: Instant::now() }
    }

    pub(crate) fn write(self, status: Option<StatusCode>) {
        let Self { method, path, start } = self;
        let status = status.map(|status| status.as_u16()).unwrap_or_default();
        let millis = start.elapsed().as_millis();
        tracing::info!(%method, path, status, millis, "answered");
    }
}

/// The last requests.
#[derive(Debug)]
pub(crate) struct Records {
    limit: usize,
    last: Mutex<VecDeque<RequestRecord>>,
}

impl Records {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit, last: Mutex::default() }
    }

    /// What is known before the answer; nothing when nobody wants to know.
    pub(crate) fn begin(&self, kind: RequestKind, head: &Parts) -> Option<RequestRecord> {
        if self.limit == 0 {
            return None;
        }
        let mut headers = head.headers.clone();
        if let Some(value) = headers.get_mut(header::AUTHORIZATION) {
            let scheme = value.to_str().ok().and_then(|text| text.split(' ').next()).unwrap_or_default();
            *value = HeaderValue::from_str(scheme).unwrap_or(HeaderValue::from_static(""));
        }
        let target = head.uri.path_and_query().map(ToString::to_string).unwrap_or_default();
        Some(RequestRecord { kind, method: head.method.clone(), target, headers, status: None })
    }

    pub(crate) fn end(&self, record: Option<RequestRecord>, status: Option<StatusCode>) {
        let Some(mut record) = record else { return };
        record.status = status;
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.len() >= self.limit {
            last.pop_front();
        }
        last.push_back(record);
    }

    pub(crate) fn all(&self) -> Vec<RequestRecord> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}
