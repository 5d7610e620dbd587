use std::fmt;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::ErrorCode;

/// One error of a registry's answer (distribution specification, "Error Codes").
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryError {
    code: ErrorCode,
    message: String,
    detail: Option<String>,
}

impl RegistryError {
    /// The code.
    pub const fn code(&self) -> &ErrorCode {
        &self.code
    }

    /// What the registry says in words; may be empty.
    pub fn message(&self) -> &str {
        &self.message
    }

    /// Whatever else the registry says, as JSON.
    pub fn detail(&self) -> Option<&str> {
        self.detail.as_deref()
    }

    /// Reads an error document; anything else, in whole or for one entry, is skipped.
    pub(super) fn parse_all(body: &[u8]) -> Vec<Self> {
        #[derive(Deserialize)]
        struct Document<'a> {
            #[serde(borrow)]
            errors: Vec<&'a RawValue>,
        }

        #[derive(Deserialize)]
        struct Entry {
            code: Option<String>,
            message: Option<String>,
            detail: Option<Box<RawValue>>,
        }

        let Ok(document) = serde_json::from_slice::<Document<'_>>(body) else {
            return Vec::new();
        };
        let entries = document.errors.into_iter().filter_map(|raw| serde_json::from_str::<Entry>(raw.get()).ok());
        entries
            .map(|entry| Self {
                code: ErrorCode::from(entry.code.as_deref().unwrap_or("UNKNOWN")),
                message: entry.message.unwrap_or_default(),
                detail: entry.detail.map(|detail| detail.get().to_owned()).filter(|detail| detail != "null"),
            })
            .collect()
    }
}

impl fmt::Display for RegistryError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.as_str().replace('_', " ").to_ascii_lowercase();
        f.write_str(&code)?;
        // Distribution says "manifest unknown" in words too.
        if !self.message.is_empty() && !self.message.eq_ignore_ascii_case(&code) {
            write!(f, ": {}", self.message)?;
        }
        match &self.detail {
            Some(detail) => write!(f, ": {detail}"),
            None => Ok(()),
        }
    }
}
