use std::{fmt, sync::Arc};

use bytes::Bytes;
use http::{HeaderMap, Method, request::Parts};
use oras_content::Error;

/// A request as it is expected: method, path and query must agree, and all else that is told.
#[derive(Clone)]
pub struct Expected {
    method: Method,
    path: String,
    origin: Option<String>,
    /// A header's name, and its value, or that it must not be there.
    headers: Vec<(String, Option<String>)>,
    body: Option<ExpectedBody>,
}

/// Says what is wrong with a body, if anything is.
type Check = dyn Fn(&[u8]) -> Result<(), String> + Send + Sync;

#[derive(Clone)]
enum ExpectedBody {
    Bytes(Bytes),
    Starts(Bytes),
    Check(Arc<Check>),
    Fails,
}

/// A request as it came.
pub(super) struct Received<'a> {
    pub(super) parts: &'a Parts,
    pub(super) body: &'a Bytes,
    pub(super) error: Option<&'a Error>,
    /// Whether the body was to be read to its end.
    pub(super) is_whole: bool,
}

/// Path and query of a request.
pub(super) fn path(parts: &Parts) -> &str {
    parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str)
}

impl Expected {
    /// A request of a method to a path, with its query if there is one.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), origin: None, headers: Vec::new(), body: None }
    }

    /// A `GET`.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    /// A `HEAD`.
    pub fn head(path: impl Into<String>) -> Self {
        Self::new(Method::HEAD, path)
    }

    /// A `POST`.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::POST, path)
    }

    /// A `PUT`.
    pub fn put(path: impl Into<String>) -> Self {
        Self::new(Method::PUT, path)
    }

    /// A `PATCH`.
    pub fn patch(path: impl Into<String>) -> Self {
        Self::new(Method::PATCH, path)
    }

    /// A `DELETE`.
    pub fn delete(path: impl Into<String>) -> Self {
        Self::new(Method::DELETE, path)
    }

    /// Expects the request at an origin, such as `https://registry.example:5000`.
    #[must_use]
    pub fn origin(mut self, origin: impl Into<String>) -> Self {
        self.origin = Some(origin.into());
        self
    }

    /// Expects a header; its values, if there are several, joined by `, `.
    #[must_use]
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), Some(value.into())));
        self
    }

    /// Expects no such header.
    #[must_use]
    pub fn no_header(mut self, name: impl Into<String>) -> Self {
        self.headers.push((name.into(), None));
        self
    }

    /// Expects a body of exactly these bytes.
    #[must_use]
    pub fn body(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Some(ExpectedBody::Bytes(bytes.into()));
        self
    }

    /// Expects a body that begins with these bytes, for replies that [break off](super::Reply::reset_after).
    #[must_use]
    pub fn body_starting_with(mut self, bytes: impl Into<Bytes>) -> Self {
        self.body = Some(ExpectedBody::Starts(bytes.into()));
        self
    }

    /// Expects a body in which `check` finds nothing wrong.
    #[must_use]
    pub fn body_with(mut self, check: impl Fn(&[u8]) -> Result<(), String> + Send + Sync + 'static) -> Self {
        self.body = Some(ExpectedBody::Check(Arc::new(check)));
        self
    }

    /// Expects that the body fails before its end, as that of a wrong source does; the request then fails with its error.
    #[must_use]
    pub fn failing_body(mut self) -> Self {
        self.body = Some(ExpectedBody::Fails);
        self
    }

    pub(super) fn is_for(&self, parts: &Parts) -> bool {
        self.method == parts.method && self.path == path(parts)
    }

    /// What is not as expected, a line each.
    pub(super) fn differences(&self, received: &Received<'_>) -> String {
        let parts = received.parts;
        let mut lines = Vec::new();
        let mut compare = |what: &str, expected: &str, found: &str| {
            if expected != found {
                lines.push(format!("\n    {what}: expected {expected}, found {found}"));
            }
        };
        compare("method", self.method.as_str(), parts.method.as_str());
        compare("path", &self.path, path(parts));
        if let Some(origin) = &self.origin {
            compare("origin", origin, &origin_of(parts));
        }
        for (name, expected) in &self.headers {
            let found = header(&parts.headers, name);
            compare(&format!("header {name}"), text(expected.as_deref()), text(found.as_deref()));
        }
        if let Err(difference) = self.check_body(received) {
            lines.push(format!("\n    body: {difference}"));
        }
        lines.concat()
    }

    fn check_body(&self, received: &Received<'_>) -> Result<(), String> {
        let found = received.body;
        match (&self.body, received.error) {
            (Some(ExpectedBody::Fails), Some(_)) => Ok(()),
            (Some(ExpectedBody::Fails), None) => Err(format!("expected an error, found {}", excerpt(found))),
            (_, Some(error)) => Err(format!("expected no error, found {:?}: {error}", error.kind())),
            (None, None) => Ok(()),
            (Some(ExpectedBody::Check(check)), None) => check(found),
            (Some(ExpectedBody::Starts(start)), None) if found.starts_with(start) => Ok(()),
            (Some(ExpectedBody::Bytes(bytes)), None) if found == bytes => Ok(()),
            // A reply that does not read the whole body cannot know more than what it read.
            (Some(ExpectedBody::Bytes(bytes)), None) if !received.is_whole && bytes.starts_with(found) => Ok(()),
            (Some(ExpectedBody::Starts(bytes) | ExpectedBody::Bytes(bytes)), None) => {
                Err(format!("expected {}, found {}", excerpt(bytes), excerpt(found)))
            }
        }
    }
}

fn origin_of(parts: &Parts) -> String {
    let scheme = parts.uri.scheme_str().unwrap_or_default();
    let authority = parts.uri.authority().map(http::uri::Authority::as_str).unwrap_or_default();
    format!("{scheme}://{authority}")
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<_> = headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
    (!values.is_empty()).then(|| values.join(", "))
}

fn text(value: Option<&str>) -> &str {
    value.unwrap_or("none")
}

/// As much of a body as a person would read.
fn excerpt(bytes: &[u8]) -> String {
    const SHOWN: usize = 200;
    let shown = bytes.get(..SHOWN).unwrap_or(bytes);
    let more = if shown.len() < bytes.len() { "…" } else { "" };
    format!("{} bytes {:?}{more}", bytes.len(), String::from_utf8_lossy(shown))
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

impl fmt::Debug for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Expected")
            .field("method", &self.method)
            .field("path", &self.path)
            .field("origin", &self.origin)
            .field("headers", &self.headers)
            .finish_non_exhaustive()
    }
}
