use std::{collections::HashSet, future::Future};

use futures_core::stream::BoxStream;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{Method, Uri, header};
use oras_content::{Error, ErrorKind, Result};
use oras_transport::{HttpClient, Link, Origin, resolve};

use crate::{
    access::Access,
    client::{Answer, Call},
};

/// The items of a list that comes in parts: `first` gives a state, `next` the items of a part and the state behind it.
pub(crate) fn items<'a, S, T, F>(
    first: impl Future<Output = Result<S>> + Send + 'a,
    next: impl FnMut(S) -> F + Send + 'a,
) -> BoxStream<'a, Result<T>>
where
    S: Send + 'a,
    T: Send + 'a,
    F: Future<Output = Result<Option<(Vec<T>, S)>>> + Send + 'a,
{
    let parts = async move { Ok::<_, Error>(stream::try_unfold(first.await?, next)) };
    let each = |part: Vec<T>| stream::iter(part.into_iter().map(Ok));
    stream::once(parts).try_flatten().map_ok(each).try_flatten().boxed()
}

/// The pages of a list, one request each, as `Link` headers lead from one to the next.
pub(crate) struct Pages<'a> {
    client: &'a HttpClient,
    access: Access,
    accept: Option<String>,
    next: Option<Uri>,
    seen: HashSet<Uri>,
    max: usize,
}

impl<'a> Pages<'a> {
    pub(crate) fn new(client: &'a HttpClient, first: Uri, access: Access, max: usize) -> Self {
        Self { client, access, accept: None, next: Some(first), seen: HashSet::new(), max }
    }

    #[must_use]
    pub(crate) fn accept(mut self, media_type: String) -> Self {
        self.accept = Some(media_type);
        self
    }

    /// The next page, of any status; none behind the last one.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::TooManyPages`] when there are more than the caller allows, or when a page leads back to one before;
    /// [`ErrorKind::Denied`] when a page leads to another origin.
    pub(crate) async fn next(&mut self) -> Result<Option<Answer>> {
        let Some(uri) = self.next.take() else {
            return Ok(None);
        };
        if self.seen.len() >= self.max {
            let message = format!("the list has more than {} pages", self.max);
            return Err(Error::new(ErrorKind::TooManyPages, message));
        }
        let mut call = Call::new(Method::GET, uri.clone(), self.access.clone());
        if let Some(media_type) = &self.accept {
            call = call.header(header::ACCEPT, media_type);
        }
        let answer = call.send(self.client).await?;
        self.seen.insert(uri);
        if let Some(link) = Link::next(answer.headers()) {
            self.lead_to(resolve(answer.uri(), &link.target)?, &answer)?;
        }
        Ok(Some(answer))
    }

    /// Goes on with a page that no header leads to.
    pub(crate) fn set_next(&mut self, uri: Uri) {
        self.next = Some(uri);
    }

    pub(crate) fn has_next(&self) -> bool {
        self.next.is_some()
    }

    fn lead_to(&mut self, uri: Uri, answer: &Answer) -> Result<()> {
        let origin = Origin::of(answer.uri());
        if Origin::of(&uri) != origin {
            let expected = origin.map(|origin| origin.to_string()).unwrap_or_default();
            let message = format!("invalid link to the next page: expected a URL of {expected}");
            return Err(Error::new(ErrorKind::Denied, message));
        }
        if self.seen.contains(&uri) {
            return Err(Error::new(ErrorKind::TooManyPages, "the pages of the list lead back to one before"));
        }
        self.next = Some(uri);
        Ok(())
    }
}
