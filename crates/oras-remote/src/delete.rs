use http::{Method, StatusCode};
use oras_content::{Descriptor, Digest, Error, ErrorKind, Result};

use crate::{access::Access, client::Call, repository::Repository};

impl Repository {
    pub(crate) async fn delete_blob(&self, desc: &Descriptor) -> Result<()> {
        // What was noted when it was stored holds no longer.
        self.take_present(desc);
        self.delete_at("blobs", desc.digest.as_str(), &[]).await.map_err(|error| error.with_descriptor(desc))
    }

    pub(crate) async fn delete_manifest(&self, digest: &Digest) -> Result<()> {
        self.delete_at("manifests", digest.as_str(), &[]).await
    }

    /// Removes a tag and nothing else: where the registry cannot, the manifest is not deleted in its place, for other tags
    /// may stand for it.
    pub(crate) async fn delete_tag(&self, reference: &str) -> Result<()> {
        let reference = self.parse_reference(reference)?;
        match (reference.tag(), reference.digest()) {
            // A registry without deletion of tags takes the tag for a digest, and says that it is none.
            (Some(tag), None) => self.delete_at("manifests", tag, &[StatusCode::BAD_REQUEST]).await,
            _ => {
                let message = format!("{reference} is no tag");
                Err(Error::new(ErrorKind::InvalidReference, message))
            }
        }
    }

    async fn delete_at(&self, collection: &str, identifier: &str, unsupported: &[StatusCode]) -> Result<()> {
        let uri = self.url(collection, identifier).build()?;
        let answer = Call::new(Method::DELETE, uri, Access::delete(self.name())).send(self.registry().client()).await?;
        match answer.status().as_u16() {
            200 | 202 | 204 => {
                if let Ok(digest) = identifier.parse::<Digest>() {
                    answer.check_digest(&digest)?;
                }
                answer.into_body().discard().await;
                Ok(())
            }
            status => {
                let refused = answer.into_response_error().await;
                let is_unsupported = matches!(status, 405 | 501) || unsupported.contains(&refused.status());
                if is_unsupported {
                    let what = format!("deleting {}", self.describe(identifier));
                    return Err(Error::unsupported(what).with_source(refused));
                }
                Err(refused.about(&self.describe(identifier)))
            }
        }
    }
}
