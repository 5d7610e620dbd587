use http::Uri;
use oras_content::{Error, ErrorKind, Result};

/// Query parameters that carry no secret and help to understand a log.
const HARMLESS: [&str; 12] = [
    "account",
    "artifactType",
    "client_id",
    "digest",
    "digest-algorithm",
    "from",
    "last",
    "mount",
    "n",
    "scope",
    "service",
    "tag",
];

/// A URL for logs and errors: without user information, and with the values of query parameters only where they are
/// known to hold no secret. A signed URL is a credential.
///
/// ```
/// let signed = "https://cdn.example/blob?n=1&X-Amz-Signature=abc".parse().unwrap();
/// assert_eq!(oras_transport::redacted(&signed), "https://cdn.example/blob?n=1&X-Amz-Signature=***");
/// ```
pub fn redacted(uri: &Uri) -> String {
    let mut text = String::new();
    if let Some(scheme) = uri.scheme_str() {
        text.push_str(scheme);
        text.push_str("://");
    }
    if let Some(authority) = uri.authority() {
        let whole = authority.as_str();
        text.push_str(whole.rsplit_once('@').map_or(whole, |(_, host)| host));
    }
    text.push_str(uri.path());
    let mut separator = '?';
    for pair in uri.query().into_iter().flat_map(|query| query.split('&')) {
        text.push(separator);
        separator = '&';
        match pair.split_once('=') {
            Some((name, _)) if !HARMLESS.contains(&name) => {
                text.push_str(name);
                text.push_str("=***");
            }
            Some(_) => text.push_str(pair),
            // A bare value may be the secret itself.
            None => text.push_str("***"),
        }
    }
    text
}

/// The URL that `reference` means in a response to a request for `base` (RFC 3986 §5.2), without its fragment.
///
/// # Errors
///
/// [`ErrorKind::Corrupt`] when `reference` is no URL.
pub fn resolve(base: &Uri, reference: &str) -> Result<Uri> {
    let reference = reference.trim();
    let without_fragment = reference.split('#').next().unwrap_or_default();
    let scheme = base.scheme_str().unwrap_or("http");
    let authority = base.authority().map_or("", |authority| authority.as_str());
    let absolute = if has_scheme(without_fragment) {
        without_fragment.to_owned()
    } else if let Some(rest) = without_fragment.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if without_fragment.is_empty() {
        format!("{scheme}://{authority}{}", base.path_and_query().map_or("/", |path| path.as_str()))
    } else if without_fragment.starts_with('/') && !without_fragment.contains("/.") {
        // As most are written: there is nothing to merge.
        [scheme, "://", authority, without_fragment].concat()
    } else {
        format!("{scheme}://{authority}{}", merge(base.path(), without_fragment))
    };
    Uri::try_from(absolute).map_err(|error: http::uri::InvalidUri| {
        Error::new(ErrorKind::Corrupt, "the registry answered with a malformed URL").with_source(error)
    })
}

fn has_scheme(text: &str) -> bool {
    if !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return false;
    }
    text.split_once(':')
        .is_some_and(|(scheme, _)| scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.')))
}

fn merge(base: &str, reference: &str) -> String {
    let (path, query) = match reference.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (reference, None),
    };
    let merged = if path.is_empty() {
        base.to_owned()
    } else if path.starts_with('/') {
        without_dots(path)
    } else {
        let directory = base.rsplit_once('/').map_or("", |(directory, _)| directory);
        without_dots(&format!("{directory}/{path}"))
    };
    match query {
        Some(query) => format!("{merged}?{query}"),
        None => merged,
    }
}

fn without_dots(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/').skip(1) {
        match segment {
            "." => {}
            ".." => drop(kept.pop()),
            other => kept.push(other),
        }
    }
    if path.ends_with("/.") || path.ends_with("/..") {
        kept.push("");
    }
    format!("/{}", kept.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resolves_what_registries_write() {
        let base = "https://r.example:8443/v2/app/blobs/uploads/?digest=x".parse().unwrap();
        for (reference, expected) in [
            ("https://other.example/a?b=c#d", "https://other.example/a?b=c"),
            ("/u/1?path=/../x", "https://r.example:8443/u/1?path=/../x"),
            ("/u/./1/../2", "https://r.example:8443/u/2"),
            ("//cdn.example/a", "https://cdn.example/a"),
            ("/artifacts-uploads/1?s=2", "https://r.example:8443/artifacts-uploads/1?s=2"),
            ("1234", "https://r.example:8443/v2/app/blobs/uploads/1234"),
            ("../x/./y", "https://r.example:8443/v2/app/blobs/x/y"),
            ("../../../../../../etc", "https://r.example:8443/etc"),
            ("?state=3", "https://r.example:8443/v2/app/blobs/uploads/?state=3"),
            ("", "https://r.example:8443/v2/app/blobs/uploads/?digest=x"),
        ] {
            assert_eq!(resolve(&base, reference).unwrap().to_string(), expected, "{reference}");
        }
    }

    #[test]
    fn refuses_what_is_no_url() {
        let base = "https://r.example/v2/".parse().unwrap();
        for reference in ["http://", "https://exa mple/", "http://[::1"] {
            assert_eq!(resolve(&base, reference).unwrap_err().kind(), ErrorKind::Corrupt, "{reference}");
        }
    }

    #[test]
    fn a_redacted_url_shows_no_secret() {
        for (url, expected) in [
            ("https://user:secret@r.example/v2/", "https://r.example/v2/"),
            ("https://r.example/u/1?_state=secret&digest=sha256:a", "https://r.example/u/1?_state=***&digest=sha256:a"),
            ("https://r.example/u/1?secret", "https://r.example/u/1?***"),
            ("/v2/?n=5", "/v2/?n=5"),
        ] {
            assert_eq!(redacted(&url.parse().unwrap()), expected);
        }
    }
}
