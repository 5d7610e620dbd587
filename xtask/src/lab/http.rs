//! As much HTTP/1.1 as a token service and a look at a registry need: one request a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A peer on loopback that is silent for longer is broken.
const SILENCE: Duration = Duration::from_secs(5);
/// More than any token request or head has.
const LIMIT: u64 = 64 * 1024;

/// A request, as far as it matters here.
#[derive(Debug)]
pub(crate) struct Request {
    /// `GET` or `POST`.
    pub(crate) method: String,
    /// The path, without the query.
    pub(crate) path: String,
    /// Pairs of the query and of a form in the body, decoded, in order.
    pub(crate) pairs: Vec<(String, String)>,
    /// The header `Authorization`.
    pub(crate) authorization: Option<String>,
}

impl Request {
    /// Reads a request.
    pub(crate) fn read(stream: &TcpStream) -> io::Result<Self> {
        stream.set_read_timeout(Some(SILENCE))?;
        let mut reader = BufReader::new(stream.take(LIMIT));
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut request = Self {
            method: method.to_owned(),
            path: path.to_owned(),
            pairs: pairs(query).collect(),
            authorization: None,
        };
        let length = request.read_head(&mut reader)?;
        let mut body = String::new();
        reader.take(length).read_to_string(&mut body)?;
        request.pairs.extend(pairs(&body));
        Ok(request)
    }

    /// Reads header fields up to the empty line; the length of the body.
    fn read_head(&mut self, reader: &mut impl BufRead) -> io::Result<u64> {
        let mut length = 0;
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            if let Some((name, value)) = line.trim_end().split_once(": ") {
                match name.to_ascii_lowercase().as_str() {
                    "authorization" => self.authorization = Some(value.to_owned()),
                    "content-length" => length = value.parse().map_err(io::Error::other)?,
                    _ => {}
                }
            }
            line.clear();
        }
        Ok(length)
    }

    /// The first value of a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Writes a JSON answer and ends the connection.
pub(crate) fn answer(mut stream: &TcpStream, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// The status of `GET path`, if there is an HTTP server at `address`.
pub(crate) fn status(address: SocketAddr, path: &str) -> io::Result<u16> {
    let mut stream = TcpStream::connect_timeout(&address, SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n")?;
    let mut line = String::new();
    BufReader::new(stream.take(LIMIT)).read_line(&mut line)?;
    let word = line.split_whitespace().nth(1).unwrap_or_default();
    word.parse().map_err(io::Error::other)
}

/// Decodes `a=1&b=2`.
fn pairs(text: &str) -> impl Iterator<Item = (String, String)> {
    text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(name), decode(value))
    })
}

/// Undoes percent-encoding, with `+` for a space.
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, tail)) = rest.split_first() {
        let escaped = tail
            .split_at_checked(2)
            .filter(|_| byte == b'%')
            .and_then(|(hex, after)| Some((u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()?, after)));
        let (decoded, after) = escaped.unwrap_or((if byte == b'+' { b' ' } else { byte }, tail));
        bytes.push(decoded);
        rest = after;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_a_form() {
        let decoded: Vec<_> = pairs("scope=repository%3Aa%2fb%3Apull+x&empty=&flag&bad=%zz%").collect();
        let expected = [("scope", "repository:a/b:pull x"), ("empty", ""), ("flag", ""), ("bad", "%zz%")]
            .map(|(a, b)| (a.to_owned(), b.to_owned()));
        assert_eq!(decoded, expected);
    }
}
