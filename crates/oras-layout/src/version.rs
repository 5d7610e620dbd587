//! The file `oci-layout`, which makes a directory a layout.

use serde::Deserialize;

use oras_content::{Error, ErrorKind, Result};

pub(crate) const VERSION_FILE: &str = "oci-layout";

/// What is written into a new layout.
pub(crate) const VERSION_DOCUMENT: &[u8] = br#"{"imageLayoutVersion":"1.0.0"}"#;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    image_layout_version: String,
}

/// Checks the version: 1.0 with any patch level is known (image specification, "Image Layout").
pub(crate) fn check(bytes: &[u8]) -> Result<()> {
    let document: Document = serde_json::from_slice(bytes)
        .map_err(|error| Error::new(ErrorKind::Corrupt, format!("invalid {VERSION_FILE}")).with_source(error))?;
    let version = document.image_layout_version;
    let mut parts = version.split('.');
    let is_known = (parts.next(), parts.next()) == (Some("1"), Some("0"))
        && parts.next().is_some_and(|patch| !patch.is_empty() && patch.bytes().all(|b| b.is_ascii_digit()))
        && parts.next().is_none();
    if is_known {
        return Ok(());
    }
    let message = format!("image layout version {version:?} is not supported: expected 1.0.x");
    Err(Error::new(ErrorKind::UnsupportedVersion, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accepts_only_patch_levels_of_1_0() {
        let kind = |text: &str| check(text.as_bytes()).err().map(|error| error.kind());
        let version = |version: &str| format!(r#"{{"imageLayoutVersion":"{version}","vendor":1}}"#);
        for good in ["1.0.0", "1.0.7", "1.0.10"] {
            assert_eq!(kind(&version(good)), None, "{good}");
        }
        for unknown in ["2.0.0", "1.1.0", "1.0", "1.0.", "1.0.x", "1.0.0.0", "", "1"] {
            assert_eq!(kind(&version(unknown)), Some(ErrorKind::UnsupportedVersion), "{unknown}");
        }
        for bad in ["", "{}", "[]", "null", r#"{"imageLayoutVersion":1}"#, "<html>"] {
            assert_eq!(kind(bad), Some(ErrorKind::Corrupt), "{bad}");
        }
        let error = check(b"<html>").unwrap_err();
        assert_eq!(error.to_string(), "invalid oci-layout", "the source says why");
        assert!(std::error::Error::source(&error).is_some());
    }
}
