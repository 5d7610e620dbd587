use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
    sync::Arc,
};

/// What may be done to one resource: `repository:name:pull,push`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Scope {
    resource_type: String,
    name: String,
    actions: BTreeSet<String>,
}

impl Scope {
    /// Any actions on any resource.
    pub fn new<'a>(
        resource_type: impl Into<String>,
        name: impl Into<String>,
        actions: impl IntoIterator<Item = &'a str>,
    ) -> Self {
        let actions = actions.into_iter().filter(|action| !action.is_empty()).map(str::to_owned).collect();
        Self { resource_type: resource_type.into(), name: name.into(), actions }
    }

    /// Actions on a repository.
    pub fn repository<'a>(name: impl Into<String>, actions: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new("repository", name, actions)
    }

    /// Reading a repository.
    pub fn pull(repository: impl Into<String>) -> Self {
        Self::repository(repository, ["pull"])
    }

    /// Writing to a repository, which always reads as well.
    pub fn push(repository: impl Into<String>) -> Self {
        Self::repository(repository, ["pull", "push"])
    }

    /// Deleting from a repository.
    pub fn delete(repository: impl Into<String>) -> Self {
        Self::repository(repository, ["delete"])
    }

    /// Listing the repositories of a registry.
    pub fn catalog() -> Self {
        Self::new("registry", "catalog", ["*"])
    }
}

/// A set of scopes, always in its shortest form: one scope for each resource, sorted, without what `*` includes.
///
/// The operation that makes a request puts the scopes it needs into the request's extensions; the authentication layer
/// asks for a token that has them.
///
/// ```
/// use oras_auth::{Scope, Scopes};
///
/// let scopes = Scopes::of([Scope::pull("b"), Scope::push("a"), Scope::repository("b", ["delete"])]);
/// assert_eq!(scopes.to_string(), "repository:a:pull,push repository:b:delete,pull");
/// assert!(scopes.covers(&Scopes::of([Scope::pull("a")])));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Scopes {
    sets: Arc<Sets>,
}

/// Each request has its scopes, and shares them with others of its kind.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
struct Sets {
    named: BTreeMap<(String, String), BTreeSet<String>>,
    /// What has another form is kept as it is: a registry may know what it means.
    verbatim: BTreeSet<String>,
}

/// GHCR's challenge to `/v2/` names a repository that means nothing.
const PLACEHOLDER: &str = "repository:user/image:pull";

impl Scopes {
    /// No scopes.
    pub fn new() -> Self {
        Self::default()
    }

    /// A set of scopes.
    pub fn of(scopes: impl IntoIterator<Item = Scope>) -> Self {
        let mut all = Self::new();
        for scope in scopes {
            all.insert(scope);
        }
        all
    }

    /// Reads a list of scopes, separated by spaces. Nothing is refused.
    pub fn parse(text: &str) -> Self {
        let mut all = Self::new();
        for text in text.split_ascii_whitespace() {
            // A name may hold colons: `repository:host:5000/name:pull`.
            let parts = text.split_once(':').and_then(|(kind, rest)| {
                let (name, actions) = rest.rsplit_once(':')?;
                Some((kind, name, actions))
            });
            match parts {
                Some((kind, name, actions)) => all.insert(Scope::new(kind, name, actions.split(','))),
                None => drop(Arc::make_mut(&mut all.sets).verbatim.insert(text.to_owned())),
            }
        }
        all
    }

    /// Adds a scope; one that names nothing, or no action, adds nothing.
    pub fn insert(&mut self, scope: Scope) {
        if scope.name.is_empty() || scope.actions.is_empty() {
            return;
        }
        let actions = Arc::make_mut(&mut self.sets).named.entry((scope.resource_type, scope.name)).or_default();
        actions.extend(scope.actions);
        if actions.contains("*") {
            actions.retain(|action| action == "*");
        }
    }

    /// All scopes of both sets.
    #[must_use]
    pub fn merged(mut self, other: &Self) -> Self {
        for ((kind, name), actions) in &other.sets.named {
            self.insert(Scope { resource_type: kind.clone(), name: name.clone(), actions: actions.clone() });
        }
        if !other.sets.verbatim.is_empty() {
            Arc::make_mut(&mut self.sets).verbatim.extend(other.sets.verbatim.iter().cloned());
        }
        self
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.sets.named.is_empty() && self.sets.verbatim.is_empty()
    }

