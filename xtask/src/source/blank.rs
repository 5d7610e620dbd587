//! Comments and literals, found and blanked.

use super::is_word;

/// The text with comments, strings and characters blanked; every line keeps its number.
pub(crate) fn code(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut after_word = false;
    while let Some(first) = rest.chars().next() {
        let blank = blank_length(rest, after_word);
        let length = blank.unwrap_or_else(|| first.len_utf8());
        let (token, tail) = rest.split_at(length);
        match blank {
            Some(_) => out.extend(token.chars().map(|c| if c == '\n' { c } else { ' ' })),
            None => out.push_str(token),
        }
        after_word = blank.is_none() && is_word(first);
        rest = tail;
    }
    out
}

/// How many bytes of comment, string or character the text starts with, if it does.
fn blank_length(rest: &str, after_word: bool) -> Option<usize> {
    if rest.starts_with("//") {
        return Some(rest.find('\n').unwrap_or(rest.len()));
    }
    if rest.starts_with("/*") {
        return Some(block_comment_length(rest));
    }
    if rest.starts_with('"') {
        return Some(quoted_length(rest));
    }
    if rest.starts_with('\'') {
        return character_length(rest);
    }
    if after_word { None } else { raw_string_length(rest) }
}

fn block_comment_length(rest: &str) -> usize {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(tail) = rest.get(at..).filter(|tail| !tail.is_empty()) {
        if tail.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if tail.starts_with("*/") {
            depth -= 1;
            at += 2;
        } else {
            at += tail.chars().next().map_or(1, char::len_utf8);
        }
        if depth == 0 {
            break;
        }
    }
    at
}

fn quoted_length(rest: &str) -> usize {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// A character literal; `None` for a lifetime.
fn character_length(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('\'')?;
    if let Some(escape) = inner.strip_prefix('\\') {
        let skipped = escape.chars().next()?.len_utf8();
        let close = escape.get(skipped..)?.find('\'')?;
        return Some(2 + skipped + close + 1);
    }
    let first = inner.chars().next()?;
    let after = inner.get(first.len_utf8()..)?;
    after.starts_with('\'').then_some(2 + first.len_utf8())
}

fn raw_string_length(rest: &str) -> Option<usize> {
    let prefix = ["r", "br", "cr"].into_iter().find(|prefix| rest.strip_prefix(prefix).is_some_and(opens_raw))?;
    let tail = rest.strip_prefix(prefix)?;
    let hashes = tail.chars().take_while(|c| *c == '#').count();
    let open = prefix.len() + hashes + 1;
    let close = format!("\"{}", "#".repeat(hashes));
    let body = rest.get(open..)?;
    let end = body.find(&close).map_or(body.len(), |at| at + close.len());
    Some(open + end)
}

fn opens_raw(tail: &str) -> bool {
    tail.trim_start_matches('#').starts_with('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_comments_and_literals() {
        let rows = [
            ("a // b\nc", "a     \nc"),
            ("a /* b /* c */ d */ e", "a                   e"),
            (r#"f("x\"{") + g"#, r"f(      ) + g"),
            ("r#\"{\"# + x", "       + x"),
            ("br\"{\" + x", "      + x"),
            (r"('{', '\'', '\u{7b}')", "(   ,     ,         )"),
            ("fn f<'a>(x: &'a str) {}", "fn f<'a>(x: &'a str) {}"),
            ("r#type = 1", "r#type = 1"),
            ("\"a\nb\" c", "  \n   c"),
        ];
        for (text, expected) in rows {
            assert_eq!(code(text), expected, "{text}");
        }
    }
}
