//! Brings an HTTP stack of its own: any tower service can take the place of the wire. Here it is a registry in the same
//! process, so that not even a socket is opened.
//!
//! `cargo run --example own_http`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use std::task::{Context, Poll};

use http_body_util::BodyExt as _;
use oras::content::BoxFuture;
use oras::files::{self, File, PullOptions, PushOptions};
use oras::registry::{RegistryService, Server};
use oras::remote::{RegistryOptions, Repository};
use oras::transport::{HttpClient, Request, Response, ResponseBody};
use oras::{Error, Result};
use tower_service::Service;

/// Carries requests to a service and answers back; with reqwest, curl or a proxy of yours it looks the same.
#[derive(Clone)]
struct InProcess(RegistryService);

impl Service<Request> for InProcess {
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        println!("{} {}", request.method(), request.uri().path());
        let answer = self.0.call(request);
        Box::pin(async move { Ok(answer.await?.map(|body| ResponseBody::new(body.map_err(Error::from)))) })
    }
}

pub(crate) async fn run() -> Result<()> {
    let service = InProcess(Server::builder().service().await?);
    // Retries, redirects and timeouts go around it; `HttpClient::from_service` adds nothing.
    let client = HttpClient::builder().build_over(service);
    let repository = Repository::new("registry.example/demo", RegistryOptions::new().with_transport(client))?;

    files::push(&repository, "v1", [File::from_bytes("hello.txt", "hello")], &PushOptions::new()).await?;
    let dir = tempfile::tempdir()?;
    let pulled = files::pull(&repository, "v1", dir.path(), &PullOptions::new()).await?;
    println!("pulled {} file without a socket", pulled.files().len());
    Ok(())
}

#[tokio::main]
async fn main() -> Result<()> {
    run().await
}
