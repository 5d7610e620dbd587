//! HTTP for registries - replayable bodies, redirects, retry, timeouts, TLS.
