use serde::{Deserialize, Serialize};

/// Where an upload stands, so that another process can go on with it.
///
/// It holds the URL of the upload session, which lets anybody write to it who may write to the repository: keep it as
/// private as the content. A registry that has forgotten the session makes the upload start anew.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UploadState {
    pub(crate) repository: String,
    pub(crate) location: String,
    pub(crate) offset: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) digest: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) min_chunk: Option<u64>,
}

impl UploadState {
    /// How many bytes the registry had taken.
    pub fn offset(&self) -> u64 {
        self.offset
    }
}

impl std::fmt::Debug for UploadState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("UploadState")
            .field("repository", &self.repository)
            .field("offset", &self.offset)
            .field("digest", &self.digest)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state() -> UploadState {
        UploadState {
            repository: "r/a".into(),
            location: "https://r/u/1?_state=secret".into(),
            offset: 7,
            digest: Some("sha256:00".into()),
            min_chunk: None,
        }
    }

    #[test]
    fn survives_being_written_down() {
        let text = serde_json::json!(state()).to_string();
        assert_eq!(serde_json::from_str::<UploadState>(&text).unwrap(), state());
    }

    #[test]
    fn shows_no_secret() {
        assert!(!format!("{:?}", state()).contains("secret"));
    }
}
