use oras_descriptor::{Descriptor, Digest, Links, MediaType, links};
use serde::Deserialize;
use serde_json::json;

use crate::{
    behaviour::ManifestQuirks,
    error::{ApiError, Code, Result},
    registry::Registry,
    storage::Repository,
};

/// What every manifest says of itself.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    #[serde(default)]
    media_type: Option<String>,
    #[serde(default)]
    schema_version: Option<u64>,
}

/// Reads what a manifest points to, and refuses what is no manifest of its type.
pub(super) fn parse(media_type: &MediaType, bytes: &[u8]) -> Result<Links> {
    let invalid = |message: String| ApiError::bad_request(Code::ManifestInvalid, message);
    if !media_type.is_manifest() {
        return Err(invalid(format!("{:?} is not the type of a manifest", media_type.as_str())));
    }
    let head: Head = serde_json::from_slice(bytes).map_err(|error| invalid(format!("invalid manifest: {error}")))?;
    if let Some(found) = head.media_type.filter(|found| *found != media_type.as_str()) {
        return Err(invalid(format!("mediaType is {found:?}, and Content-Type is {:?}", media_type.as_str())));
    }
    // The artifact manifest of the release candidates has no version.
    if *media_type != MediaType::OCI_ARTIFACT_MANIFEST && head.schema_version != Some(2) {
        return Err(invalid(format!("schemaVersion is {:?}: expected 2", head.schema_version)));
    }
    links(media_type, bytes).map_err(|error| invalid(error.to_string()))
}

/// Refuses what some registries refuse.
pub(super) fn check_quirks(media_type: &MediaType, links: &Links, quirks: &ManifestQuirks) -> Result<()> {
    let refuse = |message: &str| Err(ApiError::bad_request(Code::ManifestInvalid, message));
    if let Some(status) = quirks.subject_status.filter(|_| links.subject.is_some()) {
        return Err(ApiError::unsupported("a manifest with a subject", "GET, HEAD, PUT, DELETE").with_status(status));
    }
    let is_docker =
        |desc: &Descriptor| [MediaType::DOCKER_MANIFEST, MediaType::DOCKER_MANIFEST_LIST].contains(&desc.media_type);
    if quirks.refuse_docker_children && *media_type == MediaType::OCI_INDEX && links.children.iter().any(is_docker) {
        return refuse("an index must not mix types of docker and OCI");
    }
    let is_unknown = |config: &Descriptor| !config.media_type.is_image_config();
    if quirks.refuse_unknown_configs && links.config.as_ref().is_some_and(is_unknown) {
        return refuse("the type of the configuration is not known");
    }
    Ok(())
}

/// Refuses a manifest that points to content which is not there. The subject may be missing, and so may layers that are
/// not to be distributed.
pub(super) async fn check_references(
    registry: &Registry,
    repository: Option<&Repository>,
    name: &str,
    links: &Links,
) -> Result<()> {
    let mut missing: Vec<&Digest> = Vec::new();
    let needed = links.config.iter().chain(&links.children);
    for desc in needed.filter(|desc| !desc.media_type.is_foreign_layer()) {
        let is_manifest = repository.is_some_and(|repository| repository.read().contains(&desc.digest));
        let is_there = is_manifest || registry.storage().blob_size(name, &desc.digest).await?.is_some();
        if !is_there && !missing.contains(&&desc.digest) {
            missing.push(&desc.digest);
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let details = missing.into_iter().map(|digest| json!({"digest": digest.as_str()})).collect();
    let message = "the manifest points to content that is not there";
    Err(ApiError::not_found(Code::ManifestBlobUnknown, message).with_details(details))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_manifest_of_its_type() {
        let config = r#"{"mediaType":"a/b","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2}"#;
        let good = format!(r#"{{"schemaVersion":2,"config":{config},"layers":[],"custom":[1]}}"#);
        assert!(parse(&MediaType::OCI_MANIFEST, good.as_bytes()).is_ok());
        let deep = "[".repeat(100_000);
        let cases: [(&str, String); 8] = [
            ("application/vnd.docker.distribution.manifest.v1+prettyjws", good.clone()),
            ("text/plain", good.clone()),
            ("application/vnd.oci.image.manifest.v1+json", "<html>".into()),
            ("application/vnd.oci.image.manifest.v1+json", "[]".into()),
            ("application/vnd.oci.image.manifest.v1+json", r#"{"schemaVersion":2}"#.into()),
            ("application/vnd.oci.image.manifest.v1+json", good.replace('2', "1")),
            ("application/vnd.oci.image.manifest.v1+json", format!(r#"{{"mediaType":"a/b",{}"#, good.split_at(1).1)),
            ("application/vnd.oci.image.index.v1+json", deep),
        ];
        for (media_type, body) in cases {
            let error = parse(&MediaType::new(media_type), body.as_bytes()).expect_err(&body);
            assert_eq!(error.code(), Code::ManifestInvalid);
        }
    }
}
