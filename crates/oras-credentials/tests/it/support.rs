//! A directory with a configuration, and helpers that are scripts.

use std::{
    fs,
    path::{Path, PathBuf},
};

use oras_credentials::{Credential, CredentialProvider};
use tempfile::TempDir;

pub(crate) struct Home(TempDir);

impl Home {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) fn with(config: &str) -> Self {
        let home = Self::new();
        fs::write(home.config(), config).unwrap();
        home
    }

    pub(crate) fn path(&self) -> &Path {
        self.0.path()
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path().join("config.json")
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.config()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    pub(crate) fn write(&self, path: &str, text: &str) -> PathBuf {
        let path = self.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

pub(crate) fn me() -> Credential {
    Credential::password("me", "pw")
}

pub(crate) async fn of(store: &impl CredentialProvider, registry: &str, repository: Option<&str>) -> Credential {
    store.credential(registry, repository).await.unwrap()
}
