use std::fmt;

/// Where a store keeps its content: a registry's authority and a repository.
///
/// It means nothing to those who only compare it: two stores of the same registry can mount from one another.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Location {
    registry: String,
    repository: String,
}

impl Location {
    /// A location.
    pub fn new(registry: impl Into<String>, repository: impl Into<String>) -> Self {
        Self { registry: registry.into(), repository: repository.into() }
    }

    /// The registry's authority.
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository.
    pub fn repository(&self) -> &str {
        &self.repository
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.repository)
    }
}
