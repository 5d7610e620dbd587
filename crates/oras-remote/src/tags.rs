use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _};
use http::StatusCode;
use oras_content::Result;
use serde::Deserialize;

use crate::{
    pages::{Pages, items},
    repository::Repository,
};

/// A list of tags, page by page.
struct Listing<'a> {
    repository: &'a Repository,
    pages: Pages<'a>,
    /// Whether the registry leads from page to page by itself.
    links: bool,
    /// What the caller has seen already.
    after: Option<String>,
    first_of_last_page: Option<String>,
}

impl Repository {
    pub(crate) fn list_tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let url = self.url("tags", "list").query_if("n", self.registry().page_size()).query_if("last", last);
        let max = self.registry().options().max_pages;
        let listing = url.build().map(|uri| Listing {
            repository: self,
            pages: Pages::new(self.registry().client(), uri, self.pull(), max),
            links: false,
            after: last.map(ToOwned::to_owned),
            first_of_last_page: None,
        });
        let tags = items(std::future::ready(listing), |mut listing| async move {
            let tags = listing.next().await?;
            Ok(tags.map(|tags| (tags, listing)))
        });
        // Not every registry keeps digests out of its tags.
        tags.try_filter(|tag: &String| std::future::ready(!tag.contains(':'))).boxed()
    }
}

impl Listing<'_> {
    async fn next(&mut self) -> Result<Option<Vec<String>>> {
        #[derive(Deserialize)]
        struct Page {
            tags: Option<Vec<String>>,
        }

        let is_guess = self.first_of_last_page.is_some() && !self.links;
        let Some(answer) = self.pages.next().await? else {
            return Ok(None);
        };
        // A page that no link led to may be one that the registry does not have.
        if is_guess && answer.status().is_client_error() && !matches!(answer.status().as_u16(), 401 | 403 | 429) {
            return Ok(None);
        }
        let what = || format!("tags of {}", self.repository.reference());
        let answer = answer.expect(&[StatusCode::OK], what).await?;
        let page: Page = answer.json(self.repository.metadata_limit()).await?;
        let tags = page.tags.unwrap_or_default();
        if is_guess && tags.first() == self.first_of_last_page.as_ref() {
            return Ok(None);
        }
        self.links |= self.pages.has_next();
        self.first_of_last_page = tags.first().cloned();
        if let Some(last) = self.guess(&tags) {
            let size = self.repository.registry().page_size();
            let url = self.repository.url("tags", "list").query_if("n", size).query("last", last);
            self.pages.set_next(url.build()?);
        }
        Ok(Some(self.behind(tags)))
    }

    /// The tags behind the one that the caller asked for: a registry that lists that one too took no notice of it.
    fn behind(&mut self, mut tags: Vec<String>) -> Vec<String> {
        if let Some(at) = tags.iter().position(|tag| self.after.as_ref() == Some(tag)) {
            tags.drain(..=at);
            self.after = None;
        }
        tags
    }

    /// Behind which tag to go on, where a full page has no link: some registries write none.
    fn guess<'t>(&self, tags: &'t [String]) -> Option<&'t str> {
        let size = usize::try_from(self.repository.registry().page_size()?).ok()?;
        let is_full = tags.len() == size && !self.links && !self.pages.has_next();
        tags.last().filter(|_| is_full).map(String::as_str)
    }
}
