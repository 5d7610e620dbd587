use std::fmt;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Method, StatusCode, Uri, header};
use oras_content::{Digest, Error, ErrorKind, Result};
use oras_descriptor::Algorithm;
use oras_transport::{HttpBody, RequestOptions};

use super::{chunk::Sent, state::UploadState};
use crate::{
    client::{Answer, Call},
    location,
    range::Held,
    repository::Repository,
    url,
};

/// An upload session: what was taken so far, and where the next bytes go.
///
/// [`Repository::push`](oras_content::Pusher::push) and [`Repository::upload`] need none of this; a session is for those
/// who make their content as they go. It is open until it is [finished](Self::finish), [cancelled](Self::cancel), or the
/// registry forgets it: dropping it sends nothing.
///
/// # Cancel safety
///
/// When a future of it was dropped, ask [`synchronize`](Self::synchronize) before anything else.
pub struct UploadSession {
    pub(super) repository: Repository,
    pub(super) location: Uri,
    pub(super) offset: u64,
    pub(super) min_chunk: Option<u64>,
    /// Whether it was asked where it stands: after something broke.
    pub(super) resumed: bool,
    /// What it said then.
    pub(super) held: Held,
    /// Whether `0-0` is taken for one byte while the current chunk is sent.
    pub(super) guessed: bool,
}

impl fmt::Debug for UploadSession {
    /// Without the location, which lets anybody write who knows it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadSession")
            .field("repository", &self.repository)
            .field("offset", &self.offset)
            .field("min_chunk", &self.min_chunk)
            .finish_non_exhaustive()
    }
}

impl Repository {
    /// Opens an upload session, for content whose digest will be of `algorithm`.
    ///
    /// # Errors
    ///
    /// What the registry says.
    ///
    /// # Cancel safety
    ///
    /// A session that was opened meanwhile stays until the registry forgets it.
    pub async fn start_upload(&self, algorithm: Algorithm) -> Result<UploadSession> {
        let named = (algorithm != Algorithm::Sha256).then(|| algorithm.name());
        let uri = self.uploads_url().query_if("digest-algorithm", named).build()?;
        let call = Call::new(Method::POST, uri, self.push_access()).without_content();
        let answer = call.send(self.registry().client()).await?;
        let answer = answer.expect(&[StatusCode::ACCEPTED], || format!("upload to {}", self.reference())).await?;
        self.session(&answer)
    }

    /// Goes on with an upload session of another process.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when the registry has forgotten it; [`InvalidReference`](ErrorKind::InvalidReference)
    /// when it was one of another repository.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future drops the question; nothing changes.
    pub async fn resume_upload(&self, state: &UploadState) -> Result<UploadSession> {
        if state.repository != self.reference().to_string() {
            let message = format!("an upload to {} cannot go on in {}", state.repository, self.reference());
            return Err(Error::new(ErrorKind::InvalidReference, message));
        }
        // A state that was tampered with leads nowhere else.
        let base = self.uploads_url().build()?;
        let location = location::resolve(&base, &state.location)?;
        let mut session = UploadSession::new(self, location, state.min_chunk);
        session.offset = state.offset;
        session.synchronize().await?;
        Ok(session)
    }

    /// The session that an answer opened.
    pub(super) fn session(&self, answer: &Answer) -> Result<UploadSession> {
        let Some(location) = answer.header(&header::LOCATION) else {
            return Err(answer.protocol_error("no Location"));
        };
        let location = location::resolve(answer.uri(), location)?;
        let min_chunk =
            answer.headers().get("oci-chunk-min-length").and_then(|value| value.to_str().ok()?.parse().ok());
        if min_chunk.is_some() {
            self.registry().memory().learn(|known| known.min_chunk = min_chunk);
        }
        Ok(UploadSession::new(self, location, min_chunk))
    }
}

impl UploadSession {
    fn new(repository: &Repository, location: Uri, min_chunk: Option<u64>) -> Self {
        Self {
            repository: repository.clone(),
            location,
            offset: 0,
            min_chunk,
            resumed: false,
            held: Held::Bytes(0),
            guessed: false,
        }
    }

