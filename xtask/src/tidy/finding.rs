//! What a check found.

use std::fmt;

/// A place and what is wrong there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Finding {
    path: String,
    line: usize,
    message: String,
    warning: bool,
}

impl Finding {
    /// Something that fails the run; lines count from 1.
    pub(crate) fn error(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, message: message.into(), warning: false }
    }

    /// Something that is said and fails nothing.
    pub(crate) fn warning(path: &str, line: usize, message: impl Into<String>) -> Self {
        Self { warning: true, ..Self::error(path, line, message) }
    }

    pub(crate) const fn is_warning(&self) -> bool {
        self.warning
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = if self.warning { "warning: " } else { "" };
        write!(f, "{}:{}: {mark}{}", self.path, self.line, self.message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_path_line_and_message() {
        let error = Finding::error("a.rs", 3, "wrong");
        assert_eq!(error.to_string(), "a.rs:3: wrong");
        let warning = Finding::warning("a.rs", 3, "odd");
        assert_eq!(warning.to_string(), "a.rs:3: warning: odd");
    }
}
