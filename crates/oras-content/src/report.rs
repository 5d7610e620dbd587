use std::{error::Error as StdError, fmt};

/// How many causes are told. Real chains have three or four.
const MAX_CAUSES: usize = 16;

/// An error and what lies below it, in one line for a person: what failed, with which thing, and why.
///
/// A cause that only repeats the end of what was said is left out.
///
/// ```
/// use oras_content::{Error, ErrorKind, Report};
///
/// let refused = std::io::Error::other("connection refused");
/// let error = Error::new(ErrorKind::Io, "cannot reach localhost:5000").with_source(refused);
/// assert_eq!(Report::new(&error).to_string(), "cannot reach localhost:5000: connection refused");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Report<'a>(&'a (dyn StdError + 'static));

impl<'a> Report<'a> {
    /// The report of an error.
    pub fn new(error: &'a (dyn StdError + 'static)) -> Self {
        Self(error)
    }
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut said = self.0.to_string();
        f.write_str(&said)?;
        let causes = std::iter::successors(self.0.source(), |cause| (*cause).source());
        for cause in causes.take(MAX_CAUSES) {
            let text = cause.to_string();
            if !said.ends_with(&text) {
                write!(f, ": {text}")?;
                said = text;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::{Error, ErrorKind};

    #[test]
    fn tells_every_level_once() {
        let inner = Error::new(ErrorKind::Io, "connection refused");
        let middle = Error::new(ErrorKind::Io, "cannot connect: connection refused").with_source(inner);
        let same = Error::new(ErrorKind::Io, "cannot connect: connection refused").with_source(middle);
        let outer = Error::new(ErrorKind::Io, "cannot push x").with_source(same);
        assert_eq!(Report::new(&outer).to_string(), "cannot push x: cannot connect: connection refused");
    }

    #[test]
    fn an_error_without_a_cause_is_its_message() {
        assert_eq!(Report::new(&Error::unsupported("flying")).to_string(), "flying is not supported");
    }
}
