//! Lists that come in pages: tags, referrers, catalog.

use http::{HeaderName, Response, StatusCode, header};
use oras_descriptor::{Descriptor, Digest, Index, MediaType, canonical};
use serde_json::json;

use crate::{
    behaviour::{ReferrersQuirk, page},
    body::Body,
    call::Call,
    error::{ApiError, Code, Result},
    query::escape,
    registry::Registry,
    reply,
};

/// Which filters a list of referrers went through.
const FILTERS_APPLIED: HeaderName = HeaderName::from_static("oci-filters-applied");

/// A page of referrers ends before it passes this size: clients need not read larger manifests.
const MAX_REFERRERS: usize = 4 * 1024 * 1024;

/// What a cursor starts with that only this server can have made.
const CURSOR: &str = "~";

/// What a request asks of a list.
struct Asked {
    n: Option<usize>,
    last: Option<String>,
}

impl Asked {
    fn parse(call: &Call) -> Result<Self> {
        let quirks = &call.quirks().lists;
        let n = call.query.first("n").map(|text| {
            let bad = || ApiError::bad_request(Code::Unsupported, format!("n is {text:?}: expected a number"));
            text.parse::<usize>().map_err(|_not_a_number| bad())
        });
        let n = n.transpose()?.filter(|_| !quirks.ignore_n);
        if let (Some(n), Some(max)) = (n, quirks.max_n)
            && n > max
        {
            return Err(ApiError::unsupported(format!("n over {max}"), "GET"));
        }
        let last = call.query.first("last").map(|last| match last.strip_prefix(CURSOR) {
            Some(cursor) => Ok(cursor.to_owned()),
            None if quirks.opaque_cursor => Err(ApiError::unsupported("a cursor of the client's own", "GET")),
            None => Ok(last.to_owned()),
        });
        let n = match (n, quirks.page_size) {
            (Some(n), Some(size)) => Some(n.min(size)),
            (n, size) => n.or(size),
        };
        Ok(Self { n, last: last.transpose()? })
    }
}

/// The first entries of a list, and whether there are more.
fn cut<T>(mut entries: impl Iterator<Item = T>, n: Option<usize>) -> (Vec<T>, bool) {
    let Some(n) = n else {
        return (entries.collect(), false);
    };
    let first = entries.by_ref().take(n).collect();
    (first, n > 0 && entries.next().is_some())
}

/// Links to the page behind `last`.
fn link(call: &Call, response: &mut Response<Body>, path: &str, parameters: &str, last: &str) {
    let quirks = &call.quirks().lists;
    if quirks.omit_link {
        return;
    }
    let base = if quirks.absolute_link { call.base.as_str() } else { "" };
    let last = match (quirks.looping_link, quirks.opaque_cursor) {
        (true, _) => escape(call.query.first("last").unwrap_or_default()),
        (false, true) => format!("{CURSOR}{}", escape(last)),
        (false, false) => escape(last),
    };
    reply::set(response, header::LINK, &format!("<{base}{path}?{parameters}last={last}>; rel=\"next\""));
}

fn n_parameter(asked: &Asked) -> String {
    asked.n.map(|n| format!("n={n}&")).unwrap_or_default()
}

/// `GET tags/list`.
pub(crate) async fn tags(registry: &Registry, call: &Call) -> Result<Response<Body>> {
    let quirks = &call.quirks().lists;
    let asked = Asked::parse(call)?;
    let repository = registry.storage().repository(call.name()).await?;
    let repository = repository.ok_or_else(|| ApiError::unknown_repository(call.name()))?;
    let (mut tags, has_more): (Vec<String>, bool) = {
        let index = repository.read();
        cut(index.tags_after(asked.last.as_deref()).map(str::to_owned), asked.n)
    };
    let last = tags.last().cloned();
    if quirks.unsorted {
        tags.reverse();
    }
    let list = if tags.is_empty() && quirks.tags_null { json!(null) } else { json!(tags) };
    let mut response = reply::json(&json!({"name": repository.name(), "tags": list}));
    if let Some(last) = last.filter(|_| has_more) {
        link(call, &mut response, &format!("/v2/{}/tags/list", call.name()), &n_parameter(&asked), &last);
    }
    Ok(response)
}

