use http::Method;
use oras_reference::validate_repository;
use percent_encoding::percent_decode_str;

use crate::counters::RequestKind;

/// Where upload sessions live when they are to lie outside `/v2/`, as those of Google Artifact Registry do.
pub(crate) const FOREIGN_UPLOADS: &str = "/artifacts-uploads/";

/// Where blobs are when their requests are redirected within the same origin.
pub(crate) const DOWNLOADS: &str = "/artifacts-downloads/";

/// Where the token server answers.
pub(crate) const TOKEN_PATH: &str = "/token";

/// What a path speaks of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Route {
    pub(crate) name: String,
    pub(crate) target: Target,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// `/v2/`
    Base,
    /// `/v2/_catalog`
    Catalog,
    /// `/v2/_oci/ext/discover`
    Extensions,
    /// `/token`
    Token,
    /// `blobs/uploads/`
    Uploads,
    /// `blobs/uploads/<id>`
    Session(String),
    /// `blobs/<digest>`
    Blob(String),
    /// `manifests/<tag or digest>`
    Manifest(String),
    /// `tags/list`
    Tags,
    /// `referrers/<digest>`
    Referrers(String),
    /// A repository name that breaks the grammar.
    BadName,
    /// Nothing of this registry.
    Unknown,
}

impl Route {
    /// Reads a path. A repository name may hold `blobs` and `manifests`, so it is read from the right.
    pub(crate) fn parse(path: &str) -> Self {
        let Ok(path) = percent_decode_str(path).decode_utf8() else {
            return Self::whole(Target::Unknown);
        };
        if let Some(rest) = path.strip_prefix(FOREIGN_UPLOADS) {
            return Self::parse_foreign(rest, Target::Session);
        }
        if let Some(rest) = path.strip_prefix(DOWNLOADS) {
            return Self::parse_foreign(rest, Target::Blob);
        }
        match path.as_ref() {
            "/v2" | "/v2/" => return Self::whole(Target::Base),
            "/v2/_catalog" => return Self::whole(Target::Catalog),
            "/v2/_oci/ext/discover" => return Self::whole(Target::Extensions),
            TOKEN_PATH => return Self::whole(Target::Token),
            _ => {}
        }
        match path.strip_prefix("/v2/") {
            Some(rest) => Self::parse_repository(rest),
            None => Self::whole(Target::Unknown),
        }
    }

    fn parse_foreign(rest: &str, target: impl Fn(String) -> Target) -> Self {
        match rest.rsplit_once('/') {
            Some((name, last)) => Self::named(name, target(last.into())),
            None => Self::whole(Target::Unknown),
        }
    }

    fn parse_repository(rest: &str) -> Self {
        if let Some(name) = rest.strip_suffix("/blobs/uploads/").or_else(|| rest.strip_suffix("/blobs/uploads")) {
            return Self::named(name, Target::Uploads);
        }
        if let Some(name) = rest.strip_suffix("/tags/list") {
            return Self::named(name, Target::Tags);
        }
        let Some((head, last)) = rest.rsplit_once('/') else {
            return Self::whole(Target::Unknown);
        };
        let last = last.to_owned();
        if let Some(name) = head.strip_suffix("/blobs/uploads") {
            return Self::named(name, Target::Session(last));
        }
        let Some((name, noun)) = head.rsplit_once('/') else {
            return Self::whole(Target::Unknown);
        };
        match noun {
            "blobs" => Self::named(name, Target::Blob(last)),
            "manifests" => Self::named(name, Target::Manifest(last)),
            "referrers" => Self::named(name, Target::Referrers(last)),
            _ => Self::whole(Target::Unknown),
        }
    }

    fn named(name: &str, target: Target) -> Self {
        let target = if validate_repository(name).is_ok() { target } else { Target::BadName };
        Self { name: name.into(), target }
    }

    fn whole(target: Target) -> Self {
        Self { name: String::new(), target }
    }

