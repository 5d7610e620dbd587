use oras_auth::Credential;
use serde::Serialize as _;
use serde_json::{Map, Value, ser::PrettyFormatter};

use crate::{entry, error::CredentialError, keys};

/// A docker configuration, with everything in it that is not about credentials.
#[derive(Clone, Debug, Default)]
pub(crate) struct Config {
    root: Map<String, Value>,
    /// Where it comes from, for errors.
    place: String,
}

impl Config {
    /// Reads a configuration; nothing but white space is an empty one.
    pub(crate) fn parse(text: &[u8], place: &str) -> Result<Self, CredentialError> {
        let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
        if text.trim_ascii().is_empty() {
            return Ok(Self { root: Map::new(), place: place.to_owned() });
        }
        // What the parser says may quote what it found, and that may be a secret: only the place is passed on.
        let root = serde_json::from_slice(text).map_err(|error| CredentialError::InvalidConfig {
            place: place.to_owned(),
            line: error.line().max(1),
            column: error.column().max(1),
        })?;
        let config = Self { root, place: place.to_owned() };
        config.check()?;
        Ok(config)
    }

    fn check(&self) -> Result<(), CredentialError> {
        for (key, is_right) in [
            ("auths", self.root.get("auths").is_none_or(|value| value.is_object() || value.is_null())),
            ("credHelpers", self.root.get("credHelpers").is_none_or(|value| value.is_object() || value.is_null())),
            ("credsStore", self.root.get("credsStore").is_none_or(|value| value.is_string() || value.is_null())),
        ] {
            if !is_right {
                return Err(self.invalid(key, "it has another type"));
            }
        }
        Ok(())
    }

    fn invalid(&self, key: &str, expected: &'static str) -> CredentialError {
        CredentialError::InvalidEntry { place: self.place.clone(), key: key.to_owned(), expected }
    }

    fn entries(&self, name: &str) -> Option<&Map<String, Value>> {
        self.root.get(name).and_then(Value::as_object)
    }

    /// The helper for everything.
    pub(crate) fn creds_store(&self) -> Option<&str> {
        self.root.get("credsStore").and_then(Value::as_str).filter(|name| !name.is_empty())
    }

    /// The helper for one registry.
    pub(crate) fn cred_helper(&self, registry: &str, repository: Option<&str>) -> Option<(&str, &str)> {
        let helpers = self.entries("credHelpers")?;
        let key = keys::best(helpers.keys().map(String::as_str), registry, repository)?;
        let name = helpers.get(key).and_then(Value::as_str).filter(|name| !name.is_empty())?;
        Some((key, name))
    }

    /// The entry for a registry that fits best, with its key.
    pub(crate) fn entry(
        &self,
        registry: &str,
        repository: Option<&str>,
    ) -> Result<Option<(&str, Credential)>, CredentialError> {
        let Some(auths) = self.entries("auths") else { return Ok(None) };
        let Some(key) = keys::best(auths.keys().map(String::as_str), registry, repository) else {
            return Ok(None);
        };
        let found = auths.get(key).unwrap_or(&Value::Null);
        let credential = entry::read(found).map_err(|expected| self.invalid(key, expected))?;
        Ok(Some((key, credential)))
    }

    /// Every entry.
    pub(crate) fn all(&self) -> Result<Vec<(String, Credential)>, CredentialError> {
        let entries = self.entries("auths").into_iter().flatten();
        let read = |(key, entry): (&String, &Value)| match entry::read(entry) {
            Ok(credential) => Ok((key.clone(), credential)),
            Err(expected) => Err(self.invalid(key, expected)),
        };
        entries.map(read).collect()
    }

    /// Whether anything is said about credentials at all; an empty entry says something.
    pub(crate) fn is_auth_configured(&self) -> bool {
        let has = |name| self.entries(name).is_some_and(|entries| !entries.is_empty());
        self.creds_store().is_some() || has("auths") || has("credHelpers")
    }

    pub(crate) fn set(&mut self, server: &str, credential: &Credential) -> Result<(), CredentialError> {
        let unstorable = |reason| CredentialError::Unstorable { place: self.place.clone(), reason };
        let auths = object(&mut self.root, "auths");
        entry::write(object(auths, server), credential).map_err(unstorable)
    }

    /// Whether there was one to remove.
    pub(crate) fn remove(&mut self, server: &str) -> bool {
        let auths = self.root.get_mut("auths").and_then(Value::as_object_mut);
        auths.is_some_and(|auths| auths.remove(server).is_some())
    }

    pub(crate) fn set_creds_store(&mut self, name: &str) {
        self.root.insert("credsStore".to_owned(), Value::String(name.to_owned()));
    }

    /// The configuration as docker writes it: indented by tabs, without an empty `credsStore`.
    pub(crate) fn print(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut root = self.root.clone();
        if self.creds_store().is_none() {
            root.remove("credsStore");
        }
        let mut text = Vec::new();
        let formatter = PrettyFormatter::with_indent(b"\t");
        root.serialize(&mut serde_json::Serializer::with_formatter(&mut text, formatter))?;
        text.push(b'\n');
        Ok(text)
    }
}

/// The object of a name, made where there is none.
fn object<'a>(parent: &'a mut Map<String, Value>, name: &str) -> &'a mut Map<String, Value> {
    let value = parent.entry(name.to_owned()).or_insert(Value::Null);
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    value.as_object_mut().expect("it was made an object")
}
