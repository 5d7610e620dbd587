use std::{fmt, time::Duration};

use oras_content::{Blob, Descriptor, Error, ErrorKind, Result};
use oras_descriptor::Algorithm;

use super::{UploadStrategy, session::UploadSession, state::UploadState};
use crate::repository::Repository;

/// How many sessions one upload opens at most: some registries forget a session whose request broke.
const MAX_SESSIONS: u32 = 6;

/// The pause before the second session; it doubles before each further one.
const PAUSE: Duration = Duration::from_millis(100);

/// How long an upload that failed waits for the registry to hear that nothing more will come.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(5);

type Checkpoint<'a> = Box<dyn FnMut(&UploadState) + Send + 'a>;

/// An upload of a described blob, in the making: [`Repository::upload`].
///
/// # Cancel safety
///
/// Dropping the future of [`send`](Self::send) stops the upload. What an [`UploadState`] says can be gone on with; else the
/// registry forgets the session by itself.
#[must_use = "nothing is sent before `send`"]
pub struct Upload<'a> {
    pub(super) goal: Goal<'a>,
    content: Box<Blob>,
    strategy: UploadStrategy,
    saved: Option<UploadState>,
    checkpoint: Option<Checkpoint<'a>>,
}

/// What is uploaded, and where to.
#[derive(Clone, Copy)]
pub(super) struct Goal<'a> {
    pub(super) repository: &'a Repository,
    pub(super) desc: &'a Descriptor,
}

/// How one attempt ended that is no failure yet.
pub(super) enum Attempt {
    Done,
    /// The session is of no use any more: a new one may be.
    Again(Error),
    /// The registry does not take the blob in one piece.
    InChunks(Error),
    /// The registry does not take it in chunks that fit into memory.
    InOnePiece,
}

impl Repository {
    /// Uploads a blob in a way that the caller chooses; [`push`](oras_content::Pusher::push) does it in the usual one.
    ///
    /// ```no_run
    /// # async fn example(repository: oras_remote::Repository) -> oras_content::Result<()> {
    /// use oras_content::{Blob, Descriptor};
    /// use oras_remote::UploadStrategy;
    ///
    /// let content = bytes::Bytes::from_static(b"hello");
    /// let desc = Descriptor::of("text/plain", &content);
    /// let upload = repository.upload(&desc, Blob::from_bytes(content));
    /// upload.with_strategy(UploadStrategy::CHUNKED).on_checkpoint(|state| println!("{}", state.offset())).send().await
    /// # }
    /// ```
    pub fn upload<'a>(&'a self, desc: &'a Descriptor, content: Blob) -> Upload<'a> {
        let strategy = self.registry().options().upload;
        let content = Box::new(content);
        Upload { goal: Goal { repository: self, desc }, content, strategy, saved: None, checkpoint: None }
    }

    /// Whether a push may be spared. Who may not look must try.
    pub(super) async fn has_blob(&self, desc: &Descriptor) -> Result<bool> {
        if self.take_absent(desc) {
            return Ok(false);
        }
        match Box::pin(self.find_blob_to_push(&desc.digest)).await {
            Ok(found) => Ok(found.is_some()),
            Err(error) if error.kind() == ErrorKind::Denied => Ok(false),
            Err(error) => Err(error),
        }
    }
}

