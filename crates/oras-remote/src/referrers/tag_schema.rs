use bytes::Bytes;
use oras_content::{Descriptor, Digest, Error, ErrorKind, MediaType, Result};
use oras_descriptor::{Index, IndexEdit};
use oras_reference::{Reference, referrers_tag};

use super::api::only;
use crate::{manifest::Fetched, repository::Repository};

/// The index under a referrers tag.
pub(super) struct OldIndex {
    pub(super) desc: Descriptor,
    pub(super) bytes: Bytes,
    pub(super) etag: Option<String>,
}

impl Repository {
    /// The referrers that the index under the subject's tag lists. What is no index of referrers lists none.
    pub(super) async fn list_by_tag(
        &self,
        subject: &Digest,
        artifact_type: Option<&MediaType>,
    ) -> Result<Vec<Descriptor>> {
        let Some(fetched) = self.fetch_referrers_tag(subject).await? else {
            return Ok(Vec::new());
        };
        let index = Index::from_slice(&fetched.bytes).ok().filter(|_| is_index_of(&fetched, subject));
        Ok(only(index.map(|index| index.manifests).unwrap_or_default(), artifact_type))
    }

    /// The index under the subject's tag, to change it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the tag stands for something else, which must not be overwritten.
    pub(super) async fn read_index(&self, subject: &Digest) -> Result<Option<(OldIndex, IndexEdit)>> {
        let Some(fetched) = self.fetch_referrers_tag(subject).await? else {
            return Ok(None);
        };
        if !is_index_of(&fetched, subject) {
            let tag = referrers_tag(subject);
            let message = format!("tag {tag} of {} stands for no index of referrers", self.reference());
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let edit = IndexEdit::from_slice(&fetched.bytes)?;
        Ok(Some((OldIndex { desc: fetched.desc, bytes: fetched.bytes, etag: fetched.etag }, edit)))
    }

    /// Deletes the index of a subject's referrers under its tag, after the subject itself was deleted: the referrers stay,
    /// and nothing lists them any more. Only for registries without the referrers API; elsewhere there is nothing to do.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unsupported`] when the tag stands for something else, which is not deleted, or when the registry does
    /// not delete.
    ///
    /// # Cancel safety
    ///
    /// The index is there afterwards or it is not; the referrers are not touched.
    pub async fn delete_referrers_index(&self, subject: &Descriptor) -> Result<()> {
        match self.read_index(&subject.digest).await? {
            Some((index, _)) => self.delete_manifest(&index.desc.digest).await,
            None => Ok(()),
        }
    }

    async fn fetch_referrers_tag(&self, subject: &Digest) -> Result<Option<Fetched>> {
        match self.fetch_at_origin(&self.referrers_reference(subject)?).await {
            Ok(fetched) => Ok(Some(fetched)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    pub(super) fn referrers_reference(&self, subject: &Digest) -> Result<Reference> {
        Ok(self.reference().clone().with_tag(&referrers_tag(subject))?)
    }
}

/// GitLab takes the tag for the subject's digest, and gives the subject itself.
fn is_index_of(fetched: &Fetched, subject: &Digest) -> bool {
    let is_subject = subject.known_algorithm().is_ok_and(|algorithm| algorithm.digest(&fetched.bytes) == *subject);
    fetched.desc.media_type == MediaType::OCI_INDEX && !is_subject
}