    /// The methods that work here, for the `Allow` header.
    pub(crate) fn allowed(&self) -> &'static str {
        match self.target {
            Target::Base | Target::Catalog | Target::Extensions | Target::Tags | Target::Referrers(_) => "GET, HEAD",
            Target::Token => "GET, POST",
            Target::Uploads => "POST",
            Target::Session(_) => "GET, HEAD, PATCH, PUT, DELETE",
            Target::Blob(_) => "GET, HEAD, DELETE",
            Target::Manifest(_) => "GET, HEAD, PUT, DELETE",
            Target::BadName | Target::Unknown => "",
        }
    }

    pub(crate) fn kind(&self, method: &Method) -> RequestKind {
        use RequestKind as Kind;
        match (&self.target, method.as_str()) {
            (Target::Base, "GET" | "HEAD") => Kind::Ping,
            (Target::Catalog, "GET" | "HEAD") => Kind::Catalog,
            (Target::Token, "GET" | "POST") => Kind::Token,
            (Target::Uploads, "POST") => Kind::UploadStart,
            (Target::Session(_), "GET" | "HEAD") => Kind::UploadStatus,
            (Target::Session(_), "PATCH") => Kind::UploadChunk,
            (Target::Session(_), "PUT") => Kind::UploadFinish,
            (Target::Session(_), "DELETE") => Kind::UploadCancel,
            (Target::Blob(_), "HEAD") => Kind::BlobHead,
            (Target::Blob(_), "GET") => Kind::BlobGet,
            (Target::Blob(_), "DELETE") => Kind::BlobDelete,
            (Target::Manifest(_), "HEAD") => Kind::ManifestHead,
            (Target::Manifest(_), "GET") => Kind::ManifestGet,
            (Target::Manifest(_), "PUT") => Kind::ManifestPut,
            (Target::Manifest(_), "DELETE") => Kind::ManifestDelete,
            (Target::Tags, "GET" | "HEAD") => Kind::TagList,
            (Target::Referrers(_), "GET" | "HEAD") => Kind::Referrers,
            _ => Kind::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_names_from_the_right() {
        let digest = "sha256:00";
        let cases = [
            ("/v2/a/blobs/b/manifests/x", "a/blobs/b", Target::Manifest("x".into())),
            ("/v2/a/blobs/sha256:00", "a", Target::Blob(digest.into())),
            ("/v2/a/blobs/sha256%3A00", "a", Target::Blob(digest.into())),
            ("/v2/a/manifests/manifests/manifests", "a/manifests", Target::Manifest("manifests".into())),
            ("/v2/a/blobs/uploads/", "a", Target::Uploads),
            ("/v2/a/blobs/uploads", "a", Target::Uploads),
            ("/v2/a/blobs/uploads/17", "a", Target::Session("17".into())),
            ("/v2/a/blobs/uploads/tags/list", "a/blobs/uploads", Target::Tags),
            ("/v2/a/b/referrers/sha256:00", "a/b", Target::Referrers(digest.into())),
            ("/artifacts-uploads/a/b/17", "a/b", Target::Session("17".into())),
            ("/artifacts-downloads/a/b/sha256:00", "a/b", Target::Blob(digest.into())),
        ];
        for (path, name, target) in cases {
            assert_eq!(Route::parse(path), Route { name: name.into(), target }, "{path}");
        }
    }

    #[test]
    fn knows_what_lies_outside_of_repositories() {
        let cases = [
            ("/v2", Target::Base),
            ("/v2/", Target::Base),
            ("/v2/_catalog", Target::Catalog),
            ("/token", Target::Token),
            ("/", Target::Unknown),
            ("/v2/a", Target::Unknown),
            ("/v2/a/b/c", Target::Unknown),
            ("/v2/%ff/tags/list", Target::Unknown),
        ];
        for (path, target) in cases {
            assert_eq!(Route::parse(path).target, target, "{path}");
        }
    }

    #[test]
    fn refuses_names_that_leave_their_place() {
        for name in
            ["..", "a/..", "../a", "a/../b", "A", "a//b", "/a", "a/", ".a", "_uploads", "a/_oci", "a\0b", "a%2f.."]
        {
            for tail in ["manifests/x", "blobs/uploads/", "tags/list", "referrers/x", "blobs/uploads/x"] {
                let path = format!("/v2/{name}/{tail}");
                assert_eq!(Route::parse(&path).target, Target::BadName, "{path}");
            }
        }
    }
}
