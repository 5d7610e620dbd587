//! The one ASN.1 structure that the lab reads: an ECDSA signature.

/// Length of a number of a P-256 signature.
const NUMBER: usize = 32;

/// Turns a DER signature over P-256, `SEQUENCE { r INTEGER, s INTEGER }`, into the fixed form `r || s` that JWS wants
/// ([RFC 7518 §3.4](https://www.rfc-editor.org/rfc/rfc7518#section-3.4)).
pub(crate) fn fixed_signature(der: &[u8]) -> Option<[u8; 2 * NUMBER]> {
    let (body, rest) = element(der, 0x30)?;
    let (r, tail) = element(body, 0x02)?;
    let (s, end) = element(tail, 0x02)?;
    if !rest.is_empty() || !end.is_empty() {
        return None;
    }
    let mut fixed = [0; 2 * NUMBER];
    let (left, right) = fixed.split_at_mut(NUMBER);
    put(left, r)?;
    put(right, s)?;
    Some(fixed)
}

/// Splits an element of a one-byte length off.
fn element(input: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = input.split_first()?;
    let (&length, rest) = rest.split_first()?;
    if found != tag || length > 0x7f {
        return None;
    }
    rest.split_at_checked(usize::from(length))
}

/// Writes a big-endian number right-aligned, without the zero that keeps it positive.
fn put(place: &mut [u8], number: &[u8]) -> Option<()> {
    let start = number.iter().position(|&byte| byte != 0).unwrap_or(number.len());
    let digits = number.get(start..)?;
    let from = place.len().checked_sub(digits.len())?;
    place.get_mut(from..)?.copy_from_slice(digits);
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pads_short_numbers_and_drops_the_sign_byte() {
        let fixed = fixed_signature(&[0x30, 7, 2, 2, 0, 0x80, 2, 1, 7]).unwrap();
        assert_eq!((fixed[31], fixed[63]), (0x80, 7));
        assert_eq!(fixed.iter().filter(|&&byte| byte != 0).count(), 2);
    }

    #[test]
    fn rejects_what_is_no_signature() {
        for bad in [&[][..], &[0x30], &[0x30, 9, 2, 1, 1], &[0x31, 3, 2, 1, 1], &[0x30, 6, 2, 1, 1, 2, 1, 1, 0]] {
            assert_eq!(fixed_signature(bad), None, "{bad:?}");
        }
    }
}
