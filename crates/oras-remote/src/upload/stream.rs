use futures_util::StreamExt as _;
use http::{Method, StatusCode, header};
use oras_content::{Blob, Descriptor, Digest, Error, ErrorKind, MediaType, Result};
use oras_descriptor::Algorithm;
use oras_transport::HttpBody;

use super::{
    driver::{Attempt, Goal, cancel},
    session::UploadSession,
};
use crate::{client::Call, location, repository::Repository};

impl Repository {
    /// Stores a blob that is not described yet in one pass, and describes it.
    pub(crate) async fn ingest_blob(
        &self,
        media_type: &MediaType,
        algorithm: Algorithm,
        content: Blob,
    ) -> Result<Descriptor> {
        let spare = content.replay();
        let error = if self.registry().capabilities().streamed_upload == Some(false) {
            None
        } else {
            match self.stream_blob(algorithm, content).await {
                Ok((digest, size)) => return Ok(Descriptor::new(media_type.clone(), digest, size)),
                Err(error) if error.is_from_blob() => return Err(error),
                Err(error) => Some(error),
            }
        };
        // A registry that takes no such body: describe first, then push.
        let Some(spare) = spare else {
            return Err(
                error.unwrap_or_else(|| Error::unsupported("uploading a blob of unknown digest to this registry"))
            );
        };
        let (desc, content) = describe(media_type, algorithm, spare).await?;
        match self.upload(&desc, content).send().await {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(desc),
            pushed => pushed.map(|()| desc),
        }
    }

    async fn stream_blob(&self, algorithm: Algorithm, content: Blob) -> Result<(Digest, u64)> {
        let (mut content, sum) = content.summed(algorithm)?;
        content.start().await?;
        let mut session = self.start_upload(algorithm).await?;
        if let Err(error) = session.stream(Blob::from_stream(None, content)).await {
            session.cancel().await;
            return Err(error);
        }
        let (digest, size) = sum.described().ok_or_else(|| Error::unsupported("describing a blob without its hash"))?;
        session.offset = size;
        self.registry().memory().learn(|known| known.streamed_upload = Some(true));
        session.finish(&digest).await?;
        self.note_present(&digest);
        Ok((digest, size))
    }
}

impl UploadSession {
    /// Sends all of a blob in one request whose length is not told.
    pub(super) async fn stream(&mut self, content: Blob) -> Result<()> {
        let call = Call::new(Method::PATCH, self.location.clone(), self.repository.push_access())
            .bytes(HttpBody::from_blob(content));
        let answer = call.send(self.repository.registry().client()).await?;
        let what = || format!("streamed upload to {}", self.repository.reference());
        let refused = matches!(answer.status().as_u16(), 400 | 404 | 405 | 411 | 416 | 501);
        if refused {
            self.repository.registry().memory().learn(|known| known.streamed_upload = Some(false));
        }
        let answer = answer.expect(&[StatusCode::ACCEPTED, StatusCode::NO_CONTENT, StatusCode::CREATED], what).await?;
        if let Some(location) = answer.header(&header::LOCATION) {
            self.location = location::resolve(answer.uri(), location)?;
        }
        Ok(())
    }
}

impl Goal<'_> {
    /// A described blob in a body of unknown length.
    pub(super) async fn stream(&self, mut session: UploadSession, content: Blob) -> Result<Attempt> {
        match session.stream(Blob::from_stream(None, content)).await {
            Ok(()) => {
                let answer = session.put(&self.desc.digest, None).await?;
                self.judge(session, answer).await
            }
            Err(error) if error.is_from_blob() => {
                cancel(session).await;
                Err(error)
            }
            Err(_) => {
                cancel(session).await;
                Ok(Attempt::InOnePiece)
            }
        }
    }
}

/// Reads a blob to describe it, and gives it from its start.
async fn describe(media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<(Descriptor, Blob)> {
    let again =
        content.replay().ok_or_else(|| Error::unsupported("reading a blob twice that can be read only once"))?;
    let (mut content, sum) = content.summed(algorithm)?;
    while content.next().await.transpose()?.is_some() {}
    let (digest, size) = sum.described().ok_or_else(|| Error::unsupported("describing a blob without its hash"))?;
    Ok((Descriptor::new(media_type.clone(), digest, size), again))
}
