use std::{
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures_core::future::BoxFuture;
use http::Uri;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::{client::legacy::connect::HttpConnector, rt::TokioIo};
use oras_content::{Error, ErrorKind, Result};
use tokio::net::TcpStream;
use tower_service::Service;

use super::{
    names::Names,
    proxy::{Proxies, Proxy, tunnel},
    stream::Stream,
    tls::Tls,
};
use crate::headers::redacted;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Makes connections: directly or through a proxy, plain or with TLS.
#[derive(Clone)]
pub(crate) struct Connector {
    tcp: HttpConnector<Names>,
    tls: Arc<Tls>,
    proxies: Arc<Proxies>,
    timeout: Duration,
}

impl Connector {
    pub(crate) fn new(tls: Tls, proxies: Arc<Proxies>, timeout: Duration) -> Self {
        let mut tcp = HttpConnector::new_with_resolver(Names::new());
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(Duration::from_secs(30)));
        // Of several addresses, one that does not answer leaves time for the others.
        tcp.set_connect_timeout(Some(timeout));
        Self { tcp, tls: Arc::new(tls), proxies, timeout }
    }

    pub(super) fn proxies(&self) -> Arc<Proxies> {
        Arc::clone(&self.proxies)
    }

    async fn connect(mut self, uri: Uri) -> Result<Stream, BoxError> {
        let is_https = uri.scheme_str() == Some("https");
        let proxies = Arc::clone(&self.proxies);
        let proxy = proxies.of(&uri)?;
        if !is_https {
            let to = proxy.map_or(&uri, Proxy::uri).clone();
            let io = MaybeHttpsStream::Http(dial(&mut self.tcp, to).await?);
            return Ok(Stream { io, to_proxy: proxy.is_some() });
        }
        let config = self.tls.config(&uri).await?;
        let io = match proxy {
            None => HttpsConnector::from((self.tcp, config)).call(uri).await?,
            Some(proxy) => {
                let mut tunnel = dial(&mut self.tcp, proxy.uri().clone()).await?;
                self::tunnel(tunnel.inner_mut(), proxy, &uri).await?;
                HttpsConnector::from((Ready(Some(tunnel)), config)).call(uri).await?
            }
        };
        Ok(Stream { io, to_proxy: false })
    }
}

async fn dial(tcp: &mut HttpConnector<Names>, to: Uri) -> Result<TokioIo<TcpStream>, BoxError> {
    std::future::poll_fn(|cx| tcp.poll_ready(cx)).await?;
    Ok(tcp.call(to).await?)
}

/// A connection that is there already, for what makes TLS out of connections.
struct Ready(Option<TokioIo<TcpStream>>);

impl Service<Uri> for Ready {
    type Response = TokioIo<TcpStream>;
    type Error = BoxError;
    type Future = std::future::Ready<Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        std::future::ready(self.0.take().ok_or_else(|| "the tunnel was taken".into()))
    }
}

impl Service<Uri> for Connector {
    type Response = Stream;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Stream, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let this = self.clone();
        Box::pin(async move {
            let timeout = this.timeout;
            let late = format!("no connection to {} within {} s", redacted(&uri), timeout.as_secs_f64());
            match tokio::time::timeout(timeout, this.connect(uri)).await {
                Ok(connected) => connected,
                Err(_elapsed) => Err(Error::new(ErrorKind::Timeout, late).with_retryable(true).into()),
            }
        })
    }
}
