use bytes::Bytes;
use http::{Method, StatusCode, header};
use oras_content::{Blob, Descriptor, Digest, Error, ErrorKind, MediaType, Result};
use oras_reference::Reference;
use serde::Deserialize;

use crate::{
    access::Access,
    client::{Answer, Call},
    mirror::Route,
    repository::Repository,
};

/// A manifest that was read: its bytes agree with its descriptor.
#[derive(Debug)]
pub(crate) struct Fetched {
    pub(crate) desc: Descriptor,
    pub(crate) bytes: Bytes,
    pub(crate) etag: Option<String>,
}

impl Repository {
    /// The manifest of a descriptor; it is read at once, and verified by whoever reads the blob.
    pub(crate) async fn fetch_manifest(&self, desc: &Descriptor) -> Result<Blob> {
        if let Ok(Some(data)) = desc.embedded() {
            return Ok(Blob::from_bytes(data).verify(desc));
        }
        let limit = self.metadata_limit();
        if desc.size > limit {
            let message = format!(
                "{} has {} bytes, more than the metadata limit of {limit} (see RegistryOptions::with_metadata_limit)",
                self.describe(desc.digest.as_str()),
                desc.size
            );
            return Err(Error::new(ErrorKind::SizeExceedsLimit, message).with_descriptor(desc));
        }
        for route in self.registry().routes(true) {
            let fetched = self.fetch_manifest_by(route, desc).await;
            let bytes = match fetched {
                // Whatever is wrong with a mirror, there is another way.
                Ok(bytes) if route.is_mirror() => match Blob::from_bytes(bytes).verify(desc).bytes(limit).await {
                    Ok(bytes) => bytes,
                    Err(_) => continue,
                },
                Err(_) if route.is_mirror() => continue,
                fetched => fetched.map_err(|error| error.with_descriptor(desc))?,
            };
            return Ok(Blob::from_bytes(bytes).verify(desc));
        }
        Err(Error::not_found(desc))
    }

    async fn fetch_manifest_by(&self, route: &Route, desc: &Descriptor) -> Result<Bytes> {
        let answer = self.get_manifest(route, desc.digest.as_str(), desc.media_type.as_str()).await?;
        let found = content_type(&answer)?;
        if !found.matches(&desc.media_type) {
            let message =
                format!("{} is said to be of type {found}, its descriptor says {}", desc.digest, desc.media_type);
            return Err(Error::new(ErrorKind::Corrupt, message));
        }
        let header = answer.check_digest(&desc.digest)?;
        let bytes = answer.bytes(self.metadata_limit()).await?;
        check_other_algorithm(header.as_ref(), &desc.digest, &bytes)?;
        check_media_type(&found, &bytes)?;
        Ok(bytes)
    }

    /// What a tag or digest stands for, and its content, in one request.
    pub(crate) async fn fetch_manifest_reference(&self, reference: &Reference) -> Result<Fetched> {
        let mut failed = None;
        for route in self.registry().routes(reference.digest().is_some()) {
            match self.fetch_reference_by(route, reference).await {
                Ok(fetched) => return Ok(fetched),
                Err(error) => failed = Some(error),
            }
        }
        Err(failed.unwrap_or_else(|| Error::new(ErrorKind::NotFound, format!("{reference}: not found"))))
    }

    /// What a tag stands for at the registry itself.
    pub(crate) async fn resolve_at_origin(&self, reference: &Reference) -> Result<Descriptor> {
        self.resolve_by(self.registry().origin(), reference).await
    }

    /// The manifest as the registry itself has it.
    pub(crate) async fn fetch_at_origin(&self, reference: &Reference) -> Result<Fetched> {
        self.fetch_reference_by(self.registry().origin(), reference).await
    }

    async fn fetch_reference_by(&self, route: &Route, reference: &Reference) -> Result<Fetched> {
        let identifier = reference.reference_or_default();
        let answer = self.get_manifest(route, identifier, &self.accepted()).await?;
        let media_type = content_type(&answer)?;
        let etag = answer.header(&header::ETAG).map(ToOwned::to_owned);
        let header = match reference.digest() {
            Some(digest) => answer.check_digest(digest)?,
            None => answer.digest()?,
        };
        let bytes = answer.bytes(self.metadata_limit()).await?;
        let digest = match (reference.digest(), header) {
            (Some(digest), header) => {
                check_other_algorithm(header.as_ref(), digest, &bytes)?;
                verified(digest, &bytes)?
            }
            (None, Some(header)) if header.known_algorithm().is_ok() => verified(&header, &bytes)?,
            (None, _) => Digest::of(&bytes),
        };
        check_media_type(&media_type, &bytes)?;
        Ok(Fetched { desc: Descriptor::new(media_type, digest, bytes.len() as u64), bytes, etag })
    }

    async fn get_manifest(&self, route: &Route, identifier: &str, accept: &str) -> Result<Answer> {
        let uri = route.read_url(self.name(), "manifests", identifier).build()?;
        let call = Call::new(Method::GET, uri, self.pull()).header(header::ACCEPT, accept);
        route.send(call).await?.expect(&[StatusCode::OK], || self.describe(identifier)).await
    }

