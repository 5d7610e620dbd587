//! What oras-go packs from the same input.

use std::{fs, path::PathBuf};

use oras_content::{Descriptor, Error, ErrorKind, fetch_all};
use oras_descriptor::{Annotations, canonical};
use oras_memory::MemoryStore;
use oras_pack::{PackError, PackManifestOptions, PackManifestVersion, pack_manifest};
use serde::de::DeserializeOwned;
use serde_json::Value;

/// Times that Go's parser lets through and RFC 3339 does not know: an hour of one digit, a comma, zones past a day.
const LAXER: [&str; 4] = [
    "date 2024-01-02T3:04:05Z",
    "date 2024-01-02T03:04:05,5Z",
    "date 2024-01-02T03:04:05+24:00",
    "date 2024-01-02T03:04:05+00:60",
];

fn cases() -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors/oras-go-2.7.0/pack/cases.jsonl");
    fs::read_to_string(path).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn member<T: DeserializeOwned>(case: &Value, name: &str) -> Option<T> {
    serde_json::from_value(case[name].clone()).unwrap()
}

/// The options of a case; none where its configuration is no descriptor that can be written here.
fn options(case: &Value) -> PackManifestOptions {
    let mut options = PackManifestOptions::new()
        .with_annotations(member::<Annotations>(case, "manifestAnnotations").unwrap_or_default())
        .with_config_annotations(member::<Annotations>(case, "configAnnotations").unwrap_or_default())
        .with_layers(member::<Vec<Descriptor>>(case, "layers").unwrap_or_default());
    if let Some(config) = member::<Descriptor>(case, "config") {
        options = options.with_config(config);
    }
    if let Some(subject) = member::<Descriptor>(case, "subject") {
        options = options.with_subject(subject);
    }
    options
}

async fn pack(store: &MemoryStore, case: &Value) -> Result<Descriptor, Error> {
    let version: PackManifestVersion = member::<String>(case, "version").unwrap().parse().unwrap();
    let artifact_type: String = member(case, "artifactType").unwrap();
    pack_manifest(store, version, artifact_type, &options(case)).await
}

fn error_of(error: &Error) -> &'static str {
    match error.find::<PackError>().unwrap() {
        PackError::MissingArtifactType { .. } => "MissingArtifactType",
        PackError::InvalidMediaType { .. } => "InvalidMediaType",
        PackError::InvalidDateTime { .. } => "InvalidDateTimeFormat",
        PackError::SubjectUnsupported => "Unsupported",
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn packs_the_bytes_and_the_digest_of_oras_go() {
    let mut packed = 0;
    for case in cases().iter().filter(|case| case["error"].is_null()) {
        let name = case["name"].as_str().unwrap();
        if LAXER.contains(&name) {
            continue;
        }
        let store = MemoryStore::new();
        let desc = pack(&store, case).await.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let bytes = fetch_all(&store, &desc, 1 << 20).await.unwrap();
        assert_eq!(bytes, case["manifest"].as_str().unwrap(), "{name}");
        assert_eq!(desc.digest.as_str(), case["digest"].as_str().unwrap(), "{name}");
        let expected: Descriptor = member(case, "descriptor").unwrap();
        assert_eq!(canonical(&desc), canonical(&expected), "{name}");
        packed += 1;
    }
    assert!(packed >= 40, "{packed} cases were packed");
}

#[tokio::test]
async fn fails_where_oras_go_fails_and_pushes_nothing() {
    let mut failed = 0;
    for case in cases().iter().filter(|case| !case["error"].is_null()) {
        let name = case["name"].as_str().unwrap();
        let store = MemoryStore::new();
        let error = pack(&store, case).await.expect_err(name);
        assert_eq!(error_of(&error), case["error"].as_str().unwrap(), "{name}");
        assert_eq!(format!("{store:?}"), format!("{:?}", MemoryStore::new()), "{name}: nothing was pushed");
        failed += 1;
    }
    assert!(failed >= 40, "{failed} cases failed");
}

#[tokio::test]
async fn refuses_times_that_are_not_rfc_3339_though_go_takes_them() {
    let cases = cases();
    for name in LAXER {
        let case = cases.iter().find(|case| case["name"] == name).unwrap();
        let error = pack(&MemoryStore::new(), case).await.expect_err(name);
        assert!(matches!(error.find(), Some(PackError::InvalidDateTime { .. })), "{name}");
        assert_eq!(error.kind(), ErrorKind::Other);
    }
}
