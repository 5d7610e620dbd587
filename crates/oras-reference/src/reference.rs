use std::{fmt, str::FromStr};

use oras_descriptor::{Digest, DigestError};

use crate::{
    error::ReferenceError,
    grammar::{validate_registry, validate_repository, validate_tag},
};

/// The tag that clients take where none is given.
pub const DEFAULT_TAG: &str = "latest";

/// Some clients cannot handle a longer `registry/repository` (distribution specification, "Pulling manifests").
pub const RECOMMENDED_MAX_LEN: usize = 255;

/// The schemes that may stand in front of a reference, each once and in this order.
const SCHEMES: [&str; 3] = ["oci://", "http://", "https://"];

/// A name for content in a registry: `registry/repository[:tag][@digest]`, or a registry alone.
///
/// Valid by construction. Equality is by text, so `docker.io` and `registry-1.docker.io` are different registries, with
/// the same [`api_host`](Self::api_host).
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    registry: String,
    repository: Option<String>,
    tag: Option<String>,
    digest: Option<Digest>,
}

impl Reference {
    /// A reference to a repository.
    ///
    /// # Errors
    ///
    /// [`ReferenceError`] when the registry or the repository breaks its grammar.
    pub fn new(registry: &str, repository: &str) -> Result<Self, ReferenceError> {
        validate_registry(registry)?;
        validate_repository(repository)?;
        let (registry, repository) = (registry.into(), Some(repository.into()));
        Ok(Self { registry, repository, tag: None, digest: None })
    }

    /// Parses a registry alone, such as `localhost:5000`; a scheme in front of it is skipped.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::Registry`] when it is not a host with an optional port.
    pub fn parse_registry(input: &str) -> Result<Self, ReferenceError> {
        let registry = strip_schemes(input);
        validate_registry(registry)?;
        Ok(Self { registry: registry.into(), repository: None, tag: None, digest: None })
    }

    /// Sets the tag; a digest stays.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::Tag`] when the tag breaks its grammar, [`ReferenceError::MissingRepository`] on a registry alone.
    pub fn with_tag(self, tag: &str) -> Result<Self, ReferenceError> {
        validate_tag(tag)?;
        self.require_repository()?;
        Ok(Self { tag: Some(tag.into()), ..self })
    }

    /// Sets the digest; a tag stays.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::Digest`] when its algorithm is not supported, [`ReferenceError::MissingRepository`] on a registry
    /// alone.
    pub fn with_digest(self, digest: Digest) -> Result<Self, ReferenceError> {
        let digest = supported(digest)?;
        self.require_repository()?;
        Ok(Self { digest: Some(digest), ..self })
    }

    /// The repository or registry alone, without tag and digest.
    #[must_use]
    pub fn without_reference(self) -> Self {
        Self { tag: None, digest: None, ..self }
    }

    /// The registry as it was written: a host and perhaps a port.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository; a registry alone has none.
    pub fn repository(&self) -> Option<&str> {
        self.repository.as_deref()
    }

    /// The tag.
    pub fn tag(&self) -> Option<&str> {
        self.tag.as_deref()
    }

    /// The digest.
    pub const fn digest(&self) -> Option<&Digest> {
        self.digest.as_ref()
    }

    /// The host that answers for the registry: that of `docker.io` is `registry-1.docker.io`.
    pub fn api_host(&self) -> &str {
        if self.registry == "docker.io" { "registry-1.docker.io" } else { &self.registry }
    }

    /// What stands for the content in a URL: the digest, else the tag (distribution specification, "Pulling manifests").
    pub fn identifier(&self) -> Option<&str> {
        self.digest().map(Digest::as_str).or_else(|| self.tag())
    }

    /// The [`identifier`](Self::identifier), else [`DEFAULT_TAG`].
    pub fn reference_or_default(&self) -> &str {
        self.identifier().unwrap_or(DEFAULT_TAG)
    }

    /// Whether registry and repository together are longer than [`RECOMMENDED_MAX_LEN`], which some clients refuse.
    pub fn exceeds_recommended_len(&self) -> bool {
        self.repository().is_some_and(|repository| self.registry.len() + 1 + repository.len() > RECOMMENDED_MAX_LEN)
    }

    pub(crate) fn require_repository(&self) -> Result<&str, ReferenceError> {
        self.repository().ok_or_else(|| ReferenceError::MissingRepository { input: self.to_string() })
    }
}

impl FromStr for Reference {
    type Err = ReferenceError;

    /// Parses `registry/repository[:tag][@digest]`; a scheme in front of it is skipped, and so is an empty tag in front
    /// of a digest.
    fn from_str(input: &str) -> Result<Self, ReferenceError> {
        let missing = || ReferenceError::MissingRepository { input: input.into() };
        let (registry, path) = strip_schemes(input).split_once('/').ok_or_else(missing)?;
        let (name, digest) = split_at(path, '@');
        let (repository, tag) = split_at(name, ':');
        let mut reference = Self::new(registry, repository)?;
        reference.tag = match tag {
            Some("") if digest.is_some() => None,
            Some(tag) => Some(parse_tag(tag)?),
            None => None,
        };
        reference.digest = digest.map(parse_digest).transpose()?;
        Ok(reference)
    }
}

