//! Manifests and the tags that point to them.

mod check;
mod put;

pub(crate) use put::put;

use http::{Response, StatusCode, header};
use oras_descriptor::{Algorithm, Descriptor, Digest};
use oras_reference::validate_tag;

use crate::{
    behaviour::{DigestHeader, ManifestQuirks, page},
    blobs::is_unchanged,
    body::Body,
    call::Call,
    error::{ApiError, Code, Result},
    registry::Registry,
    reply,
    storage::{Change, Outcome, Reference},
};

/// Reads a tag or a digest out of a path: whatever has a colon is a digest.
fn parse_reference(text: &str, quirks: &ManifestQuirks) -> Result<Reference> {
    if text.contains(':') {
        return match (reply::parse_digest(text), quirks.malformed_digest_status) {
            (Err(error), Some(status)) => Err(error.with_status(status)),
            (digest, _) => digest.map(Reference::Digest),
        };
    }
    if quirks.tag_is_digest
        && let Some(digest) = text.split_once('-').and_then(|(name, hex)| format!("{name}:{hex}").parse().ok())
    {
        return Ok(Reference::Digest(digest));
    }
    match validate_tag(text) {
        Ok(()) => Ok(Reference::Tag(text.into())),
        Err(error) => Err(ApiError::bad_request(Code::ManifestInvalid, error.to_string())),
    }
}

/// `GET` and `HEAD`.
pub(crate) async fn read(registry: &Registry, call: &Call, reference: &str) -> Result<Response<Body>> {
    let quirks = &call.quirks().manifests;
    if let Some(status) = quirks.head_status.filter(|_| call.is_head()) {
        return Ok(reply::empty(status));
    }
    let reference = match parse_reference(reference, quirks) {
        // No tag has such a name, so there is none.
        Err(error) if error.code() == Code::ManifestInvalid => {
            return Err(ApiError::not_found(Code::ManifestUnknown, "this is not the name of a tag"));
        }
        parsed => parsed?,
    };
    let Some((desc, bytes)) = find(registry, call, &reference).await? else {
        return missing(registry, call, &reference).await;
    };
    Ok(answer(call, &desc, bytes))
}

/// A manifest, unless the registry deviates and the client does not say that it takes its type.
async fn find(registry: &Registry, call: &Call, reference: &Reference) -> Result<Option<(Descriptor, bytes::Bytes)>> {
    let Some(repository) = registry.storage().repository(call.name()).await? else {
        return Ok(None);
    };
    let found = repository.read().resolve(reference).cloned();
    let is_taken = |desc: &Descriptor| !call.quirks().manifests.strict_accept || accepts(call, desc);
    let Some(desc) = found.filter(is_taken) else {
        return Ok(None);
    };
    let bytes = registry.storage().manifest(call.name(), &desc.digest).await?;
    Ok(bytes.map(|bytes| (desc, bytes)))
}

fn accepts(call: &Call, desc: &Descriptor) -> bool {
    let types = call.list(header::ACCEPT).unwrap_or_default();
    types.iter().any(|text| text.split(';').next().is_some_and(|text| text.trim() == desc.media_type.as_str()))
}

fn answer(call: &Call, desc: &Descriptor, bytes: bytes::Bytes) -> Response<Body> {
    let quirks = &call.quirks().manifests;
    let tag = format!("\"{}\"", desc.digest);
    let is_unchanged = !quirks.ignore_conditions && is_unchanged(call, &tag);
    let digest = digest_header(&desc.digest, &bytes, quirks.digest);
    let mut response = match (is_unchanged, call.is_head()) {
        (true, _) => reply::empty(StatusCode::NOT_MODIFIED),
        (false, true) => {
            let mut response = reply::empty(StatusCode::OK);
            response
                .headers_mut()
                .insert(header::CONTENT_LENGTH, quirks.head_length.unwrap_or(bytes.len() as u64).into());
            response
        }
        (false, false) => Response::new(bytes.into()),
    };
    let media_type = quirks.content_type.as_deref().unwrap_or(desc.media_type.as_str());
    let parameters = if quirks.type_parameters { "; charset=utf-8" } else { "" };
    reply::set(&mut response, header::CONTENT_TYPE, &format!("{media_type}{parameters}"));
    if let Some(digest) = digest {
        reply::set(&mut response, reply::CONTENT_DIGEST, &digest);
    }
    if !quirks.ignore_conditions {
        reply::set(&mut response, header::ETAG, &tag);
    }
    if let Some(coding) = &quirks.content_encoding {
        reply::set(&mut response, header::CONTENT_ENCODING, coding);
    }
    if quirks.head_without_headers && call.is_head() {
        response.headers_mut().remove(header::CONTENT_TYPE);
        response.headers_mut().remove(header::CONTENT_LENGTH);
    }
    response
}

fn digest_header(digest: &Digest, bytes: &[u8], quirk: DigestHeader) -> Option<String> {
    match quirk {
        DigestHeader::Right => Some(digest.to_string()),
        DigestHeader::Absent => None,
        DigestHeader::Wrong => Some(Digest::of(b"something else").to_string()),
        DigestHeader::Sha256 => Some(Digest::of(bytes).to_string()),
        DigestHeader::Sha512 => Some(Algorithm::Sha512.digest(bytes).to_string()),
    }
}

async fn missing(registry: &Registry, call: &Call, reference: &Reference) -> Result<Response<Body>> {
    let quirks = &call.quirks().manifests;
    if quirks.unknown_is_page {
        return Ok(page(StatusCode::OK));
    }
    let error = unknown(registry, call, reference).await?;
    let is_denied = quirks.unknown_is_denied && matches!(reference, Reference::Tag(_));
    Err(if is_denied { error.with_status(StatusCode::FORBIDDEN) } else { error })
}

/// 404, of the repository or of the manifest.
async fn unknown(registry: &Registry, call: &Call, reference: &Reference) -> Result<ApiError> {
    if !registry.is_known(call.name()).await? {
        return Ok(ApiError::unknown_repository(call.name()));
    }
    let message = match reference {
        Reference::Tag(tag) => format!("tag {tag} is not known"),
        Reference::Digest(digest) => format!("manifest {digest} is not known"),
    };
    Ok(ApiError::not_found(Code::ManifestUnknown, message))
}

/// `DELETE` of a tag, or of a manifest with all its tags.
pub(crate) async fn delete(registry: &Registry, call: &Call, reference: &str) -> Result<Response<Body>> {
    let quirks = &call.quirks().manifests;
    let reference = parse_reference(reference, quirks)?;
    let is_tag = matches!(reference, Reference::Tag(_));
    if let Some(status) = quirks.delete_tag_status.filter(|_| is_tag).or(quirks.delete_status) {
        return Err(ApiError::unsupported("deleting", "GET, HEAD, PUT").with_status(status));
    }
    let change = match reference.clone() {
        Reference::Tag(tag) => Change::DeleteTag(tag),
        Reference::Digest(digest) => Change::DeleteManifest(digest),
    };
    match registry.storage().change(call.name(), change).await? {
        Outcome::Done => Ok(reply::empty(StatusCode::ACCEPTED)),
        Outcome::NotFound | Outcome::ConditionFailed => Err(unknown(registry, call, &reference).await?),
    }
}
