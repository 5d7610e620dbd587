use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What a request asks for.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[non_exhaustive]
        pub enum RequestKind {
            $($(#[$doc])* $name,)*
        }

        impl RequestKind {
            /// Every kind.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];
        }
    };
}

kinds! {
    /// `GET /v2/`
    Ping,
    /// `GET /v2/_catalog`
    Catalog,
    /// `HEAD /v2/<name>/blobs/<digest>`
    BlobHead,
    /// `GET /v2/<name>/blobs/<digest>`
    BlobGet,
    /// `DELETE /v2/<name>/blobs/<digest>`
    BlobDelete,
    /// `POST /v2/<name>/blobs/uploads/`, mounts and single requests included
    UploadStart,
    /// `GET <location>`
    UploadStatus,
    /// `PATCH <location>`
    UploadChunk,
    /// `PUT <location>`
    UploadFinish,
    /// `DELETE <location>`
    UploadCancel,
    /// `HEAD /v2/<name>/manifests/<tag or digest>`
    ManifestHead,
    /// `GET /v2/<name>/manifests/<tag or digest>`
    ManifestGet,
    /// `PUT /v2/<name>/manifests/<tag or digest>`
    ManifestPut,
    /// `DELETE /v2/<name>/manifests/<tag or digest>`
    ManifestDelete,
    /// `GET /v2/<name>/tags/list`
    TagList,
    /// `GET /v2/<name>/referrers/<digest>`
    Referrers,
    /// `GET` or `POST` of the token server
    Token,
    /// A request to the second origin, to which blob requests are redirected on demand
    SecondOrigin,
    /// Anything else
    Other,
}

/// What a registry has been asked, in numbers.
#[derive(Debug)]
pub struct Counters {
    requests: Vec<AtomicU64>,
    client_errors: AtomicU64,
    server_errors: AtomicU64,
    mounts: AtomicU64,
    received: AtomicU64,
    sent: AtomicU64,
    connections: AtomicU64,
}

impl Counters {
    pub(crate) fn new() -> Self {
        Self {
            requests: RequestKind::ALL.iter().map(|_| AtomicU64::new(0)).collect(),
            client_errors: AtomicU64::new(0),
            server_errors: AtomicU64::new(0),
            mounts: AtomicU64::new(0),
            received: AtomicU64::new(0),
            sent: AtomicU64::new(0),
            connections: AtomicU64::new(0),
        }
    }

    /// How many requests of a kind have come.
    pub fn requests(&self, kind: RequestKind) -> u64 {
        self.requests.get(kind as usize).map_or(0, |count| count.load(Ordering::Relaxed))
    }

    /// How many requests have come in all.
    pub fn total(&self) -> u64 {
        self.requests.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// How many answers had a status from 400 to 499.
    pub fn client_errors(&self) -> u64 {
        self.client_errors.load(Ordering::Relaxed)
    }

    /// How many answers had a status from 500.
    pub fn server_errors(&self) -> u64 {
        self.server_errors.load(Ordering::Relaxed)
    }

    /// How many blobs were mounted.
    pub fn mounts(&self) -> u64 {
        self.mounts.load(Ordering::Relaxed)
    }

    /// How many bytes of request bodies have been read.
    pub fn bytes_received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// How many bytes of answer bodies have been handed out.
    pub fn bytes_sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// How many connections have been accepted.
    pub fn connections(&self) -> u64 {
        self.connections.load(Ordering::Relaxed)
    }

    pub(crate) fn add_request(&self, kind: RequestKind) {
        if let Some(count) = self.requests.get(kind as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_answer(&self, status: http::StatusCode) {
        if status.is_client_error() {
            self.client_errors.fetch_add(1, Ordering::Relaxed);
        } else if status.is_server_error() {
            self.server_errors.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn add_mount(&self) {
        self.mounts.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn add_received(&self, bytes: u64) {
        self.received.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_sent(&self, bytes: u64) {
        self.sent.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn add_connection(&self) {
        self.connections.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_kind() {
        let counters = Counters::new();
        counters.add_request(RequestKind::Ping);
        counters.add_request(RequestKind::Other);
        counters.add_request(RequestKind::Other);
        assert_eq!((counters.requests(RequestKind::Ping), counters.requests(RequestKind::Other)), (1, 2));
        assert_eq!((counters.requests(RequestKind::Token), counters.total()), (0, 3));
    }
}