impl TryFrom<&str> for Reference {
    type Error = ReferenceError;

    fn try_from(input: &str) -> Result<Self, ReferenceError> {
        input.parse()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        for (separator, part) in [('/', self.repository()), (':', self.tag()), ('@', self.digest().map(Digest::as_str))]
        {
            if let Some(part) = part {
                write!(f, "{separator}{part}")?;
            }
        }
        Ok(())
    }
}

pub(crate) fn strip_schemes(input: &str) -> &str {
    SCHEMES.iter().fold(input, |rest, scheme| rest.strip_prefix(scheme).unwrap_or(rest))
}

/// The text before the first separator, and what follows it, if there is one.
pub(crate) fn split_at(text: &str, separator: char) -> (&str, Option<&str>) {
    match text.split_once(separator) {
        Some((before, after)) => (before, Some(after)),
        None => (text, None),
    }
}

pub(crate) fn parse_digest(text: &str) -> Result<Digest, ReferenceError> {
    let digest = text.parse().map_err(|source| invalid_digest(text, source))?;
    supported(digest)
}

fn parse_tag(text: &str) -> Result<String, ReferenceError> {
    validate_tag(text)?;
    Ok(text.into())
}

fn supported(digest: Digest) -> Result<Digest, ReferenceError> {
    match digest.known_algorithm() {
        Ok(_) => Ok(digest),
        Err(source) => Err(invalid_digest(digest.as_str(), source)),
    }
}

