//! JSON objects as text: one member is changed, and every other byte stays as it is.

use std::{fmt, ops::Range};

use serde::{Deserialize, Deserializer, de};
use serde_json::value::RawValue;

use crate::canonical::canonical_text;

/// The text of a JSON object, and where the values of its members stand in it.
pub(crate) struct RawObject<'a> {
    text: &'a str,
    members: Vec<Member>,
}

struct Member {
    key: String,
    value: Range<usize>,
}

impl<'a> RawObject<'a> {
    /// Reads the places of the members.
    pub(crate) fn parse(text: &'a str) -> serde_json::Result<Self> {
        let Members(members) = serde_json::from_str(text)?;
        let member = |(key, value): (String, &str)| Member { key, value: range_in(text, value) };
        Ok(Self { text, members: members.into_iter().map(member).collect() })
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.members.is_empty()
    }

    /// The text of a member's value. A member that occurs twice is an error.
    pub(crate) fn get(&self, key: &str) -> serde_json::Result<Option<&'a str>> {
        let mut found = self.members.iter().filter(|member| member.key == key);
        let first = found.next();
        if found.next().is_some() {
            return Err(de::Error::custom(format_args!("duplicate member {key:?}")));
        }
        Ok(first.and_then(|member| self.text.get(member.value.clone())))
    }

    /// The object with a member set to a JSON value: in its place, or behind all others.
    pub(crate) fn with(&self, key: &str, value: &str) -> String {
        if let Some(member) = self.members.iter().find(|member| member.key == key) {
            return splice(self.text, member.value.clone(), value);
        }
        let key = canonical_text(key);
        match self.members.last() {
            Some(last) => splice(self.text, last.value.end..last.value.end, &format!(",{key}:{value}")),
            None => splice(self.text, self.start()..self.start(), &format!("{key}:{value}")),
        }
    }

    /// The object without a member.
    pub(crate) fn without(&self, key: &str) -> String {
        let Some(at) = self.members.iter().position(|member| member.key == key) else {
            return self.text.to_owned();
        };
        let (before, from) = self.members.split_at(at);
        let end = from.first().map_or(0, |member| member.value.end);
        let cut = match before.last() {
            Some(before) => before.value.end..end,
            None => self.start()..self.after_comma(end),
        };
        splice(self.text, cut, "")
    }

    /// The place after the opening brace.
    fn start(&self) -> usize {
        self.text.find('{').map_or(0, |brace| brace + 1)
    }

    /// The place after the comma that follows a value, or the value's end if none does.
    fn after_comma(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default();
        let comma = rest.find(|next: char| !next.is_ascii_whitespace()).filter(|at| rest.get(*at..=*at) == Some(","));
        comma.map_or(end, |at| end + at + 1)
    }
}

/// Where `part` stands in `whole`, of which it is a slice.
pub(crate) fn range_in(whole: &str, part: &str) -> Range<usize> {
    let start = part.as_ptr().addr().saturating_sub(whole.as_ptr().addr());
    start..start + part.len()
}

fn splice(text: &str, range: Range<usize>, replacement: &str) -> String {
    let (before, after) = (text.get(..range.start), text.get(range.end..));
    [before.unwrap_or_default(), replacement, after.unwrap_or_default()].concat()
}

struct Members<'a>(Vec<(String, &'a str)>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;

        impl<'de> de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Vec::new();
                while let Some((key, value)) = map.next_entry::<String, &'de RawValue>()? {
                    members.push((key, value.get()));
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(Visitor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_one_member_and_no_other_byte() {
        let cases = [
            ("{}", r#"{"k":1}"#, "{}"),
            ("{ }", r#"{"k":1 }"#, "{ }"),
            (r#"{"k":0}"#, r#"{"k":1}"#, "{}"),
            (r#"{"a":0}"#, r#"{"a":0,"k":1}"#, r#"{"a":0}"#),
            (r#" { "k" : [0] , "b" : "," } "#, r#" { "k" : 1 , "b" : "," } "#, r#" { "b" : "," } "#),
            (r#"{"a":{},"k":null}"#, r#"{"a":{},"k":1}"#, r#"{"a":{}}"#),
            (r#"{"a":1.0 , "k":0, "b":"\u0041"}"#, r#"{"a":1.0 , "k":1, "b":"\u0041"}"#, r#"{"a":1.0, "b":"\u0041"}"#),
            (r#"{"\u006b":0}"#, r#"{"\u006b":1}"#, "{}"),
        ];
        for (text, with, without) in cases {
            let object = RawObject::parse(text).unwrap();
            assert_eq!((object.with("k", "1").as_str(), object.without("k").as_str()), (with, without), "{text}");
        }
    }

    #[test]
    fn a_member_that_occurs_twice_is_an_error() {
        let object = RawObject::parse(r#"{"a":1,"b":2,"a":3}"#).unwrap();
        assert_eq!(object.get("b").unwrap(), Some("2"));
        assert!(object.get("a").is_err());
    }
}
