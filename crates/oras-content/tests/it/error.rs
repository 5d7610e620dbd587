use std::{error::Error as _, io};

use oras_content::{Descriptor, Digest, Error, ErrorKind, MediaType};
use oras_descriptor::{Index, Verifier, VerifyError};

#[test]
fn each_typed_error_has_its_kind() {
    let mut verifier = Verifier::new(&Descriptor::of("a/b", b"x")).unwrap();
    let cases: [(Error, ErrorKind); 8] = [
        ("sha256:x".parse::<Digest>().unwrap_err().into(), ErrorKind::InvalidDigest),
        ("md5:00".parse::<Digest>().unwrap().known_algorithm().unwrap_err().into(), ErrorKind::Unsupported),
        ("no type".parse::<MediaType>().unwrap_err().into(), ErrorKind::InvalidMediaType),
        (Index::from_slice(b"<html>").unwrap_err().into(), ErrorKind::Corrupt),
        (verifier.update(b"xy").unwrap_err().into(), ErrorKind::Corrupt),
        (Descriptor::of("a/b", b"x").with_data("y".into()).embedded().unwrap_err().into(), ErrorKind::Corrupt),
        (io::Error::from(io::ErrorKind::PermissionDenied).into(), ErrorKind::Io),
        (Error::unsupported("flying"), ErrorKind::Unsupported),
    ];
    for (error, kind) in cases {
        assert_eq!(error.kind(), kind, "{error}");
        assert!(!error.is_retryable() && !error.is_from_blob(), "{error}");
    }
}

#[test]
fn says_one_level_and_nothing_twice() {
    let digest = Digest::of(b"x");
    let below = VerifyError::TooShort { digest, expected: 2, actual: 1 };
    let error = Error::from(below.clone());
    assert_eq!(error.to_string(), below.to_string());
    assert!(error.source().is_none(), "its only source was said already");
    assert_eq!(error.find::<VerifyError>(), Some(&below));
    let outer = Error::new(ErrorKind::Other, "copying failed").with_source(error);
    assert_eq!(outer.source().unwrap().to_string(), below.to_string());
    assert_eq!(outer.find::<VerifyError>(), Some(&below));
}

#[test]
fn finds_what_is_below_an_io_error() {
    let error = Error::from(io::Error::other(Digest::try_from("x").unwrap_err()));
    assert_eq!(error.kind(), ErrorKind::Io);
    assert!(error.find::<oras_descriptor::DigestError>().is_some());
    assert!(error.find::<io::Error>().is_some());
}

#[test]
fn a_clone_tells_the_same() {
    let desc = Descriptor::of("a/b", b"x").with_annotation("k", "v");
    let error = Error::not_found(&desc).with_retryable(true).with_retries(3);
    for told in [error.clone(), error] {
        assert_eq!((told.kind(), told.is_retryable(), told.retries()), (ErrorKind::NotFound, true, 3));
        assert_eq!(told.descriptor(), Some(&desc.plain()));
    }
}