fn invalid_digest(text: &str, source: DigestError) -> ReferenceError {
    ReferenceError::Digest { digest: text.into(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn parts(text: &str) -> (String, Option<String>, Option<String>, Option<String>) {
        let reference: Reference = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
        let owned = |part: Option<&str>| part.map(ToOwned::to_owned);
        let digest = owned(reference.digest().map(Digest::as_str));
        (reference.registry().to_owned(), owned(reference.repository()), owned(reference.tag()), digest)
    }

    /// One test for each row: its name tells the case; `{hex}` stands for a SHA-256 in hexadecimal.
    macro_rules! accepts {
        ($($name:ident: $text:literal => $registry:literal, $repository:literal, $tag:expr, $digest:expr;)*) => {
            mod accepts {
                use super::*;
                $(#[test]
                fn $name() {
                    let (tag, digest): (Option<&str>, Option<&str>) = ($tag, $digest);
                    let fill = |text: &str| text.replace("{hex}", HEX);
                    let expected = ($registry.into(), Some($repository.into()), tag.map(fill), digest.map(fill));
                    assert_eq!(parts(&fill($text)), expected);
                })*
            }
        };
    }

    accepts! {
        repository: "localhost/hello" => "localhost", "hello", None, None;
        repository_with_tag: "localhost:5000/a/b:v1" => "localhost:5000", "a/b", Some("v1"), None;
        repository_with_digest: "r/a@sha256:{hex}" => "r", "a", None, Some("sha256:{hex}");
        repository_with_tag_and_digest: "r/a:v1@sha256:{hex}" => "r", "a", Some("v1"), Some("sha256:{hex}");
        empty_tag_before_a_digest: "r/a:@sha256:{hex}" => "r", "a", None, Some("sha256:{hex}");
        sha512_digest: "r/a@sha512:{hex}{hex}" => "r", "a", None, Some("sha512:{hex}{hex}");
        first_slash_ends_the_registry: "docker.io/library/hello" => "docker.io", "library/hello", None, None;
        ipv6_registry: "[::1]:5000/a:v1" => "[::1]:5000", "a", Some("v1"), None;
        oci_scheme: "oci://r/a:v1" => "r", "a", Some("v1"), None;
        http_scheme: "http://r/a" => "r", "a", None, None;
        https_scheme: "https://r:443/a" => "r:443", "a", None, None;
        schemes_in_order: "oci://http://https://r/a" => "r", "a", None, None;
    }

    /// One test for each row: its name tells the case; the kind of the error is the name of its variant.
    macro_rules! rejects {
        ($($name:ident: $text:literal => $kind:literal;)*) => {
            mod rejects {
                use super::*;
                $(#[test]
                fn $name() {
                    let error = $text.replace("{hex}", HEX).parse::<Reference>().expect_err($text);
                    let kind = format!("{error:?}");
                    assert!(kind.starts_with($kind), "{kind}");
                })*
            }
        };
    }

    rejects! {
        empty: "" => "MissingRepository";
        no_slash: "hello" => "MissingRepository";
        no_slash_with_tag: "hello:v1" => "MissingRepository";
        registry_alone: "localhost:5000" => "MissingRepository";
        scheme_alone: "https://" => "MissingRepository";
        empty_registry: "/a" => "Registry";
        empty_port: "host:/a" => "Registry";
        dots_for_registry: "..../a" => "Registry";
        port_out_of_range: "host:99999/a" => "Registry";
        user_information: "user@host/a" => "Registry";
        unknown_scheme: "ftp://r/a" => "Registry";
        upper_case_scheme: "OCI://r/a" => "Registry";
        schemes_out_of_order: "https://oci://r/a" => "Registry";
        scheme_twice: "oci://oci://r/a" => "Registry";
        empty_repository: "r/" => "Repository";
        empty_repository_with_tag: "r/:v1" => "Repository";
        upper_case_repository: "r/Hello" => "UpperCase";
        two_slashes: "r//a" => "Repository";
        trailing_slash: "r/a/" => "Repository";
        empty_tag: "r/a:" => "Tag";
        tag_with_slash: "r/a:v1/b" => "Tag";
        tag_that_is_a_digest: "r/a:sha256:{hex}" => "Tag";
        bad_tag_before_a_digest: "r/a:bad tag!@sha256:{hex}" => "Tag";
        empty_digest: "r/a@" => "Digest";
        empty_digest_after_tag: "r/a:v1@" => "Digest";
        tag_for_digest: "r/a@v1" => "Digest";
        digest_of_wrong_length: "r/a@sha256:00" => "Digest";
        digest_in_upper_case: "r/a@SHA256:{hex}" => "Digest";
        digest_of_unknown_algorithm: "r/a@md5:00" => "Digest";
        two_digests: "r/a@sha256:{hex}@sha256:{hex}" => "Digest";
        trailing_line_feed: "r/a:v1\n" => "Tag";
    }

    #[test]
    fn prints_what_it_holds() {
        let with_both = format!("r:5000/a/b:v1@sha256:{HEX}");
        let reference: Reference = with_both.parse().unwrap();
        assert_eq!(reference.to_string(), with_both);
        assert_eq!(reference.without_reference().to_string(), "r:5000/a/b");
        assert_eq!(Reference::parse_registry("r:5000").unwrap().to_string(), "r:5000");
    }

    #[test]
    fn maps_docker_io_to_its_api_host_and_nothing_else() {
        for (registry, expected) in [
            ("docker.io", "registry-1.docker.io"),
            ("registry-1.docker.io", "registry-1.docker.io"),
            ("index.docker.io", "index.docker.io"),
            ("docker.io:443", "docker.io:443"),
            ("ghcr.io", "ghcr.io"),
        ] {
            let reference = Reference::parse_registry(registry).unwrap();
            assert_eq!((reference.registry(), reference.api_host()), (registry, expected));
        }
    }

    #[test]
    fn the_identifier_is_the_digest_before_the_tag() {
        let digest = format!("sha256:{HEX}");
        let repository = Reference::new("r", "a").unwrap();
        let tagged = repository.clone().with_tag("v1").unwrap();
        let both = tagged.clone().with_digest(digest.parse().unwrap()).unwrap();
        assert_eq!(
            [repository.identifier(), tagged.identifier(), both.identifier()],
            [None, Some("v1"), Some(&*digest)]
        );
        assert_eq!(both.tag(), Some("v1"));
    }

    #[test]
    fn takes_latest_only_when_asked_to() {
        let repository = Reference::new("r", "a").unwrap();
        assert_eq!((repository.tag(), repository.reference_or_default()), (None, "latest"));
        assert_eq!(repository.with_tag("v1").unwrap().reference_or_default(), "v1");
    }

    #[test]
    fn setters_validate() {
        let registry = Reference::parse_registry("r").unwrap();
        let repository = Reference::new("r", "a").unwrap();
        let digest = Digest::of(b"");
        assert!(matches!(repository.clone().with_tag("-"), Err(ReferenceError::Tag { .. })));
        let unknown = "blake3:00".parse().unwrap();
        assert!(matches!(repository.with_digest(unknown), Err(ReferenceError::Digest { .. })));
        assert!(matches!(registry.clone().with_tag("v1"), Err(ReferenceError::MissingRepository { .. })));
        assert!(matches!(registry.with_digest(digest), Err(ReferenceError::MissingRepository { .. })));
    }

    #[test]
    fn an_unknown_algorithm_is_unsupported_rather_than_malformed() {
        let error = "r/a@blake3:00".parse::<Reference>().unwrap_err();
        let source = DigestError::UnsupportedAlgorithm { algorithm: "blake3".into() };
        assert_eq!(error, ReferenceError::Digest { digest: "blake3:00".into(), source });
    }

    #[test]
    fn a_registry_alone_is_parsed_on_request() {
        let reference = Reference::parse_registry("https://localhost:5000").unwrap();
        assert_eq!((reference.registry(), reference.repository()), ("localhost:5000", None));
        for bad in ["", "localhost/", "localhost/a", "localhost:"] {
            assert!(matches!(Reference::parse_registry(bad), Err(ReferenceError::Registry { .. })), "{bad}");
        }
    }

    #[test]
    fn tells_when_registry_and_repository_are_longer_than_some_clients_take() {
        let of_len = |len: usize| Reference::new("host:5000", &"a".repeat(len - "host:5000/".len())).unwrap();
        assert!(!of_len(255).exceeds_recommended_len());
        assert!(of_len(256).exceeds_recommended_len());
    }
}
