use crate::{
    algorithm::Hasher,
    descriptor::Descriptor,
    digest::{Digest, DigestError},
};

/// The check of content against its descriptor, as a value: what was expected, the hash so far, and the position.
///
/// Bytes are added in order; [`finish`](Self::finish) tells whether they were the described content. A verifier that
/// has seen the first part of some content can be handed on, and whoever holds it goes on at its
/// [`position`](Self::position).
#[derive(Clone, Debug)]
pub struct Verifier {
    digest: Digest,
    size: u64,
    position: u64,
    overrun: bool,
    hasher: Hasher,
}

impl Verifier {
    /// A verifier that has seen nothing yet.
    ///
    /// # Errors
    ///
    /// [`VerifyError::Digest`] when the digest's algorithm cannot be computed here.
    pub fn new(desc: &Descriptor) -> Result<Self, VerifyError> {
        let hasher = desc.digest.known_algorithm()?.hasher();
        Ok(Self { digest: desc.digest.clone(), size: desc.size, position: 0, overrun: false, hasher })
    }

    /// Adds the next bytes.
    ///
    /// # Errors
    ///
    /// [`VerifyError::TooLong`] on the first byte past the described size; nothing of `chunk` is added then, and from then
    /// on the check can only fail.
    pub fn update(&mut self, chunk: &[u8]) -> Result<(), VerifyError> {
        let position = self.position.saturating_add(chunk.len() as u64);
        self.overrun |= position > self.size;
        if self.overrun {
            return Err(self.too_long());
        }
        self.hasher.update(chunk);
        self.position = position;
        Ok(())
    }

    /// How many bytes have been added.
    pub const fn position(&self) -> u64 {
        self.position
    }

    /// How many bytes are expected in all.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The digest that is expected.
    pub const fn digest(&self) -> &Digest {
        &self.digest
    }

    /// Whether all bytes have been added; they may still be the wrong ones.
    pub const fn is_complete(&self) -> bool {
        self.position == self.size
    }

    /// Whether this checks the content that `desc` describes.
    pub fn checks(&self, desc: &Descriptor) -> bool {
        self.digest == desc.digest && self.size == desc.size
    }

    /// Ends the check.
    ///
    /// # Errors
    ///
    /// [`VerifyError::TooShort`], [`VerifyError::TooLong`] or [`VerifyError::WrongDigest`] when the bytes were not the
    /// described content.
    pub fn finish(self) -> Result<(), VerifyError> {
        if self.overrun {
            return Err(self.too_long());
        }
        if self.position != self.size {
            let (expected, actual) = (self.size, self.position);
            return Err(VerifyError::TooShort { digest: self.digest, expected, actual });
        }
        let actual = self.hasher.finish();
        if actual != self.digest {
            return Err(VerifyError::WrongDigest { expected: self.digest, actual });
        }
        Ok(())
    }

    fn too_long(&self) -> VerifyError {
        VerifyError::TooLong { digest: self.digest.clone(), expected: self.size }
    }
}

/// Why content is not what its descriptor says.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// There are fewer bytes than described.
    #[error("content of {digest} is too short: expected {expected} bytes, found {actual}")]
    TooShort {
        /// The digest expected.
        digest: Digest,
        /// The size expected.
        expected: u64,
        /// The size found.
        actual: u64,
    },
    /// There are more bytes than described.
    #[error("content of {digest} is too long: expected {expected} bytes, found more")]
    TooLong {
        /// The digest expected.
        digest: Digest,
        /// The size expected.
        expected: u64,
    },
    /// The bytes have another digest.
    #[error("wrong content: expected {expected}, found {actual}")]
    WrongDigest {
        /// The digest expected.
        expected: Digest,
        /// The digest found.
        actual: Digest,
    },
    /// The digest cannot be computed.
    #[error("content cannot be verified")]
    Digest(#[from] DigestError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(desc: &Descriptor, chunks: &[&[u8]]) -> Result<(), VerifyError> {
        let mut verifier = Verifier::new(desc)?;
        for chunk in chunks {
            verifier.update(chunk)?;
        }
        verifier.finish()
    }

    #[test]
    fn tells_short_long_and_wrong_apart() {
        let desc = Descriptor::of("a/b", b"hello");
        assert_eq!(check(&desc, &[b"he", b"", b"llo"]), Ok(()));
        assert!(matches!(check(&desc, &[b"hell"]), Err(VerifyError::TooShort { expected: 5, actual: 4, .. })));
        assert!(matches!(check(&desc, &[b"hello", b"!"]), Err(VerifyError::TooLong { expected: 5, .. })));
        assert!(matches!(check(&desc, &[b"hallo"]), Err(VerifyError::WrongDigest { .. })));
    }

    #[test]
    fn what_was_too_long_once_stays_so() {
        let desc = Descriptor::of("a/b", b"hello");
        let mut verifier = Verifier::new(&desc).unwrap();
        verifier.update(b"hell").unwrap();
        for chunk in [&b"o!"[..], b"o", b""] {
            assert!(matches!(verifier.update(chunk), Err(VerifyError::TooLong { .. })));
        }
        assert!(matches!(verifier.finish(), Err(VerifyError::TooLong { .. })));
    }

    #[test]
    fn a_check_goes_on_where_it_stood() {
        let desc = Descriptor::of("a/b", b"hello");
        let mut first = Verifier::new(&desc).unwrap();
        first.update(b"hel").unwrap();
        let mut second = first.clone();
        assert_eq!((second.position(), second.is_complete(), second.checks(&desc)), (3, false, true));
        second.update(b"lo").unwrap();
        assert_eq!((second.is_complete(), second.finish()), (true, Ok(())));
        assert!(matches!(first.finish(), Err(VerifyError::TooShort { .. })));
    }

    #[test]
    fn an_unknown_algorithm_is_a_typed_error() {
        let desc = Descriptor::new("a/b", "blake3:00".parse().unwrap(), 1);
        assert!(matches!(check(&desc, &[]), Err(VerifyError::Digest(DigestError::UnsupportedAlgorithm { .. }))));
    }

    #[test]
    fn a_huge_size_costs_nothing() {
        let desc = Descriptor::new("a/b", Digest::of(b""), 1 << 62);
        assert!(matches!(check(&desc, &[b"x"]), Err(VerifyError::TooShort { .. })));
    }
}
