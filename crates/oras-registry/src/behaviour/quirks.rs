use http::StatusCode;

/// Deviations in answers about blobs.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct BlobQuirks {
    /// Where a `GET` of a blob is sent to. Signed URLs of a storage service, as with ECR, ACR, Harbor and Docker Hub.
    pub redirect: Redirect,
    /// How many requests a signed URL of the second origin serves before it answers 403; no limit by default.
    pub redirect_uses: Option<u64>,
    /// Whether a `HEAD` is sent there, too, where a signature for `GET` does not hold, as with S3.
    pub redirect_head: bool,
    /// What becomes of a `Range`.
    pub ranges: RangeQuirk,
    /// What `Docker-Content-Digest` says.
    pub digest: DigestHeader,
    /// `Content-Encoding` on blobs whose bytes are as they are, as old Apache and Pulp fronts send it: `x-gzip`.
    pub content_encoding: Option<String>,
    /// `HEAD` without `Content-Length`, as the proxy cache of Harbor answers.
    pub head_without_length: bool,
    /// What `HEAD` says the size is, as in Harbor, where `GET` says another one.
    pub head_length: Option<u64>,
    /// The status of every `HEAD`.
    pub head_status: Option<StatusCode>,
    /// Manifests are found as blobs too, as in Artifactory.
    pub manifests_as_blobs: bool,
    /// The status of every `DELETE`, as 405 from Docker Hub.
    pub delete_status: Option<StatusCode>,
}

/// Where a `GET` of a blob is sent to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Redirect {
    /// Nowhere.
    #[default]
    None,
    /// To a signed URL of the second origin, which the server must have been built with. Like S3 it answers 400 to a
    /// request that brings an `Authorization`, and 403 to a `HEAD`.
    SecondOrigin,
    /// To a path of the same origin outside `/v2/`, as in Google Artifact Registry.
    SameOrigin,
}

/// What becomes of a `Range`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum RangeQuirk {
    /// It is honoured.
    #[default]
    Honoured,
    /// It is ignored, and the whole blob comes.
    Ignored,
    /// It is always refused with 416.
    Refused,
    /// Only `a-b` is honoured, as in crane's registry; the others are refused with 416.
    ClosedOnly,
    /// The answer starts one byte before what was asked, and says so.
    Early,
    /// The answer starts one byte before what was asked, and claims to be right.
    EarlyUnsaid,
}

/// What `Docker-Content-Digest` says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum DigestHeader {
    /// The digest that was asked for.
    #[default]
    Right,
    /// Nothing, as at times in ECR and always in old registries.
    Absent,
    /// The SHA-256 digest, whatever was asked for, as in distribution 3.
    Sha256,
    /// The SHA-512 digest, whatever was asked for.
    Sha512,
    /// The digest of something else.
    Wrong,
}

/// Deviations while blobs are uploaded and mounted.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct UploadQuirks {
    /// The form of the `Location` of a session.
    pub location: LocationStyle,
    /// The `Range` of a session without bytes.
    pub empty_range: EmptyRange,
    /// The `Range` of a session with bytes.
    pub range: ReachedRange,
    /// A larger chunk is refused with 416, as by GHCR over 4 MiB.
    pub max_chunk: Option<u64>,
    /// A closing `PUT` with more bytes is refused with 413, as by Artifactory for large layers at times.
    pub max_put: Option<u64>,
    /// Chunks are refused with 405, as by Google Artifact Registry.
    pub refuse_chunks: bool,
    /// A chunk that is the whole blob stores it and is answered with 201, and the closing `PUT` fails, as in ECR.
    pub chunk_completes: bool,
    /// A single `POST` opens a session and drops the bytes, as in distribution.
    pub refuse_single_post: bool,
    /// A mount without `from` is refused with 400, as by old Quay.
    pub refuse_anonymous_mount: bool,
    /// The status of a mount that is not possible, as 401 or 403 from Harbor in place of 202.
    pub mount_refusal: Option<StatusCode>,
    /// Only blobs that a manifest names can be mounted, as in ECR.
    pub mount_referenced_only: bool,
    /// No `Location` on the 201.
    pub omit_location: bool,
    /// No `Docker-Content-Digest` on the 201.
    pub omit_digest: bool,
    /// The status of a closing `PUT` whose chunk is out of order, as 400 from distribution in place of 416.
    pub closing_chunk_status: Option<StatusCode>,
    /// The status of `GET` on a session, as 404 from crane's registry.
    pub status_status: Option<StatusCode>,
}

/// The form of the `Location` of a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocationStyle {
    /// A path.
    #[default]
    Relative,
    /// A URL with scheme and host, and a `_state` that must come back as it is, as in distribution.
    Absolute,
    /// A path with a query that changes with every answer; older ones find the session, but may not write.
    Rotating,
    /// A query alone, relative to the URL of the request.
    QueryOnly,
    /// A path outside `/v2/`, as in Google Artifact Registry.
    OutsideV2,
    /// A URL with `http` where the client used `https`, as from distribution behind a proxy, or the reverse.
    OtherScheme,
}

/// The `Range` of a session without bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum EmptyRange {
    /// `0-0`, as in distribution.
    #[default]
    Zero,
    /// `0--1`, as in old zot.
    MinusOne,
    /// No header.
    Absent,
}

/// The `Range` of a session with bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReachedRange {
    /// `0-<last>`.
    #[default]
    Right,
    /// That of the first chunk for good, as in ECR.
    Stuck,
    /// `0-<size>`.
    OffByOne,
    /// `bytes=0-<last>`, as in old zot.
    WithUnit,
    /// Relative to the chunk, as in Aliyun.
    OfChunk,
    /// No header.
    Absent,
}

