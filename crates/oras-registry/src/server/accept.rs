use std::{io, sync::Arc, time::Duration};

use futures_util::future::BoxFuture;
use http::{Request, Response};
use hyper::{body::Incoming, service::Service};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::{conn::auto, graceful::GracefulShutdown},
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    task::JoinSet,
};
use tokio_rustls::TlsAcceptor;

use super::{
    Link,
    connection::{Connection, Transport},
};
use crate::{
    body::{Body, Upload},
    registry::Registry,
};

/// Room for the head of a request and for what is read of its body at once. Larger uploads take fewer reads.
const READ_BUFFER: usize = 512 * 1024;

/// How long the head of a request may take.
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// How long a listener rests that has no sockets left, rather than spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Which of the two origins a listener is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Origin {
    Registry,
    Second,
}

/// What turns requests of a connection into answers.
#[derive(Clone)]
struct Handler {
    registry: Arc<Registry>,
    origin: Origin,
    link: Link,
}

impl Service<Request<Incoming>> for Handler {
    type Response = Response<Body>;
    type Error = io::Error;
    type Future = BoxFuture<'static, io::Result<Response<Body>>>;

    fn call(&self, request: Request<Incoming>) -> Self::Future {
        let registry = Arc::clone(&self.registry);
        let (mut head, body) = request.into_parts();
        head.extensions.insert(self.link.clone());
        match self.origin {
            Origin::Registry => {
                let body = self.link.watch(Upload::new(body));
                Box::pin(async move { registry.answer(head, body).await })
            }
            Origin::Second => Box::pin(async move { registry.answer_signed(head).await }),
        }
    }
}

/// A listener and all its connections.
pub(super) struct Acceptor {
    pub(super) registry: Arc<Registry>,
    pub(super) listener: TcpListener,
    pub(super) tls: Option<TlsAcceptor>,
    pub(super) origin: Origin,
    pub(super) stop: watch::Receiver<bool>,
}

impl Acceptor {
    /// Accepts until told to stop, then waits for what is being answered, up to the limit.
    pub(super) async fn run(mut self) {
        let mut connections = JoinSet::new();
        let graceful = GracefulShutdown::new();
        let room = Arc::new(Semaphore::new(self.registry.limits().connections));
        loop {
            let Ok(permit) = Arc::clone(&room).acquire_owned().await else { return };
            let Some(stream) = self.accept().await else { break };
            self.registry.counters().add_connection();
            let (registry, tls, origin) = (Arc::clone(&self.registry), self.tls.clone(), self.origin);
            let watcher = graceful.watcher();
            connections.spawn(async move {
                let _permit = permit;
                let served = match tls {
                    None => serve(registry, stream, origin, watcher).await,
                    Some(tls) => match tokio::time::timeout(HEAD_TIMEOUT, tls.accept(stream)).await {
                        Ok(Ok(stream)) => serve(registry, stream, origin, watcher).await,
                        Ok(Err(error)) => Err(error.into()),
                        Err(error) => Err(error.into()),
                    },
                };
                if let Err(error) = served {
                    tracing::debug!(%error, "a connection ended early");
                }
            });
            while connections.try_join_next().is_some() {}
        }
        let limit = self.registry.limits().shutdown;
        drop(self.listener);
        if tokio::time::timeout(limit, graceful.shutdown()).await.is_err() {
            tracing::warn!("connections are cut that did not end in time");
        }
        connections.shutdown().await;
    }

    /// The next connection; nothing when it is time to stop.
    async fn accept(&mut self) -> Option<TcpStream> {
        loop {
            let accepted = {
                let stopped = std::pin::pin!(self.stop.wait_for(|stop| *stop));
                let accepted = std::pin::pin!(self.listener.accept());
                match futures_util::future::select(stopped, accepted).await {
                    futures_util::future::Either::Left(_) => return None,
                    futures_util::future::Either::Right((accepted, _)) => accepted,
                }
            };
            match accepted {
                Ok((stream, _)) => {
                    // Small answers are not to wait for more; where it cannot be set, they wait.
                    let _ = stream.set_nodelay(true);
                    return Some(stream);
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

async fn serve(
    registry: Arc<Registry>,
    stream: impl Transport,
    origin: Origin,
    watcher: hyper_util::server::graceful::Watcher,
) -> Result<(), BoxError> {
    let link = Link::default();
    let connection = Connection::new(stream, link.clone(), registry.limits().idle);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(READ_BUFFER);
    builder.http2().timer(TokioTimer::new()).max_concurrent_streams(256).adaptive_window(true);
    let handler = Handler { registry, origin, link };
    watcher.watch(builder.serve_connection(TokioIo::new(connection), handler).into_owned()).await
}
