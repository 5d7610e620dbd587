use std::borrow::Cow;

use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

/// What a query value of ours must escape; `:` and `/` may stand (RFC 3986 section 3.4).
const ESCAPED: &AsciiSet =
    &CONTROLS.add(b' ').add(b'"').add(b'#').add(b'%').add(b'&').add(b'+').add(b'<').add(b'=').add(b'>').add(b'?');

/// The parameters of a query or a form, in their order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Query(Vec<(String, String)>);

impl Query {
    /// Reads the query of a URL. A `+` is a plus: media types have one, and no value has a blank.
    pub(crate) fn parse(text: &str) -> Self {
        Self::read(text, Cow::Borrowed)
    }

    /// Reads a form, or a query that is made like one, where `+` stands for a blank.
    pub(crate) fn parse_form(text: &str) -> Self {
        Self::read(text, |part| Cow::Owned(part.replace('+', " ")))
    }

    fn read<'a>(text: &'a str, prepare: impl Fn(&'a str) -> Cow<'a, str>) -> Self {
        let decode = |part: &'a str| percent_decode_str(&prepare(part)).decode_utf8_lossy().into_owned();
        let pairs = text.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        });
        Self(pairs.collect())
    }

    /// The first value of a parameter.
    pub(crate) fn first(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    /// Every value of a parameter.
    pub(crate) fn all<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

/// A value as it may stand in a query.
pub(crate) fn escape(value: &str) -> String {
    utf8_percent_encode(value, ESCAPED).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_clients_send() {
        let query = Query::parse("digest=sha256%3Aab&tag=a&tag=b&x&artifactType=application/vnd.a+json");
        assert_eq!(query.first("digest"), Some("sha256:ab"));
        assert_eq!(query.all("tag").collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(query.first("x"), Some(""));
        assert_eq!(query.first("artifactType"), Some("application/vnd.a+json"));
        assert_eq!(query.first("y"), None);
    }

    #[test]
    fn a_form_has_blanks() {
        let form = Query::parse_form("scope=repository:a:pull+repository:b:pull&x=%2B");
        assert_eq!(form.first("scope"), Some("repository:a:pull repository:b:pull"));
        assert_eq!(form.first("x"), Some("+"));
    }

    #[test]
    fn escaped_values_come_back() {
        let value = "a b+c&d=e%/?#\"";
        assert_eq!(Query::parse(&format!("v={}", escape(value))).first("v"), Some(value));
    }
}
