//! What registries can do, and how that is measured.

use std::net::SocketAddr;

use super::error::{Doing, LabError};
use super::http::{self, Answer};

/// What a registry was seen to do. Status codes are those of success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) struct Capabilities {
    /// Lists referrers, and answers a push that has a subject with `OCI-Subject`.
    pub(crate) referrers: bool,
    /// The answer to a mount `from` a repository that has the blob: 201, or 202 for "upload it".
    pub(crate) mount: u16,
    /// The answer to one `POST ?digest=` with the content: 201, or 202 for "go on with PUT".
    pub(crate) single_post: u16,
    /// Answers a GET of an upload session with what it has.
    pub(crate) upload_status: bool,
    /// `Location` is a whole URL, not a path.
    pub(crate) absolute_location: bool,
    /// Which `Range` requests for a blob are understood.
    pub(crate) ranges: Ranges,
    /// How a long list of tags is cut.
    pub(crate) tag_pages: TagPages,
    /// Deletes a tag and leaves the manifest.
    pub(crate) delete_tag: bool,
    /// Names a blob by the sha512 digest that it was pushed with, not by another of its own.
    pub(crate) sha512: bool,
}

/// Which ranges of a blob a registry gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Ranges {
    /// `a-b`, `a-` and `-n`.
    All,
    /// `a-b`; 416 for the others.
    Closed,
}

/// What a registry makes of `n` in a request for tags.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum TagPages {
    /// Gives all tags.
    Ignored,
    /// Gives `n`, and a `Link` to the rest.
    Linked,
    /// Gives `n`, and no `Link`.
    Cut,
}

/// Content that every measurement uses, and its digests.
const CONTENT: &[u8] = b"hello";
const SHA256: &str = "sha256:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
const SHA512: &str = "sha512:9b71d224bd62f3785d96d46ad3ea3d73319bfbc2890caadae2dff72519673ca7\
                      2323c3d99ba5c11d7c7acc6e14b8c5da0c4663475c2e5c3adef46f73bcdec043";
/// An index without entries: a manifest that needs no blob.
const INDEX: &[u8] = br#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
const INDEX_TYPE: &str = "Content-Type: application/vnd.oci.image.index.v1+json\r\n";
const BLOB_TYPE: &str = "Content-Type: application/octet-stream\r\n";

impl Capabilities {
    /// Measures what the registry at `address`, open to all, does in repositories named `measure/…`.
    ///
    /// # Errors
    ///
    /// [`LabError::Failed`] when it does not answer, or not as any registry would.
    pub(crate) fn measure(address: SocketAddr) -> Result<Self, LabError> {
        let probe = Probe { address };
        let single =
            probe.ask("POST", &format!("/v2/measure/single/blobs/uploads/?digest={SHA256}"), BLOB_TYPE, CONTENT)?;
        let session = probe.ask("POST", "/v2/measure/blobs/blobs/uploads/", "", b"")?;
        let location = session.field("location").unwrap_or_default().to_owned();
        let upload_status = probe.ask("GET", probe.target(&location), "", b"")?.status == 204;
        probe.close(&location, SHA256)?;
        let mount = format!("/v2/measure/mounts/blobs/uploads/?mount={SHA256}&from=measure/blobs");
        for tag in ["a", "b", "c"] {
            probe.ask("PUT", &format!("/v2/measure/tags/manifests/{tag}"), INDEX_TYPE, INDEX)?;
        }
        Ok(Self {
            referrers: probe.ask("GET", &format!("/v2/measure/blobs/referrers/{SHA256}"), "", b"")?.status == 200,
            mount: probe.ask("POST", &mount, "", b"")?.status,
            single_post: single.status,
            upload_status,
            absolute_location: location.starts_with("http"),
            ranges: probe.ranges()?,
            tag_pages: probe.tag_pages()?,
            delete_tag: probe.ask("DELETE", "/v2/measure/tags/manifests/a", "", b"")?.status == 202,
            sha512: probe.sha512()?,
        })
    }
}

/// Where a registry is asked.
struct Probe {
    address: SocketAddr,
}

impl Probe {
    fn ask(&self, method: &str, target: &str, fields: &str, body: &[u8]) -> Result<Answer, LabError> {
        http::ask(self.address, method, target, fields, body).doing("ask a registry")
    }

    /// The path and query of a `Location`.
    fn target<'a>(&self, location: &'a str) -> &'a str {
        let origin = format!("http://{}", self.address);
        location.strip_prefix(origin.as_str()).unwrap_or(location)
    }

    /// Ends an upload session with the content under `digest`.
    fn close(&self, location: &str, digest: &str) -> Result<Answer, LabError> {
        let separator = if location.contains('?') { '&' } else { '?' };
        let target = format!("{}{separator}digest={digest}", self.target(location));
        self.ask("PUT", &target, BLOB_TYPE, CONTENT)
    }

    fn ranges(&self) -> Result<Ranges, LabError> {
        let target = format!("/v2/measure/blobs/blobs/{SHA256}");
        let suffix = self.ask("GET", &target, "Range: bytes=-2\r\n", b"")?;
        Ok(if suffix.status == 206 { Ranges::All } else { Ranges::Closed })
    }

    /// The answer to a request for one of three tags: cut if it is shorter than the whole.
    fn tag_pages(&self) -> Result<TagPages, LabError> {
        let length = |answer: &Answer| answer.field("content-length").map(str::to_owned);
        let all = self.ask("GET", "/v2/measure/tags/tags/list", "", b"")?;
        let one = self.ask("GET", "/v2/measure/tags/tags/list?n=1", "", b"")?;
        Ok(match one.field("link") {
            Some(_) => TagPages::Linked,
            None if length(&one) == length(&all) => TagPages::Ignored,
            None => TagPages::Cut,
        })
    }

    fn sha512(&self) -> Result<bool, LabError> {
        let session = self.ask("POST", "/v2/measure/sha512/blobs/uploads/?digest-algorithm=sha512", "", b"")?;
        let stored = self.close(session.field("location").unwrap_or_default(), SHA512)?;
        Ok(stored.field("docker-content-digest") == Some(SHA512))
    }
}
