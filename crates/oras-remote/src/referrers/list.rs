use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, stream};
use oras_content::{Descriptor, Digest, Error, ErrorKind, MediaType, Result};

use super::api::Listing;
use crate::{
    capability::ReferrersCapability,
    client::Answer,
    pages::{Pages, items},
    repository::Repository,
};

/// Where the next entries come from.
enum Source<'a> {
    Nothing,
    Tag,
    Page(Box<Answer>, Pages<'a>),
    Rest(Pages<'a>),
}

impl Repository {
    /// The manifests whose subject is `desc`, with `artifact_type` only those of that type, as they are listed.
    ///
    /// Where the registry has no referrers API, they come from the index under the subject's referrers tag. Fails with
    /// [`Denied`](ErrorKind::Denied) where the registry does not tell, and with
    /// [`Unsupported`](ErrorKind::Unsupported) for content that is no manifest, or when
    /// [`set_referrers_capability`](Self::set_referrers_capability) said that there is an API and there is none.
    pub fn referrers_stream<'a>(
        &'a self,
        desc: &Descriptor,
        artifact_type: Option<&MediaType>,
    ) -> BoxStream<'a, Result<Descriptor>> {
        if !self.is_manifest(&desc.media_type) {
            let error = Error::unsupported(format_args!("listing referrers of a {}", desc.media_type));
            return stream::iter([Err(error.with_descriptor(desc))]).boxed();
        }
        let (desc, wanted) = (desc.plain(), artifact_type.cloned());
        let (subject, filter) = (desc.digest.clone(), wanted.clone());
        let first = async move { self.first_source(&desc, wanted.as_ref()).await };
        items(first, move |source| {
            let (subject, filter) = (subject.clone(), filter.clone());
            async move { self.read_source(source, &subject, filter.as_ref()).await }
        })
    }

    async fn first_source(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Source<'_>> {
        let known = self.referrers_capability();
        if known == ReferrersCapability::Unsupported {
            return Ok(Source::Tag);
        }
        let uri = self.referrers_url(&desc.digest, artifact_type)?;
        let max = self.registry().options().max_pages;
        let pages = Pages::new(self.registry().client(), uri, self.pull(), max);
        let mut pages = pages.accept(MediaType::OCI_INDEX.as_str().to_owned());
        let Some(answer) = pages.next().await? else {
            return Ok(Source::Nothing);
        };
        let memory = self.registry().memory();
        match Listing::of(answer).await {
            Listing::Page(answer) => {
                memory.learn_referrers(self.name(), ReferrersCapability::Supported);
                Ok(Source::Page(Box::new(answer), pages))
            }
            Listing::Unsupported if known == ReferrersCapability::Supported => {
                let message = format!(
                    "{} has no referrers API, though it was said to have one; without that word its referrers tags are read",
                    self.reference()
                );
                Err(Error::new(ErrorKind::Unsupported, message).with_descriptor(desc))
            }
            Listing::Unsupported => {
                memory.learn_referrers(self.name(), ReferrersCapability::Unsupported);
                Ok(Source::Tag)
            }
            Listing::NoRepository => Ok(Source::Tag),
            Listing::Failed(refused) => Err(self.referrers_error(refused).with_descriptor(desc)),
        }
    }

    async fn read_source<'a>(
        &self,
        source: Source<'a>,
        subject: &Digest,
        artifact_type: Option<&MediaType>,
    ) -> Result<Option<(Vec<Descriptor>, Source<'a>)>> {
        match source {
            Source::Nothing => Ok(None),
            Source::Tag => {
                let entries = self.list_by_tag(subject, artifact_type).await?;
                Ok(Some((entries, Source::Nothing)))
            }
            Source::Page(answer, pages) => {
                let entries = self.read_page(*answer, artifact_type).await?;
                Ok(Some((entries, Source::Rest(pages))))
            }
            Source::Rest(mut pages) => match pages.next().await? {
                Some(answer) => {
                    let entries = self.read_page(answer, artifact_type).await?;
                    Ok(Some((entries, Source::Rest(pages))))
                }
                None => Ok(None),
            },
        }
    }
}
