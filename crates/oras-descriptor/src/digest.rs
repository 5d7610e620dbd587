use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::algorithm::Algorithm;

/// A content digest, `algorithm:encoded`.
///
/// Valid by construction: the text obeys the grammar of the image specification ("Digests"), and the encoded part of a
/// [known algorithm](Algorithm) is lower-case hexadecimal of the right length. A well-formed unknown algorithm is kept;
/// using it to check content is [`DigestError::UnsupportedAlgorithm`]. Cloning is cheap.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest {
    text: Arc<str>,
}

impl Digest {
    /// The SHA-256 digest of `content`.
    pub fn of(content: &[u8]) -> Self {
        Algorithm::Sha256.digest(content)
    }

    /// The whole text, `algorithm:encoded`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The part before the colon.
    pub fn algorithm(&self) -> &str {
        self.parts().0
    }

    /// The part after the colon.
    pub fn encoded(&self) -> &str {
        self.parts().1
    }

    /// The algorithm, if it can be computed here.
    ///
    /// # Errors
    ///
    /// [`DigestError::UnsupportedAlgorithm`] for any other.
    pub fn known_algorithm(&self) -> Result<Algorithm, DigestError> {
        Algorithm::from_name(self.algorithm()).ok_or_else(|| unsupported(self.algorithm()))
    }

    pub(crate) fn from_hash(algorithm: Algorithm, hash: &[u8]) -> Self {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let name = algorithm.name();
        let mut text = String::with_capacity(name.len() + 1 + hash.len() * 2);
        text.push_str(name);
        text.push(':');
        for byte in hash {
            for nibble in [byte >> 4, byte & 15] {
                text.push(char::from(HEX.get(usize::from(nibble)).copied().unwrap_or_default()));
            }
        }
        Self { text: text.into() }
    }

    fn parts(&self) -> (&str, &str) {
        self.text.split_once(':').unwrap_or((&self.text, ""))
    }
}

impl FromStr for Digest {
    type Err = DigestError;

    fn from_str(input: &str) -> Result<Self, DigestError> {
        check(input)?;
        Ok(Self { text: input.into() })
    }
}

impl TryFrom<&str> for Digest {
    type Error = DigestError;

    fn try_from(input: &str) -> Result<Self, DigestError> {
        input.parse()
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl AsRef<str> for Digest {
    fn as_ref(&self) -> &str {
        &self.text
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Why a text is not a digest, or why a digest cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DigestError {
    /// The text does not have the form `algorithm:encoded`.
    #[error("invalid digest {input:?}: expected algorithm:encoded")]
    Malformed {
        /// The text.
        input: String,
    },
    /// The encoded part has the wrong length for its algorithm.
    #[error("invalid digest {input:?}: expected {expected} hexadecimal characters after the colon, found {actual}")]
    WrongLength {
        /// The text.
        input: String,
        /// The length that the algorithm asks.
        expected: usize,
        /// The length found.
        actual: usize,
    },
    /// The encoded part has a character other than lower-case hexadecimal.
    #[error("invalid digest {input:?}: expected lower-case hexadecimal after the colon")]
    NotLowerHex {
        /// The text.
        input: String,
    },
    /// The digest is well-formed, but its algorithm cannot be computed here.
    #[error("unsupported digest algorithm {algorithm:?}: expected sha256, sha384 or sha512")]
    UnsupportedAlgorithm {
        /// The name of the algorithm.
        algorithm: String,
    },
}

fn unsupported(algorithm: &str) -> DigestError {
    DigestError::UnsupportedAlgorithm { algorithm: algorithm.into() }
}

fn check(input: &str) -> Result<(), DigestError> {
    let malformed = || DigestError::Malformed { input: input.into() };
    let (algorithm, encoded) = input.split_once(':').ok_or_else(malformed)?;
    if !is_algorithm(algorithm) || !is_encoded(encoded) {
        return Err(malformed());
    }
    let Some(known) = Algorithm::from_name(algorithm) else {
        return Ok(());
    };
    if encoded.len() != known.encoded_len() {
        let (expected, actual) = (known.encoded_len(), encoded.len());
        return Err(DigestError::WrongLength { input: input.into(), expected, actual });
    }
    if !encoded.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f')) {
        return Err(DigestError::NotLowerHex { input: input.into() });
    }
    Ok(())
}

/// `[a-z0-9]+(?:[+._-][a-z0-9]+)*`
fn is_algorithm(text: &str) -> bool {
    text.split(['+', '.', '_', '-'])
        .all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()))
}

/// `[A-Za-z0-9=_-]+`
fn is_encoded(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'=' | b'_' | b'-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_well_formed_digests() {
        let long = "a".repeat(128);
        let inputs = [
            format!("sha256:{}", "0f".repeat(32)),
            format!("sha384:{}", "0f".repeat(48)),
            format!("sha512:{long}"),
            format!("blake3:{}", "0f".repeat(32)),
            "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8".into(),
            "sha256+b64u:LCa0a2j_xo_5m0U8HTBBNBNCLXBkg7-g-YpeiGJm564".into(),
        ];
        for input in inputs {
            let digest: Digest = input.parse().unwrap_or_else(|error| panic!("{input}: {error}"));
            assert_eq!(digest.to_string(), input);
            assert_eq!(format!("{}:{}", digest.algorithm(), digest.encoded()), input);
        }
    }

    #[test]
    fn rejects_malformed_digests() {
        let hex = "0f".repeat(32);
        let cases = [
            (String::new(), "Malformed"),
            (":".into(), "Malformed"),
            ("sha256".into(), "Malformed"),
            ("sha256:".into(), "Malformed"),
            (format!(":{hex}"), "Malformed"),
            (format!("SHA256:{hex}"), "Malformed"),
            (format!("sha256+:{hex}"), "Malformed"),
            (format!("sha256..x:{hex}"), "Malformed"),
            ("sha256:../../etc/passwd".into(), "Malformed"),
            (format!("sha256:{hex}\n"), "Malformed"),
            (format!("sha256:{hex}:x"), "Malformed"),
            ("sha256:totallywrong".into(), "WrongLength"),
            (format!("sha256:{hex}0"), "WrongLength"),
            (format!("sha512:{hex}"), "WrongLength"),
            (format!("sha256:{}", hex.to_uppercase()), "NotLowerHex"),
            (format!("sha256:{}", "zz".repeat(32)), "NotLowerHex"),
        ];
        for (input, expected) in cases {
            let error = input.parse::<Digest>().expect_err(&input);
            assert!(format!("{error:?}").starts_with(expected), "{input}: {error:?}");
        }
    }

    #[test]
    fn an_unknown_algorithm_parses_and_cannot_be_used() {
        let digest: Digest = "md5:abc".parse().unwrap();
        assert_eq!(digest.known_algorithm(), Err(DigestError::UnsupportedAlgorithm { algorithm: "md5".into() }));
    }
}
