use http::Extensions;
use oras_auth::{Scope, Scopes};

/// What an operation needs to be allowed to do, told to the authentication layer before it has to ask. Cloning is cheap.
#[derive(Clone, Debug, Default)]
pub(crate) struct Access(Scopes);

impl Access {
    /// Nothing in particular.
    pub(crate) fn none() -> Self {
        Self::default()
    }

    pub(crate) fn pull(repository: &str) -> Self {
        Self(Scopes::of([Scope::pull(repository)]))
    }

    pub(crate) fn push(repository: &str) -> Self {
        Self(Scopes::of([Scope::push(repository)]))
    }

    pub(crate) fn delete(repository: &str) -> Self {
        Self(Scopes::of([Scope::delete(repository)]))
    }

    /// Registries want to know that the source may be read, even where everybody may.
    pub(crate) fn mount(repository: &str, from: &str) -> Self {
        Self(Scopes::of([Scope::push(repository), Scope::pull(from)]))
    }

    pub(crate) fn catalog() -> Self {
        Self(Scopes::of([Scope::catalog()]))
    }

    pub(crate) fn attach(self, extensions: &mut Extensions) {
        if !self.0.is_empty() {
            extensions.insert(self.0);
        }
    }
}
