use std::fmt;

use http::Uri;

/// Who answers: scheme, host and effective port. Two URLs belong together only when all three agree; a sub-domain is
/// another host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    scheme: Scheme,
    host: String,
    port: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Scheme {
    Http,
    Https,
}

impl Scheme {
    fn default_port(self) -> u16 {
        match self {
            Self::Http => 80,
            Self::Https => 443,
        }
    }
}

impl Origin {
    /// The origin of an absolute `http` or `https` URL; none for any other.
    pub fn of(uri: &Uri) -> Option<Self> {
        let scheme = match uri.scheme_str()? {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            _ => return None,
        };
        let host = uri.host().filter(|host| !host.is_empty())?.to_ascii_lowercase();
        // `Uri::port` answers none for a port out of range, as if there were none: read what is written.
        let written = uri.authority()?.as_str();
        // Behind the bracket of an IPv6 address, if there is one.
        let last = written.bytes().rposition(|byte| matches!(byte, b':' | b']'));
        let port = match last.and_then(|at| written.get(at..)?.strip_prefix(':')) {
            Some(port) if !port.is_empty() => port.parse().ok()?,
            _ => scheme.default_port(),
        };
        Some(Self { scheme, host, port })
    }

    /// The scheme, `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        }
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own where the URL has none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether it speaks TLS.
    pub fn is_https(&self) -> bool {
        self.scheme == Scheme::Https
    }

    /// `host` or `host:port`, without the port that the scheme implies.
    pub fn authority(&self) -> String {
        if self.port == self.scheme.default_port() { self.host.clone() } else { format!("{}:{}", self.host, self.port) }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.scheme(), self.authority())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(uri: &str) -> Option<Origin> {
        Origin::of(&uri.parse().unwrap())
    }

    #[test]
    fn the_implied_port_is_the_written_one() {
        assert_eq!(origin("https://a.example/x"), origin("https://A.example:443/y"));
        assert_eq!(origin("http://a.example"), origin("http://a.example:80"));
        assert_eq!(origin("http://[::1]"), origin("http://[::1]:80"));
        assert_eq!(origin("http://user:secret@a.example:80"), origin("http://a.example"));
        assert_eq!(origin("http://a.example:"), origin("http://a.example"));
    }

    #[test]
    fn scheme_host_and_port_each_make_another_origin() {
        let base = origin("https://a.example");
        for other in ["http://a.example:443", "https://b.a.example", "https://a.example:8443"] {
            assert_ne!(base, origin(other), "{other}");
        }
    }

    #[test]
    fn only_absolute_http_urls_have_one() {
        for none in ["/v2/", "ftp://a.example/", "a.example:80", "http://a.example:99999/"] {
            assert_eq!(none.parse().ok().and_then(|uri| Origin::of(&uri)), None, "{none}");
        }
    }

    #[test]
    fn prints_without_the_implied_port() {
        assert_eq!(origin("http://[::1]:5000/v2/").unwrap().to_string(), "http://[::1]:5000");
        assert_eq!(origin("https://a.example:443").unwrap().to_string(), "https://a.example");
    }
}
