use http::{Method, StatusCode, Uri, header};
use oras_content::{Descriptor, Digest, Error, MediaType, Result};
use oras_descriptor::Index;

use crate::{
    capability::ReferrersCapability,
    client::{Answer, Call},
    error::{ErrorCode, ResponseError},
    repository::Repository,
};

/// The digest that no content has, to ask whether there is a referrers API at all.
const NO_DIGEST: &str = "sha256:0000000000000000000000000000000000000000000000000000000000000000";

/// The annotation by which an index says the same as the header `OCI-Filters-Applied`.
const FILTERS_APPLIED: &str = "org.opencontainers.referrers.filtersApplied";

/// What a registry answered to a question for referrers.
pub(super) enum Listing {
    Page(Answer),
    /// There is no such API.
    Unsupported,
    /// There is no such repository, which says nothing about the API.
    NoRepository,
    Failed(ResponseError),
}

impl Listing {
    pub(super) async fn of(answer: Answer) -> Self {
        match answer.status().as_u16() {
            // A catch-all proxy answers 200 to anything.
            200 if answer.media_type().is_some_and(|found| found.matches(&MediaType::OCI_INDEX)) => Self::Page(answer),
            200 | 400 | 405 | 406 | 501 => Self::Unsupported,
            404 => {
                let refused = answer.into_response_error().await;
                if refused.has_code(&ErrorCode::NameUnknown) { Self::NoRepository } else { Self::Unsupported }
            }
            _ => Self::Failed(answer.into_response_error().await),
        }
    }
}

impl Repository {
    pub(super) fn referrers_url(&self, subject: &Digest, artifact_type: Option<&MediaType>) -> Result<Uri> {
        self.url("referrers", subject.as_str())
            .query_if("artifactType", artifact_type)
            .query_if("n", self.registry().page_size())
            .build()
    }

    /// Whether the registry lists referrers, asked at most once at a time.
    ///
    /// # Errors
    ///
    /// What the registry says, when that tells nothing about it.
    pub(crate) async fn learn_referrers_capability(&self) -> Result<ReferrersCapability> {
        let _one_at_a_time = self.state().updates.ping.lock().await;
        let known = self.referrers_capability();
        if known != ReferrersCapability::Unknown {
            return Ok(known);
        }
        let uri = self.url("referrers", NO_DIGEST).build()?;
        let call = Call::new(Method::GET, uri, self.pull()).header(header::ACCEPT, MediaType::OCI_INDEX.as_str());
        let learned = match Listing::of(call.send(self.registry().client()).await?).await {
            Listing::Page(_) => ReferrersCapability::Supported,
            Listing::Unsupported => ReferrersCapability::Unsupported,
            Listing::NoRepository => return Ok(ReferrersCapability::Unknown),
            Listing::Failed(refused) => return Err(self.referrers_error(refused)),
        };
        self.registry().memory().learn_referrers(self.name(), learned);
        Ok(learned)
    }

    pub(super) fn referrers_error(&self, refused: ResponseError) -> Error {
        refused.about(&format!("referrers in {}", self.reference()))
    }

    /// The entries of a page, and only those of the type that was asked for.
    pub(super) async fn read_page(&self, answer: Answer, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        let lists = |text: &str| text.split(',').any(|filter| filter.trim() == "artifactType");
        let what = || format!("referrers in {}", self.reference());
        let answer = answer.expect(&[StatusCode::OK], what).await?;
        let mut headers = answer.headers().get_all("oci-filters-applied").iter();
        let by_header = headers.any(|value| value.to_str().is_ok_and(lists));
        let unexpected = answer.protocol_error("expected an image index");
        let bytes = answer.bytes(self.metadata_limit()).await?;
        let index = Index::from_slice(&bytes).map_err(|error| unexpected.with_source(error))?;
        if by_header || index.annotations.get(FILTERS_APPLIED).is_some_and(|text| lists(text)) {
            return Ok(index.manifests);
        }
        Ok(only(index.manifests, artifact_type))
    }
}

/// The entries of one type; what does not say its type is of none.
pub(super) fn only(mut entries: Vec<Descriptor>, artifact_type: Option<&MediaType>) -> Vec<Descriptor> {
    if let Some(wanted) = artifact_type {
        entries.retain(|entry| entry.artifact_type.as_ref() == Some(wanted));
    }
    entries
}
