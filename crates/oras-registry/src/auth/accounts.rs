use std::{collections::BTreeMap, fmt};

use oras_descriptor::Digest;

/// What one may do in a repository.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Actions {
    pub(crate) pull: bool,
    pub(crate) push: bool,
    pub(crate) delete: bool,
}

impl Actions {
    pub(crate) const PULL: Self = Self { pull: true, push: false, delete: false };
    pub(crate) const PUSH: Self = Self { pull: true, push: true, delete: false };
    pub(crate) const DELETE: Self = Self { pull: false, push: false, delete: true };
    pub(crate) const ALL: Self = Self { pull: true, push: true, delete: true };

    /// Reads a comma-separated list; `*` is all of them, and what is not known is nothing.
    pub(crate) fn parse(list: &str) -> Self {
        list.split(',').fold(Self::default(), |actions, word| match word {
            "pull" => Self { pull: true, ..actions },
            "push" => Self { push: true, ..actions },
            "delete" => Self { delete: true, ..actions },
            "*" => Self::ALL,
            _ => actions,
        })
    }

    pub(crate) fn contains(self, other: Self) -> bool {
        self.union(other) == self
    }

    pub(crate) fn union(self, other: Self) -> Self {
        Self { pull: self.pull || other.pull, push: self.push || other.push, delete: self.delete || other.delete }
    }

    pub(crate) fn intersection(self, other: Self) -> Self {
        Self { pull: self.pull && other.pull, push: self.push && other.push, delete: self.delete && other.delete }
    }

    pub(crate) fn is_empty(self) -> bool {
        self == Self::default()
    }
}

impl fmt::Display for Actions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = [(self.pull, "pull"), (self.push, "push"), (self.delete, "delete")];
        let mut separator = "";
        for (_, word) in words.into_iter().filter(|(is_in, _)| *is_in) {
            write!(f, "{separator}{word}")?;
            separator = ",";
        }
        Ok(())
    }
}

/// A permission: what may be done in which repositories.
///
/// A pattern is the name of a repository, `*` for all of them, or `team/*` for all whose names start with `team/`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Permission {
    pattern: String,
    actions: Actions,
}

impl Permission {
    /// Everything everywhere.
    pub fn all() -> Self {
        Self { pattern: "*".into(), actions: Actions::ALL }
    }

    /// Reading only.
    pub fn pull(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), actions: Actions::PULL }
    }

    /// Reading and writing.
    pub fn push(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), actions: Actions::PUSH }
    }

    /// Reading, writing and deleting.
    pub fn own(pattern: impl Into<String>) -> Self {
        Self { pattern: pattern.into(), actions: Actions::ALL }
    }

    fn actions_in(&self, repository: &str) -> Actions {
        let fits = match self.pattern.strip_suffix('*') {
            Some(start) => repository.starts_with(start),
            None => repository == self.pattern,
        };
        if fits { self.actions } else { Actions::default() }
    }
}

/// Who may do what.
///
/// ```
/// use oras_registry::{Accounts, Permission};
///
/// let accounts = Accounts::new()
///     .with_user("alice", "secret", [Permission::all()])
///     .with_user("ci", "word", [Permission::push("team/*"), Permission::pull("base")])
///     .with_anonymous([Permission::pull("public/*")]);
/// assert!(!format!("{accounts:?}").contains("secret"));
/// ```
#[derive(Clone, Default)]
pub struct Accounts {
    users: BTreeMap<String, User>,
    anonymous: Vec<Permission>,
}

#[derive(Clone)]
struct User {
    password: Digest,
    permissions: Vec<Permission>,
}

impl Accounts {
    /// Nobody may do anything.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a user.
    #[must_use]
    pub fn with_user(
        mut self,
        name: impl Into<String>,
        password: impl AsRef<str>,
        permissions: impl IntoIterator<Item = Permission>,
    ) -> Self {
        let password = Digest::of(password.as_ref().as_bytes());
        self.users.insert(name.into(), User { password, permissions: permissions.into_iter().collect() });
        self
    }

    /// Adds permissions of those who do not say who they are.
    #[must_use]
    pub fn with_anonymous(mut self, permissions: impl IntoIterator<Item = Permission>) -> Self {
        self.anonymous.extend(permissions);
        self
    }

    /// Whether the password is that of the user. Hashes are compared, so that the time says nothing about it.
    pub(crate) fn check(&self, name: &str, password: &str) -> bool {
        let given = Digest::of(password.as_bytes());
        self.users.get(name).is_some_and(|user| user.password == given)
    }

    /// What someone may do in a repository; without a name, what anyone may do.
    pub(crate) fn actions(&self, user: Option<&str>, repository: &str) -> Actions {
        let own = user.and_then(|name| self.users.get(name)).map(|user| user.permissions.as_slice());
        let permissions = own.unwrap_or_default().iter().chain(&self.anonymous);
        permissions.fold(Actions::default(), |actions, permission| actions.union(permission.actions_in(repository)))
    }

    pub(crate) fn knows(&self, user: &str) -> bool {
        self.users.contains_key(user)
    }
}

impl fmt::Debug for Accounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let users: BTreeMap<_, _> = self.users.iter().map(|(name, user)| (name, &user.permissions)).collect();
        f.debug_struct("Accounts").field("users", &users).field("anonymous", &self.anonymous).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn permissions_hold_where_their_pattern_fits() {
        let accounts = Accounts::new()
            .with_user("ci", "word", [Permission::push("team/*"), Permission::pull("base")])
            .with_anonymous([Permission::pull("public/*")]);
        let cases = [
            (Some("ci"), "team/a", Actions::PUSH),
            (Some("ci"), "teams", Actions::default()),
            (Some("ci"), "base", Actions::PULL),
            (Some("ci"), "base/x", Actions::default()),
            (Some("ci"), "public/x", Actions::PULL),
            (None, "public/x", Actions::PULL),
            (None, "team/a", Actions::default()),
            (Some("nobody"), "team/a", Actions::default()),
        ];
        for (user, repository, expected) in cases {
            assert_eq!(accounts.actions(user, repository), expected, "{user:?} {repository}");
        }
    }

    #[test]
    fn knows_passwords() {
        let accounts = Accounts::new().with_user("a", "b", []);
        assert!(accounts.check("a", "b"));
        assert!(!accounts.check("a", ""));
        assert!(!accounts.check("", ""));
    }

    #[test]
    fn prints_actions_in_order() {
        assert_eq!(Actions::parse("delete,pull,x").to_string(), "pull,delete");
        assert_eq!(Actions::parse("*"), Actions::ALL);
        assert_eq!(Actions::default().to_string(), "");
    }
}
