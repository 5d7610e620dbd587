/// Reads a header value from left to right (RFC 9110 §5.6).
#[derive(Clone, Copy)]
pub(crate) struct Scan<'a> {
    rest: &'a str,
}

impl<'a> Scan<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { rest: text }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Skips white space and any of `also`.
    pub(crate) fn skip(&mut self, also: &[char]) {
        self.rest = self.rest.trim_start_matches(|c: char| matches!(c, ' ' | '\t') || also.contains(&c));
    }

    /// Takes `expected`, if it comes next.
    pub(crate) fn eat(&mut self, expected: char) -> bool {
        let rest = self.rest.strip_prefix(expected);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    /// The text up to the first character for which `is_end` holds.
    pub(crate) fn until(&mut self, is_end: impl Fn(char) -> bool) -> &'a str {
        let at = self.rest.find(is_end).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(at);
        self.rest = rest;
        taken
    }

    /// A token; empty when there is none.
    pub(crate) fn token(&mut self) -> &'a str {
        self.until(|c| !(c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c)))
    }

    /// A quoted string without its quotes and escapes; none when there is none or it does not end.
    pub(crate) fn quoted(&mut self) -> Option<String> {
        let mut chars = self.rest.strip_prefix('"')?.chars();
        let mut text = String::new();
        loop {
            match chars.next()? {
                '"' => break,
                '\\' => text.push(chars.next()?),
                other => text.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(text)
    }
}

/// `text` as a quoted string.
pub(crate) fn quote(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}