    /// Whether a token for these scopes serves `other` too.
    pub fn covers(&self, other: &Self) -> bool {
        if Arc::ptr_eq(&self.sets, &other.sets) {
            return true;
        }
        let (this, other) = (&*self.sets, &*other.sets);
        let has = |resource, wanted: &BTreeSet<String>| {
            let actions = this.named.get(resource);
            actions.is_some_and(|actions| actions.contains("*") || actions.is_superset(wanted))
        };
        other.verbatim.is_subset(&this.verbatim) && other.named.iter().all(|(resource, wanted)| has(resource, wanted))
    }

    /// Each scope as text, sorted.
    pub fn to_list(&self) -> Vec<String> {
        let named = self.sets.named.iter().map(|((kind, name), actions)| {
            let actions: Vec<_> = actions.iter().map(String::as_str).collect();
            format!("{kind}:{name}:{}", actions.join(","))
        });
        let mut list: Vec<String> = named.chain(self.sets.verbatim.iter().cloned()).collect();
        list.sort_unstable();
        list
    }

    /// The one repository that these are about.
    pub(crate) fn only_repository(&self) -> Option<&str> {
        let mut names = self.sets.named.keys().filter(|(kind, _)| kind == "repository").map(|(_, name)| name.as_str());
        names.next().filter(|_| names.next().is_none())
    }

    /// What to ask for when an operation needs these and a registry answers with a challenge for `asked`.
    pub(crate) fn with_challenge(&self, asked: &Self) -> Self {
        if self.is_empty() || *asked != Self::parse(PLACEHOLDER) {
            return self.clone().merged(asked);
        }
        self.clone()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_list().join(" "))
    }
}

impl FromIterator<Scope> for Scopes {
    fn from_iter<I: IntoIterator<Item = Scope>>(scopes: I) -> Self {
        Self::of(scopes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_always_in_its_shortest_form() {
        for (name, text, expected) in [
            ("sorted", "repository:b:pull repository:a:pull", "repository:a:pull repository:b:pull"),
            ("actions merged and sorted", "repository:a:push repository:a:pull,push", "repository:a:pull,push"),
            ("all actions", "repository:a:pull repository:a:*,push", "repository:a:*"),
            ("no actions", "repository:a: repository:b:, repository:c:pull", "repository:c:pull"),
            ("no name", "repository::pull", ""),
            ("a port in the name", "repository:h:5000/a:pull", "repository:h:5000/a:pull"),
            ("other forms", "zz aws a:b", "a:b aws zz"),
            (
                "a class stays another type",
                "repository(plugin):a:pull repository:a:pull",
                "repository(plugin):a:pull repository:a:pull",
            ),
            ("spaces", "  repository:a:pull   repository:a:pull ", "repository:a:pull"),
            ("nothing", "", ""),
        ] {
            assert_eq!(Scopes::parse(text).to_string(), expected, "{name}");
        }
    }

    #[test]
    fn a_superset_covers_a_subset_and_nothing_else() {
        for (have, want, covers) in [
            ("repository:a:pull,push", "repository:a:pull", true),
            ("repository:a:*", "repository:a:delete", true),
            ("repository:a:pull", "", true),
            ("repository:a:pull", "repository:a:pull,push", false),
            ("repository:a:pull", "repository:b:pull", false),
            ("repository:a:pull", "repository:a:*", false),
            ("repository:a:pull", "repository:a:pull aws", false),
        ] {
            assert_eq!(Scopes::parse(have).covers(&Scopes::parse(want)), covers, "{have} / {want}");
        }
    }

    #[test]
    fn the_needs_of_an_operation_replace_a_placeholder() {
        let needs = Scopes::of([Scope::push("app")]);
        assert_eq!(needs.with_challenge(&Scopes::parse("repository:user/image:pull")), needs);
        let both = needs.with_challenge(&Scopes::parse("repository:app:pull repository:b:pull"));
        assert_eq!(both.to_string(), "repository:app:pull,push repository:b:pull");
        let hint = Scopes::parse("repository:user/image:pull");
        assert_eq!(Scopes::new().with_challenge(&hint), hint);
    }
}