    /// How many bytes the registry has taken.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The fewest bytes that a chunk must have, the last one excepted.
    pub fn min_chunk(&self) -> Option<u64> {
        self.min_chunk
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// Where the upload stands, for another process.
    pub fn state(&self) -> UploadState {
        UploadState {
            repository: self.repository.reference().to_string(),
            location: self.location.to_string(),
            offset: self.offset,
            digest: None,
            min_chunk: self.min_chunk,
        }
    }

    /// Sends the next bytes. When the connection breaks, the registry is asked how much it has, and only what is missing
    /// is sent again.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when the registry has forgotten the session;
    /// [`SizeExceedsLimit`](ErrorKind::SizeExceedsLimit) when it takes no chunk of this size.
    ///
    /// # Cancel safety
    ///
    /// The registry may have taken a part of the chunk: [`synchronize`](Self::synchronize) says how much before the
    /// next one.
    pub async fn append(&mut self, chunk: Bytes) -> Result<()> {
        match self.send(chunk).await? {
            Sent::Taken | Sent::Complete => Ok(()),
            Sent::TooLarge => {
                let message = format!("the registry takes no chunk of this size for {}", self.repository.reference());
                Err(Error::new(ErrorKind::SizeExceedsLimit, message))
            }
        }
    }

    /// Asks the registry how many bytes it has, and goes on there.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when the registry has forgotten the session, or tells nobody where one stands.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future leaves the session as it was; it can be asked again.
    pub async fn synchronize(&mut self) -> Result<()> {
        self.resumed = true;
        let call = Call::new(Method::GET, self.location.clone(), self.repository.push_access());
        let answer = call.send(self.repository.registry().client()).await?;
        if !matches!(answer.status(), StatusCode::NO_CONTENT | StatusCode::OK | StatusCode::ACCEPTED) {
            let error = self.failed(answer).await;
            // Who does not answer this question cannot go on.
            let kind = match error.kind() {
                ErrorKind::Unauthorized | ErrorKind::Denied => return Err(error),
                _ if error.is_retryable() => return Err(error),
                _ => ErrorKind::NotFound,
            };
            return Err(Error::new(kind, "the upload session is gone").with_source(error));
        }
        if let Some(location) = answer.header(&header::LOCATION) {
            self.location = location::resolve(answer.uri(), location)?;
        }
        self.held = Held::of(answer.headers()).unwrap_or(Held::Bytes(0));
        self.offset = self.held.bytes(self.offset);
        Ok(())
    }

    /// Closes the session: what was taken becomes the blob of this digest.
    ///
    /// # Errors
    ///
    /// [`InvalidDigest`](ErrorKind::InvalidDigest) or what else the registry says when the bytes are not those of the
    /// digest.
    ///
    /// # Cancel safety
    ///
    /// The blob may be there or not: ask [`exists`](oras_content::ReadOnlyStorage::exists).
    pub async fn finish(self, digest: &Digest) -> Result<()> {
        let answer = self.put(digest, None).await?;
        self.completed(answer, digest).await
    }

    /// The request that closes the session, perhaps with the rest of the blob, which ends at `size`.
    pub(super) async fn put(&self, digest: &Digest, rest: Option<(HttpBody, u64)>) -> Result<Answer> {
        let uri = url::with_query(&self.location, "digest", digest.as_str())?;
        let timeout = self.repository.registry().options().closing_timeout;
        let options = RequestOptions::new().with_header_timeout(timeout);
        let call = Call::new(Method::PUT, uri, self.repository.push_access());
        let call = match rest {
            None => call.bytes(HttpBody::empty()).without_content().options(options),
            // Where the session stands must be asked before bytes are sent again.
            Some((body, size)) => {
                let call = call.bytes(body).options(options.without_retry());
                match size - self.offset {
                    0 => call.without_content(),
                    // A registry that has a byte where it seems to have none then says so before the rest comes.
                    _ if !self.resumed => call,
                    _ => call.header(header::CONTENT_RANGE, format!("{}-{}", self.offset, size - 1)),
                }
            }
        };
        call.send(self.repository.registry().client()).await
    }

    /// Judges the answer to [`put`](Self::put).
    pub(super) fn completed(&self, answer: Answer, digest: &Digest) -> impl Future<Output = Result<()>> + Send {
        let what = || format!("upload of {digest} to {}", self.repository.reference());
        let answer = answer.expect(&[StatusCode::CREATED, StatusCode::OK, StatusCode::NO_CONTENT], what);
        answer.map(move |answer| answer?.check_digest(digest).map(drop))
    }

    /// Tells the registry that nothing more will come.
    ///
    /// A registry that does not answer, or does not know how to, forgets the session by itself one day.
    ///
    /// # Cancel safety
    ///
    /// The session may stay until the registry forgets it.
    pub async fn cancel(self) {
        let call = Call::new(Method::DELETE, self.location.clone(), self.repository.push_access())
            .without_content()
            .options(RequestOptions::new().without_retry());
        if let Ok(answer) = call.send(self.repository.registry().client()).await {
            answer.into_body().discard().await;
        }
    }

    pub(super) async fn failed(&self, answer: Answer) -> Error {
        answer.into_error(&format!("upload to {}", self.repository.reference())).await
    }
}
