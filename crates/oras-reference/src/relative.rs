use crate::{
    error::ReferenceError,
    grammar::{validate_repository, validate_tag},
    reference::{Reference, parse_digest, split_at, strip_schemes},
};

impl Reference {
    /// Parses what names content within this repository: a tag, a digest, `name@digest`, or a whole reference to this
    /// very repository.
    ///
    /// What stands before the `@` is dropped, as it may be a tag as well as a name. Tag and digest of `self` play no role.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::MissingIdentifier`] without a tag or digest, [`ReferenceError::OtherRepository`] when a whole
    /// reference names another registry or repository, [`ReferenceError::MissingRepository`] when `self` is a registry
    /// alone, and that of the part that breaks its grammar.
    pub fn parse_relative(&self, input: &str) -> Result<Self, ReferenceError> {
        self.require_repository()?;
        let text = strip_schemes(input);
        if text.contains('/') {
            return self.parse_absolute(text);
        }
        let base = self.clone().without_reference();
        let (name, digest) = split_at(text, '@');
        match (name, digest) {
            (name, Some(digest)) => {
                check_dropped(name)?;
                base.with_digest(parse_digest(digest)?)
            }
            ("", None) => Err(ReferenceError::MissingIdentifier { input: input.into() }),
            (digest, None) if digest.contains(':') => base.with_digest(parse_digest(digest)?),
            (tag, None) => base.with_tag(tag),
        }
    }

    /// Parses a list: a reference, then more tags or digests of the same repository, each after a comma.
    ///
    /// Blanks around each item are skipped. `registry/repository:v1,v2` and `registry/repository@sha256:…,sha256:…` are
    /// lists of two. A list of one may lack tag and digest.
    ///
    /// # Errors
    ///
    /// [`ReferenceError::MissingIdentifier`] for an item without tag or digest, and that of any part that breaks its
    /// grammar.
    pub fn parse_list(input: &str) -> Result<Vec<Self>, ReferenceError> {
        let mut items = input.split(',').map(str::trim);
        let first: Self = items.next().unwrap_or_default().parse()?;
        let mut list = vec![first.clone()];
        for item in items {
            first.require_identifier()?;
            list.push(first.parse_relative(item)?);
        }
        Ok(list)
    }

    fn parse_absolute(&self, text: &str) -> Result<Self, ReferenceError> {
        let reference: Self = text.parse()?;
        reference.require_identifier()?;
        if (reference.registry(), reference.repository()) != (self.registry(), self.repository()) {
            let expected = self.clone().without_reference().to_string();
            return Err(ReferenceError::OtherRepository { input: text.into(), expected });
        }
        Ok(reference)
    }

    fn require_identifier(&self) -> Result<&str, ReferenceError> {
        self.identifier().ok_or_else(|| ReferenceError::MissingIdentifier { input: self.to_string() })
    }
}

/// Checks what a relative reference has before its digest: nothing, a tag, or the last component of a repository and
/// perhaps a tag.
fn check_dropped(text: &str) -> Result<(), ReferenceError> {
    match split_at(text, ':') {
        ("", None) => Ok(()),
        (tag_or_name, None) => validate_tag(tag_or_name),
        (name, Some(tag)) => {
            if !name.is_empty() {
                validate_repository(name)?;
            }
            if tag.is_empty() { Ok(()) } else { validate_tag(tag) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEX: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

    fn relative(text: &str) -> Result<String, ReferenceError> {
        let base: Reference = "r:5000/a/b:old".parse().unwrap();
        base.parse_relative(&text.replace("{hex}", HEX)).map(|reference| reference.to_string())
    }

    /// One test for each row: what is parsed within `r:5000/a/b:old`, and what is printed of it.
    macro_rules! accepts {
        ($($name:ident: $text:literal => $expected:literal;)*) => {
            mod accepts {
                use super::*;
                $(#[test]
                fn $name() {
                    assert_eq!(relative($text), Ok($expected.replace("{hex}", HEX)));
                })*
            }
        };
    }

    accepts! {
        tag: "v1" => "r:5000/a/b:v1";
        digest: "sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        digest_after_at: "@sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        tag_and_digest: "v1@sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        name_and_digest: "hello-world@sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        name_tag_and_digest: "b:v1@sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        empty_tag_and_digest: "b:@sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        whole_reference_with_tag: "r:5000/a/b:v1" => "r:5000/a/b:v1";
        whole_reference_with_digest: "r:5000/a/b@sha256:{hex}" => "r:5000/a/b@sha256:{hex}";
        whole_reference_with_both: "r:5000/a/b:v1@sha256:{hex}" => "r:5000/a/b:v1@sha256:{hex}";
        whole_reference_with_scheme: "oci://r:5000/a/b:v1" => "r:5000/a/b:v1";
    }

    /// One test for each row; the kind of the error is the name of its variant.
    macro_rules! rejects {
        ($($name:ident: $text:literal => $kind:literal;)*) => {
            mod rejects {
                use super::*;
                $(#[test]
                fn $name() {
                    let kind = format!("{:?}", relative($text).expect_err($text));
                    assert!(kind.starts_with($kind), "{kind}");
                })*
            }
        };
    }

    rejects! {
        empty: "" => "MissingIdentifier";
        bad_tag: "-v1" => "Tag";
        name_and_tag_look_like_a_digest: "foo:bar" => "Digest";
        empty_digest: "v1@" => "Digest";
        bad_tag_before_a_digest: "bad tag!@sha256:{hex}" => "Tag";
        bad_name_before_a_digest: "A:v1@sha256:{hex}" => "UpperCase";
        repository_without_registry: "a/b@sha256:{hex}" => "OtherRepository";
        other_registry: "other:5000/a/b:v1" => "OtherRepository";
        other_repository: "r:5000/a/c:v1" => "OtherRepository";
        whole_reference_without_identifier: "r:5000/a/b" => "MissingIdentifier";
    }

    #[test]
    fn a_registry_alone_has_nothing_to_parse_within() {
        let registry = Reference::parse_registry("r").unwrap();
        assert!(matches!(registry.parse_relative("v1"), Err(ReferenceError::MissingRepository { .. })));
    }

    #[test]
    fn a_list_names_content_of_one_repository() {
        let list = |text: &str| -> Vec<String> {
            let list = Reference::parse_list(&text.replace("{hex}", HEX)).unwrap_or_else(|error| panic!("{error}"));
            list.iter().map(|reference| reference.to_string().replace(HEX, "{hex}")).collect()
        };
        assert_eq!(list("r/a:v1"), ["r/a:v1"]);
        assert_eq!(list("r/a"), ["r/a"]);
        assert_eq!(list("r/a:v1,v2 , v3"), ["r/a:v1", "r/a:v2", "r/a:v3"]);
        assert_eq!(list("r/a@sha256:{hex},sha256:{hex}"), ["r/a@sha256:{hex}", "r/a@sha256:{hex}"]);
        assert_eq!(list("oci://r/a:v1,r/a:v2"), ["r/a:v1", "r/a:v2"]);
    }

    #[test]
    fn an_empty_item_of_a_list_is_an_error() {
        for text in ["", ",", "r/a:v1,", "r/a:v1,,v2", "r/a:v1, ", "r/a:,v1", "r/a,v1", ",r/a:v1", "r/a:v1,r/b:v2"] {
            assert!(Reference::parse_list(text).is_err(), "{text}");
        }
    }
}
