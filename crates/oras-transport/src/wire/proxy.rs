use std::{env, fmt, net::IpAddr};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use http::{HeaderValue, Uri};
use oras_content::{Error, ErrorKind, Result};
use percent_encoding::percent_decode_str;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::{headers::redacted, origin::Origin};

/// The answer of a proxy to `CONNECT` fits into this.
const MAX_CONNECT_ANSWER: usize = 16 * 1024;

/// Which requests go through which proxy.
#[derive(Debug, Default)]
pub(crate) struct Proxies {
    http: Option<Result<Proxy>>,
    https: Option<Result<Proxy>>,
    exceptions: Vec<Exception>,
}

impl Proxies {
    /// What `http_proxy`, `https_proxy`, `all_proxy` and `no_proxy` say, in lower or upper case.
    pub(crate) fn from_env() -> Self {
        Self::from_lookup(|name| env::var(name).ok())
    }

    pub(crate) fn from_lookup(lookup: impl Fn(&str) -> Option<String>) -> Self {
        let find = |name: &str| {
            let value = lookup(name).or_else(|| lookup(&name.to_ascii_uppercase()));
            value.map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        // In a CGI program, `HTTP_PROXY` is a header of whoever calls.
        let http = if lookup("REQUEST_METHOD").is_some() { lookup("http_proxy") } else { find("http_proxy") };
        let all = find("all_proxy");
        let no_proxy = find("no_proxy").unwrap_or_default();
        Self {
            http: http.as_ref().or(all.as_ref()).map(|url| Proxy::parse(url)),
            https: find("https_proxy").as_ref().or(all.as_ref()).map(|url| Proxy::parse(url)),
            exceptions: no_proxy.split([',', ' ']).filter_map(Exception::parse).collect(),
        }
    }

    /// The proxy for a URL. This machine itself is always asked directly.
    pub(crate) fn of(&self, uri: &Uri) -> Result<Option<&Proxy>> {
        if self.http.is_none() && self.https.is_none() {
            return Ok(None);
        }
        let Some(origin) = Origin::of(uri) else { return Ok(None) };
        let proxy = if origin.is_https() { &self.https } else { &self.http };
        let Some(proxy) = proxy else { return Ok(None) };
        let host = origin.host().trim_matches(['[', ']']);
        let is_local = host == "localhost"
            || host.ends_with(".localhost")
            || host.parse().is_ok_and(|address: IpAddr| address.is_loopback());
        if is_local || self.exceptions.iter().any(|exception| exception.covers(host, origin.port())) {
            return Ok(None);
        }
        proxy.as_ref().map(Some).map_err(Error::clone)
    }
}

/// An HTTP proxy.
#[derive(Clone)]
pub(crate) struct Proxy {
    uri: Uri,
    authorization: Option<HeaderValue>,
}

impl Proxy {
    fn parse(url: &str) -> Result<Self> {
        let with_scheme = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        let malformed = || Error::new(ErrorKind::Unsupported, "the proxy of the environment is no URL");
        let uri: Uri = with_scheme.parse().map_err(|_secret| malformed())?;
        if uri.scheme_str() != Some("http") {
            return Err(Error::unsupported(format_args!(
                "the proxy {}: only http proxies are, and it",
                redacted(&uri)
            )));
        }
        let authority = uri.authority().ok_or_else(malformed)?.as_str();
        let (user, host) = authority.rsplit_once('@').map_or((None, authority), |(user, host)| (Some(user), host));
        let authorization = user.map(|user| {
            let decoded: Vec<u8> = percent_decode_str(user).collect();
            let mut value =
                HeaderValue::try_from(format!("Basic {}", STANDARD.encode(decoded))).map_err(|_secret| malformed())?;
            value.set_sensitive(true);
            Ok::<_, Error>(value)
        });
        let uri = format!("http://{host}/").parse().map_err(|_secret| malformed())?;
        Ok(Self { uri, authorization: authorization.transpose()? })
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.uri
    }