impl<'a> Upload<'a> {
    /// Sets the way.
    pub fn with_strategy(mut self, strategy: UploadStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// Goes on with an upload of another process, in chunks. If the registry has forgotten it, or it was one of another
    /// blob, the upload starts anew.
    pub fn with_state(mut self, saved: UploadState) -> Self {
        self.saved = Some(saved);
        if !matches!(self.strategy, UploadStrategy::Chunked(_)) {
            self.strategy = UploadStrategy::CHUNKED;
        }
        self
    }

    /// Tells after each chunk where the upload stands.
    pub fn on_checkpoint(mut self, checkpoint: impl FnMut(&UploadState) + Send + 'a) -> Self {
        self.checkpoint = Some(Box::new(checkpoint));
        self
    }

    /// Uploads.
    ///
    /// # Errors
    ///
    /// [`AlreadyExists`](ErrorKind::AlreadyExists) when the registry has the blob, and then it was not read;
    /// [`Corrupt`](ErrorKind::Corrupt) when the blob is not what the descriptor says; what the registry says otherwise.
    ///
    /// # Cancel safety
    ///
    /// The blob is not there unless its last request had been answered or was under way. The session stays until the
    /// registry forgets it, and can go on from the last checkpoint.
    pub async fn send(mut self) -> Result<()> {
        let Goal { repository, desc } = self.goal;
        if repository.has_blob(desc).await? {
            return Err(Error::already_exists(desc));
        }
        self.send_unchecked(None).await.map_err(|error| error.with_descriptor(desc))
    }

    /// Uploads without asking whether the blob is there, into an open session if there is one.
    pub(super) async fn send_unchecked(&mut self, mut open: Option<Box<UploadSession>>) -> Result<()> {
        let Goal { repository, desc } = self.goal;
        let content = std::mem::replace(&mut *self.content, Blob::from_bytes(bytes::Bytes::new()));
        let mut content = Box::new(content.verify(desc));
        if let Err(error) = content.start().await {
            if let Some(session) = open {
                Box::pin(cancel(*session)).await;
            }
            return Err(error);
        }
        let mut strategy = self.strategy;
        for round in 1..=MAX_SESSIONS {
            let spare = content.replay().map(Box::new);
            let error = match self.attempt(strategy, content, open.take()).await? {
                Attempt::Done => return Ok(()),
                Attempt::InOnePiece => {
                    strategy = UploadStrategy::PostPut;
                    None
                }
                Attempt::InChunks(error) => {
                    let max = repository.registry().capabilities().max_chunk;
                    strategy = UploadStrategy::Chunked(max.unwrap_or(super::DEFAULT_CHUNK));
                    Some(error)
                }
                Attempt::Again(error) => {
                    // The answer to the request that closed the session may have been lost.
                    if Box::pin(repository.find_blob_to_push(&desc.digest)).await.is_ok_and(|found| found.is_some()) {
                        return Ok(());
                    }
                    Some(error)
                }
            };
            let unreadable = || Error::unsupported("sending a body again that can be read only once");
            content = match spare {
                Some(spare) if round < MAX_SESSIONS => spare,
                _ => {
                    let error = error.unwrap_or_else(unreadable);
                    let retries = error.retries().max(round - 1);
                    return Err(error.with_retries(retries));
                }
            };
            if error.is_some() {
                tokio::time::sleep(PAUSE * 2u32.pow(round - 1)).await;
            }
        }
        Ok(())
    }

    async fn attempt(
        &mut self,
        strategy: UploadStrategy,
        content: Box<Blob>,
        open: Option<Box<UploadSession>>,
    ) -> Result<Attempt> {
        let Goal { repository, desc } = self.goal;
        match (strategy, open) {
            (UploadStrategy::Chunked(size), open) => {
                let session = match open {
                    Some(session) => *session,
                    None => Box::pin(self.open_session()).await?,
                };
                Box::pin(self.send_chunks(session, size, *content)).await
            }
            (UploadStrategy::Post, None) => Box::pin(self.goal.post(*content)).await,
            (UploadStrategy::Stream, None) => {
                let session = Box::pin(repository.start_upload(desc.digest.known_algorithm()?)).await?;
                Box::pin(self.goal.stream(session, *content)).await
            }
            (_, Some(session)) => Box::pin(self.goal.put(*session, content)).await,
            (_, None) => {
                let session = repository.start_upload(Algorithm::Sha256).await?;
                Box::pin(self.goal.put(session, content)).await
            }
        }
    }

    /// The session of another process, or a new one.
    async fn open_session(&mut self) -> Result<UploadSession> {
        let Goal { repository, desc } = self.goal;
        if let Some(saved) = self.saved.take()
            && saved.digest.as_deref() == Some(desc.digest.as_str())
            && let Ok(session) = repository.resume_upload(&saved).await
            && session.offset <= desc.size
        {
            return Ok(session);
        }
        repository.start_upload(desc.digest.known_algorithm()?).await
    }

    pub(super) fn checkpoint(&mut self, session: &UploadSession) {
        if let Some(checkpoint) = &mut self.checkpoint {
            let digest = Some(self.goal.desc.digest.to_string());
            checkpoint(&UploadState { digest, ..session.state() });
        }
    }
}

impl Goal<'_> {
    pub(super) fn what(&self) -> String {
        format!("upload of {} to {}", self.desc.digest, self.repository.reference())
    }
}

/// Tells the registry that an upload is over. Late or not at all: it will forget the session.
pub(super) async fn cancel(session: UploadSession) {
    let _ = tokio::time::timeout(CANCEL_TIMEOUT, session.cancel()).await;
}

impl fmt::Debug for Upload<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("digest", &self.goal.desc.digest)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
