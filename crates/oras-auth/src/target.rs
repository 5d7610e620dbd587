use http::{header::HOST, request::Parts};
use oras_transport::Origin;

use crate::scope::Scopes;

/// What a request is about, as far as it decides who asks.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    /// Who will see the credential.
    pub(crate) origin: Origin,
    /// The name by which credentials are looked up, `host` or `host:port`.
    pub(crate) registry: String,
    pub(crate) repository: Option<String>,
    /// What the operation needs.
    pub(crate) scopes: Scopes,
}

impl Target {
    pub(crate) fn of(request: &Parts) -> Option<Self> {
        let origin = Origin::of(&request.uri)?;
        let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
        let written = request.uri.authority().map(|authority| authority.as_str().to_ascii_lowercase());
        let registry = host.map(str::to_owned).or(written)?;
        let scopes = request.extensions.get::<Scopes>().cloned().unwrap_or_default();
        let repository = repository(request.uri.path()).or_else(|| scopes.only_repository()).map(str::to_owned);
        Some(Self { origin, registry, repository, scopes })
    }
}

/// The repository of a path below `/v2/`. Names may hold the words that end them, so the last one counts.
fn repository(path: &str) -> Option<&str> {
    let path = path.strip_prefix("/v2/")?;
    let ends = ["/blobs/", "/manifests/", "/tags/", "/referrers/"];
    let end = ends.iter().filter_map(|word| path.rfind(word)).max()?;
    path.get(..end).filter(|name| !name.is_empty())
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
            ("/v2/_catalog", None),
            ("/v2/", None),
            ("/artifacts-uploads/namespaces/x", None),
        ] {
            assert_eq!(repository(path), expected, "{path}");
        }
    }
}
