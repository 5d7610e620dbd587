use std::{fmt, str::FromStr};

use crate::error::PackError;

/// The version of the image specification that a packed manifest follows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum PackManifestVersion {
    /// Image specification 1.0: the type of the artifact is the type of an empty configuration. For registries that
    /// refuse what they do not know.
    V1_0,
    /// Image specification 1.1: `artifactType` and `subject`, and the empty descriptor where there is no content; the
    /// default.
    #[default]
    V1_1,
}

impl fmt::Display for PackManifestVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V1_0 => "1.0",
            Self::V1_1 => "1.1",
        })
    }
}

impl FromStr for PackManifestVersion {
    type Err = PackError;

    fn from_str(input: &str) -> Result<Self, PackError> {
        match input {
            "1.0" => Ok(Self::V1_0),
            "1.1" => Ok(Self::V1_1),
            _ => Err(PackError::UnknownVersion { input: input.into() }),
        }
    }
}

#[cfg(test)]
mod tests {
    use oras_content::{Error, ErrorKind};

    use super::*;

    #[test]
    fn an_unknown_version_is_unsupported() {
        for input in ["1.2", "", "v1.1", "1"] {
            let error = input.parse::<PackManifestVersion>().unwrap_err();
            assert_eq!(error, PackError::UnknownVersion { input: input.to_owned() });
            assert_eq!(Error::from(error).kind(), ErrorKind::Unsupported);
        }
        assert_eq!("1.0".parse(), Ok(PackManifestVersion::V1_0));
        assert_eq!(PackManifestVersion::default().to_string(), "1.1");
    }
}
