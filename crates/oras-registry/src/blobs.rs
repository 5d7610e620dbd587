//! Blobs: reading, redirecting, deleting.

use http::{Response, StatusCode, header};
use oras_descriptor::{Algorithm, Digest};

use crate::{
    behaviour::{BlobQuirks, DigestHeader, RangeQuirk, Redirect},
    body::Body,
    call::Call,
    error::{ApiError, Code, Result},
    range::{self, Asked},
    registry::Registry,
    reply,
    routes::DOWNLOADS,
};

/// `GET` and `HEAD`.
pub(crate) async fn read(registry: &Registry, call: &Call, digest: &str) -> Result<Response<Body>> {
    let quirks = &call.quirks().blobs;
    if let Some(status) = quirks.head_status.filter(|_| call.is_head()) {
        return Ok(reply::empty(status));
    }
    let digest = reply::parse_digest(digest)?;
    let Some(size) = registry.storage().blob_size(call.name(), &digest).await? else {
        if quirks.manifests_as_blobs {
            return as_blob(registry, call, &digest).await;
        }
        return Err(unknown(&digest));
    };
    if let Some(url) = redirection(registry, call, &digest)? {
        let mut response = reply::empty(StatusCode::TEMPORARY_REDIRECT);
        reply::set(&mut response, header::LOCATION, &url);
        return Ok(response);
    }
    serve(registry, call, &digest, size).await
}

