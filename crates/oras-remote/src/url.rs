use std::fmt::Write as _;

use http::Uri;
use oras_content::{Error, ErrorKind, Result};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// What a value in a path or query cannot hold unescaped: everything but unreserved characters and the colon of a digest.
/// A slash is escaped, so that the name of a repository in a query cannot be taken for a path; so is a plus, which form
/// decoding would turn into a blank.
const ESCAPED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b':');

/// What a URL has besides its path: the text of most fits without growing.
const ROOM: usize = 128;

/// Where a registry answers: scheme and authority.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Endpoint {
    base: String,
}

impl Endpoint {
    pub(crate) fn new(host: &str, plain_http: bool) -> Self {
        let scheme = if plain_http { "http" } else { "https" };
        Self { base: format!("{scheme}://{host}") }
    }

    /// The URL of `/v2/` and a path that needs no escaping.
    pub(crate) fn root(&self, path: &str) -> UrlBuilder {
        let mut text = String::with_capacity(self.base.len() + path.len() + ROOM);
        text.extend([&self.base, "/v2/", path]);
        UrlBuilder { text, has_query: false }
    }

    /// The URL of something in a repository; the last segment is escaped.
    pub(crate) fn repository(&self, name: &str, collection: &str, last: &str) -> UrlBuilder {
        let mut url = self.root(name);
        url.text.extend(["/", collection, "/"]);
        url.text.extend(utf8_percent_encode(last, ESCAPED));
        url
    }
}

/// A URL in the making.
#[derive(Clone, Debug)]
pub(crate) struct UrlBuilder {
    text: String,
    has_query: bool,
}

impl UrlBuilder {
    /// Adds a query parameter, escaped.
    #[must_use]
    pub(crate) fn query(mut self, key: &str, value: &str) -> Self {
        let separator = if self.has_query { '&' } else { '?' };
        let _ = write!(self.text, "{separator}{key}={}", escape(value));
        self.has_query = true;
        self
    }

    /// Adds a query parameter where there is a value.
    #[must_use]
    pub(crate) fn query_if<T: ToString>(self, key: &str, value: Option<T>) -> Self {
        match value {
            Some(value) => self.query(key, &value.to_string()),
            None => self,
        }
    }

    pub(crate) fn build(self) -> Result<Uri> {
        parse(self.text)
    }
}

/// Adds a query parameter to a URL that somebody else made: not a byte of what is there changes, for it may be signed.
pub(crate) fn with_query(uri: &Uri, key: &str, value: &str) -> Result<Uri> {
    let separator = match uri.query() {
        None => "?",
        Some("") => "",
        Some(query) if query.ends_with('&') => "",
        Some(_) => "&",
    };
    let path = uri.path_and_query().map_or(0, |path| path.as_str().len());
    let mut text = String::with_capacity(path + key.len() + value.len() + ROOM);
    let _ = write!(text, "{uri}{separator}{key}=");
    text.extend(utf8_percent_encode(value, ESCAPED));
    parse(text)
}

pub(crate) fn escape(text: &str) -> impl std::fmt::Display + '_ {
    utf8_percent_encode(text, ESCAPED)
}

pub(crate) fn parse(text: String) -> Result<Uri> {
    Uri::try_from(text).map_err(|error: http::uri::InvalidUri| {
        // The text may hold a secret.
        Error::new(ErrorKind::InvalidReference, "the URL of a request cannot be parsed").with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_what_a_query_cannot_hold() {
        let url = Endpoint::new("r:5000", true)
            .root("a/b/blobs/uploads/")
            .query("mount", "sha256:00")
            .query("from", "other/repo")
            .query("artifactType", "application/vnd.x+json; a=b&c")
            .build()
            .unwrap();
        let expected = "http://r:5000/v2/a/b/blobs/uploads/?mount=sha256:00&from=other%2Frepo\
                        &artifactType=application%2Fvnd.x%2Bjson%3B%20a%3Db%26c";
        assert_eq!(url.to_string(), expected);
    }

    #[test]
    fn escapes_a_digest_of_another_algorithm_in_a_path() {
        let url = Endpoint::new("r", false).repository("a", "blobs", "sha256+b64u:a=/..").build().unwrap();
        assert_eq!(url.to_string(), "https://r/v2/a/blobs/sha256%2Bb64u:a%3D%2F..");
    }

    #[test]
    fn adds_a_parameter_without_touching_the_others() {
        let cases = [
            ("http://r/u", "http://r/u?digest=sha256:00"),
            ("http://r/u?", "http://r/u?digest=sha256:00"),
            ("http://r/u?_state=a%2Fb%3D&x", "http://r/u?_state=a%2Fb%3D&x&digest=sha256:00"),
            ("http://r/u?z=1&a=%7e&", "http://r/u?z=1&a=%7e&digest=sha256:00"),
        ];
        for (location, expected) in cases {
            let uri = with_query(&location.parse().unwrap(), "digest", "sha256:00").unwrap();
            assert_eq!(uri.to_string(), expected);
        }
    }
}
