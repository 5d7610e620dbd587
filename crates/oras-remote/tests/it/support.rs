//! A repository over a script.

use bytes::Bytes;
use oras_content::{Descriptor, MediaType};
use oras_remote::{Registry, RegistryOptions, Repository};
use oras_testing::{Expected, Reply, ScriptedService};
use oras_transport::HttpClient;

pub(crate) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(crate) const INDEX: &str = "application/vnd.oci.image.index.v1+json";
/// Every type that is accepted.
pub(crate) const ACCEPTED: &str = "application/vnd.oci.image.manifest.v1+json, application/vnd.oci.image.index.v1+json, \
     application/vnd.docker.distribution.manifest.v2+json, \
     application/vnd.docker.distribution.manifest.list.v2+json, application/vnd.oci.artifact.manifest.v1+json";

/// `registry.example/app` over a script, with nothing in between.
pub(crate) fn repository(service: &ScriptedService) -> Repository {
    with(service, RegistryOptions::new())
}

pub(crate) fn with(service: &ScriptedService, options: RegistryOptions) -> Repository {
    let client = HttpClient::from_service(service.clone());
    let options = options.with_transport(client.clone()).with_client(client);
    Registry::new("registry.example", options).unwrap().repository("app").unwrap()
}

pub(crate) fn blob(content: &'static str) -> (Descriptor, Bytes) {
    (Descriptor::of(MediaType::OCTET_STREAM, content.as_bytes()), Bytes::from_static(content.as_bytes()))
}

pub(crate) fn manifest() -> (Descriptor, Bytes) {
    let bytes = Bytes::from_static(br#"{"schemaVersion":2,"config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#);
    (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes)
}

pub(crate) fn get_blob(desc: &Descriptor) -> Expected {
    Expected::get(format!("/v2/app/blobs/{}", desc.digest))
}

pub(crate) fn head_blob(desc: &Descriptor) -> Expected {
    Expected::head(format!("/v2/app/blobs/{}", desc.digest))
}

pub(crate) fn start_upload() -> Expected {
    Expected::post("/v2/app/blobs/uploads/").header("content-length", "0")
}

/// The answer that opens a session.
pub(crate) fn session(location: &str) -> Reply {
    Reply::status(202).header("location", location)
}

/// The answer that gives a manifest.
pub(crate) fn manifest_reply(media_type: &str, bytes: &Bytes) -> Reply {
    Reply::status(200)
        .header("content-type", media_type)
        .header("content-length", bytes.len().to_string())
        .body(bytes.clone())
}
