use std::sync::Arc;

use http::{Method, StatusCode, Uri, header};
use oras_content::{Blob, BlobSource, BoxFuture, ByteStream, Descriptor, Digest, Error, MediaType, Result, Sum};
use oras_transport::RequestOptions;

use super::download::Wanted;
use crate::{
    access::Access,
    client::{Answer, Call},
    mirror::Route,
    range::ContentRange,
    repository::Repository,
};

/// From this size on, in bytes, a blob is hashed on a thread beside its transfer: to hand over fewer costs more than to
/// hash them.
const ASIDE: u64 = 1 << 20;

/// A blob that the registry has.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) size: Option<u64>,
    pub(crate) media_type: Option<MediaType>,
}

impl Repository {
    /// The content of a blob; nothing is sent before it is opened.
    pub(crate) fn fetch_blob(&self, desc: &Descriptor) -> Blob {
        // Data that does not verify is as good as none.
        if let Ok(Some(data)) = desc.embedded() {
            return Blob::from_bytes(data).verify(desc);
        }
        let source: Arc<dyn BlobSource> = match self.registry().options().parallel_ranges {
            Some(ranges) if desc.size > ranges.window() && self.registry().capabilities().ranges != Some(false) => {
                Arc::new(ranges.source(self.clone(), desc))
            }
            _ => Arc::new(RemoteBlob { repository: self.clone(), desc: desc.clone() }),
        };
        Blob::from_source(Some(desc.size), source).verify(desc)
    }

    /// Whether the registry itself has a blob; a mirror is not asked, because what it has may be missing there.
    pub(crate) async fn find_blob(&self, digest: &Digest) -> Result<Option<Found>> {
        self.find_blob_by(self.registry().origin(), digest, self.pull()).await
    }

    /// The question before a push, under the access that the push needs anyway: one token serves both.
    pub(crate) async fn find_blob_to_push(&self, digest: &Digest) -> Result<Option<Found>> {
        self.find_blob_by(self.registry().origin(), digest, self.push_access()).await
    }

    async fn find_blob_by(&self, route: &Route, digest: &Digest, access: Access) -> Result<Option<Found>> {
        let uri = route.read_url(self.name(), "blobs", digest.as_str()).build()?;
        let answer = route.send(Call::new(Method::HEAD, uri.clone(), access)).await?;
        match answer.status().as_u16() {
            200 => found(&answer, digest).map(Some),
            404 => Ok(None),
            // A URL that is signed for GET refuses HEAD, and some registries know no HEAD.
            400 | 403 if answer.is_redirected() => Box::pin(self.peek_blob(route, uri, digest)).await,
            405 | 501 => Box::pin(self.peek_blob(route, uri, digest)).await,
            _ => Err(Box::pin(answer.into_error(&self.describe(digest.as_str()))).await),
        }
    }

    /// Asks for the first byte, where the registry does not answer HEAD.
    async fn peek_blob(&self, route: &Route, uri: Uri, digest: &Digest) -> Result<Option<Found>> {
        let call = Call::new(Method::GET, uri, self.pull()).header(header::RANGE, "bytes=0-0");
        let answer = route.send(call).await?;
        match answer.status().as_u16() {
            206 => {
                let mut blob = found(&answer, digest)?;
                blob.size = match ContentRange::of(answer.headers()) {
                    Some(ContentRange::Part { total, .. }) => total,
                    _ => None,
                };
                Ok(Some(blob))
            }
            200 => found(&answer, digest).map(Some),
            // The first byte of a blob without any.
            416 => Ok(Some(Found { size: Some(0), media_type: None })),
            404 => Ok(None),
            _ => Err(answer.into_error(&self.describe(digest.as_str())).await),
        }
    }

    /// What a digest stands for among the blobs.
    pub(crate) async fn resolve_blob(&self, digest: &Digest) -> Result<Descriptor> {
        for route in self.registry().routes(true) {
            let size = match self.find_blob_by(route, digest, self.pull()).await {
                Ok(Some(Found { size: None, .. })) => {
                    let uri = route.read_url(self.name(), "blobs", digest.as_str()).build()?;
                    self.peek_blob(route, uri, digest).await
                }
                result => result,
            };
            match size {
                Ok(Some(Found { size: Some(size), media_type })) => {
                    return Ok(Descriptor::new(media_type.unwrap_or(MediaType::OCTET_STREAM), digest.clone(), size));
                }
                Ok(Some(_)) if !route.is_mirror() => {
                    let what = format!("{}: the registry does not say its size", self.describe(digest.as_str()));
                    return Err(Error::unsupported(what));
                }
                Err(error) if !route.is_mirror() => return Err(error),
                Ok(_) | Err(_) => {}
            }
        }
        let message = format!("{}: not found", self.describe(digest.as_str()));
        Err(Error::new(oras_content::ErrorKind::NotFound, message))
    }

    /// Downloads from the URLs of a descriptor, as nobody: they lead wherever the author of the manifest wanted.
    async fn open_urls(&self, wanted: &Wanted, urls: &[String]) -> Option<ByteStream> {
        for url in urls {
            let Ok(uri) = url.parse::<Uri>() else { continue };
            if !matches!(uri.scheme_str(), Some("http" | "https")) || uri.authority().is_none() {
                continue;
            }
            if let Ok(opened) = self.open_url(uri, wanted).await {
                return Some(opened);
            }
        }
        None
    }

    async fn open_url(&self, uri: Uri, wanted: &Wanted) -> Result<ByteStream> {
        let answer = Call::new(Method::GET, uri, Access::none()).send(self.registry().transport()).await?;
        let what = || format!("a URL of {}", wanted.desc.digest);
        let answer = answer.expect(&[StatusCode::OK], what).await?;
        Ok(super::download::skip(answer.into_body(), wanted.first))
    }
}

fn found(answer: &Answer, digest: &Digest) -> Result<Found> {
    answer.check_digest(digest)?;
    Ok(Found { size: answer.content_length(), media_type: answer.media_type() })
}

/// A blob in a registry, as something that can be opened at any offset.
struct RemoteBlob {
    repository: Repository,
    desc: Descriptor,
}

impl BlobSource for RemoteBlob {
    fn open(&self, offset: u64) -> BoxFuture<'_, Result<ByteStream>> {
        Box::pin(async move {
            let wanted = Wanted::from(&self.desc, offset);
            // A blob that is opened again may feed a request that waits for it.
            let options = if offset == 0 { RequestOptions::new() } else { RequestOptions::new().without_permit() };
            let error = match self.repository.open(&wanted, options).await {
                Ok(opened) => return Ok(opened.stream),
                Err(error) => error,
            };
            if self.repository.registry().options().foreign_urls && !self.desc.urls.is_empty() {
                return self.repository.open_urls(&wanted, &self.desc.urls).await.ok_or(error);
            }
            Err(error)
        })
    }

    fn open_summed<'a>(&'a self, offset: u64, sum: &'a Sum) -> BoxFuture<'a, Result<(ByteStream, bool)>> {
        Box::pin(async move {
            let stream = self.open(offset).await?;
            if self.desc.size.saturating_sub(offset) < ASIDE {
                return Ok((stream, false));
            }
            Ok(sum.add_aside(stream))
        })
    }
}
