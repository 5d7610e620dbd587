//! A registry on a socket.

mod accept;
mod builder;
mod connection;
mod link;

use std::{
    fmt, io,
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::Arc,
    time::Duration,
};

use tokio::{sync::watch, task::JoinSet};
use tokio_rustls::TlsAcceptor;

pub use builder::Builder;
pub(crate) use link::Link;

use crate::{behaviour::Behaviour, counters::Counters, record::RequestRecord, registry::Registry};
use accept::{Acceptor, Origin};

/// How often sessions are looked at that nobody comes back to.
const SWEEP_INTERVAL: Duration = Duration::from_secs(30);

/// A registry that serves on a socket, until it is shut down or dropped.
///
/// # Cancel safety
///
/// Dropping a server ends all its connections at once; [`shutdown`](Self::shutdown) lets them finish.
pub struct Server {
    registry: Arc<Registry>,
    addr: SocketAddr,
    second_addr: Option<SocketAddr>,
    is_tls: bool,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
}

impl Server {
    /// A registry in memory without auth, unless it is changed.
    pub fn builder() -> Builder {
        Builder::new()
    }

    fn run(
        registry: Arc<Registry>,
        listener: TcpListener,
        second: Option<TcpListener>,
        tls: Option<TlsAcceptor>,
    ) -> io::Result<Self> {
        let (stop, stopped) = watch::channel(false);
        let mut server = Self {
            registry,
            addr: listener.local_addr()?,
            second_addr: second.as_ref().map(TcpListener::local_addr).transpose()?,
            is_tls: tls.is_some(),
            stop,
            tasks: JoinSet::new(),
        };
        server.accept(listener, tls, Origin::Registry, stopped.clone())?;
        if let Some(second) = second {
            server.accept(second, None, Origin::Second, stopped)?;
        }
        let registry = Arc::downgrade(&server.registry);
        server.tasks.spawn(async move {
            loop {
                tokio::time::sleep(SWEEP_INTERVAL).await;
                let Some(registry) = registry.upgrade() else { return };
                registry.sessions().sweep().await;
            }
        });
        Ok(server)
    }

    fn accept(
        &mut self,
        listener: TcpListener,
        tls: Option<TlsAcceptor>,
        origin: Origin,
        stop: watch::Receiver<bool>,
    ) -> io::Result<()> {
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let registry = Arc::clone(&self.registry);
        self.tasks.spawn(Acceptor { registry, listener, tls, origin, stop }.run());
        Ok(())
    }

    /// The address that is served.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Host and port, as they stand in a reference. For 127.0.0.1 the host is `localhost`: careful clients
    /// refuse a token server at a literal address.
    pub fn host(&self) -> String {
        if self.addr.ip() == Ipv4Addr::LOCALHOST {
            return format!("localhost:{}", self.addr.port());
        }
        self.addr.to_string()
    }

    /// Scheme, host and port.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.is_tls { "https" } else { "http" }, self.host())
    }

    /// The address of the second origin, if there is one.
    pub fn second_addr(&self) -> Option<SocketAddr> {
        self.second_addr
    }

    /// What the registry has been asked so far.
    pub fn counters(&self) -> &Counters {
        self.registry.counters()
    }

    /// Sets how the registry deviates from what the specification asks, from the next request on.
    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.registry.set_behaviour(behaviour);
    }

    /// The last requests, oldest first, as many as [`Builder::with_recorded_requests`] asked to keep.
    pub fn requests(&self) -> Vec<RequestRecord> {
        self.registry.records().all()
    }

    /// How many upload sessions are open.
    pub fn open_sessions(&self) -> usize {
        self.registry.sessions().len()
    }

    /// Accepts nothing more, and waits until what is being answered has ended, up to the limit.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future ends all connections at once.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        // The sweep never ends by itself; those that accept do.
        let accepting = if self.second_addr.is_some() { 2 } else { 1 };
        for _ in 0..accepting {
            self.tasks.join_next().await;
        }
        self.tasks.shutdown().await;
    }
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("url", &self.url()).finish_non_exhaustive()
    }
}