/// The answer with the bytes, or with a part of them.
pub(crate) async fn serve(registry: &Registry, call: &Call, digest: &Digest, size: u64) -> Result<Response<Body>> {
    let tag = format!("\"{digest}\"");
    let asked = if call.is_head() { Asked::Whole } else { asked(call, &tag, size) };
    let mut response = match asked {
        _ if is_unchanged(call, &tag) => reply::empty(StatusCode::NOT_MODIFIED),
        Asked::Nothing => return Err(unsatisfiable(size)),
        Asked::Whole if call.is_head() => head(&call.quirks().blobs, size),
        Asked::Whole => {
            let stream = registry.storage().read_blob(call.name(), digest, 0..size).await?;
            Response::new(Body::stream(size, stream.ok_or_else(|| unknown(digest))?))
        }
        Asked::Part(range) => {
            let (range, said) = early(call.quirks().blobs.ranges, range);
            let len = range.end - range.start;
            let stream = registry.storage().read_blob(call.name(), digest, range).await?;
            let mut response = Response::new(Body::stream(len, stream.ok_or_else(|| unknown(digest))?));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            let content_range = format!("bytes {}-{}/{size}", said.start, said.end.saturating_sub(1));
            reply::set(&mut response, header::CONTENT_RANGE, &content_range);
            response
        }
    };
    let quirks = &call.quirks().blobs;
    reply::set(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    reply::set(&mut response, header::ACCEPT_RANGES, "bytes");
    reply::set(&mut response, header::ETAG, &tag);
    if let Some(coding) = &quirks.content_encoding {
        reply::set(&mut response, header::CONTENT_ENCODING, coding);
    }
    if let Some(text) = digest_header(registry, call.name(), digest, quirks.digest).await? {
        reply::set(&mut response, reply::CONTENT_DIGEST, &text);
    }
    Ok(response)
}

fn head(quirks: &BlobQuirks, size: u64) -> Response<Body> {
    let mut response = reply::empty(StatusCode::OK);
    if !quirks.head_without_length {
        response.headers_mut().insert(header::CONTENT_LENGTH, quirks.head_length.unwrap_or(size).into());
    }
    response
}

/// What is asked, after `If-Range`: a part only of content that has not changed.
fn asked(call: &Call, tag: &str, size: u64) -> Asked {
    let header = call.header(header::RANGE);
    if call.header(header::IF_RANGE).is_some_and(|expected| expected != tag) {
        return Asked::Whole;
    }
    match call.quirks().blobs.ranges {
        RangeQuirk::Ignored => Asked::Whole,
        RangeQuirk::Refused if header.is_some() => Asked::Nothing,
        RangeQuirk::ClosedOnly if header.is_some_and(|range| range.ends_with('-') || range.contains("=-")) => {
            Asked::Nothing
        }
        _ => range::parse(header, size),
    }
}

/// The range that is sent, and the one that is said.
fn early(quirk: RangeQuirk, range: std::ops::Range<u64>) -> (std::ops::Range<u64>, std::ops::Range<u64>) {
    let early = range.start.saturating_sub(1)..range.end.saturating_sub(1).max(1);
    match quirk {
        RangeQuirk::Early => (early.clone(), early),
        RangeQuirk::EarlyUnsaid => (early, range),
        _ => (range.clone(), range),
    }
}

pub(crate) fn is_unchanged(call: &Call, tag: &str) -> bool {
    call.list(header::IF_NONE_MATCH)
        .is_some_and(|tags| tags.iter().any(|known| *known == "*" || known.trim_start_matches("W/") == tag))
}

fn unsatisfiable(size: u64) -> ApiError {
    let error = ApiError::new(StatusCode::RANGE_NOT_SATISFIABLE, Code::SizeInvalid, "there is nothing in this range");
    error.with_header(header::CONTENT_RANGE, reply::value(&format!("bytes */{size}")))
}

fn unknown(digest: &Digest) -> ApiError {
    ApiError::not_found(Code::BlobUnknown, format!("blob {digest} is not known"))
}

/// Where a request is sent to.
fn redirection(registry: &Registry, call: &Call, digest: &Digest) -> Result<Option<String>> {
    let stays = call.is_head() && !call.quirks().blobs.redirect_head;
    if stays || call.head.uri.path().starts_with(DOWNLOADS) {
        return Ok(None);
    }
    match call.quirks().blobs.redirect {
        Redirect::None => Ok(None),
        Redirect::SameOrigin => Ok(Some(format!("{DOWNLOADS}{}/{digest}", call.name()))),
        Redirect::SecondOrigin => {
            Ok(registry.second_origin().map(|origin| origin.sign(call.name(), digest)).transpose()?)
        }
    }
}

/// What is said about the digest. A registry that deviates may hash the blob by itself.
async fn digest_header(
    registry: &Registry,
    name: &str,
    digest: &Digest,
    quirk: DigestHeader,
) -> Result<Option<String>> {
    let algorithm = match quirk {
        DigestHeader::Right => return Ok(Some(digest.to_string())),
        DigestHeader::Absent => return Ok(None),
        DigestHeader::Wrong => return Ok(Some(Digest::of(b"something else").to_string())),
        DigestHeader::Sha256 => Algorithm::Sha256,
        DigestHeader::Sha512 => Algorithm::Sha512,
    };
    let mut hasher = algorithm.hasher();
    let size = registry.storage().blob_size(name, digest).await?.unwrap_or_default();
    if let Some(mut stream) = registry.storage().read_blob(name, digest, 0..size).await? {
        while let Some(chunk) = futures_util::StreamExt::next(&mut stream).await {
            hasher.update(&chunk?);
        }
    }
    Ok(Some(hasher.finish().to_string()))
}

/// A manifest in the place of a blob.
async fn as_blob(registry: &Registry, call: &Call, digest: &Digest) -> Result<Response<Body>> {
    let bytes = registry.storage().manifest(call.name(), digest).await?.ok_or_else(|| unknown(digest))?;
    let mut response =
        if call.is_head() { head(&BlobQuirks::default(), bytes.len() as u64) } else { Response::new(bytes.into()) };
    reply::set(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    reply::set(&mut response, reply::CONTENT_DIGEST, digest.as_str());
    Ok(response)
}

/// `DELETE`.
pub(crate) async fn delete(registry: &Registry, call: &Call, digest: &str) -> Result<Response<Body>> {
    if let Some(status) = call.quirks().blobs.delete_status {
        return Err(ApiError::unsupported("deleting blobs", "GET, HEAD").with_status(status));
    }
    let digest = reply::parse_digest(digest)?;
    match registry.storage().delete_blob(call.name(), &digest).await? {
        true => Ok(reply::empty(StatusCode::ACCEPTED)),
        false => Err(unknown(&digest)),
    }
}
