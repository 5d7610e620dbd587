use std::fmt;

use http::{Method, StatusCode, Uri};
use oras_auth::Refused;
use oras_content::{Error, ErrorKind};
use oras_transport::Origin;

use super::{ErrorCode, RegistryError, refusal};

/// How many characters of an answer that is no error document are kept, to recognise a proxy's page by.
const EXCERPT_LEN: usize = 200;

/// What a registry answered instead of what was asked for.
///
/// It is a source of [`Error`]: `error.find::<ResponseError>()`. Its texts hold no secret: the values of query parameters
/// that the specification does not know are hidden.
#[derive(Clone, Debug)]
pub struct ResponseError {
    method: Method,
    url: String,
    host: String,
    status: StatusCode,
    errors: Vec<RegistryError>,
    excerpt: String,
    retries: u32,
    refused: Option<Refused>,
}

impl ResponseError {
    pub(crate) fn new(method: Method, uri: &Uri, status: StatusCode, body: &[u8]) -> Self {
        let errors = RegistryError::parse_all(body);
        let excerpt = if errors.is_empty() { excerpt(body) } else { String::new() };
        let url = oras_transport::redacted(uri);
        let host = Origin::of(uri).map_or_else(|| url.clone(), |origin| origin.authority());
        Self { method, url, host, status, errors, excerpt, retries: 0, refused: None }
    }

    /// Sets who was refused what.
    pub(crate) fn with_refused(mut self, refused: Option<Refused>) -> Self {
        self.refused = refused;
        self
    }

    /// Sets how often the request was sent again.
    pub(crate) fn with_retries(mut self, retries: u32) -> Self {
        self.retries = retries;
        self
    }

    /// The method of the request.
    pub const fn method(&self) -> &Method {
        &self.method
    }

    /// The URL of the request, with secrets hidden.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The status of the response.
    pub const fn status(&self) -> StatusCode {
        self.status
    }

    /// The errors that the response lists; none when its body is no error document.
    pub fn errors(&self) -> &[RegistryError] {
        &self.errors
    }

    /// The code, when the response lists exactly one error.
    pub fn code(&self) -> Option<&ErrorCode> {
        match self.errors.as_slice() {
            [only] => Some(only.code()),
            _ => None,
        }
    }

    /// Whether any of the listed errors has this code.
    pub fn has_code(&self, code: &ErrorCode) -> bool {
        self.errors.iter().any(|error| error.code() == code)
    }

    /// What a caller can do about it: a listed code says more than the status.
    pub(crate) fn kind(&self) -> ErrorKind {
        let by_code = self.errors.iter().find_map(|error| error.code().kind(&self.method));
        match (self.status.as_u16(), by_code) {
            (401, _) => ErrorKind::Unauthorized,
            (404, Some(ErrorKind::MissingContent)) => ErrorKind::MissingContent,
            (404, _) => ErrorKind::NotFound,
            (429, _) => ErrorKind::RateLimited,
            (_, Some(kind)) => kind,
            (403, _) => ErrorKind::Denied,
            (405 | 501, _) => ErrorKind::Unsupported,
            (408 | 504, _) => ErrorKind::Timeout,
            (413, _) => ErrorKind::SizeExceedsLimit,
            _ => ErrorKind::Other,
        }
    }

    /// Whether a server that speaks TLS was asked without it: Go's and nginx answer so, in nearly the same words.
    fn wants_tls(&self) -> bool {
        let words = ["sent an HTTP request to an HTTPS server", "HTTP request was sent to HTTPS port"];
        self.status == StatusCode::BAD_REQUEST && words.iter().any(|words| self.excerpt.contains(words))
    }

    /// The error of an operation; `what` was worked on.
    pub(crate) fn about(self, what: &str) -> Error {
        let host = &self.host;
        let message = match self.kind() {
            kind @ (ErrorKind::Unauthorized | ErrorKind::Denied) => {
                format!("{what}: {kind}{}", refusal::explain(host, kind, self.refused.as_ref()))
            }
            _ if self.wants_tls() => format!("{what}: {host} speaks TLS; ask it with https, not with plain http"),
            ErrorKind::Other => format!("{what}: unexpected status {}", self.status.as_u16()),
            kind => format!("{what}: {kind}"),
        };
        let is_retryable = matches!(self.status.as_u16(), 408 | 429 | 500 | 502 | 503 | 504);
        Error::new(self.kind(), message).with_retryable(is_retryable).with_retries(self.retries).with_source(self)
    }
}

impl fmt::Display for ResponseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}: response status code {}: ", self.method, self.url, self.status.as_u16())?;
        if self.errors.is_empty() {
            f.write_str(self.status.canonical_reason().unwrap_or("unknown status"))?;
            return if self.excerpt.is_empty() { Ok(()) } else { write!(f, ": {:?}", self.excerpt) };
        }
        for (at, error) in self.errors.iter().enumerate() {
            write!(f, "{}{error}", if at == 0 { "" } else { "; " })?;
        }
        Ok(())
    }
}

impl std::error::Error for ResponseError {}

fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut shown = String::new();
    for word in words {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push_str(word);
        if shown.len() > EXCERPT_LEN {
            break;
        }
    }
    shown.chars().take(EXCERPT_LEN).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(method: Method, status: u16, body: &str) -> ResponseError {
        let uri: Uri = "https://r/v2/a/blobs/uploads/1?_state=secret&digest=sha256:00".parse().unwrap();
        ResponseError::new(method, &uri, StatusCode::from_u16(status).unwrap(), body.as_bytes())
    }

    #[test]
    fn keeps_all_entries_and_any_detail() {
        let body = r#"{"errors":[{"code":"DENIED"},{"code":"X_Y","message":"m","detail":[1,{"a":null}]},
            {"code":"NAME_UNKNOWN","message":null,"detail":"d"},{"code":"UNSUPPORTED","detail":null}, 7]}"#;
        let error = answer(Method::GET, 400, body);
        let texts: Vec<String> = error.errors().iter().map(ToString::to_string).collect();
        assert_eq!(texts, ["denied", r#"x y: m: [1,{"a":null}]"#, r#"name unknown: "d""#, "unsupported"]);
        assert!(error.has_code(&ErrorCode::Denied) && error.has_code(&ErrorCode::Unknown("X_Y".into())));
        assert_eq!(error.code(), None, "several codes are none");
    }

    #[test]
    fn says_method_url_status_and_errors() {
        let body = r#"{"errors":[{"code":"BLOB_UPLOAD_INVALID","message":"bad"},{"code":"DENIED"}]}"#;
        assert_eq!(
            answer(Method::PUT, 400, body).to_string(),
            "PUT \"https://r/v2/a/blobs/uploads/1?_state=***&digest=sha256:00\": response status code 400: \
             blob upload invalid: bad; denied"
        );
        assert!(answer(Method::GET, 502, "").to_string().ends_with("response status code 502: Bad Gateway"));
    }

    #[test]
    fn a_message_that_repeats_the_code_is_not_repeated() {
        let body = r#"{"errors":[{"code":"MANIFEST_UNKNOWN","message":"Manifest unknown","detail":"unknown tag=v2"}]}"#;
        let text = answer(Method::GET, 404, body).to_string();
        assert!(text.ends_with(r#"404: manifest unknown: "unknown tag=v2""#), "{text}");
    }

    #[test]
    fn an_html_page_does_not_hide_the_status() {
        let error = answer(Method::GET, 404, "<html>\n  <h1>Not\tfound</h1>");
        assert!(error.errors().is_empty());
        assert_eq!(error.kind(), ErrorKind::NotFound);
        assert!(error.to_string().ends_with(r#"Not Found: "<html> <h1>Not found</h1>""#), "{error}");
    }

    #[test]
    fn other_json_is_no_error_document() {
        for body in ["", "null", "[]", r#"{"errors":null}"#, r#"{"errors":{}}"#, r#"{"error":"x"}"#] {
            assert!(answer(Method::GET, 500, body).errors().is_empty(), "{body}");
        }
    }

    #[test]
    fn shows_no_secret_of_the_url() {
        let error = answer(Method::PUT, 500, "");
        assert!(!format!("{error} {error:?}").contains("secret"));
    }

    #[test]
    fn tells_what_a_caller_can_do() {
        let coded = |code: &str| format!(r#"{{"errors":[{{"code":"{code}"}}]}}"#);
        let cases = [
            (Method::GET, 401, String::new(), ErrorKind::Unauthorized),
            (Method::GET, 403, String::new(), ErrorKind::Denied),
            (Method::GET, 404, coded("NAME_UNKNOWN"), ErrorKind::NotFound),
            (Method::PUT, 404, coded("BLOB_UNKNOWN"), ErrorKind::MissingContent),
            (Method::PUT, 400, coded("MANIFEST_BLOB_UNKNOWN"), ErrorKind::MissingContent),
            (Method::PUT, 400, coded("MANIFEST_INVALID"), ErrorKind::Other),
            (Method::PUT, 400, coded("DIGEST_INVALID"), ErrorKind::InvalidDigest),
            (Method::PUT, 400, coded("NAME_INVALID"), ErrorKind::InvalidReference),
            (Method::PUT, 413, String::new(), ErrorKind::SizeExceedsLimit),
            (Method::DELETE, 405, coded("UNSUPPORTED"), ErrorKind::Unsupported),
            (Method::GET, 429, coded("TOOMANYREQUESTS"), ErrorKind::RateLimited),
            (Method::GET, 504, String::new(), ErrorKind::Timeout),
            (Method::GET, 500, String::new(), ErrorKind::Other),
        ];
        for (method, status, body, expected) in cases {
            assert_eq!(answer(method, status, &body).kind(), expected, "{status} {body}");
        }
    }

    #[test]
    fn tells_a_person_what_to_do() {
        let cases = [
            (
                401,
                "",
                "r/a: unauthorized: the password or token for r is missing, wrong or no longer valid; log in again",
            ),
            (
                400,
                "Client sent an HTTP request to an HTTPS server.\n",
                "r/a: r speaks TLS; ask it with https, not with plain http",
            ),
            (
                400,
                "<center>The plain HTTP request was sent to HTTPS port</center>",
                "r/a: r speaks TLS; ask it with https, not with plain http",
            ),
            (400, "Bad Request", "r/a: unexpected status 400"),
        ];
        for (status, body, expected) in cases {
            assert_eq!(answer(Method::GET, status, body).about("r/a").to_string(), expected);
        }
    }
}
