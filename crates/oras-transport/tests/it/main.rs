//! What the crate promises, over scripted services and loopback sockets.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests are tests")]
#![expect(clippy::disallowed_methods, reason = "loopback servers run as tasks of their own")]

mod authorize;
mod body;
mod client;
mod headers;
#[cfg(feature = "tracing")]
mod log;
mod proxy;
mod redirect;
mod retry;
mod support;
mod timeouts;
mod tls;
mod wire;
