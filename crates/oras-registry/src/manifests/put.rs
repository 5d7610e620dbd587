use http::{HeaderName, Response, StatusCode, header};
use oras_descriptor::{Algorithm, Descriptor, Digest, MediaType};
use oras_reference::validate_tag;
use serde_json::Value;

use super::{
    check::{check_quirks, check_references, parse},
    digest_header, parse_reference,
};
use crate::{
    behaviour::ReferrersQuirk,
    body::{Body, Upload},
    call::Call,
    error::{ApiError, Code, Result},
    registry::Registry,
    reply,
    storage::{Change, Condition, Outcome, Put, Reference},
};

/// The subject, on the answer to a manifest that has one.
const SUBJECT: HeaderName = HeaderName::from_static("oci-subject");

/// A tag that was created by a parameter.
const TAG: HeaderName = HeaderName::from_static("oci-tag");

/// `PUT`, by tag or by digest.
pub(crate) async fn put(registry: &Registry, call: &Call, reference: &str, body: Upload) -> Result<Response<Body>> {
    let quirks = &call.quirks().manifests;
    let reference = parse_reference(reference, quirks)?;
    let parameters = tag_parameters(registry, call, &reference)?;
    let bytes = reply::read_limited(body, registry.limits().manifest, "the manifest").await?;
    let media_type = media_type(call, &bytes)?;
    let links = parse(&media_type, &bytes)?;
    check_quirks(&media_type, &links, quirks)?;
    let digest = match &reference {
        Reference::Digest(digest) => check_digest(digest, &bytes)?,
        Reference::Tag(_) => Digest::of(&bytes),
    };
    if !registry.options().sparse {
        let repository = registry.storage().repository(call.name()).await?;
        check_references(registry, repository.as_deref(), call.name(), &links).await?;
    }
    let subject = links.subject.as_ref().map(|subject| subject.digest.clone());
    let mut tags = parameters.clone();
    if let Reference::Tag(tag) = &reference {
        tags.push(tag.clone());
    }
    let desc = Descriptor::new(media_type, digest, bytes.len() as u64);
    let condition = if quirks.ignore_conditions { Condition::default() } else { condition(call) };
    let answer = created(call, &desc, &bytes, subject.as_ref(), &parameters);
    let change = Change::Put(Box::new(Put { reference, condition, desc, bytes, links, tags }));
    match registry.storage().change(call.name(), change).await? {
        Outcome::Done => Ok(answer),
        Outcome::NotFound | Outcome::ConditionFailed => {
            let message = "the condition of the request does not hold";
            Err(ApiError::new(StatusCode::PRECONDITION_FAILED, Code::Denied, message))
        }
    }
}

/// The tags that a push by digest asks for beside (distribution specification, "Pushing Manifests").
fn tag_parameters(registry: &Registry, call: &Call, reference: &Reference) -> Result<Vec<String>> {
    if matches!(reference, Reference::Tag(_)) {
        return Ok(Vec::new());
    }
    let limit = call.quirks().manifests.max_tag_parameters.unwrap_or(usize::MAX);
    let tags: Vec<String> = call.query.all("tag").take(limit).map(str::to_owned).collect();
    let most = registry.limits().tags_per_manifest;
    if tags.len() > most {
        let message = format!("{} tags at once are too many: at most {most}", tags.len());
        return Err(ApiError::new(StatusCode::URI_TOO_LONG, Code::Unsupported, message));
    }
    for tag in &tags {
        validate_tag(tag).map_err(|error| ApiError::bad_request(Code::ManifestInvalid, error.to_string()))?;
    }
    Ok(tags)
}

/// The type of the request without its parameters; that of the document when the request has none.
fn media_type(call: &Call, bytes: &[u8]) -> Result<MediaType> {
    if let Some(text) = call.header(header::CONTENT_TYPE) {
        return Ok(MediaType::new(MediaType::new(text.to_owned()).essence().to_owned()));
    }
    let document: Value = serde_json::from_slice(bytes).unwrap_or_default();
    match document.get("mediaType").and_then(Value::as_str) {
        Some(text) => Ok(MediaType::new(text.to_owned())),
        None => Err(ApiError::bad_request(Code::ManifestInvalid, "the request has no Content-Type")),
    }
}

fn check_digest(digest: &Digest, bytes: &[u8]) -> Result<Digest> {
    let invalid = |message: String| ApiError::bad_request(Code::DigestInvalid, message);
    let algorithm: Algorithm = digest.known_algorithm().map_err(|error| invalid(error.to_string()))?;
    let found = algorithm.digest(bytes);
    if found == *digest {
        return Ok(found);
    }
    Err(invalid(format!("the content has the digest {found}")))
}

fn condition(call: &Call) -> Condition {
    let tags = |name| {
        let list = call.list(name)?;
        Some(list.into_iter().map(|tag| tag.trim_matches('"').to_owned()).collect())
    };
    Condition { if_match: tags(header::IF_MATCH), if_none_match: tags(header::IF_NONE_MATCH) }
}

fn created(call: &Call, desc: &Descriptor, bytes: &[u8], subject: Option<&Digest>, tags: &[String]) -> Response<Body> {
    let quirks = &call.quirks().manifests;
    let mut response = reply::empty(StatusCode::CREATED);
    if !quirks.omit_location {
        reply::set(&mut response, header::LOCATION, &format!("/v2/{}/manifests/{}", call.name(), desc.digest));
    }
    if let Some(digest) = digest_header(&desc.digest, bytes, quirks.digest) {
        reply::set(&mut response, reply::CONTENT_DIGEST, &digest);
    }
    if !quirks.ignore_conditions {
        reply::set(&mut response, header::ETAG, &format!("\"{}\"", desc.digest));
    }
    if let Some(subject) = subject
        && call.quirks().lists.referrers == ReferrersQuirk::Supported
    {
        reply::set(&mut response, SUBJECT, subject.as_str());
    }
    for tag in tags {
        response.headers_mut().append(TAG, reply::value(tag));
    }
    response
}
