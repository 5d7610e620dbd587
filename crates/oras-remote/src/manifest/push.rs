use bytes::Bytes;
use http::{Method, StatusCode, header};
use oras_content::{Blob, Descriptor, Digest, Error, ErrorKind, Result};
use oras_descriptor::links;
use oras_transport::HttpBody;

use super::fetch::own_media_type;
use crate::{
    client::{Answer, Call},
    repository::Repository,
};

/// How a registry took a manifest.
#[derive(Debug)]
pub(crate) struct Accepted {
    /// Whether it says that it will list the manifest among the referrers of its subject.
    pub(crate) subject: Option<Digest>,
    /// The tags that it set.
    pub(crate) tags: Vec<String>,
}

/// A condition on what is under a tag.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Condition {
    Always,
    /// Still this.
    IfMatch(String),
    /// Nothing yet.
    IfNoneMatch,
}

impl Repository {
    /// Stores a manifest under its digest.
    pub(crate) async fn push_manifest(&self, desc: &Descriptor, content: Blob, deferred: bool) -> Result<()> {
        let known = !self.take_absent(desc)
            && match self.has_manifest(&desc.digest, self.push_access()).await {
                // Who may not look must try.
                Err(error) if error.kind() == ErrorKind::Denied => false,
                known => known?,
            };
        if known {
            return Err(Error::already_exists(desc));
        }
        let bytes = self.read_manifest(desc, content).await?;
        let accepted = self.put_manifest(desc, &bytes, desc.digest.as_str(), &[]).await?;
        self.pushed(desc, &bytes, &accepted, deferred).await
    }

    /// Stores a manifest and lets a tag stand for it, in one request.
    pub(crate) async fn push_tagged(&self, desc: &Descriptor, content: Blob, tag: &str) -> Result<()> {
        let bytes = self.read_manifest(desc, content).await?;
        self.put_tagged(desc, &bytes, tag).await
    }

    pub(crate) async fn put_tagged(&self, desc: &Descriptor, bytes: &Bytes, tag: &str) -> Result<()> {
        // Under a tag, a registry takes what it hashes by its own algorithm.
        let is_canonical = desc.digest.algorithm() == "sha256";
        if !is_canonical {
            let tags = [tag.to_owned()];
            let accepted = self.put_manifest(desc, bytes, desc.digest.as_str(), &tags).await?;
            if accepted.tags.iter().any(|set| set == tag) {
                return self.pushed(desc, bytes, &accepted, false).await;
            }
        }
        let accepted = self.put_manifest(desc, bytes, tag, &[]).await?;
        self.pushed(desc, bytes, &accepted, false).await
    }

    /// All of a manifest, so that it can be sent as often as needed.
    pub(crate) async fn read_manifest(&self, desc: &Descriptor, content: Blob) -> Result<Bytes> {
        let limit = self.metadata_limit();
        if desc.size > limit {
            let message = format!(
                "manifest {} has {} bytes, more than the metadata limit of {limit} (see RegistryOptions::with_metadata_limit)",
                desc.digest, desc.size
            );
            return Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc));
        }
        let bytes = content.verify(desc).bytes(limit).await?;
        match own_media_type(&bytes) {
            Some(own) if !own.matches(&desc.media_type) => {
                let message = format!("manifest {} is of type {own}, not {}", desc.digest, desc.media_type);
                Err(Error::new(ErrorKind::Corrupt, message).with_descriptor(desc))
            }
            _ => Ok(bytes),
        }
    }

    /// The request that stores a manifest, under its digest with more tags or under a tag.
    pub(crate) async fn put_manifest(
        &self,
        desc: &Descriptor,
        bytes: &Bytes,
        identifier: &str,
        tags: &[String],
    ) -> Result<Accepted> {
        let accepted = match self.send_manifest(desc, bytes, identifier, tags, &Condition::Always).await {
            Ok(answer) => self.accepted_manifest(desc, bytes, identifier, answer).await,
            Err(error) => Err(error),
        };
        accepted.inspect_err(|error| self.note_missing(desc, bytes, error))
    }

    /// When a registry refuses a manifest because of what it lacks, it is not believed about what it has: that is pushed
    /// without asking. Caches that fill on demand say that they have what they have not.
    fn note_missing(&self, desc: &Descriptor, bytes: &Bytes, error: &Error) {
        if error.kind() == ErrorKind::MissingContent {
            let children = links(&desc.media_type, bytes).unwrap_or_default().successors();
            children.iter().for_each(|child| self.note_absent(child));
        }
    }

    pub(crate) async fn send_manifest(
        &self,
        desc: &Descriptor,
        bytes: &Bytes,
        identifier: &str,
        tags: &[String],
        condition: &Condition,
    ) -> Result<Answer> {
        let url = tags.iter().fold(self.url("manifests", identifier), |url, tag| url.query("tag", tag));
        let mut call = Call::new(Method::PUT, url.build()?, self.push_access())
            .body(&desc.media_type, HttpBody::from_bytes(bytes.clone()));
        match condition {
            Condition::Always => {}
            Condition::IfMatch(etag) => call = call.header(header::IF_MATCH, etag),
            Condition::IfNoneMatch => call = call.header(header::IF_NONE_MATCH, "*"),
        }
        call.send(self.registry().client()).await
    }

    pub(crate) async fn accepted_manifest(
        &self,
        desc: &Descriptor,
        bytes: &Bytes,
        identifier: &str,
        answer: Answer,
    ) -> Result<Accepted> {
        let expected = [StatusCode::CREATED, StatusCode::OK, StatusCode::ACCEPTED];
        let answer =
            answer.expect(&expected, || self.describe(identifier)).await.map_err(|e| e.with_descriptor(desc))?;
        if let Some(found) = answer.check_digest(&desc.digest)?
            && found != desc.digest
            && let Ok(algorithm) = found.known_algorithm()
            && algorithm.digest(bytes) != found
        {
            let message = format!("the registry stored {found} in place of {}", desc.digest);
            return Err(Error::new(ErrorKind::Corrupt, message).with_descriptor(desc));
        }
        let subject = answer.headers().get("oci-subject").and_then(|value| value.to_str().ok()?.trim().parse().ok());
        let lines = answer.headers().get_all("oci-tag").iter().filter_map(|line| line.to_str().ok());
        let tags = lines.flat_map(|line| line.split(',')).map(|tag| tag.trim().to_owned()).collect();
        Ok(Accepted { subject, tags })
    }
}
