use http::{Method, StatusCode};
use oras_content::{Blob, Descriptor, Error, ErrorKind, Location, MountOutcome, Result};
use oras_transport::HttpBody;

use super::{
    driver::{Attempt, Goal, cancel},
    session::UploadSession,
};
use crate::{access::Access, client::Call, repository::Repository};

/// How many repositories are asked for one blob: each question costs a request.
const MAX_SOURCES: usize = 4;

/// What a registry said to a wish to mount.
enum Answered {
    Mounted,
    /// It opened a session in place of it.
    Session(Box<UploadSession>),
    Refused,
}

impl Repository {
    /// Takes a blob from another repository of the registry, else pushes it: in the session that the registry opened in
    /// place of the mount, where it did.
    pub(crate) async fn mount_blob(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        if self.has_blob(desc).await? {
            return Err(Error::already_exists(desc));
        }
        let mut open: Option<Box<UploadSession>> = None;
        for source in self.mount_sources(from) {
            match self.try_mount(desc, source).await? {
                Answered::Mounted => {
                    if let Some(session) = open {
                        cancel(*session).await;
                    }
                    self.registry().memory().learn(|known| known.mount = Some(true));
                    return Ok(MountOutcome::Mounted);
                }
                Answered::Session(session) => {
                    if let Some(older) = open.replace(session) {
                        cancel(*older).await;
                    }
                }
                Answered::Refused => {}
            }
        }
        let mut upload = self.upload(desc, content);
        upload.send_unchecked(open).await.map_err(|error| error.with_descriptor(desc))?;
        Ok(MountOutcome::Pushed)
    }

    /// The repositories of this registry, and none at all where the registry shall look by itself.
    fn mount_sources<'a>(&self, from: &'a [Location]) -> Vec<Option<&'a str>> {
        if self.registry().capabilities().mount == Some(false) {
            return Vec::new();
        }
        let here = self.location_here();
        let same = from
            .iter()
            .filter(|source| source.registry() == here.registry() && source.repository() != here.repository());
        let mut sources: Vec<_> = same.map(|source| Some(source.repository())).take(MAX_SOURCES).collect();
        if sources.is_empty() && self.registry().options().automatic_mount {
            sources.push(None);
        }
        sources
    }

    async fn try_mount(&self, desc: &Descriptor, from: Option<&str>) -> Result<Answered> {
        let uri = self.uploads_url().query("mount", desc.digest.as_str()).query_if("from", from).build()?;
        let access = from.map_or_else(|| self.push_access(), |from| Access::mount(self.name(), from));
        let call = Call::new(Method::POST, uri, access).without_content();
        let answer = match call.send(self.registry().client()).await {
            Ok(answer) => answer,
            // No token that reads the source: push then.
            Err(error) if matches!(error.kind(), ErrorKind::Unauthorized | ErrorKind::Denied) => {
                return Ok(Answered::Refused);
            }
            Err(error) => return Err(error),
        };
        match answer.status().as_u16() {
            201 => {
                answer.check_digest(&desc.digest)?;
                Ok(Answered::Mounted)
            }
            202 => Ok(Answered::Session(Box::new(self.session(&answer)?))),
            400 | 401 | 403 | 404 | 405 | 501 => {
                answer.into_body().discard().await;
                Ok(Answered::Refused)
            }
            _ => Err(answer.into_error(&format!("mount of {} to {}", desc.digest, self.reference())).await),
        }
    }
}

impl Goal<'_> {
    /// The whole blob in the request that opens a session.
    pub(super) async fn post(&self, content: Blob) -> Result<Attempt> {
        let repository = self.repository;
        let uri = repository.uploads_url().query("digest", self.desc.digest.as_str()).build()?;
        let timeout = repository.registry().options().closing_timeout;
        let spare = content.replay();
        let call = Call::new(Method::POST, uri, repository.push_access())
            .bytes(HttpBody::from_blob(content))
            .options(oras_transport::RequestOptions::new().with_header_timeout(timeout));
        let answer = call.send(repository.registry().client()).await?;
        match answer.status() {
            StatusCode::CREATED => {
                answer.check_digest(&self.desc.digest)?;
                Ok(Attempt::Done)
            }
            // The blob was not stored: it goes into the session.
            StatusCode::ACCEPTED => {
                let session = repository.session(&answer)?;
                match spare {
                    Some(spare) => self.put(session, Box::new(spare)).await,
                    None => {
                        cancel(session).await;
                        Err(Error::unsupported("a single request with a body that can be read only once"))
                    }
                }
            }
            StatusCode::PAYLOAD_TOO_LARGE => Ok(Attempt::InChunks(answer.into_error(&self.what()).await)),
            StatusCode::BAD_REQUEST
            | StatusCode::NOT_FOUND
            | StatusCode::METHOD_NOT_ALLOWED
            | StatusCode::LENGTH_REQUIRED => Ok(Attempt::InOnePiece),
            _ => Err(answer.into_error(&self.what()).await),
        }
    }
}
