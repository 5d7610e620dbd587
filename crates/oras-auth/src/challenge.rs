use std::fmt;

use http::{HeaderMap, header::WWW_AUTHENTICATE};

/// How a server wants to be told who asks (RFC 9110 §11.6.1).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Challenge {
    /// The scheme in lower case: `basic`, `bearer`.
    pub scheme: String,
    /// The parameters: names in lower case, values without quotes and escapes.
    pub parameters: Vec<(String, String)>,
}

impl Challenge {
    /// A challenge without parameters.
    pub fn new(scheme: impl Into<String>) -> Self {
        Self { scheme: scheme.into().to_ascii_lowercase(), parameters: Vec::new() }
    }

    /// Every challenge of every `WWW-Authenticate` line. A malformed parameter ends its line; what stands before it counts.
    pub fn all(headers: &HeaderMap) -> Vec<Self> {
        let lines = headers.get_all(WWW_AUTHENTICATE).iter();
        lines.flat_map(|line| parse_line(&String::from_utf8_lossy(line.as_bytes()))).collect()
    }

    /// The first parameter of a name.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        self.parameters.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Display for Challenge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.scheme)?;
        let mut separator = " ";
        for (name, value) in &self.parameters {
            write!(f, "{separator}{name}=\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))?;
            separator = ", ";
        }
        Ok(())
    }
}

fn parse_line(line: &str) -> Vec<Challenge> {
    let mut challenges: Vec<Challenge> = Vec::new();
    let mut rest = line;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (name, after) = token(rest);
        if name.is_empty() {
            return challenges;
        }
        let value = after.trim_start_matches([' ', '\t']).strip_prefix('=');
        match (value, challenges.last_mut()) {
            (Some(value), Some(challenge)) => {
                let Some((value, after)) = parse_value(value.trim_start_matches([' ', '\t'])) else {
                    return challenges;
                };
                challenge.parameters.push((name.to_ascii_lowercase(), value));
                rest = after;
            }
            // A parameter without a scheme before it.
            (Some(_), None) => return challenges,
            (None, _) => {
                challenges.push(Challenge::new(name));
                rest = without_token68(after);
            }
        }
    }
}

fn token(text: &str) -> (&str, &str) {
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    text.split_at(text.find(|c| !is_token(c)).unwrap_or(text.len()))
}

fn parse_value(text: &str) -> Option<(String, &str)> {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = token(text);
        return (!value.is_empty()).then(|| (value.to_owned(), rest));
    };
    let mut chars = quoted.chars();
    let mut value = String::new();
    loop {
        match chars.next()? {
            '"' => return Some((value, chars.as_str())),
            '\\' => value.push(chars.next()?),
            other => value.push(other),
        }
    }
}

/// Skips what `Negotiate` and its kind send in place of parameters: `abc/123==`.
fn without_token68(text: &str) -> &str {
    let is_token68 = |c: char| c.is_ascii_alphanumeric() || "-._~+/".contains(c);
    let start = text.trim_start_matches([' ', '\t']);
    let (word, after) = start.split_at(start.find(|c| !is_token68(c)).unwrap_or(start.len()));
    let rest = after.trim_start_matches('=').trim_start_matches([' ', '\t']);
    let is_token68 = !word.is_empty() && (rest.is_empty() || rest.starts_with(','));
    if is_token68 { rest } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(lines: &[&str]) -> Vec<String> {
        let headers = lines.iter().map(|line| (WWW_AUTHENTICATE, line.parse().unwrap())).collect();
        Challenge::all(&headers).iter().map(Challenge::to_string).collect()
    }

    #[test]
    fn reads_what_servers_send() {
        for (name, lines, expected) in [
            (
                "bearer",
                &[r#"Bearer realm="https://a/t",service="s",scope="r:a:pull,push r:b:pull""#][..],
                &[r#"bearer realm="https://a/t", service="s", scope="r:a:pull,push r:b:pull""#][..],
            ),
            (
                "two in a line",
                &[r#"Basic realm="x, y", Bearer realm="z",scope="a,b c""#],
                &[r#"basic realm="x, y""#, r#"bearer realm="z", scope="a,b c""#],
            ),
            ("two lines", &["Basic realm=x", "Bearer realm=z"], &[r#"basic realm="x""#, r#"bearer realm="z""#]),
            ("upper case", &[r#"BASIC Realm="Sonatype Nexus""#], &[r#"basic realm="Sonatype Nexus""#]),
            ("white space", &["bearer  realm\t= \"z\"  ,  service = s ,,"], &[r#"bearer realm="z", service="s""#]),
            ("escapes", &[r#"Bearer realm="a\"b\\c""#], &[r#"bearer realm="a\"b\\c""#]),
            ("other data first", &[r#"Negotiate abc/123==, Basic realm="x""#], &["negotiate", r#"basic realm="x""#]),
            ("no parameters", &["Negotiate, Basic"], &["negotiate", "basic"]),
            ("an open string", &[r#"Bearer realm="z",service="open"#], &[r#"bearer realm="z""#]),
            ("no value", &[r#"Bearer realm="z",service=,scope="a""#], &[r#"bearer realm="z""#]),
            ("no scheme", &[r#"realm="z""#], &[]),
            ("nothing", &[""], &[]),
        ] {
            assert_eq!(parse(lines), expected, "{name}");
        }
    }
}
