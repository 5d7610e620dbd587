//! HTTP for registries: replayable bodies, redirects, retry, timeouts, TLS.
//!
//! A [`Request`] with an [`HttpBody`] goes into an [`HttpClient`], a [`Response`] with a [`ResponseBody`] comes out. On the
//! way it is sent again when it failed for now and its body can be given again; redirects are followed, and no credential
//! follows to another [`Origin`]; each host is asked within its [limits](HostLimits), and not while it asked to be left
//! alone; what does not move any more ends by a [timeout](Timeouts). Any tower service can take the place of the wire, and
//! layers go around.
//!
//! ```
//! use oras_transport::{HttpBody, HttpClient, Request, Response, ResponseBody};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! // A registry for this example; `HttpClient::new()` asks real ones.
//! let registry = tower::service_fn(|_: Request| async {
//!     Ok(Response::new(ResponseBody::from_bytes("{}".into())))
//! });
//! let client = HttpClient::builder().build_over(registry);
//!
//! let request = http::Request::get("https://registry.example/v2/");
//! let request = request.body(HttpBody::empty()).expect("a valid request");
//! let response = client.send(request).await?;
//! assert_eq!(response.into_body().bytes(1024).await?, "{}");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tracing`: a span for each request and retry, with host, bytes and time, target `oras::http`; secrets are removed.
//!
//! # Errors
//!
//! A request without a response fails with [`oras_content::Error`]; an error of its body comes back as it was. A response
//! of any status is a response.

mod authorize;
mod body;
mod builder;
mod client;
mod headers;
mod log;
mod options;
mod origin;
mod stack;
mod wire;

pub use authorize::{Authorize, Authorizer};
pub use body::{HttpBody, ResponseBody};
pub use builder::HttpClientBuilder;
pub use client::{HttpClient, Request, Response};
pub use headers::{Link, RateLimit, Warning, WarningHandler, redacted, resolve, retry_after};
pub use options::RequestOptions;
pub use origin::Origin;
pub use stack::{Attempt, FinalUri, HostLimits, Retries, RetryPolicy, Timeouts};