    /// What a tag or digest stands for: by HEAD, and by GET where its answer does not say everything.
    pub(crate) async fn resolve_manifest(&self, reference: &Reference) -> Result<Descriptor> {
        for route in self.registry().routes(reference.digest().is_some()) {
            match self.resolve_by(route, reference).await {
                // Whatever is wrong with a mirror, there is another way.
                Err(_) if route.is_mirror() => {}
                result => return result,
            }
        }
        Err(Error::new(ErrorKind::NotFound, format!("{reference}: not found")))
    }

    async fn resolve_by(&self, route: &Route, reference: &Reference) -> Result<Descriptor> {
        let identifier = reference.reference_or_default();
        let answer = self.head_manifest(route, identifier, self.pull()).await?;
        match answer.status().as_u16() {
            200 => {}
            // No HEAD here, or an answer that only GET explains.
            400 | 401 | 403 | 405 | 429 | 501 => return Ok(self.fetch_reference_by(route, reference).await?.desc),
            _ => return Err(answer.into_error(&self.describe(identifier)).await),
        }
        let digest = match reference.digest() {
            Some(digest) => {
                answer.check_digest(digest)?;
                Some(digest.clone())
            }
            None => answer.digest()?.filter(|digest| digest.known_algorithm().is_ok()),
        };
        match (digest, answer.content_length(), answer.header(&header::CONTENT_TYPE)) {
            (Some(digest), Some(size), Some(_)) => Ok(Descriptor::new(content_type(&answer)?, digest, size)),
            _ => Ok(self.fetch_reference_by(route, reference).await?.desc),
        }
    }

    async fn head_manifest(&self, route: &Route, identifier: &str, access: Access) -> Result<Answer> {
        let uri = route.read_url(self.name(), "manifests", identifier).build()?;
        route.send(Call::new(Method::HEAD, uri, access).header(header::ACCEPT, self.accepted())).await
    }

    /// Whether the registry itself has a manifest; a mirror is not asked, because what it has may be missing there.
    pub(crate) async fn has_manifest(&self, digest: &Digest, access: Access) -> Result<bool> {
        let route = self.registry().origin();
        let mut answer = self.head_manifest(route, digest.as_str(), access.clone()).await?;
        if matches!(answer.status().as_u16(), 405 | 501) {
            let uri = route.read_url(self.name(), "manifests", digest.as_str()).build()?;
            let call = Call::new(Method::GET, uri, access).header(header::ACCEPT, self.accepted());
            answer = route.send(call).await?;
        }
        match answer.status().as_u16() {
            200 => {
                answer.check_digest(digest)?;
                Ok(true)
            }
            404 => Ok(false),
            _ => Err(Box::pin(answer.into_error(&self.describe(digest.as_str()))).await),
        }
    }

    /// Every type that is pushed and fetched as a manifest: what is not listed, some registries do not find.
    fn accepted(&self) -> String {
        let types = &self.registry().options().manifest_media_types;
        types.iter().map(MediaType::as_str).collect::<Vec<_>>().join(", ")
    }
}

fn content_type(answer: &Answer) -> Result<MediaType> {
    let found = answer.media_type().unwrap_or_default();
    let unexpected = || {
        let what = format!("expected the type of a manifest, found {:?}", found.as_str());
        Error::new(ErrorKind::InvalidMediaType, answer.protocol_error(what).to_string())
    };
    found.validate().map_err(|error| unexpected().with_source(error))?;
    // Google Artifact Registry and proxies answer with pages for people, and with status 200.
    if found.as_str() == "text/html" { Err(unexpected()) } else { Ok(found) }
}

/// What a registry says in a digest of another algorithm than the one asked for has to be true too.
fn check_other_algorithm(header: Option<&Digest>, asked: &Digest, bytes: &[u8]) -> Result<()> {
    match header {
        Some(header) if header != asked && header.known_algorithm().is_ok() => verified(header, bytes).map(|_| ()),
        _ => Ok(()),
    }
}

fn verified(digest: &Digest, bytes: &[u8]) -> Result<Digest> {
    let found = digest.known_algorithm()?.digest(bytes);
    if found == *digest {
        return Ok(found);
    }
    Err(Error::new(ErrorKind::Corrupt, format!("wrong content: expected {digest}, found {found}")))
}

/// A document that says another type than the registry is read differently by different readers, which is an attack.
fn check_media_type(said: &MediaType, bytes: &[u8]) -> Result<()> {
    match own_media_type(bytes) {
        Some(own) if !own.matches(said) => {
            let message = format!("the registry says that a manifest is of type {said}, and it says {own} itself");
            Err(Error::new(ErrorKind::Corrupt, message))
        }
        _ => Ok(()),
    }
}

/// The type that a manifest says it has.
pub(super) fn own_media_type(bytes: &[u8]) -> Option<MediaType> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Typed {
        media_type: Option<String>,
    }

    let typed: Typed = serde_json::from_slice(bytes).ok()?;
    typed.media_type.filter(|text| !text.is_empty()).map(MediaType::new)
}
