//! What a registry answers instead of what was asked for.

mod code;
mod entry;
mod refusal;
mod response;

pub use code::ErrorCode;
pub use entry::RegistryError;
pub use response::ResponseError;

/// How much of an error document is read. Real ones have some hundred bytes; what is longer is no error document.
pub(crate) const ERROR_LIMIT: usize = 8 << 10;
