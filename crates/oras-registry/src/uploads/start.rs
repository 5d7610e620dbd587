use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header};
use oras_descriptor::{Algorithm, Digest};
use oras_reference::validate_repository;

use super::{
    Session,
    answer::{MIN_CHUNK, created, standing},
    append::{Bounds, append},
    close::{asked_digest, finish},
};
use crate::{
    auth::{Actions, random_text},
    body::{Body, Upload},
    call::Call,
    error::{ApiError, Code, Result},
    registry::Registry,
    reply,
};

/// `POST`: a mount, a whole blob, or a new session.
pub(crate) async fn post(registry: &Registry, call: &Call, body: Upload) -> Result<Response<Body>> {
    if let Some(digest) = call.query.first("mount") {
        return mount(registry, call, digest).await;
    }
    if call.query.first("digest").is_some() {
        let (digest, algorithm) = asked_digest(call)?;
        if !call.quirks().uploads.refuse_single_post {
            return whole(registry, call, &digest, algorithm, body).await;
        }
        drain(body).await?;
    }
    open(registry, call).await
}

/// Reads what nobody asked for, so that the client gets to read the answer.
async fn drain(mut body: Upload) -> Result<()> {
    while let Some(chunk) = body.next().await {
        chunk.map_err(|error| reply::broken_body(&error))?;
    }
    Ok(())
}

async fn open(registry: &Registry, call: &Call) -> Result<Response<Body>> {
    registry.sessions().sweep().await;
    if !registry.sessions().has_room() {
        let error = ApiError::new(StatusCode::TOO_MANY_REQUESTS, Code::TooManyRequests, "too many sessions are open");
        return Err(error.with_header(header::RETRY_AFTER, HeaderValue::from_static("60")));
    }
    let session = session(registry, call, announced_algorithm(call)?).await?;
    registry.sessions().insert(Arc::clone(&session));
    let mut response = standing(call, &session, StatusCode::ACCEPTED);
    if let Some(min) = registry.limits().min_chunk {
        response.headers_mut().insert(MIN_CHUNK, min.into());
    }
    Ok(response)
}

fn announced_algorithm(call: &Call) -> Result<Algorithm> {
    let Some(name) = call.query.first("digest-algorithm") else {
        return Ok(Algorithm::default());
    };
    Algorithm::from_name(name).ok_or_else(|| {
        let message = format!("digest algorithm {name:?} is not supported: expected sha256, sha384 or sha512");
        ApiError::bad_request(Code::DigestInvalid, message)
    })
}

async fn session(registry: &Registry, call: &Call, algorithm: Algorithm) -> Result<Arc<Session>> {
    let id = random_text()?;
    let writer = registry.storage().begin(&id, call.name(), algorithm).await?;
    Ok(Session::new(&id, call.name(), writer, registry.clock().clone()))
}

/// A whole blob in one request. Its session is never shown to anybody.
async fn whole(
    registry: &Registry,
    call: &Call,
    digest: &Digest,
    algorithm: Algorithm,
    body: Upload,
) -> Result<Response<Body>> {
    let session = session(registry, call, algorithm).await?;
    let limits = registry.limits();
    let bounds = Bounds { exact: body.size(), blob: limits.blob, idle: limits.idle };
    match append(&session, session.hold().await, body, bounds).await {
        Ok(hold) => {
            finish(hold, Some(digest), algorithm).await?;
            Ok(created(call, digest))
        }
        Err(error) => {
            session.hold().await.discard().await?;
            Err(error)
        }
    }
}

/// A blob of another repository; a new session when there is none, or none that the caller may read.
async fn mount(registry: &Registry, call: &Call, digest: &str) -> Result<Response<Body>> {
    let quirks = &call.quirks().uploads;
    let digest = reply::parse_digest(digest)?;
    let from = call.query.first("from");
    if from.is_none() && quirks.refuse_anonymous_mount {
        return Err(ApiError::bad_request(Code::Unsupported, "the parameter from is missing"));
    }
    let source = match from {
        Some(from) if validate_repository(from).is_err() => {
            return Err(ApiError::bad_request(Code::NameInvalid, format!("{from:?} is not the name of a repository")));
        }
        Some(from) if !registry.actions(&call.caller, from).contains(Actions::PULL) => None,
        Some(from) => has(registry, call, from, &digest).await?.then(|| from.to_owned()),
        None if registry.options().automatic_mount => find(registry, call, &digest).await?,
        None => None,
    };
    if let Some(from) = source
        && registry.storage().mount(&from, call.name(), &digest).await?
    {
        registry.counters().add_mount();
        return Ok(created(call, &digest));
    }
    match quirks.mount_refusal {
        Some(status) => Err(ApiError::new(status, Code::Denied, "the source of the mount cannot be read")),
        None => open(registry, call).await,
    }
}

/// Whether a repository has a blob that can be mounted.
async fn has(registry: &Registry, call: &Call, from: &str, digest: &Digest) -> Result<bool> {
    if call.quirks().uploads.mount_referenced_only {
        let repository = registry.storage().repository(from).await?;
        if !repository.is_some_and(|repository| repository.read().is_referenced(digest)) {
            return Ok(false);
        }
    }
    Ok(registry.storage().blob_size(from, digest).await?.is_some())
}

/// Any repository that has the blob and that the user may read. A token names the repositories that its holder knew of,
/// and who leaves the search to the registry knows none: so the rights of the account count.
async fn find(registry: &Registry, call: &Call, digest: &Digest) -> Result<Option<String>> {
    for name in registry.storage().repositories().await? {
        if registry.account_actions(&call.caller, &name).contains(Actions::PULL)
            && has(registry, call, &name, digest).await?
        {
            return Ok(Some(name));
        }
    }
    Ok(None)
}
