//! As much HTTP/1.1 as a token service and a look at a registry need: one request a connection.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A peer on loopback that is silent for longer is broken.
pub(crate) const SILENCE: Duration = Duration::from_secs(5);
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
    pub(crate) fn read(stream: &mut impl Read) -> io::Result<Self> {
        let mut reader = BufReader::new(stream.take(LIMIT));
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let mut words = line.split_whitespace();
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let fields = read_fields(&mut reader)?;
        let field = |name| fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.clone());
        let length = field("content-length").map_or(Ok(0), |text| text.parse()).map_err(io::Error::other)?;
        let mut body = String::new();
        reader.take(length).read_to_string(&mut body)?;
        Ok(Self {
            method: method.to_owned(),
            path: path.to_owned(),
            pairs: pairs(query).chain(pairs(&body)).collect(),
            authorization: field("authorization"),
        })
    }

    /// The first value of a name.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        self.pairs.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Writes a JSON answer that is the last of its connection.
pub(crate) fn answer(stream: &mut impl Write, status: &str, body: &str) -> io::Result<()> {
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

/// An answer of a server.
#[derive(Debug)]
pub(crate) struct Answer {
    /// The status code.
    pub(crate) status: u16,
    fields: Vec<(String, String)>,
}

impl Answer {
    /// The first value of a header field, whose name is given in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Sends one request to `address`, with header fields that each end in a line break, and reads the head of the answer.
pub(crate) fn ask(address: SocketAddr, method: &str, target: &str, fields: &str, body: &[u8]) -> io::Result<Answer> {
    let mut stream = TcpStream::connect_timeout(&address, SILENCE)?;
    stream.set_read_timeout(Some(SILENCE))?;
    let length = body.len();
    let head = format!(
        "{method} {target} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nContent-Length: {length}\r\n{fields}\r\n"
    );
    stream.write_all(&[head.as_bytes(), body].concat())?;
    let mut reader = BufReader::new(stream.take(LIMIT));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split_whitespace().nth(1).unwrap_or_default().parse().map_err(io::Error::other)?;
    Ok(Answer { status, fields: read_fields(&mut reader)? })
}

/// Reads header fields up to the empty line, names in lower case.
fn read_fields(reader: &mut impl BufRead) -> io::Result<Vec<(String, String)>> {
    let mut fields = Vec::new();
    let mut line = String::new();
    while reader.read_line(&mut line)? > 2 {
        if let Some((name, value)) = line.trim_end().split_once(':') {
            fields.push((name.to_ascii_lowercase(), value.trim_start().to_owned()));
        }
        line.clear();
    }
    Ok(fields)
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
