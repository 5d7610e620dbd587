//! What registries say about byte ranges: `Content-Range` of downloads, `Range` of uploads.

use http::{HeaderMap, header};

/// A `Content-Range` of a response (RFC 9110 section 14.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ContentRange {
    /// `bytes first-last/total`; the total may be unknown.
    Part { first: u64, last: u64, total: Option<u64> },
    /// `bytes */total`: what was asked for is not there.
    Unsatisfied { total: u64 },
}

impl ContentRange {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(header::CONTENT_RANGE)?.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let unit = text.get(..5)?;
        if !unit.eq_ignore_ascii_case("bytes") {
            return None;
        }
        let (range, total) = text.get(5..)?.trim_start_matches([' ', '=']).split_once('/')?;
        let total = match total.trim() {
            "*" => None,
            total => Some(number(total)?),
        };
        if range.trim() == "*" {
            return total.map(|total| Self::Unsatisfied { total });
        }
        let (first, last) = range.split_once('-')?;
        let (first, last) = (number(first.trim())?, number(last.trim())?);
        let in_order = first <= last && total.is_none_or(|total| last < total);
        in_order.then_some(Self::Part { first, last, total })
    }
}

/// How many bytes an upload holds, as its `Range: 0-last` says (distribution specification, "Pushing a blob in chunks").
///
/// Registries also write `bytes=0-last`. An empty session is `0-0` for most, `0--1` for some; so is one that holds one
/// byte, and who asks must know which one it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Held {
    /// So many bytes.
    Bytes(u64),
    /// `0-0`: no byte or one.
    NoneOrOne,
}

impl Held {
    /// What the header says; none where it is missing or says nothing.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::parse(headers.get(header::RANGE)?.to_str().ok()?)
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let range = text.strip_prefix("bytes").map_or(text, |rest| rest.trim_start_matches(['=', ' ']));
        let (first, last) = range.split_once('-')?;
        if number(first)? != 0 {
            return None;
        }
        match last {
            "" | "-1" => Some(Self::Bytes(0)),
            "0" => Some(Self::NoneOrOne),
            last => number(last)?.checked_add(1).map(Self::Bytes),
        }
    }

    /// The number of bytes, by whoever knows how many there may be: `at_least` were acknowledged before.
    pub(crate) fn bytes(self, at_least: u64) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes,
            Self::NoneOrOne => at_least.min(1),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { text.parse().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_a_content_range() {
        let part = |first, last, total| Some(ContentRange::Part { first, last, total });
        let cases = [
            ("bytes 5-9/10", part(5, 9, Some(10))),
            ("Bytes 5-9/*", part(5, 9, None)),
            ("bytes=0-0/1", part(0, 0, Some(1))),
            ("bytes */10", Some(ContentRange::Unsatisfied { total: 10 })),
            ("bytes 9-5/10", None),
            ("bytes 5-10/10", None),
            ("bytes */*", None),
            ("bytes 5-/10", None),
            ("bytes -5-9/10", None),
            ("items 5-9/10", None),
            ("5-9/10", None),
            ("bytes 5-9", None),
            ("bytes 5-99999999999999999999/*", None),
            ("", None),
            ("é", None),
        ];
        for (text, expected) in cases {
            assert_eq!(ContentRange::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn reads_how_much_an_upload_holds() {
        let cases = [
            ("0-9", Some(10)),
            ("bytes=0-9", Some(10)),
            ("bytes 0-9", Some(10)),
            ("0--1", Some(0)),
            ("0-", Some(0)),
            ("5-9", None),
            ("0-18446744073709551615", None),
            ("0-x", None),
            ("9", None),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(Held::parse(text), expected.map(Held::Bytes), "{text}");
        }
    }

    #[test]
    fn zero_to_zero_is_none_or_one() {
        let held = Held::parse("0-0").unwrap();
        assert_eq!((held.bytes(0), held.bytes(1), held.bytes(5)), (0, 1, 1));
    }
}
