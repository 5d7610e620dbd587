use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use http::{HeaderMap, Uri, header::WARNING};

use super::scan::{Scan, quote};

/// The most bytes of warning text that one response may show (distribution specification, "Warnings").
const MAX_WARNING_BYTES: usize = 4096;

/// How many different warnings are remembered, so that each is shown once.
const MAX_REMEMBERED: usize = 1024;

/// A message of a registry to the person who uses it. It says nothing that a program may act on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Warning {
    /// The text, without quotes and escapes.
    pub text: String,
}

impl Warning {
    /// A warning.
    pub fn new(text: impl Into<String>) -> Self {
        Self { text: text.into() }
    }

    /// The warnings of a response: only those of the form `299 - "text"`, together at most 4096 bytes.
    pub fn all(headers: &HeaderMap) -> Vec<Self> {
        let lines = headers.get_all(WARNING).iter().filter_map(|line| std::str::from_utf8(line.as_bytes()).ok());
        let mut left = MAX_WARNING_BYTES;
        let mut fits = |warning: &Self| {
            let fits = left.checked_sub(warning.text.len());
            left = fits.unwrap_or(0);
            fits.is_some()
        };
        lines.flat_map(parse_line).take_while(|warning| fits(warning)).collect()
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "299 - {}", quote(&self.text))
    }
}

/// Shows warnings to a person. Each warning of a host comes once in the life of a client.
pub trait WarningHandler: Send + Sync + 'static {
    /// Takes a warning; `host` is the authority that answered.
    fn warning(&self, host: &str, warning: &Warning);
}

impl<F: Fn(&str, &Warning) + Send + Sync + 'static> WarningHandler for F {
    fn warning(&self, host: &str, warning: &Warning) {
        self(host, warning);
    }
}

/// What was shown already.
pub(crate) struct WarningLog {
    handler: Arc<dyn WarningHandler>,
    seen: Mutex<HashSet<(String, Warning)>>,
}

impl WarningLog {
    pub(crate) fn new(handler: Arc<dyn WarningHandler>) -> Self {
        Self { handler, seen: Mutex::default() }
    }

    pub(crate) fn show(&self, uri: &Uri, headers: &HeaderMap) {
        if !headers.contains_key(WARNING) {
            return;
        }
        let host = uri.authority().map_or("", |authority| authority.as_str());
        for warning in Warning::all(headers) {
            let is_new = {
                let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
                seen.len() < MAX_REMEMBERED && seen.insert((host.to_owned(), warning.clone()))
            };
            if is_new {
                self.handler.warning(host, &warning);
            }
        }
    }
}

fn parse_line(line: &str) -> Vec<Warning> {
    let mut scan = Scan::new(line);
    let mut warnings = Vec::new();
    loop {
        scan.skip(&[',']);
        if scan.is_empty() {
            return warnings;
        }
        let code = scan.token();
        scan.skip(&[]);
        let agent = scan.until(|c| matches!(c, ' ' | '\t'));
        scan.skip(&[]);
        let Some(text) = scan.quoted() else {
            return warnings;
        };
        scan.skip(&[]);
        let has_date = scan.quoted().is_some();
        if code == "299" && agent == "-" && !has_date && !text.is_empty() {
            warnings.push(Warning { text });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(lines: &[&str]) -> Vec<String> {
        let headers = lines.iter().map(|line| (WARNING, line.parse().unwrap())).collect();
        Warning::all(&headers).into_iter().map(|warning| warning.text).collect()
    }

    #[test]
    fn reads_every_line_and_every_entry() {
        assert_eq!(
            texts(&[r#"299 - "one""#, r#"299 - "two, a" , 299 - "a \"b\" \\""#]),
            ["one", "two, a", r#"a "b" \"#]
        );
    }

    #[test]
    fn passes_over_other_forms() {
        for line in [
            r#"199 - "other code""#,
            r#"299 agent "other agent""#,
            r#"299 - "dated" "Fri, 06 Nov 2026 10:00:00 GMT""#,
            "299 - unquoted",
            r#"299 - "open"#,
            r#"299 - """#,
        ] {
            assert_eq!(texts(&[line]), [""; 0], "{line}");
        }
        assert_eq!(texts(&[r#"199 - "no", 299 - "yes""#]), ["yes"]);
    }

    #[test]
    fn shows_at_most_4096_bytes() {
        let long = format!("299 - \"{}\"", "x".repeat(3000));
        assert_eq!(texts(&[&long, &long]).len(), 1);
    }
}
