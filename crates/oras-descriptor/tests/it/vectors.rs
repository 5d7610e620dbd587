//! What Go's encoder writes and what its digest parser accepts.

use std::{fs, path::PathBuf};

use bytes::Bytes;
use oras_descriptor::{ArtifactManifest, Descriptor, Digest, DigestError, Index, Manifest, canonical};
use serde_json::Value;

fn path(file: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/oras-go-2.7.0").join(file)
}

fn lines(file: &str) -> Vec<Value> {
    fs::read_to_string(path(file)).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// A document that oras-go, or Go's encoder, wrote.
pub(crate) struct Document {
    pub(crate) file: String,
    pub(crate) kind: String,
    pub(crate) bytes: Vec<u8>,
    well_formed: bool,
    digest: String,
}

impl Document {
    fn rewritten(&self) -> Result<Bytes, String> {
        let text = |error: &dyn std::fmt::Display| error.to_string();
        match self.kind.as_str() {
            "manifest" => Manifest::from_slice(&self.bytes).map(|it| canonical(&it)).map_err(|error| text(&error)),
            "index" => Index::from_slice(&self.bytes).map(|it| canonical(&it)).map_err(|error| text(&error)),
            "artifact" => {
                ArtifactManifest::from_slice(&self.bytes).map(|it| canonical(&it)).map_err(|error| text(&error))
            }
            "descriptor" => {
                serde_json::from_slice::<Descriptor>(&self.bytes).map(|it| canonical(&it)).map_err(|error| text(&error))
            }
            other => panic!("unknown kind {other}"),
        }
    }
}

/// The documents that hold only well-formed descriptors.
pub(crate) fn well_formed_documents() -> Vec<Document> {
    documents().into_iter().filter(|document| document.well_formed).collect()
}

fn documents() -> Vec<Document> {
    let document = |line: &Value| {
        let text = |member: &str| line[member].as_str().unwrap().to_owned();
        let bytes = fs::read(path("canonical").join(text("file"))).unwrap();
        let well_formed = line["wellFormed"].as_bool().unwrap();
        Document { file: text("file"), kind: text("kind"), bytes, well_formed, digest: text("digest") }
    };
    lines("canonical/manifest.jsonl").iter().map(document).collect()
}

/// Go writes null for an array that was never made. The image specification demands an array, so we write one.
const WITH_NULL_ARRAY: [&str; 5] = [
    "078-manifest-layers-nil.json",
    "088-index-zero-value.json",
    "090-index-manifests-nil.json",
    "137-layout-new.json",
    "143-layout-delete.json",
];

#[test]
fn writes_what_go_writes() {
    for document in well_formed_documents() {
        let Document { file, bytes, digest, .. } = &document;
        let expected = if WITH_NULL_ARRAY.contains(&file.as_str()) {
            String::from_utf8_lossy(bytes).replace(r#"":null"#, r#"":[]"#)
        } else {
            assert_eq!(Digest::of(bytes).as_str(), digest, "{file}");
            String::from_utf8_lossy(bytes).into_owned()
        };
        let found = document.rewritten().unwrap_or_else(|error| panic!("{file}: {error}"));
        assert_eq!(String::from_utf8_lossy(&found), expected, "{file}");
    }
}

#[test]
fn rejects_documents_whose_descriptors_have_no_digest() {
    for document in documents().iter().filter(|document| !document.well_formed) {
        let error = document.rewritten().expect_err(&document.file);
        assert!(error.contains("invalid digest"), "{}: {error}", document.file);
    }
}

#[test]
fn judges_digests_as_go_does() {
    for line in lines("digests.jsonl") {
        let text = |member: &str| line[member].as_str().unwrap();
        let verdict = match text("input").parse::<Digest>() {
            Ok(digest) if digest.known_algorithm().is_err() => "Unsupported",
            Ok(digest) => {
                assert_eq!((digest.algorithm(), digest.encoded()), (text("algorithm"), text("encoded")));
                "ok"
            }
            Err(DigestError::WrongLength { .. }) => "InvalidLength",
            Err(_) => "InvalidFormat",
        };
        let expected = match text("input") {
            // Go looks at the length first.
            input if input.starts_with("sha256:") && input.ends_with([' ', '\n']) => "InvalidFormat",
            input if input.starts_with("sha256::") => "InvalidFormat",
            _ => text("verdict"),
        };
        assert_eq!(verdict, expected, "{line}");
    }
}
