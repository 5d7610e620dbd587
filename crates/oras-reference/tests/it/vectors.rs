//! What oras-go accepts and rejects, and where this crate differs on purpose.

use std::{collections::BTreeSet, fs, path::Path};

use oras_descriptor::Digest;
use oras_reference::{Reference, ReferenceError, referrers_tag, validate_tag};
use serde_json::Value;

type Parsed = Result<Reference, ReferenceError>;

const DIGEST: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/// Why this crate differs, and the inputs; `{digest}` stands for [`DIGEST`].
type Differences = &'static [(&'static str, &'static [&'static str])];

const OF_REFERENCES: Differences = &[
    (
        "a tag before a digest is kept, so it must be one",
        &["r/hello:bad tag!@{digest}", "r/hello::@{digest}", "r/hello:v1:v2@{digest}"],
    ),
    ("a separator with nothing after it is an error", &["r/hello:", "r/hello@", "r/hello:@", "r/hello:a@"]),
    (
        "parts of a host name start and end with a letter or digit",
        &["_a/hello:v1", "-a/hello:v1", "a-/hello:v1", "a./hello:v1", ".a/hello:v1", "a..b/hello:v1", "..../hello:v1"],
    ),
    ("an IPv6 address stands in brackets", &["::1/hello:v1", "2001:db8::1/hello:v1"]),
    (
        "a port is a number from 1 to 65535",
        &[
            "host:/hello:v1",
            ":5000/hello:v1",
            ":/hello:v1",
            "host:0/hello:v1",
            "host:65536/hello:v1",
            "host:99999/hello:v1",
            "host:5000:5000/hello:v1",
            "host:05000/hello:v1",
            "dummy:/hello:v1",
            "oci:/hello:v1",
            "http:/hello:v1",
            "https:/hello:v1",
        ],
    ),
    (
        "a host name has no other characters",
        &[
            "bücher.example/hello:v1",
            "例え.jp/hello:v1",
            "ho<st/hello:v1",
            "ho\"st/hello:v1",
            "ho!st/hello:v1",
            "ho$st/hello:v1",
            "ho&st/hello:v1",
            "ho'st/hello:v1",
            "ho(st)/hello:v1",
            "ho*st/hello:v1",
            "ho+st/hello:v1",
            "ho,st/hello:v1",
            "ho;st/hello:v1",
            "ho=st/hello:v1",
            "ho~st/hello:v1",
        ],
    ),
    (
        "a scheme is skipped, as in version 3 of oras-go",
        &[
            "oci://registry.example.com/hello:v1",
            "http://registry.example.com/hello:v1",
            "https://registry.example.com/hello:v1",
            "oci://https://registry.example.com/hello:v1",
        ],
    ),
];

const WITHIN_A_REPOSITORY: Differences = &[
    ("what stands before a digest must be a tag or a name", &["bad tag!@{digest}"]),
    ("a scheme is skipped, as in version 3 of oras-go", &["https://registry.example.com/hello:v1"]),
];

#[test]
fn parses_as_oras_go_does_but_for_the_listed_differences() {
    compare("references.jsonl", OF_REFERENCES, str::parse);
}

#[test]
fn parses_within_a_repository_as_oras_go_does_but_for_the_listed_differences() {
    let repository: Reference = "registry.example.com/hello".parse().unwrap();
    compare("references-in-repository.jsonl", WITHIN_A_REPOSITORY, |input| repository.parse_relative(input));
}

#[test]
fn makes_the_referrers_tag_of_oras_go_where_no_part_is_too_long() {
    for vector in vectors("referrers-tags.jsonl") {
        let Ok(subject) = vector["subject"].as_str().unwrap().parse::<Digest>() else {
            assert_eq!(vector["error"], "InvalidDigest", "{vector}");
            continue;
        };
        let tag = referrers_tag(&subject);
        match vector["tag"].as_str() {
            Some(expected) => assert_eq!(tag, expected.get(..tag.len()).unwrap(), "the same, but for the cut"),
            None => assert_eq!(validate_tag(&tag), Ok(()), "a legal tag where oras-go has none: {vector}"),
        }
    }
}

fn compare(file: &str, differences: Differences, parse: impl Fn(&str) -> Parsed) {
    let listed: BTreeSet<String> =
        differences.iter().flat_map(|(_, inputs)| *inputs).map(|input| input.replace("{digest}", DIGEST)).collect();
    let mut met = BTreeSet::new();
    for vector in vectors(file) {
        let input = vector["input"].as_str().unwrap();
        if let Some(difference) = difference(&vector, &parse(input)) {
            assert!(listed.contains(input), "{input:?}: {difference}");
            met.insert(input.to_owned());
        }
    }
    assert_eq!(met, listed, "every difference that is listed is one");
}

fn vectors(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/oras-go-2.7.0").join(file);
    let text = fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What is unlike oras-go, or nothing.
fn difference(vector: &Value, parsed: &Parsed) -> Option<String> {
    let text = |member: &str| vector.get(member).and_then(Value::as_str).unwrap_or_default().to_owned();
    let rejected = vector.get("error").is_some();
    match parsed {
        Err(_) if rejected => None,
        Err(error) => Some(format!("rejected: {error}")),
        Ok(_) if rejected => Some("accepted".into()),
        Ok(reference) => {
            let found = [
                reference.registry(),
                reference.repository().unwrap_or_default(),
                reference.identifier().unwrap_or_default(),
                reference.api_host(),
                reference.reference_or_default(),
            ];
            let expected = ["registry", "repository", "reference", "host", "referenceOrDefault"].map(text);
            (found != expected).then(|| format!("{found:?} instead of {expected:?}"))
        }
    }
}
