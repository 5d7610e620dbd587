//! Who somebody is to a registry: credentials, challenges, scopes and tokens, as one layer around an HTTP client.
//!
//! A request goes through [`AuthLayer`] with the [`Scopes`] that its operation needs in its extensions. When the registry
//! answers with a [`Challenge`], a [`CredentialProvider`] is asked who to be, a token server perhaps for a token, and the
//! request is sent again. What a registry wants, and the tokens it takes, are kept in a [`TokenCache`], so later requests
//! say at once what is needed. No credential goes to another origin than the one that was asked, and none to a token server
//! that could not be meant.
//!
//! ```
//! use oras_auth::{AuthLayer, Credential, Scope, Scopes, StaticCredential};
//! use oras_transport::{HttpBody, HttpClient, Request, Response, ResponseBody};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! // A registry for this example, which wants a password.
//! let registry = tower::service_fn(|request: Request| async move {
//!     let known = request.headers().contains_key("authorization");
//!     let response = if known {
//!         http::Response::builder().status(200)
//!     } else {
//!         let wanted = "Basic realm=example";
//!         http::Response::builder().status(401).header("www-authenticate", wanted)
//!     };
//!     Ok(response.body(ResponseBody::empty()).expect("a valid response"))
//! });
//! let me = Credential::password("me", "secret");
//! let me = StaticCredential::new("registry.example", me);
//! let client = HttpClient::builder().build_over(registry).layer(&AuthLayer::new(me));
//!
//! let request = http::Request::get("https://registry.example/v2/app/tags/list")
//!     .extension(Scopes::of([Scope::pull("app")]))
//!     .body(HttpBody::empty())
//!     .expect("a valid request");
//! assert_eq!(client.send(request).await?.status(), 200);
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `tracing`: the spans of `oras-transport`, in which token requests appear without their secrets.
//!
//! # Errors
//!
//! Where nobody can be identified, requests fail with kind [`Unauthorized`](oras_content::ErrorKind::Unauthorized) and an
//! [`AuthError`] as source. A registry that refuses who was identified has answered: its response is returned, and
//! [`Refused`] among its extensions says whom it refused what.

mod cache;
mod challenge;
mod credential;
mod error;
mod fetch;
mod flight;
mod grant;
mod grants;
mod layer;
mod provider;
mod realm;
mod scope;
mod service;
mod target;
mod token;

pub use cache::TokenCache;
pub use challenge::Challenge;
pub use credential::Credential;
pub use error::{AuthError, Refused};
pub use layer::{AuthLayer, AuthLayerBuilder};
pub use provider::{Anonymous, CredentialProvider, CredentialStore, StaticCredential};
pub use scope::{Scope, Scopes};
pub use service::AuthService;

pub use oras_content::BoxFuture;
