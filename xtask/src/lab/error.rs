//! Why the lab could not do what was asked.

use std::fmt::Display;

/// An outcome of the lab that is not a success.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum LabError {
    /// A program is not on this machine and cannot be built here.
    #[error("{tool} is missing: {remedy}")]
    Missing {
        /// The program.
        tool: String,
        /// What to do about it.
        remedy: String,
    },
    /// A registry cannot be reached in the way that was asked for.
    #[error("{registry} has no {access} access")]
    Unsupported {
        /// The registry.
        registry: &'static str,
        /// The way.
        access: &'static str,
    },
    /// Something went wrong.
    #[error("{task}: {reason}")]
    Failed {
        /// What was being done.
        task: String,
        /// What happened.
        reason: String,
    },
}

impl LabError {
    /// A failure of `task`.
    pub(crate) fn failed(task: impl Into<String>, reason: impl Display) -> Self {
        Self::Failed { task: task.into(), reason: reason.to_string() }
    }
}

/// Says what was being done when an error came.
pub(crate) trait Doing<T> {
    /// Turns an error into a [`LabError::Failed`] of `task`.
    fn doing(self, task: &str) -> Result<T, LabError>;
}

impl<T, E: Display> Doing<T> for Result<T, E> {
    fn doing(self, task: &str) -> Result<T, LabError> {
        self.map_err(|error| LabError::failed(task, error))
    }
}
