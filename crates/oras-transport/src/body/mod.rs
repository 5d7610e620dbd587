//! What travels: the replayable body of a request and the body of a response.

mod progress;
mod request;
mod response;

pub(crate) use progress::{Phase, Progress};
pub use request::HttpBody;
pub(crate) use request::not_replayable;
pub use response::ResponseBody;
