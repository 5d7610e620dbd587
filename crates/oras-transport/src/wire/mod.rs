//! The wire: hyper over TCP, TLS and proxies.

mod certs;
mod connect;
mod error;
mod names;
mod proxy;
mod stream;
mod tls;

use std::{future::Future, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use http::{
    HeaderValue, Method, Version,
    header::{CONTENT_LENGTH, PROXY_AUTHORIZATION},
};
use http_body::Body as _;
use http_body_util::BodyExt as _;
use hyper_util::{
    client::legacy::Client,
    rt::{TokioExecutor, TokioTimer},
};
use oras_content::Result;

use crate::{
    body::{HttpBody, ResponseBody},
    client::{Request, Response},
    stack::{Head, Next},
};

pub(crate) use connect::Connector;
pub(crate) use proxy::Proxies;
pub(crate) use tls::{Identity, Tls, TlsSettings};

/// hyper's read buffer grows with what arrives, up to this: a blob is read in large pieces, small answers stay small.
/// Half the size costs 3 to 8 % more CPU time, a quarter 17 %, for waking threads; twice the size saves 3 % at twice the
/// memory.
const READ_BUFFER: usize = 1 << 20;

/// A stream may have this many bytes in flight before the other side must wait.
const STREAM_WINDOW: u32 = 1 << 20;
const CONNECTION_WINDOW: u32 = 4 << 20;

/// Registries and their proxies close idle connections after 60 to 120 seconds.
const IDLE_CONNECTION: Duration = Duration::from_secs(50);

/// Sends requests over connections that are kept.
pub(crate) struct Wire {
    client: Client<Connector, HttpBody>,
    proxies: Arc<Proxies>,
}

impl Wire {
    pub(crate) fn new(connector: Connector) -> Self {
        let proxies = connector.proxies();
        let client = Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_CONNECTION)
            .http1_max_buf_size(READ_BUFFER)
            .http2_initial_stream_window_size(STREAM_WINDOW)
            .http2_initial_connection_window_size(CONNECTION_WINDOW)
            .build(connector);
        Self { client, proxies }
    }
}

impl Wire {
    /// A proxy that passes plain requests on reads who asks in each of them.
    fn authorize(&self, request: &mut Request) {
        if request.uri().scheme_str() == Some("http")
            && let Ok(Some(proxy)) = self.proxies.of(request.uri())
            && let Some(value) = proxy.authorization()
        {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value.clone());
        }
    }
}

impl Next for Wire {
    fn send(&self, head: Head, body: HttpBody) -> impl Future<Output = Result<Response>> + Send {
        let mut request = copy(&head).map(|()| body);
        *request.version_mut() = Version::HTTP_11;
        let has_content = matches!(*request.method(), Method::POST | Method::PUT | Method::PATCH);
        // hyper says nothing about a body that it does not send, and some registries answer 411.
        if has_content && request.body().is_end_stream() {
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        self.authorize(&mut request);
        let sending = crate::log::sending(&request);
        let answer = self.client.request(request);
        sending.wait(answer.map(move |answer| match answer {
            Ok(response) => {
                Ok(response.map(|body| ResponseBody::new(body.map_err(move |error| error::reading(head.uri(), error)))))
            }
            Err(error) => Err(error::sending(head.uri(), error)),
        }))
    }
}

/// A head for hyper to take. Extensions stay behind: they say nothing to hyper.
fn copy(head: &http::Request<()>) -> http::Request<()> {
    let mut copy = http::Request::new(());
    *copy.method_mut() = head.method().clone();
    *copy.uri_mut() = head.uri().clone();
    *copy.headers_mut() = head.headers().clone();
    copy
}
