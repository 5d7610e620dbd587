//! HTTP for registries: replayable bodies, redirects, retry, timeouts, TLS.

mod body;
mod client;
mod options;
mod origin;

pub use body::{HttpBody, ResponseBody};
pub use client::{HttpClient, Request, Response};
pub use options::RequestOptions;
pub use origin::Origin;
