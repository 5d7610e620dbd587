use std::collections::VecDeque;

use bytes::Bytes;
use oras_content::{Descriptor, Error, ErrorKind, Result, fetch_all};
use oras_reference::validate_tag;

use crate::{error::ResponseError, repository::Repository};

/// How many tags are set by one request: registries should take ten (distribution specification, "Pushing Manifests").
const TAGS_AT_ONCE: usize = 10;

impl Repository {
    /// Lets a tag stand for a manifest that is there: there is no other way than to push it again under the tag.
    pub(crate) async fn tag_manifest(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        let reference = self.parse_reference(reference)?;
        let bytes = self.manifest_to_tag(desc).await?;
        match (reference.digest(), reference.tag()) {
            (Some(digest), None) if *digest != desc.digest => {
                let message = format!("{digest} cannot stand for {}", desc.digest);
                Err(Error::new(ErrorKind::InvalidReference, message).with_descriptor(desc))
            }
            (_, Some(tag)) => self.put_tagged(desc, &bytes, tag).await,
            (_, None) => Ok(()),
        }
    }

    /// Lets several tags stand for a manifest that is there, by as few requests as the registry allows.
    ///
    /// # Errors
    ///
    /// [`NotFound`](ErrorKind::NotFound) when the manifest is not there;
    /// [`InvalidReference`](ErrorKind::InvalidReference) when one of the tags breaks the grammar, and then none is set.
    ///
    /// # Cancel safety
    ///
    /// Each tag stands for the old manifest or the new; some may have been set and others not.
    pub async fn tag_many<T: AsRef<str> + Sync>(&self, desc: &Descriptor, tags: &[T]) -> Result<()> {
        let tags: Vec<String> = tags.iter().map(|tag| tag.as_ref().to_owned()).collect();
        for tag in &tags {
            validate_tag(tag)?;
        }
        let bytes = self.manifest_to_tag(desc).await?;
        self.put_many(desc, &bytes, tags).await
    }

    async fn put_many(&self, desc: &Descriptor, bytes: &Bytes, tags: Vec<String>) -> Result<()> {
        let mut groups: VecDeque<Vec<String>> = tags.chunks(TAGS_AT_ONCE).map(<[String]>::to_vec).collect();
        while let Some(group) = groups.pop_front() {
            if group.len() == 1 || self.registry().capabilities().multi_tag == Some(false) {
                for tag in &group {
                    self.put_tagged(desc, bytes, tag).await?;
                }
                continue;
            }
            let missing = match self.put_manifest(desc, bytes, desc.digest.as_str(), &group).await {
                Ok(accepted) => {
                    self.registry().memory().learn(|known| known.multi_tag = Some(!accepted.tags.is_empty()));
                    group.into_iter().filter(|tag| !accepted.tags.contains(tag)).map(|tag| vec![tag]).collect()
                }
                Err(error) if is_too_long(&error) => {
                    let (left, right) = group.split_at(group.len() / 2);
                    vec![left.to_vec(), right.to_vec()]
                }
                Err(error) => return Err(error),
            };
            for group in missing.into_iter().rev() {
                groups.push_front(group);
            }
        }
        Ok(())
    }

    async fn manifest_to_tag(&self, desc: &Descriptor) -> Result<Bytes> {
        if !self.is_manifest(&desc.media_type) {
            let what = format!("tagging {}, which is no manifest but a {},", desc.digest, desc.media_type);
            return Err(Error::unsupported(what).with_descriptor(desc));
        }
        // What embeds its content may not be there.
        let plain = desc.plain();
        fetch_all(self, &plain, self.metadata_limit()).await
    }
}

fn is_too_long(error: &Error) -> bool {
    error.find::<ResponseError>().is_some_and(|refused| matches!(refused.status().as_u16(), 414 | 431))
}
