use std::io;

use bytes::Bytes;
use serde::Serialize;

use crate::{artifact::ArtifactManifest, descriptor::Descriptor, index::Index, manifest::Manifest};

/// A document that [`canonical`] writes.
pub trait Canonical: Serialize + sealed::Sealed {}

impl Canonical for ArtifactManifest {}
impl Canonical for Descriptor {}
impl Canonical for Index {}
impl Canonical for Manifest {}

mod sealed {
    pub trait Sealed {}
    impl Sealed for crate::ArtifactManifest {}
    impl Sealed for crate::Descriptor {}
    impl Sealed for crate::Index {}
    impl Sealed for crate::Manifest {}
}

/// Turns a document into bytes, byte-equal to what Go's encoder makes of the same document: no blanks, members in the
/// order of the specification's Go types, map keys sorted, and `<`, `>`, `&`, U+2028 and U+2029 escaped.
///
/// This is the only function that turns a manifest or index into bytes, so that packing the same input gives the digest
/// that oras-go gives.
pub fn canonical<T: Canonical>(document: &T) -> Bytes {
    write(document).into()
}

/// A text as it stands in a canonical document, with its quotation marks.
pub(crate) fn canonical_text(text: &str) -> String {
    String::from_utf8(write(text)).expect("a text written as JSON is a text")
}

fn write<T: Serialize + ?Sized>(value: &T) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(1024);
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, GoFormatter);
    value.serialize(&mut serializer).expect("documents have string keys, and a vector takes every write");
    bytes
}

struct GoFormatter;

impl serde_json::ser::Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, escape, len)) = next_escape(rest) {
            let (plain, tail) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            writer.write_all(escape.as_bytes())?;
            rest = tail.get(len..).unwrap_or_default();
        }
        writer.write_all(rest.as_bytes())
    }
}

/// The first character that Go escapes and JSON does not: where, how, and its length in bytes.
fn next_escape(text: &str) -> Option<(usize, &'static str, usize)> {
    let at = text.find(['<', '>', '&', '\u{2028}', '\u{2029}'])?;
    let found = text.get(at..)?.chars().next()?;
    let escape = match found {
        '<' => "\\u003c",
        '>' => "\\u003e",
        '&' => "\\u0026",
        '\u{2028}' => "\\u2028",
        _ => "\\u2029",
    };
    Some((at, escape, found.len_utf8()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes_as_go_does() {
        let desc =
            Descriptor::of("a/b", b"").with_annotation("<k>", "a&b\u{2028}\u{2029}\"\\\u{8}\u{c}\n\r\t\u{1}\u{7f}é");
        let text = String::from_utf8(canonical(&desc).to_vec()).unwrap();
        let expected = concat!(
            r#"{"mediaType":"a/b","digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":0,"#,
            r#""annotations":{"\u003ck\u003e":"a\u0026b\u2028\u2029\"\\\b\f\n\r\t\u0001"#,
            "\u{7f}é",
            r#""}}"#
        );
        assert_eq!(text, expected);
    }

    #[test]
    fn leaves_out_what_go_leaves_out() {
        let mut desc = Descriptor::of("a/b", b"").with_data(Bytes::new()).with_artifact_type("");
        desc.urls.clear();
        let text = String::from_utf8(canonical(&desc).to_vec()).unwrap();
        assert!(text.ends_with(r#""size":0}"#), "{text}");
    }
}
