use http::{Method, Response};
use serde_json::json;

use crate::{
    auth::{Actions, Caller, challenge, insufficient, token},
    blobs,
    body::{Body, Upload},
    call::Call,
    error::{ApiError, Code, Result},
    lists, manifests,
    registry::Registry,
    reply,
    routes::Target,
    uploads,
};

/// What a read-only registry answers to.
const READING: &str = "GET, HEAD";

/// Finds out whether a request is allowed, and who answers it.
pub(crate) async fn dispatch(registry: &Registry, mut call: Call, body: Upload) -> Result<Response<Body>> {
    match call.route.target {
        Target::Unknown => return Err(ApiError::not_found(Code::Unsupported, "this is no path of a registry")),
        Target::BadName => {
            let message = format!("{:?} is not the name of a repository", call.name());
            return Err(ApiError::bad_request(Code::NameInvalid, message));
        }
        _ => {}
    }
    call.caller = caller(registry, &call)?;
    check_method(registry, &call)?;
    let method = call.head.method.clone();
    let target = call.route.target.clone();
    match (&target, method) {
        (Target::Base, _) => Ok(reply::json(&json!({}))),
        (Target::Extensions, _) => Ok(reply::json(&json!({"extensions": []}))),
        (Target::Catalog, _) => lists::catalog(registry, &call).await,
        (Target::Tags, _) => lists::tags(registry, &call).await,
        (Target::Referrers(subject), _) => lists::referrers(registry, &call, subject).await,
        (Target::Token, _) => token(registry, &call, body).await,
        (Target::Uploads, _) => uploads::post(registry, &call, body).await,
        (Target::Session(id), Method::PATCH) => uploads::patch(registry, &call, id, body).await,
        (Target::Session(id), Method::PUT) => uploads::put(registry, &call, id, body).await,
        (Target::Session(id), Method::DELETE) => uploads::cancel(registry, &call, id).await,
        (Target::Session(id), _) => uploads::status(registry, &call, id),
        (Target::Blob(digest), Method::DELETE) => blobs::delete(registry, &call, digest).await,
        (Target::Blob(digest), _) => blobs::read(registry, &call, digest).await,
        (Target::Manifest(reference), Method::PUT) => manifests::put(registry, &call, reference, body).await,
        (Target::Manifest(reference), Method::DELETE) => manifests::delete(registry, &call, reference).await,
        (Target::Manifest(reference), _) => manifests::read(registry, &call, reference).await,
        (Target::Unknown | Target::BadName, _) => Err(ApiError::not_found(Code::Unsupported, "there is nothing here")),
    }
}

fn caller(registry: &Registry, call: &Call) -> Result<Caller> {
    let (Some(auth), Some(need)) = (registry.auth(), call.need()) else {
        return Ok(Caller::Anyone);
    };
    let quirks = &call.quirks().tokens;
    let source = call.mount_source();
    let challenge = challenge(auth.scheme, &call.base, &need, source, quirks);
    let caller = auth.authorize(auth.identify(&call.head.headers, quirks), &need, &challenge)?;
    // The token names no source, though its holder may read it: another one will do.
    if let Some(source) = source
        && !auth.actions(&caller, source).contains(Actions::PULL)
        && auth.account_actions(&caller, source).contains(Actions::PULL)
    {
        return Err(insufficient(&challenge));
    }
    Ok(caller)
}

fn check_method(registry: &Registry, call: &Call) -> Result<()> {
    let allowed = call.route.allowed();
    let method = call.head.method.as_str();
    if !allowed.split(", ").any(|known| known == method) {
        return Err(ApiError::unsupported(format!("{method} on this path"), allowed));
    }
    let options = registry.options();
    let reads = matches!(call.head.method, Method::GET | Method::HEAD);
    if options.read_only && !reads && call.route.target != Target::Token {
        return Err(ApiError::unsupported("writing to a read-only registry", READING));
    }
    let deletes = call.head.method == Method::DELETE && !matches!(call.route.target, Target::Session(_));
    if deletes && !options.deletes {
        return Err(ApiError::unsupported("deleting", READING));
    }
    Ok(())
}
