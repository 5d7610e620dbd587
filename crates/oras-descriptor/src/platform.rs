use serde::{Deserialize, Serialize};

use crate::{
    document::{self, DocumentError},
    wire,
};

/// The platform that a manifest of an index is made for.
///
/// Values are those of Go's `GOARCH` and `GOOS` (image specification, "Image Index Property Descriptions").
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Platform {
    /// The CPU architecture, such as `amd64`.
    #[serde(deserialize_with = "wire::null_default")]
    pub architecture: String,
    /// The operating system, such as `linux`.
    #[serde(deserialize_with = "wire::null_default")]
    pub os: String,
    /// The version of the operating system.
    #[serde(rename = "os.version", skip_serializing_if = "String::is_empty", deserialize_with = "wire::null_default")]
    pub os_version: String,
    /// Features of the operating system, such as `win32k`.
    #[serde(rename = "os.features", skip_serializing_if = "Vec::is_empty", deserialize_with = "wire::null_default")]
    pub os_features: Vec<String>,
    /// The variant of the CPU, such as `v7`.
    #[serde(skip_serializing_if = "String::is_empty", deserialize_with = "wire::null_default")]
    pub variant: String,
}

impl Platform {
    /// A platform of an operating system and an architecture.
    pub fn new(os: impl Into<String>, architecture: impl Into<String>) -> Self {
        Self { os: os.into(), architecture: architecture.into(), ..Self::default() }
    }

    /// Reads the platform of an image configuration, whose other members play no role here.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Json`] when the bytes are not a JSON object, or a member has the wrong form.
    pub fn from_config_slice(bytes: &[u8]) -> Result<Self, DocumentError> {
        document::parse("image configuration", bytes)
    }

    /// Sets the variant of the CPU.
    #[must_use]
    pub fn with_variant(mut self, variant: impl Into<String>) -> Self {
        self.variant = variant.into();
        self
    }

    /// Sets the version of the operating system.
    #[must_use]
    pub fn with_os_version(mut self, version: impl Into<String>) -> Self {
        self.os_version = version.into();
        self
    }

    /// Sets the features of the operating system.
    #[must_use]
    pub fn with_os_features(mut self, features: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.os_features = features.into_iter().map(Into::into).collect();
        self
    }

    /// Reads the platform of an image configuration, whose members have the same names.
    ///
    /// # Errors
    ///
    /// [`DocumentError::Json`] when the bytes are not a JSON object, or a member has the wrong form.
    pub fn from_config(config: &[u8]) -> Result<Self, DocumentError> {
        document::parse("image configuration", config)
    }

    /// Whether this platform serves one who wants `wanted`.
    ///
    /// Operating system and architecture must be equal; variant and version only where they are wanted; every wanted
    /// feature must be there.
    pub fn satisfies(&self, wanted: &Self) -> bool {
        let optional = |have: &str, want: &str| want.is_empty() || have == want;
        self.os == wanted.os
            && self.architecture == wanted.architecture
            && optional(&self.variant, &wanted.variant)
            && optional(&self.os_version, &wanted.os_version)
            && wanted.os_features.iter().all(|feature| self.os_features.contains(feature))
    }
}

impl std::fmt::Display for Platform {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        if !self.variant.is_empty() {
            write!(f, "/{}", self.variant)?;
        }
        if !self.os_version.is_empty() {
            write!(f, ":{}", self.os_version)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn satisfies_only_what_is_wanted() {
        let have = Platform::new("windows", "amd64").with_os_version("10.0").with_os_features(["win32k", "x"]);
        let base = || Platform::new("windows", "amd64");
        let cases = [
            (base(), true),
            (base().with_os_version("10.0"), true),
            (base().with_os_version("11"), false),
            (base().with_os_features(["x"]), true),
            (base().with_os_features(["x", "y"]), false),
            (base().with_variant("v2"), false),
            (Platform::new("linux", "amd64"), false),
            (Platform::new("windows", "arm64"), false),
        ];
        for (wanted, expected) in cases {
            assert_eq!(have.satisfies(&wanted), expected, "{wanted}");
        }
    }

    #[test]
    fn reads_the_platform_of_an_image_configuration() {
        let config = br#"{"created":"x","architecture":"arm","os":"linux","variant":"v7","rootfs":{"type":"layers"},"os.version":null}"#;
        let platform = Platform::from_config_slice(config).unwrap();
        assert_eq!(platform, Platform::new("linux", "arm").with_variant("v7"));
        assert_eq!(Platform::from_config_slice(b"{}"), Ok(Platform::default()));
        assert!(Platform::from_config_slice(b"PK").is_err());
    }
}
