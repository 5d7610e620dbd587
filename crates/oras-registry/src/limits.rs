use std::time::Duration;

/// How much a registry takes, and how long it waits.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Limits {
    /// The largest manifest in bytes; 4 MiB by default, the least that the distribution specification asks for.
    pub manifest: u64,
    /// The largest blob in bytes; none by default.
    pub blob: Option<u64>,
    /// How many upload sessions may be open at once; 10,000 by default.
    pub sessions: usize,
    /// How long a session may be idle before it is dropped; an hour by default.
    pub session_idle: Duration,
    /// Every chunk but the last must have so many bytes; none by default. It is announced as `OCI-Chunk-Min-Length`.
    pub min_chunk: Option<u64>,
    /// How many tags one `PUT` of a manifest may create; 100 by default. More are answered with 414.
    pub tags_per_manifest: usize,
    /// How many entries a page of referrers or a catalog has at most; 1000 by default.
    pub page_size: usize,
    /// How many connections may be open at once; others wait to be accepted; 10,000 by default.
    pub connections: usize,
    /// How long a connection may rest while bytes are expected from the client, or wait to be taken by it; 60 s by default.
    pub idle: Duration,
    /// How long a shutdown waits for requests that are being answered; 10 s by default.
    pub shutdown: Duration,
    /// How long a token holds; five minutes by default, and never less than the 60 s that clients may assume.
    pub token_lifetime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            manifest: 4 * 1024 * 1024,
            blob: None,
            sessions: 10_000,
            session_idle: Duration::from_secs(3600),
            min_chunk: None,
            tags_per_manifest: 100,
            page_size: 1000,
            connections: 10_000,
            idle: Duration::from_secs(60),
            shutdown: Duration::from_secs(10),
            token_lifetime: Duration::from_secs(300),
        }
    }
}

impl Limits {
    /// The default, with some changes.
    pub fn with(change: impl FnOnce(&mut Self)) -> Self {
        let mut limits = Self::default();
        change(&mut limits);
        limits
    }
}
