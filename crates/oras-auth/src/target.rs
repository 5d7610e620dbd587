use std::sync::Arc;

use http::header::HOST;
use oras_transport::Origin;

use crate::scope::Scopes;

/// What a request is about, as far as it decides who asks.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Who will see the credential.
    pub(crate) origin: Origin,
    /// What the operation needs.
    pub(crate) scopes: Scopes,
    head: Arc<http::Request<()>>,
}

impl Target {
    pub(crate) fn of(head: &Arc<http::Request<()>>) -> Option<Self> {
        let origin = Origin::of(head.uri())?;
        let scopes = head.extensions().get::<Scopes>().cloned().unwrap_or_default();
        Some(Self { origin, scopes, head: Arc::clone(head) })
    }

    pub(crate) fn head(&self) -> &http::Request<()> {
        &self.head
    }

    /// The name by which credentials are looked up, `host` or `host:port`.
    pub(crate) fn registry(&self) -> String {
        let host = self.head.headers().get(HOST).and_then(|host| host.to_str().ok());
        let written = || self.head.uri().authority().map(|authority| authority.as_str().to_ascii_lowercase());
        host.map(str::to_owned).or_else(written).unwrap_or_default()
    }

    pub(crate) fn repository(&self) -> Option<&str> {
        repository(self.head.uri().path()).or_else(|| self.scopes.only_repository())
    }
}

/// The repository of a path below `/v2/`. Names may hold the words that end them, so the last one counts.
fn repository(path: &str) -> Option<&str> {
    let (mut rest, _last) = path.strip_prefix("/v2/")?.rsplit_once('/')?;
    while let Some((name, word)) = rest.rsplit_once('/') {
        if matches!(word, "blobs" | "manifests" | "tags" | "referrers") {
            return Some(name).filter(|name| !name.is_empty());
        }
        rest = name;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_repository_of_a_path() {
        for (path, expected) in [
            ("/v2/app/manifests/v1", Some("app")),
            ("/v2/a/b/c/blobs/uploads/", Some("a/b/c")),
            ("/v2/blobs/blobs/sha256:0", Some("blobs")),
            ("/v2/a/tags/b/tags/list", Some("a/tags/b")),
            ("/v2/app/referrers/sha256:0", Some("app")),
            ("/v2/a/blobs/manifests/latest", Some("a/blobs")),
            ("/v2/app/tags", None),
            ("/v2/blobs/x", None),
            ("/v2//blobs/x", None),
            ("/v2/_catalog", None),
            ("/v2/", None),
            ("/artifacts-uploads/namespaces/x", None),
        ] {
            assert_eq!(repository(path), expected, "{path}");
        }
    }
}
