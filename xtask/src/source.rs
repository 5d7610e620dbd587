//! Rust source, seen well enough to be measured: comments and literals blanked, functions found, brackets matched.
//!
//! Not a parser: it has to be right on formatted code that compiles, and nothing else.

mod blank;

pub(crate) use blank::code;

/// A function with a body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Function {
    /// The name after `fn`.
    pub(crate) name: String,
    /// The line of the word `fn`, from 1.
    pub(crate) line: usize,
    /// Lines from that one to the closing brace, both counted.
    pub(crate) lines: usize,
}

/// The code with the modules under `#[cfg(test)]` blanked too.
pub(crate) fn code_without_tests(text: &str) -> String {
    let mut code = code(text);
    while let Some(start) = code.find("#[cfg(test)]") {
        let tail = code.get(start..).unwrap_or_default();
        let length = item_length(tail);
        let blank: String = tail.chars().take(length).map(|c| if c == '\n' { c } else { ' ' }).collect();
        let head = code.get(..start).unwrap_or_default().to_owned();
        let after: String = tail.chars().skip(length).collect();
        code = head + &blank + &after;
    }
    code
}

/// All functions with a body, in the order they stand.
pub(crate) fn functions(code: &str) -> Vec<Function> {
    words(code).filter(|(_, word)| *word == "fn").filter_map(|(at, _)| function_at(code, at)).collect()
}

/// The identifiers and keywords, with the byte each starts at.
pub(crate) fn words(code: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    code.split(|c| !is_word(c)).filter_map(move |word| {
        let start = at;
        let after = code.get(start + word.len()..).unwrap_or_default();
        at = start + word.len() + after.chars().next().map_or(0, char::len_utf8);
        (!word.is_empty()).then_some((start, word))
    })
}

/// The line of a byte, from 1.
pub(crate) fn line_of(text: &str, at: usize) -> usize {
    1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count()
}

/// What stands between the first opening bracket of the text and its partner, with both.
pub(crate) fn bracketed(text: &str) -> Option<&str> {
    let start = text.find(['(', '[', '{'])?;
    let tail = text.get(start..)?;
    let mut depth = 0usize;
    for (at, c) in tail.char_indices() {
        match c {
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth = depth.checked_sub(1)?,
            _ => {}
        }
        if depth == 0 {
            return tail.get(..=at);
        }
    }
    None
}

/// Whether the character can stand in an identifier.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

fn function_at(code: &str, at: usize) -> Option<Function> {
    let signature = code.get(at + "fn".len()..)?;
    let name: String = signature.trim_start().chars().take_while(|c| is_word(*c)).collect();
    let length = item_length(signature);
    let body: String = signature.chars().take(length).collect();
    if name.is_empty() || !body.ends_with('}') {
        return None;
    }
    let lines = 1 + body.matches('\n').count();
    let line = line_of(code, at);
    Some(Function { name, line, lines })
}

/// The characters up to the end of the first item: its `;`, or the brace that closes its body.
fn item_length(text: &str) -> usize {
    let mut depth = 0usize;
    let mut in_body = false;
    for (count, c) in text.chars().enumerate() {
        match c {
            '(' | '[' | '{' => {
                in_body |= depth == 0 && c == '{';
                depth += 1;
            }
            ')' | ']' | '}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth == 0 && (c == ';' || (in_body && c == '}')) {
            return count + 1;
        }
    }
    text.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_test_modules() {
        let text = "fn a() {}\n#[cfg(test)]\nmod tests {\n  fn b() { spawn() }\n}\nfn c() {}\n";
        let code = code_without_tests(text);
        assert!(code.contains("fn a") && code.contains("fn c"));
        assert!(!code.contains("spawn"));
        assert_eq!(code.lines().count(), text.lines().count());
    }

    #[test]
    fn blanks_a_test_module_in_another_file() {
        let code = code_without_tests("#[cfg(test)]\nmod tests;\nfn c() {}\n");
        assert!(code.contains("fn c"));
    }

    #[test]
    fn measures_functions() {
        let text = "trait T {\n  fn none(&self);\n  fn some(&self, a: [u8; 4]) -> u8\n  where\n  Self: Sized,\n  {\n    1\n  }\n}\ntype F = fn(u8);\n";
        let found = functions(&code(text));
        let some = Function { name: "some".to_owned(), line: 3, lines: 6 };
        assert_eq!(found, [some]);
    }

    #[test]
    fn takes_what_brackets_hold() {
        assert_eq!(bracketed("m! { a(b) } c"), Some("{ a(b) }"));
        assert_eq!(bracketed("m! { a"), None);
    }

    #[test]
    fn knows_where_words_start() {
        let found: Vec<_> = words("fn é_1(x)").collect();
        assert_eq!(found, [(0, "fn"), (3, "é_1"), (8, "x")]);
    }
}
