//! Names of files: where they lead, and whether every platform can keep them.

use std::{error::Error as StdError, fmt, path::Path};

use oras_content::{Error, ErrorKind};

/// The longest part of a path that every common file system takes, in bytes.
const MAX_PART_LEN: usize = 255;

/// Why a name cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// There is no name.
    Missing,
    /// The store has content of that name.
    Duplicate {
        /// The name.
        name: String,
    },
    /// The name leads out of the store's directory.
    Outside {
        /// The name.
        name: String,
    },
    /// There is a file of that name, and the store was told not to overwrite.
    Exists {
        /// The name.
        name: String,
    },
    /// Some platform cannot keep a file of that name.
    NotPortable {
        /// The name.
        name: String,
        /// What is wrong with it.
        reason: &'static str,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => write!(f, "a file needs a name"),
            Self::Duplicate { name } => write!(f, "the name {name:?} is taken"),
            Self::Outside { name } => write!(f, "the name {name:?} leads out of the directory"),
            Self::Exists { name } => write!(f, "the file {name:?} exists and is not to be overwritten"),
            Self::NotPortable { name, reason } => write!(f, "the name {name:?} is not portable: {reason}"),
        }
    }
}

impl StdError for NameError {}

impl From<NameError> for Error {
    fn from(error: NameError) -> Self {
        let kind = match error {
            NameError::Missing => ErrorKind::MissingReference,
            NameError::NotPortable { .. } => ErrorKind::Unsupported,
            NameError::Duplicate { .. } | NameError::Outside { .. } | NameError::Exists { .. } => ErrorKind::Denied,
        };
        Self::new(kind, error.to_string()).with_source(error)
    }
}

/// Checks that every platform can keep a file of a name: relative, clean, with slashes, and with nothing in it that
/// Windows reserves.
///
/// # Errors
///
/// [`NameError::Missing`] or [`NameError::NotPortable`], with the reason.
pub fn check_portable_name(name: &str) -> Result<(), NameError> {
    if name.is_empty() {
        return Err(NameError::Missing);
    }
    match problem(name).or_else(|| name.split('/').find_map(problem_of_part)) {
        None => Ok(()),
        Some(reason) => Err(NameError::NotPortable { name: name.to_owned(), reason }),
    }
}

fn problem(name: &str) -> Option<&'static str> {
    if name.starts_with('/') {
        return Some("it is absolute");
    }
    if name.contains('\\') {
        return Some("it has a backslash");
    }
    if name.len() >= 2 && name.as_bytes().get(1) == Some(&b':') {
        return Some("it begins with a drive");
    }
    None
}

fn problem_of_part(part: &str) -> Option<&'static str> {
    match part {
        "" => Some("it has an empty part"),
        "." => Some("it has a part that is a dot"),
        ".." => Some("it has a part that leads upwards"),
        _ if part.len() > MAX_PART_LEN => Some("a part of it is longer than 255 bytes"),
        _ if part.chars().any(|c| c.is_control()) => Some("it has a control character"),
        _ if part.contains(['<', '>', ':', '"', '|', '?', '*']) => Some("it has a character that Windows reserves"),
        _ if part.ends_with(['.', ' ']) => Some("a part of it ends with a dot or a space"),
        _ if is_device(part) => Some("a part of it is the name of a device on Windows"),
        _ => None,
    }
}

/// Windows takes these for devices, whatever follows the first dot.
fn is_device(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default().trim_end().to_ascii_uppercase();
    if ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"].contains(&stem.as_str()) {
        return true;
    }
    let number = stem.strip_prefix("COM").or_else(|| stem.strip_prefix("LPT"));
    let mut digits = number.unwrap_or_default().chars();
    digits.next().is_some_and(|c| c.is_ascii_digit() || ['¹', '²', '³'].contains(&c)) && digits.next().is_none()
}

/// Where a name leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    /// The parts of a path below the directory; none for the directory itself.
    Inside(Vec<String>),
    /// Out of it.
    Outside,
}

/// Follows a name from the directory `root`, by its text alone. An absolute name inside the directory is inside.
pub(crate) fn follow(root: &Path, name: &str) -> Target {
    let is_separator = |c: char| c == '/' || (cfg!(windows) && c == '\\');
    let relative = match Path::new(name).strip_prefix(root).ok().and_then(Path::to_str) {
        Some(relative) if Path::new(name).is_absolute() => relative,
        _ if Path::new(name).is_absolute() || Path::new(name).has_root() => return Target::Outside,
        _ => name,
    };
    if cfg!(windows) && relative.contains(':') {
        return Target::Outside;
    }
    let mut parts: Vec<String> = Vec::new();
    for part in relative.split(is_separator) {
        match part {
            "" | "." => {}
            ".." if parts.pop().is_none() => return Target::Outside,
            ".." => {}
            part => parts.push(part.to_owned()),
        }
    }
    Target::Inside(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn portable_names_are_accepted() {
        for good in ["a", "a/b.txt", "..a", "a..b", ".hidden", "é/日本", "console", "COM10", "com", "lptx", "a b"] {
            assert_eq!(check_portable_name(good), Ok(()), "{good}");
        }
    }

    #[test]
    fn names_that_some_platform_cannot_keep_are_refused_with_the_reason() {
        let long = "n".repeat(256);
        let cases = [
            ("/a", "absolute"),
            ("a\\b", "backslash"),
            ("C:/x", "drive"),
            ("c:x", "drive"),
            ("./a", "is a dot"),
            ("a//b", "empty"),
            ("a/", "empty"),
            ("..", "upwards"),
            ("a/../b", "upwards"),
            ("a:b", "drive"),
            ("aa:b", "reserves"),
            ("a?", "reserves"),
            ("a\nb", "control"),
            ("a.", "ends with"),
            ("a /b", "ends with"),
            ("nul", "device"),
            ("a/CON.txt", "device"),
            ("Com1", "device"),
            ("LPT9.tar.gz", "device"),
            ("com¹", "device"),
            (long.as_str(), "255"),
        ];
        for (name, expected) in cases {
            match check_portable_name(name) {
                Err(NameError::NotPortable { reason, .. }) => assert!(reason.contains(expected), "{name}: {reason}"),
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(check_portable_name(""), Err(NameError::Missing));
    }

    #[cfg(unix)]
    #[test]
    fn names_are_followed_by_their_text() {
        let inside = |parts: &[&str]| Target::Inside(parts.iter().map(|part| (*part).to_owned()).collect());
        let cases = [
            ("a", inside(&["a"])),
            ("a/b", inside(&["a", "b"])),
            ("./a//b/", inside(&["a", "b"])),
            ("a/../b", inside(&["b"])),
            ("a/..", inside(&[])),
            (".", inside(&[])),
            ("..a", inside(&["..a"])),
            ("a\\b", inside(&["a\\b"])),
            ("C:/x", inside(&["C:", "x"])),
            ("/home/dir/x", inside(&["x"])),
            ("..", Target::Outside),
            ("a/../../b", Target::Outside),
            ("/home/dirx", Target::Outside),
            ("/home/dir/../x", Target::Outside),
            ("/etc/passwd", Target::Outside),
        ];
        for (name, expected) in cases {
            assert_eq!(follow(Path::new("/home/dir"), name), expected, "{name}");
        }
    }
}
