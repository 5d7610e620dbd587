use std::fmt;

use oras_content::{Error, ErrorKind, Result};

/// Whether a store keeps a rule.
pub type Verdict = std::result::Result<(), Violation>;

/// How a store breaks a rule: what was expected, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation(String);

impl Violation {
    pub(super) fn new(message: String) -> Self {
        Self(message)
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Violation {}

impl From<Error> for Violation {
    /// A call that should have succeeded failed.
    fn from(error: Error) -> Self {
        Self(format!("expected success, found {:?}: {error}", error.kind()))
    }
}

/// Breaks the rule unless the condition holds.
macro_rules! ensure {
    ($holds:expr, $($message:tt)*) => {
        if !$holds {
            return Err($crate::contract::verdict::Violation::new(format!($($message)*)));
        }
    };
}
pub(super) use ensure;

/// Breaks the rule unless `result` failed with `kind`; gives the error.
pub(super) fn fails<V>(what: &str, result: Result<V>, kind: ErrorKind) -> std::result::Result<Error, Violation> {
    match result {
        Ok(_) => Err(Violation::new(format!("{what}: expected {kind:?}, found success"))),
        Err(error) if error.kind() == kind => Ok(error),
        Err(error) => Err(Violation::new(format!("{what}: expected {kind:?}, found {:?}: {error}", error.kind()))),
    }
}

/// Breaks the rule unless both are equal.
#[expect(clippy::needless_pass_by_value, reason = "most callers make the values for this")]
pub(super) fn equal<V: PartialEq + fmt::Debug>(what: &str, found: V, expected: V) -> Verdict {
    ensure!(found == expected, "{what}: expected {expected:?}, found {found:?}");
    Ok(())
}