/// `GET /v2/_catalog`.
pub(crate) async fn catalog(registry: &Registry, call: &Call) -> Result<Response<Body>> {
    let mut asked = Asked::parse(call)?;
    let most = registry.limits().page_size;
    asked.n = asked.n.or(Some(most));
    let names = registry.storage().repositories().await?;
    let behind = names.into_iter().filter(|name| asked.last.as_ref().is_none_or(|last| name > last));
    let (names, has_more) = cut(behind, asked.n);
    let mut response = reply::json(&json!({"repositories": names}));
    if let Some(last) = names.last().filter(|_| has_more) {
        link(call, &mut response, "/v2/_catalog", &n_parameter(&asked), last);
    }
    Ok(response)
}

/// `GET referrers/<digest>`: an index, also of what nobody knows.
pub(crate) async fn referrers(registry: &Registry, call: &Call, subject: &str) -> Result<Response<Body>> {
    let quirks = &call.quirks().lists;
    match quirks.referrers {
        ReferrersQuirk::Supported => {}
        ReferrersQuirk::Page => return Ok(page(StatusCode::OK)),
        ReferrersQuirk::Status(status) => {
            return Err(ApiError::not_found(Code::Unsupported, "there are no referrers here").with_status(status));
        }
    }
    let subject = reply::parse_digest(subject)?;
    let asked = Asked::parse(call)?;
    let filter = call.query.first("artifactType").filter(|_| !quirks.ignore_filter);
    let (mut entries, has_more) = referrers_page(registry, call, &subject, filter, &asked).await?;
    let last = entries.last().map(|entry| entry.digest.to_string());
    if quirks.bare_referrers {
        entries = entries.iter().map(Descriptor::plain).collect();
    }
    let mut response = Response::new(canonical(&Index::new(entries)).into());
    reply::set(&mut response, header::CONTENT_TYPE, MediaType::OCI_INDEX.as_str());
    if filter.is_some() {
        reply::set(&mut response, FILTERS_APPLIED, "artifactType");
    }
    if let Some(last) = last.filter(|_| has_more) {
        let filter = filter.map(|filter| format!("artifactType={}&", escape(filter))).unwrap_or_default();
        let path = format!("/v2/{}/referrers/{subject}", call.name());
        link(call, &mut response, &path, &format!("{filter}{}", n_parameter(&asked)), &last);
    }
    Ok(response)
}

async fn referrers_page(
    registry: &Registry,
    call: &Call,
    subject: &Digest,
    filter: Option<&str>,
    asked: &Asked,
) -> Result<(Vec<Descriptor>, bool)> {
    let Some(repository) = registry.storage().repository(call.name()).await? else {
        return Ok((Vec::new(), false));
    };
    let filter = filter.map(|text| MediaType::new(text.to_owned()));
    let index = repository.read();
    let behind = index
        .referrers(subject, filter.as_ref())
        .filter(|entry| asked.last.as_ref().is_none_or(|last| entry.digest.as_str() > last.as_str()));
    let most = registry.limits().page_size;
    let (mut entries, mut has_more) = cut(behind, Some(asked.n.unwrap_or(most).max(1)));
    let sizes = entries.iter().scan(0, |size, entry| {
        *size += canonical(entry).len() + 1;
        Some(*size)
    });
    // One entry always comes, or the list would never end.
    let fitting = sizes.take_while(|size| *size <= MAX_REFERRERS).count().max(1);
    has_more |= fitting < entries.len();
    entries.truncate(fitting);
    Ok((entries, has_more))
}
