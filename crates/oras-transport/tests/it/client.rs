//! The handle: any service below it, and it as a service.

use std::task::{Context, Poll};

use futures_util::future::BoxFuture;
use oras_content::{Error, ErrorKind, Result};
use oras_transport::{HttpClient, Request, Response};
use tower::{Service, ServiceExt as _};

use crate::support::{answer, get, service};

/// A service each clone of which is ready when it is asked for the second time, and fails when it is asked again.
struct Slow<S> {
    asked: u32,
    inner: S,
}

impl<S: Clone> Clone for Slow<S> {
    fn clone(&self) -> Self {
        Self { asked: 0, inner: self.inner.clone() }
    }
}

impl<S> Service<Request> for Slow<S>
where
    S: Service<Request, Response = Response, Error = Error, Future = BoxFuture<'static, Result<Response>>>,
{
    type Response = Response;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Response>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<()>> {
        self.asked += 1;
        cx.waker().wake_by_ref();
        match self.asked {
            1 => Poll::Pending,
            2 => Poll::Ready(Ok(())),
            _ => Poll::Ready(Err(Error::unsupported("asking again"))),
        }
    }

    fn call(&mut self, request: Request) -> Self::Future {
        assert_eq!(self.asked, 2, "called before it was ready");
        self.inner.call(request)
    }
}

#[tokio::test]
async fn a_service_that_is_not_ready_is_waited_for() {
    let (inner, log) = service(|_, _| std::future::ready(Ok(answer(200, &[]))));
    let client = HttpClient::from_service(Slow { asked: 0, inner });
    for _ in 0..2 {
        assert_eq!(client.send(get("https://r.example/v2/")).await.unwrap().status(), 200);
    }
    let mut own = client.clone();
    assert_eq!(own.ready().await.unwrap().call(get("https://r.example/v2/")).await.unwrap().status(), 200);
    assert_eq!(log.len(), 3);
    let again = own.ready().await.map(drop).unwrap_err();
    assert_eq!(again.kind(), ErrorKind::Unsupported, "the handle goes on with the service that it made ready");
}

#[tokio::test]
async fn a_service_that_never_gets_ready_fails_the_request() {
    let (inner, log) = service(|_, _| std::future::ready(Ok(answer(200, &[]))));
    let client = HttpClient::from_service(Broken(inner));
    assert_eq!(client.send(get("https://r.example/v2/")).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert_eq!(log.len(), 0);
}

#[derive(Clone)]
struct Broken<S>(S);

impl<S: Service<Request, Response = Response, Error = Error>> Service<Request> for Broken<S> {
    type Response = Response;
    type Error = Error;
    type Future = S::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Err(Error::new(ErrorKind::Timeout, "never ready")))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.0.call(request)
    }
}