/// Deviations in what concerns manifests and tags.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ManifestQuirks {
    /// What `Docker-Content-Digest` says.
    pub digest: DigestHeader,
    /// No `Location` on the 201, as in ECR.
    pub omit_location: bool,
    /// A manifest whose type is not in `Accept` is not found, as in distribution, GitLab and Docker Hub.
    pub strict_accept: bool,
    /// The status of every `HEAD`: 403 from the registry of CentOS, 404 or 405 from Nexus.
    pub head_status: Option<StatusCode>,
    /// `HEAD` without `Content-Type` and `Content-Length`, as the proxy cache of Harbor answers.
    pub head_without_headers: bool,
    /// What `HEAD` says the size is, as in Harbor, where `GET` says another one.
    pub head_length: Option<u64>,
    /// `Content-Type` with `; charset=utf-8`.
    pub type_parameters: bool,
    /// Another `Content-Type` than the one that was pushed.
    pub content_type: Option<String>,
    /// `Content-Encoding` on manifests whose bytes are as they are.
    pub content_encoding: Option<String>,
    /// A tag such as `sha256-<hex>` stands for the digest `sha256:<hex>`, as in GitLab.
    pub tag_is_digest: bool,
    /// An unknown tag is answered with 403, as by Artifactory.
    pub unknown_is_denied: bool,
    /// What is unknown is answered with 200 and a page for people, as by Google Artifact Registry at times.
    pub unknown_is_page: bool,
    /// The status of a malformed digest, as 500 from distribution.
    pub malformed_digest_status: Option<StatusCode>,
    /// The status of a push of a manifest with a subject, as 405 from ECR.
    pub subject_status: Option<StatusCode>,
    /// Indexes whose children have types of docker are refused, as by Quay.
    pub refuse_docker_children: bool,
    /// Configurations of unknown types are refused, as by Quay.
    pub refuse_unknown_configs: bool,
    /// `?tag=` is ignored but for the first so many, as before version 1.2 of the specification.
    pub max_tag_parameters: Option<usize>,
    /// `If-Match` and `If-None-Match` are ignored and there is no `ETag`, as in most registries.
    pub ignore_conditions: bool,
    /// The status of every `DELETE`, as 405 from Docker Hub.
    pub delete_status: Option<StatusCode>,
    /// The status of a `DELETE` of a tag, as 400 from distribution 2.
    pub delete_tag_status: Option<StatusCode>,
}

/// Deviations in lists: tags, referrers, catalog.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct ListQuirks {
    /// The state of the referrers API.
    pub referrers: ReferrersQuirk,
    /// `artifactType` is ignored when referrers are listed, and `OCI-Filters-Applied` is absent.
    pub ignore_filter: bool,
    /// Referrers without artifact type and annotations, as from old clients.
    pub bare_referrers: bool,
    /// Pages have at most so many entries, whether asked for or not; GHCR gives fewer than `n`.
    pub page_size: Option<usize>,
    /// A larger `n` is refused with 405, as by ECR over 1000.
    pub max_n: Option<usize>,
    /// An empty list of tags is `null`, as in GHCR.
    pub tags_null: bool,
    /// Only the cursor of a `Link` is understood; a tag as `last` is refused with 405, as by ECR.
    pub opaque_cursor: bool,
    /// Pages are not sorted, as in ECR.
    pub unsorted: bool,
    /// There is never a `Link`, as in crane's registry.
    pub omit_link: bool,
    /// `n` is ignored, as in docker-registry 2.8.
    pub ignore_n: bool,
    /// `Link` is a URL with scheme and host.
    pub absolute_link: bool,
    /// `Link` leads to the same page again, for ever.
    pub looping_link: bool,
}

/// The state of the referrers API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReferrersQuirk {
    /// It works.
    #[default]
    Supported,
    /// Every request is answered by this status, and pushes are without `OCI-Subject`: 404 from distribution, GHCR and
    /// GitLab, 406 from others.
    Status(StatusCode),
    /// Every request is answered with 200 and a page for people, and pushes are without `OCI-Subject`.
    Page,
}

/// Deviations in challenges and tokens.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TokenQuirks {
    /// What the challenge says about the scope.
    pub scope: ChallengeScope,
    /// The scheme in capitals, `BASIC` or `BEARER`, as in Nexus.
    pub capital_scheme: bool,
    /// The realm of challenges, in place of the server's own.
    pub realm: Option<String>,
    /// Which members hold the token.
    pub fields: TokenFields,
    /// No `expires_in` and no `issued_at`, as in GHCR.
    pub omit_expiry: bool,
    /// A token serves only so many requests, whatever `expires_in` says.
    pub uses: Option<u64>,
    /// The status of every `POST`: 404 from GCR, 401 from Artifactory, 400 from ACR.
    pub post_status: Option<StatusCode>,
    /// Only the first `scope` is granted, as once in Docker Hub.
    pub first_scope_only: bool,
}

/// What the challenge says about the scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum ChallengeScope {
    /// What the request needs.
    #[default]
    Right,
    /// A placeholder, whatever is asked, as in GHCR: `repository:user/image:pull`.
    Placeholder(String),
    /// The right repository, but only `pull`, as in GHCR.
    PullOnly,
    /// Nothing.
    Absent,
}

/// Which members of a token answer hold the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenFields {
    /// `token` and `access_token`.
    #[default]
    Both,
    /// `token` alone.
    Token,
    /// `access_token` alone.
    AccessToken,
}
