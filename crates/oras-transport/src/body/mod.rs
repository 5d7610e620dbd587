//! What travels: the replayable body of a request and the body of a response.

mod request;
mod response;

pub use request::HttpBody;
pub use response::ResponseBody;