    /// What the proxy wants to know about the caller.
    pub(crate) fn authorization(&self) -> Option<&HeaderValue> {
        self.authorization.as_ref()
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxy").field("uri", &self.uri).finish_non_exhaustive()
    }
}

/// One entry of `no_proxy`.
#[derive(Debug)]
enum Exception {
    All,
    Network { address: u128, bits: u32, is_v4: bool },
    Name { name: String, only_below: bool, port: Option<u16> },
}

impl Exception {
    fn parse(entry: &str) -> Option<Self> {
        let entry = entry.trim().to_ascii_lowercase();
        if entry.is_empty() {
            return None;
        }
        if entry == "*" {
            return Some(Self::All);
        }
        let (address, bits) = entry.split_once('/').map_or((entry.as_str(), None), |(a, bits)| (a, Some(bits)));
        if let Ok(address) = address.trim_matches(['[', ']']).parse::<IpAddr>() {
            let width = if address.is_ipv4() { 32 } else { 128 };
            let bits = bits.map_or(Some(width), |bits| bits.parse().ok().filter(|bits| *bits <= width))?;
            return Some(Self::Network { address: number(address), bits, is_v4: address.is_ipv4() });
        }
        let (name, port) = match entry.rsplit_once(':') {
            Some((name, port)) => (name, Some(port.parse().ok()?)),
            None => (entry.as_str(), None),
        };
        let name = name.trim_matches(['[', ']']);
        let below = name.strip_prefix("*.").or_else(|| name.strip_prefix('.'));
        Some(Self::Name { name: below.unwrap_or(name).to_owned(), only_below: below.is_some(), port })
    }

    fn covers(&self, host: &str, asked: u16) -> bool {
        match self {
            Self::All => true,
            Self::Network { address, bits, is_v4 } => host.parse().is_ok_and(|host: IpAddr| {
                let width = if *is_v4 { 32 } else { 128 };
                host.is_ipv4() == *is_v4 && (number(host) ^ address).checked_shr(width - bits).unwrap_or(0) == 0
            }),
            Self::Name { name, only_below, port } => {
                let is_below = host.strip_suffix(name.as_str()).is_some_and(|rest| rest.ends_with('.'));
                port.is_none_or(|port| port == asked) && (is_below || (!only_below && host == name))
            }
        }
    }
}

fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// Asks a proxy for a connection to the host of `uri`.
pub(super) async fn tunnel(stream: &mut TcpStream, proxy: &Proxy, uri: &Uri) -> Result<()> {
    let origin = Origin::of(uri).ok_or_else(|| Error::unsupported("a tunnel to no http or https URL"))?;
    let to = format!("{}:{}", origin.host(), origin.port());
    let mut ask = format!("CONNECT {to} HTTP/1.1\r\nHost: {to}\r\n").into_bytes();
    if let Some(authorization) = proxy.authorization() {
        ask.extend_from_slice(b"Proxy-Authorization: ");
        ask.extend_from_slice(authorization.as_bytes());
        ask.extend_from_slice(b"\r\n");
    }
    ask.extend_from_slice(b"\r\n");
    stream.write_all(&ask).await?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"\r\n\r\n") {
        // One byte at a time: what follows the head belongs to TLS.
        let byte = stream.read_u8().await?;
        answer.push(byte);
        if answer.len() > MAX_CONNECT_ANSWER {
            return Err(Error::new(ErrorKind::Io, format!("the proxy {} does not answer with HTTP", proxy.uri())));
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    match answer.split_ascii_whitespace().nth(1) {
        Some(status) if status.len() == 3 && status.starts_with('2') => Ok(()),
        status => {
            let status = status.unwrap_or("nothing");
            Err(Error::new(ErrorKind::Io, format!("the proxy {} refuses a tunnel to {to}: {status}", proxy.uri())))
        }
    }
}
