use std::{
    collections::HashMap,
    io,
    sync::{Mutex, PoisonError},
};

use http::{Method, Response, StatusCode, header, request::Parts};
use oras_descriptor::Digest;

use crate::{
    auth::random_text,
    behaviour::Behaviour,
    body::Body,
    error::{ApiError, Code, Result},
    query::Query,
};

/// How many signed URLs are remembered; it bounds what a flood of requests can make the server keep.
const MAX_SIGNED: usize = 10_000;

/// Another origin that serves blobs by signed URLs, as the storage behind many registries does.
#[derive(Debug)]
pub(crate) struct SecondOrigin {
    base: String,
    signed: Mutex<HashMap<String, Signed>>,
}

#[derive(Debug)]
struct Signed {
    name: String,
    digest: Digest,
    uses: u64,
}

impl SecondOrigin {
    pub(crate) fn new(base: String) -> Self {
        Self { base, signed: Mutex::default() }
    }

    fn signed(&self) -> std::sync::MutexGuard<'_, HashMap<String, Signed>> {
        self.signed.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A URL under which one blob can be read.
    pub(crate) fn sign(&self, name: &str, digest: &Digest) -> io::Result<String> {
        let signature = random_text()?;
        let mut signed = self.signed();
        if signed.len() >= MAX_SIGNED {
            signed.clear();
        }
        let url = format!("{}/storage/{}?signature={signature}", self.base, digest.encoded());
        signed.insert(signature, Signed { name: name.into(), digest: digest.clone(), uses: 0 });
        Ok(url)
    }

    /// The blob that a request may read. The errors are those of S3: it takes one way of authentication alone, and a
    /// signature holds for one method.
    pub(crate) fn open(&self, head: &Parts, behaviour: &Behaviour) -> Result<(String, Digest)> {
        if head.headers.contains_key(header::AUTHORIZATION) {
            let message = "only one way of authentication is allowed";
            return Err(ApiError::bad_request(Code::Unsupported, message));
        }
        let denied = |message: &str| ApiError::new(StatusCode::FORBIDDEN, Code::Denied, message);
        if head.method != Method::GET {
            return Err(denied("the signature does not match"));
        }
        let query = Query::parse(head.uri.query().unwrap_or_default());
        let mut all = self.signed();
        let signed = all.get_mut(query.first("signature").unwrap_or_default());
        let signed = signed.ok_or_else(|| denied("the signature does not match"))?;
        signed.uses += 1;
        if behaviour.blobs.redirect_uses.is_some_and(|limit| signed.uses > limit) {
            return Err(denied("the signature has expired"));
        }
        Ok((signed.name.clone(), signed.digest.clone()))
    }
}

/// The error in the place of an answer, without anything that only a registry says.
pub(crate) fn refuse(error: &ApiError) -> Response<Body> {
    let mut response = Response::new(Body::from("<Error/>".to_owned()));
    *response.status_mut() = error.status();
    response.headers_mut().insert(header::CONTENT_TYPE, http::HeaderValue::from_static("application/xml"));
    response
}
