//! Byte ranges of RFC 9110 section 14, as far as blobs need them.

use std::ops::Range;

/// What a `Range` header asks of content of some size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    /// All of it: there is no header, or one that is to be ignored.
    Whole,
    Part(Range<u64>),
    /// Nothing that is there.
    Nothing,
}

/// Reads a header. Several ranges, and other units, are answered by the whole content.
pub(crate) fn parse(header: Option<&str>, size: u64) -> Asked {
    let spec = header.and_then(|text| text.trim().strip_prefix("bytes="));
    let Some((first, last)) = spec.filter(|spec| !spec.contains(',')).and_then(|spec| spec.trim().split_once('-'))
    else {
        return Asked::Whole;
    };
    match (number(first), number(last)) {
        (Number::Missing, Number::Is(suffix)) => part(size.saturating_sub(suffix)..size),
        (Number::Is(first), Number::Missing) => part(first..size),
        // An inverted range is not satisfiable rather than ignored: the official suite asks for it.
        (Number::Is(first), Number::Is(last)) if last >= first => part(first..last.saturating_add(1).min(size)),
        (Number::Is(_), Number::Is(_)) => Asked::Nothing,
        _ => Asked::Whole,
    }
}

fn part(range: Range<u64>) -> Asked {
    if range.start < range.end { Asked::Part(range) } else { Asked::Nothing }
}

enum Number {
    Missing,
    Is(u64),
    Bad,
}

fn number(text: &str) -> Number {
    if text.is_empty() {
        return Number::Missing;
    }
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Number::Bad;
    }
    // More digits than fit are a number past the end of everything.
    Number::Is(text.parse().unwrap_or(u64::MAX))
}

/// The range of an upload, `<first>-<last>` without a unit.
pub(crate) fn parse_content_range(text: &str) -> Option<Range<u64>> {
    let (first, last) = text.split_once('-')?;
    let (Number::Is(first), Number::Is(last)) = (number(first), number(last)) else {
        return None;
    };
    last.checked_add(1).filter(|_| first <= last).map(|end| first..end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_ranges_of_2048_bytes() {
        let cases = [
            (None, Asked::Whole),
            (Some("bytes=500-1499"), Asked::Part(500..1500)),
            (Some("bytes=500-"), Asked::Part(500..2048)),
            (Some("bytes=-500"), Asked::Part(1548..2048)),
            (Some("bytes=-5000"), Asked::Part(0..2048)),
            (Some("bytes=2000-5000"), Asked::Part(2000..2048)),
            (Some("bytes=0-0"), Asked::Part(0..1)),
            (Some("bytes=5000-10000"), Asked::Nothing),
            (Some("bytes=2048-"), Asked::Nothing),
            (Some("bytes=500-0"), Asked::Nothing),
            (Some("bytes=-0"), Asked::Nothing),
            (Some("bytes=99999999999999999999999-"), Asked::Nothing),
            (Some("bytes=0-99999999999999999999999"), Asked::Part(0..2048)),
            (Some("bytes=0-1,3-4"), Asked::Whole),
            (Some("bytes=-"), Asked::Whole),
            (Some("bytes=a-b"), Asked::Whole),
            (Some("lines=0-1"), Asked::Whole),
            (Some("bytes"), Asked::Whole),
        ];
        for (header, expected) in cases {
            assert_eq!(parse(header, 2048), expected, "{header:?}");
        }
    }

    #[test]
    fn reads_the_ranges_of_chunks() {
        assert_eq!(parse_content_range("0-9"), Some(0..10));
        for bad in ["", "-", "0-", "-9", "9-0", "bytes 0-9", "0-9/10", "0-18446744073709551615", " 0-9"] {
            assert_eq!(parse_content_range(bad), None, "{bad}");
        }
    }
}
