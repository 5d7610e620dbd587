//! Headers and URLs that registries answer with, read by parsers that never fail on foreign input: what cannot be read is
//! not there.

mod link;
mod rate_limit;
mod retry_after;
mod scan;
mod url;
mod warning;

pub use link::Link;
pub use rate_limit::RateLimit;
pub use retry_after::retry_after;
pub use url::{redacted, resolve};
pub use warning::{Warning, WarningHandler};

pub(crate) use warning::WarningLog;
