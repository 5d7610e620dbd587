use std::{
    collections::HashMap,
    fmt, io,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use tokio::sync::{OwnedMutexGuard, watch};

use crate::{
    clock::Clock,
    error::{ApiError, Code, Result},
    storage::{LeftOver, Writer},
};

/// A writer on loan.
pub(super) type Loan = OwnedMutexGuard<Box<dyn Writer>>;

/// All sessions that are open.
#[derive(Debug)]
pub(crate) struct Sessions {
    open: Mutex<HashMap<String, Arc<Session>>>,
    clock: Clock,
    idle: Duration,
    limit: usize,
}

/// An upload that may take several requests.
pub(crate) struct Session {
    id: String,
    name: String,
    writer: Arc<tokio::sync::Mutex<Box<dyn Writer>>>,
    generation: watch::Sender<u64>,
    state: Mutex<State>,
    position: AtomicU64,
    clock: Clock,
}

#[derive(Clone, Copy, Debug)]
struct State {
    touched: SystemTime,
    /// Counts the answers with a `Location`, for locations that change.
    turn: u64,
    /// The size of the last chunk.
    last_chunk: Option<u64>,
    /// Where the first chunk ended.
    first_end: u64,
}

/// The right to write to a session. Whoever takes it later takes it away: a client that comes back after a broken
/// connection need not wait until the server has noticed the break.
pub(super) struct Hold {
    pub(super) loan: Loan,
    pub(super) superseded: watch::Receiver<u64>,
}

impl Session {
    pub(crate) fn new(id: &str, name: &str, writer: Box<dyn Writer>, clock: Clock) -> Arc<Self> {
        let position = writer.position();
        let state = State { touched: clock.now(), turn: 0, last_chunk: None, first_end: position };
        Arc::new(Self {
            id: id.into(),
            name: name.into(),
            writer: Arc::new(tokio::sync::Mutex::new(writer)),
            generation: watch::Sender::new(0),
            state: Mutex::new(state),
            position: AtomicU64::new(position),
            clock,
        })
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// How many bytes have come.
    pub(crate) fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    pub(super) fn set_position(&self, position: u64) {
        self.position.store(position, Ordering::Release);
        self.touch();
    }

    pub(super) fn touch(&self) {
        self.state().touched = self.clock.now();
    }

    /// Takes the right to write.
    pub(super) async fn hold(&self) -> Hold {
        self.generation.send_modify(|generation| *generation += 1);
        let superseded = self.generation.subscribe();
        Hold { loan: Arc::clone(&self.writer).lock_owned().await, superseded }
    }

    /// Notes a chunk of some size.
    pub(super) fn note_chunk(&self, len: u64) {
        let mut state = self.state();
        if state.last_chunk.is_none() {
            state.first_end = len;
        }
        state.last_chunk = Some(len);
    }

    /// The size of the last chunk, and where the first one ended.
    pub(super) fn chunks(&self) -> (Option<u64>, u64) {
        let state = self.state();
        (state.last_chunk, state.first_end)
    }

    /// The number of the location that was given last.
    pub(super) fn turn(&self) -> u64 {
        self.state().turn
    }

    pub(super) fn next_turn(&self) -> u64 {
        let mut state = self.state();
        state.turn += 1;
        state.turn
    }
}

impl Hold {
    pub(super) async fn discard(self) -> io::Result<()> {
        let mut loan = self.loan;
        on_thread(loan.is_blocking(), move || loan.discard()).await
    }
}

/// Runs work of a writer, on a thread of its own when it may block.
pub(super) async fn on_thread<T: Send + 'static>(
    is_blocking: bool,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    if !is_blocking {
        return work();
    }
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").field("id", &self.id).field("name", &self.name).finish_non_exhaustive()
    }
}

impl Sessions {
    pub(crate) fn new(clock: Clock, idle: Duration, limit: usize) -> Self {
        Self { open: Mutex::default(), clock, idle, limit }
    }

    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn insert(&self, session: Arc<Session>) {
        self.open().insert(session.id.clone(), session);
    }

    /// Takes over the sessions of an earlier run, as if a client had just spoken to them.
    pub(crate) fn take_over(&self, left_over: Vec<LeftOver>) {
        for LeftOver { id, name, writer } in left_over {
            self.insert(Session::new(&id, &name, writer, self.clock.clone()));
        }
    }

    /// Whether there is room for one more.
    pub(crate) fn has_room(&self) -> bool {
        self.open().len() < self.limit
    }

    pub(crate) fn len(&self) -> usize {
        self.open().len()
    }

    /// A session of a repository that has not been idle for too long.
    pub(crate) fn find(&self, name: &str, id: &str) -> Result<Arc<Session>> {
        let found = self.open().get(id).filter(|session| session.name == name).cloned();
        match found.filter(|session| !self.is_stale(session)) {
            Some(session) => {
                session.touch();
                Ok(session)
            }
            None => Err(unknown()),
        }
    }

    /// Takes a session out, so that nobody finds it any more.
    pub(crate) fn remove(&self, name: &str, id: &str) -> Result<Arc<Session>> {
        let session = self.find(name, id)?;
        self.open().remove(id);
        Ok(session)
    }

    fn is_stale(&self, session: &Session) -> bool {
        self.clock.since(session.state().touched) > self.idle
    }

    /// Forgets the sessions that have been idle for too long.
    pub(crate) async fn sweep(&self) {
        let stale: Vec<_> = {
            let mut open = self.open();
            let ids: Vec<_> = open.values().filter(|session| self.is_stale(session)).map(|s| s.id.clone()).collect();
            ids.iter().filter_map(|id| open.remove(id)).collect()
        };
        for session in stale {
            tracing::info!(id = session.id(), repository = session.name(), "an idle session is dropped");
            if let Err(error) = session.hold().await.discard().await {
                tracing::warn!(%error, "an idle session could not be removed");
            }
        }
    }
}

fn unknown() -> ApiError {
    ApiError::not_found(Code::BlobUploadUnknown, "there is no such upload session")
}
