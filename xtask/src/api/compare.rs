//! Which lines of a listing matter, and which of them came and went.

use std::collections::BTreeMap;

/// Traits that every type has or lacks by accident; `Send` and `Sync` are not among them.
const ACCIDENTAL: &[&str] =
    &["core::marker::Freeze", "core::marker::Unpin", "core::marker::UnsafeUnpin", "core::panic::unwind_safe::"];

/// What an implemented trait of the standard library says by itself.
const IMPLIED: &[&str] =
    &["::clone(", "::cmp(", "::default(", "::eq(", "::fmt(", "::from(", "::hash<", "::partial_cmp("];

/// Whether a line says something that the lines around it do not.
pub(super) fn is_telling(line: &str) -> bool {
    let is_accidental = line.starts_with("impl") && ACCIDENTAL.iter().any(|name| line.contains(name));
    let is_implied = line.starts_with("pub fn ") && IMPLIED.iter().any(|name| line.contains(name));
    let is_marker = line.starts_with("impl") && line.contains("core::marker::StructuralPartialEq");
    !(is_accidental || is_implied || is_marker)
}

/// Lines that are in one listing alone, with `+` or `-` before them, in order.
pub(super) fn changes(before: &str, after: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, i32> = BTreeMap::new();
    before.lines().for_each(|line| *counts.entry(line).or_default() -= 1);
    after.lines().for_each(|line| *counts.entry(line).or_default() += 1);
    let changed = counts.into_iter().filter(|(_, count)| *count != 0);
    changed.map(|(line, count)| format!("{} {line}", if count > 0 { '+' } else { '-' })).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_tells_nothing() {
        let rows = [
            ("pub fn a::T::new() -> Self", true),
            ("impl core::marker::Send for a::T", true),
            ("impl !core::marker::Sync for a::T", true),
            ("impl core::clone::Clone for a::T", true),
            ("pub fn a::T::clone(&self) -> a::T", false),
            ("impl core::marker::Freeze for a::T", false),
            ("impl core::panic::unwind_safe::UnwindSafe for a::T", false),
            ("impl core::marker::StructuralPartialEq for a::T", false),
        ];
        for (line, expected) in rows {
            assert_eq!(is_telling(line), expected, "{line}");
        }
    }

    #[test]
    fn tells_what_came_and_went() {
        let found = changes("pub fn a()\npub fn b()\n", "pub fn b()\npub fn c()\n");
        assert_eq!(found, ["- pub fn a()", "+ pub fn c()"]);
        assert!(changes("pub fn a()\n", "pub fn a()\n").is_empty());
        assert_eq!(changes("", "pub fn a()\n"), ["+ pub fn a()"]);
    }
}
