use std::{io, net::TcpListener, path::PathBuf, sync::Arc};

use super::Server;
use crate::{
    auth::{Accounts, Auth, AuthScheme},
    behaviour::Behaviour,
    clock::Clock,
    limits::Limits,
    registry::{Options, Registry},
    service::RegistryService,
    storage::{Disk, Durability, Free, Memory, Storage},
    tls::Tls,
};

/// What a registry is to be: where its content lives, who may do what, and how much it takes.
#[derive(Debug)]
#[must_use]
pub struct Builder {
    options: Options,
    auth: Option<(AuthScheme, Accounts)>,
    clock: Clock,
    behaviour: Behaviour,
    second_origin: bool,
    place: Place,
    sync: bool,
    tls: Option<Tls>,
    client_roots: Option<Vec<u8>>,
}

/// Where content lives.
#[derive(Debug)]
enum Place {
    Memory,
    Disk(PathBuf),
    Nowhere(Option<PathBuf>),
}

impl Builder {
    pub(super) fn new() -> Self {
        let options = Options {
            limits: Limits::default(),
            read_only: false,
            deletes: true,
            sparse: false,
            automatic_mount: true,
            recorded: 0,
        };
        Self {
            options,
            auth: None,
            clock: Clock::system(),
            behaviour: Behaviour::default(),
            second_origin: false,
            place: Place::Memory,
            sync: true,
            tls: None,
            client_roots: None,
        }
    }

    /// Keeps content in a directory: each repository is an ordinary image layout, `ROOT/<name>/_oci`, and sessions are
    /// continued after a restart. Without it everything is in memory.
    pub fn with_root(mut self, root: impl Into<PathBuf>) -> Self {
        self.place = Place::Disk(root.into());
        self
    }

    /// Keeps nothing, to measure clients with: uploads are counted and forgotten, no digest is checked, and what can be
    /// pulled is what lies in an image layout, under the name of any repository.
    pub fn with_nothing_kept(mut self, layout: Option<PathBuf>) -> Self {
        self.place = Place::Nowhere(layout);
        self
    }

    /// Speaks TLS, with a chain of certificates and its key as PEM. HTTP/2 is offered, too.
    pub fn with_tls(mut self, certificates: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.tls = Some(Tls { certificates: certificates.into(), key: key.into() });
        self
    }

    /// Lets in only clients whose certificate comes from these authorities, as PEM; it needs [`with_tls`](Self::with_tls).
    pub fn with_client_authorities(mut self, roots: impl Into<Vec<u8>>) -> Self {
        self.client_roots = Some(roots.into());
        self
    }

    /// Whether files are forced to the disk before a request is answered, so that what was acknowledged survives a loss of
    /// power; it is on by default.
    pub fn with_sync(mut self, sync: bool) -> Self {
        self.sync = sync;
        self
    }

    /// Asks clients who they are; without it everyone may do everything.
    pub fn with_auth(mut self, scheme: AuthScheme, accounts: Accounts) -> Self {
        self.auth = Some((scheme, accounts));
        self
    }

    /// Sets how much the registry takes.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.options.limits = limits;
        self
    }

    /// Answers 405 to everything that writes.
    pub fn with_read_only(mut self, read_only: bool) -> Self {
        self.options.read_only = read_only;
        self
    }

    /// Whether tags, manifests and blobs can be deleted; they can by default.
    pub fn with_deletes(mut self, deletes: bool) -> Self {
        self.options.deletes = deletes;
        self
    }

    /// Whether a manifest may point to content that is not there; by default it is refused with
    /// `MANIFEST_BLOB_UNKNOWN`.
    pub fn with_sparse(mut self, sparse: bool) -> Self {
        self.options.sparse = sparse;
        self
    }

    /// Whether a mount without `from` looks for the blob in every repository that the caller may read; it does by default.
    pub fn with_automatic_mount(mut self, automatic: bool) -> Self {
        self.options.automatic_mount = automatic;
        self
    }

    /// Takes the time of upload sessions and tokens from another clock.
    pub fn with_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// Sets how the registry deviates from what the specification asks.
    pub fn with_behaviour(mut self, behaviour: Behaviour) -> Self {
        self.behaviour = behaviour;
        self
    }

    /// Opens a second origin beside, on a port of its own, for [`Redirect::SecondOrigin`](crate::Redirect::SecondOrigin).
    pub fn with_second_origin(mut self) -> Self {
        self.second_origin = true;
        self
    }

    /// Keeps the last requests, so that tests can look at them.
    pub fn with_recorded_requests(mut self, limit: usize) -> Self {
        self.options.recorded = limit;
        self
    }

    /// The registry as a service, without a socket. There is no second origin then.
    ///
    /// # Errors
    ///
    /// What opening the storage gives.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves a storage directory that can be opened again.
    pub async fn service(self) -> io::Result<RegistryService> {
        Ok(RegistryService::new(Arc::new(self.registry().await?)))
    }

    /// Serves on a port that the system chooses, of 127.0.0.1.
    ///
    /// # Errors
    ///
    /// What binding, or opening the storage, gives.
    ///
    /// # Cancel safety
    ///
    /// As [`serve`](Self::serve).
    pub async fn start(self) -> io::Result<Server> {
        self.serve(TcpListener::bind(("127.0.0.1", 0))?).await
    }

    /// Serves on a listener.
    ///
    /// # Errors
    ///
    /// What binding the second origin, or opening the storage, gives;
    /// [`InvalidInput`](io::ErrorKind::InvalidInput) for a certificate or key that cannot be used.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future closes the listener; a storage directory can be opened again.
    pub async fn serve(self, listener: TcpListener) -> io::Result<Server> {
        let second = match self.second_origin {
            true => Some(TcpListener::bind((listener.local_addr()?.ip(), 0))?),
            false => None,
        };
        let tls = match (&self.tls, &self.client_roots) {
            (Some(tls), roots) => Some(tls.acceptor(roots.as_deref())?),
            (None, None) => None,
            (None, Some(_)) => {
                let message = "clients can only be asked for certificates by TLS";
                return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
            }
        };
        let mut registry = self.registry().await?;
        if let Some(second) = &second {
            registry.set_second_origin(format!("http://{}", second.local_addr()?));
        }
        Server::run(Arc::new(registry), listener, second, tls)
    }

    async fn registry(self) -> io::Result<Registry> {
        let storage: Box<dyn Storage> = match &self.place {
            Place::Memory => Box::new(Memory::default()),
            Place::Disk(root) => Box::new(Disk::open(root, Durability(self.sync)).await?),
            Place::Nowhere(layout) => Box::new(Free::open(layout.as_deref())?),
        };
        let auth = self.auth.map(|(scheme, accounts)| Auth::new(scheme, accounts, self.clock.clone()));
        let mut registry = Registry::new(storage, self.options, auth, self.clock);
        registry.sessions().take_over(registry.storage().left_over().await?);
        if self.tls.is_some() {
            registry.set_tls();
        }
        registry.set_behaviour(self.behaviour);
        Ok(registry)
    }
}
