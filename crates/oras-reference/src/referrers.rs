use oras_descriptor::Digest;

use crate::grammar::is_tag_byte;

/// How much of the algorithm's name goes into the tag (distribution specification, "Referrers Tag Schema").
const ALGORITHM_LEN: usize = 32;
/// How much of the encoded part goes into the tag, so that the tag of any digest stays below 128 characters.
const ENCODED_LEN: usize = 64;

/// The tag under which the referrers of a subject are listed, where the registry has no referrers API.
///
/// Algorithm and encoded part are cut to 32 and 64 characters and joined by `-`, and what a tag cannot hold becomes `-`
/// (distribution specification, "Referrers Tag Schema").
///
/// ```
/// use oras_descriptor::Algorithm;
/// use oras_reference::referrers_tag;
///
/// let subject = Algorithm::Sha512.digest(b"");
/// assert_eq!(referrers_tag(&subject).len(), "sha512-".len() + 64);
/// ```
pub fn referrers_tag(subject: &Digest) -> String {
    let part = |text: &str, len: usize| -> String {
        text.bytes().take(len).map(|byte| if is_tag_byte(byte) { char::from(byte) } else { '-' }).collect()
    };
    format!("{}-{}", part(subject.algorithm(), ALGORITHM_LEN), part(subject.encoded(), ENCODED_LEN))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grammar::validate_tag;

    #[test]
    fn a_referrers_tag_is_cut_and_cleaned_as_specified() {
        let long = concat!(
            "test+algorithm+using+algorithm+separators+and+lots+of+characters+to+excercise+overall+truncation:",
            "alsoSome=InTheEncodedSectionToShowHyphenReplacementAndLotsAndLotsOfCharactersToExcerciseEncodedTruncation"
        );
        let cases = [
            (format!("sha256:{}", "a".repeat(64)), format!("sha256-{}", "a".repeat(64))),
            (format!("sha512:{}", "a".repeat(128)), format!("sha512-{}", "a".repeat(64))),
            (
                long.into(),
                "test-algorithm-using-algorithm-s-alsoSome-InTheEncodedSectionToShowHyphenReplacementAndLotsAndLot"
                    .into(),
            ),
        ];
        for (digest, expected) in cases {
            let tag = referrers_tag(&digest.parse().unwrap());
            assert_eq!(tag, expected);
            assert_eq!(validate_tag(&tag), Ok(()));
        }
    }

    #[test]
    fn the_referrers_tag_of_a_sha512_subject_is_a_legal_tag() {
        assert_eq!(validate_tag(&referrers_tag(&oras_descriptor::Algorithm::Sha512.digest(b"x"))), Ok(()));
    }
}
