use std::path::{Path, PathBuf};

use bytes::Bytes;
use oras_descriptor::{Annotations, MediaType};

/// A file to push: one on disk, a directory, or bytes under a name.
///
/// Anything that is a path becomes one, so `["a.txt", "dir"]` are files too.
#[derive(Clone, Debug)]
pub struct File {
    pub(super) content: Content,
    pub(super) name: Option<String>,
    pub(super) media_type: Option<MediaType>,
    pub(super) annotations: Annotations,
}

#[derive(Clone, Debug)]
pub(super) enum Content {
    Path(PathBuf),
    Bytes(Bytes),
}

impl File {
    /// The file or directory at a path.
    ///
    /// A relative path is looked up below [`PushOptions::with_base`](super::PushOptions::with_base), and is the name
    /// under which it will be pulled; of an absolute path the last component is the name.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self::of(Content::Path(path.into()), None)
    }

    /// Bytes in memory, pulled under `name`.
    pub fn from_bytes(name: impl Into<String>, bytes: impl Into<Bytes>) -> Self {
        Self::of(Content::Bytes(bytes.into()), Some(name.into()))
    }

    fn of(content: Content, name: Option<String>) -> Self {
        Self { content, name, media_type: None, annotations: Annotations::new() }
    }

    /// Sets the name under which it will be pulled: a relative path with `/` between its components.
    #[must_use]
    pub fn with_name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Sets the media type; by default that of a layer of an image, a tar archive, compressed for a directory.
    #[must_use]
    pub fn with_media_type(mut self, media_type: impl Into<MediaType>) -> Self {
        self.media_type = Some(media_type.into());
        self
    }

    /// Adds an annotation to the descriptor of the file.
    #[must_use]
    pub fn with_annotation(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.annotations.insert(key.into(), value.into());
        self
    }

    /// The name under which it will be pulled.
    pub(super) fn effective_name(&self) -> String {
        match (&self.name, &self.content) {
            (Some(name), _) => name.clone(),
            (None, Content::Path(path)) => name_of(path),
            (None, Content::Bytes(_)) => String::new(),
        }
    }
}

/// The path in the form of a title; what cannot be one is left for the store to refuse.
fn name_of(path: &Path) -> String {
    let path = if path.is_absolute() { Path::new(path.file_name().unwrap_or_default()) } else { path };
    let components = path.components().filter(|component| *component != std::path::Component::CurDir);
    let names: Vec<_> = components.map(|component| component.as_os_str().to_string_lossy()).collect();
    names.join("/")
}

impl<P: Into<PathBuf>> From<P> for File {
    fn from(path: P) -> Self {
        Self::at(path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_relative_path_is_the_name() {
        let rows = [("a.txt", "a.txt"), ("./a/./b.txt", "a/b.txt"), ("dir/", "dir"), ("../a", "../a"), (".", "")];
        for (path, name) in rows {
            assert_eq!(File::at(path).effective_name(), name, "{path}");
        }
    }

    #[test]
    fn of_an_absolute_path_the_last_component_is_the_name() {
        let path = std::env::temp_dir().join("a.txt");
        assert_eq!(File::from(path).effective_name(), "a.txt");
    }

    #[test]
    fn a_name_that_is_given_wins() {
        assert_eq!(File::at("a/b").with_name("c").effective_name(), "c");
        assert_eq!(File::from_bytes("d", "x").effective_name(), "d");
    }
}
