use std::fmt;

use http::{HeaderMap, header::LINK};

use super::scan::{Scan, quote};

/// One entry of a `Link` header (RFC 8288): where, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Link {
    /// The target as written, often relative to the request's URL: see [`resolve`](crate::resolve).
    pub target: String,
    /// The relation types, separated by spaces; none when the entry names none.
    pub rel: Option<String>,
}

impl Link {
    /// A link to `target`, of relation `rel`.
    pub fn new(target: impl Into<String>, rel: impl Into<String>) -> Self {
        Self { target: target.into(), rel: Some(rel.into()) }
    }

    /// Every entry of every `Link` line; an entry that cannot be read ends its line.
    pub fn all(headers: &HeaderMap) -> Vec<Self> {
        let lines = headers.get_all(LINK).iter().filter_map(|line| std::str::from_utf8(line.as_bytes()).ok());
        lines.flat_map(parse_line).collect()
    }

    /// The entry that leads to the next page. Registries that write no `rel` mean this one too.
    pub fn next(headers: &HeaderMap) -> Option<Self> {
        let mut all = Self::all(headers);
        let at = all.iter().position(|link| link.is("next")).or_else(|| all.iter().position(|link| link.rel.is_none()));
        at.map(|at| all.swap_remove(at))
    }

    /// Whether `relation` is one of the relation types.
    pub fn is(&self, relation: &str) -> bool {
        let rels = self.rel.as_deref().unwrap_or_default();
        rels.split_ascii_whitespace().any(|rel| rel.eq_ignore_ascii_case(relation))
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.target)?;
        match &self.rel {
            Some(rel) => write!(f, "; rel={}", quote(rel)),
            None => Ok(()),
        }
    }
}

fn parse_line(line: &str) -> Vec<Link> {
    let mut scan = Scan::new(line);
    let mut links = Vec::new();
    while let Some(link) = parse_entry(&mut scan) {
        links.push(link);
    }
    links
}

fn parse_entry(scan: &mut Scan<'_>) -> Option<Link> {
    scan.skip(&[',']);
    if !scan.eat('<') {
        return None;
    }
    let target = scan.until(|c| c == '>').to_owned();
    if !scan.eat('>') {
        return None;
    }
    let mut rel = None;
    loop {
        scan.skip(&[]);
        if !scan.eat(';') {
            break;
        }
        scan.skip(&[]);
        let name = scan.token();
        scan.skip(&[]);
        let value = if scan.eat('=') { parse_value(scan) } else { String::new() };
        // The first one counts (RFC 8288 §3.3).
        if name.eq_ignore_ascii_case("rel") && rel.is_none() {
            rel = Some(value);
        }
    }
    Some(Link { target, rel })
}

fn parse_value(scan: &mut Scan<'_>) -> String {
    scan.skip(&[]);
    scan.quoted().unwrap_or_else(|| scan.until(|c| matches!(c, ';' | ',' | ' ' | '\t')).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(lines: &[&str]) -> HeaderMap {
        lines.iter().map(|line| (LINK, line.parse().unwrap())).collect()
    }

    #[test]
    fn finds_the_next_page_in_any_spelling() {
        for (name, lines, expected) in [
            ("quoted", &[r#"</v2/_catalog?n=2&last=b>; rel="next""#][..], Some("/v2/_catalog?n=2&last=b")),
            ("unquoted", &["</next>; rel=next"], Some("/next")),
            ("no relation", &["</next>"], Some("/next")),
            ("upper case and spaces", &["</next> ;  REL = \"Next\""], Some("/next")),
            ("several relations", &[r#"</next>; rel="last next""#], Some("/next")),
            ("second line", &[r#"</first>; rel="first""#, r#"</next>; rel="next""#], Some("/next")),
            ("second in a line", &[r#"</a,b>; rel="prev"; title="x, <y>", </next>; rel="next""#], Some("/next")),
            ("another relation", &[r#"</first>; rel="first""#], None),
            ("no target", &["next"], None),
            ("unclosed", &["</next"], None),
            ("nothing", &[], None),
        ] {
            assert_eq!(Link::next(&headers(lines)).map(|link| link.target).as_deref(), expected, "{name}");
        }
    }
}
