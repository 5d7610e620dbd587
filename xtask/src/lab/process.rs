//! Other programs, none of which may run for ever.

use std::fs;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::error::{Doing, LabError};

/// Time between two looks at a condition.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Asks `condition` until it answers, or `None` when `limit` has passed.
pub(crate) fn wait_for<T>(
    limit: Duration,
    mut condition: impl FnMut() -> Result<Option<T>, LabError>,
) -> Result<Option<T>, LabError> {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(answer) = condition()? {
            return Ok(Some(answer));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        #[expect(clippy::disallowed_methods, reason = "between two looks at a condition, under a deadline")]
        std::thread::sleep(LOOK_AGAIN);
    }
}

/// A child that is killed by its id when dropped.
#[derive(Debug)]
pub(crate) struct Guarded(Child);

impl Guarded {
    /// Starts `command`.
    pub(crate) fn start(command: &mut Command) -> Result<Self, LabError> {
        let task = format!("start {}", command.get_program().display());
        command.stdin(Stdio::null()).spawn().map(Self).doing(&task)
    }

    /// The id of the process.
    pub(crate) fn id(&self) -> u32 {
        self.0.id()
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Result<Option<ExitStatus>, LabError> {
        self.0.try_wait().doing("look after a process")
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        // Both fail only when the process is gone, which is what is wanted.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs `command` to its end and gives what it printed; fails with all that it said when it does, or when `limit` has
/// passed.
pub(crate) fn output(command: &mut Command, limit: Duration) -> Result<String, LabError> {
    let task = format!("run {command:?}");
    let printed = NamedTempFile::new().doing(&task)?;
    let complaint = NamedTempFile::new().doing(&task)?;
    command.stdout(printed.reopen().doing(&task)?).stderr(complaint.reopen().doing(&task)?);
    let mut child = Guarded::start(command)?;
    let Some(status) = wait_for(limit, || child.ended())? else {
        return Err(LabError::failed(task, format!("not done after {} s", limit.as_secs())));
    };
    let mut said = fs::read(printed.path()).doing(&task)?;
    if !status.success() {
        said.extend(fs::read(complaint.path()).doing(&task)?);
    }
    let text = String::from_utf8_lossy(&said).into_owned();
    if status.success() { Ok(text) } else { Err(LabError::failed(task, format!("{status}: {}", text.trim_end()))) }
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, limit: Duration) -> Result<String, LabError> {
        output(Command::new("sh").args(["-c", script]), limit)
    }

    #[test]
    fn gives_what_was_printed_or_complained() {
        let limit = Duration::from_secs(20);
        assert_eq!(shell("echo out; echo err >&2", limit).unwrap(), "out\n");
        assert!(shell("echo out; echo err >&2; exit 3", limit).unwrap_err().to_string().ends_with(": out\nerr"));
    }

    #[test]
    fn ends_what_does_not_end() {
        let error = shell("exec sleep 60", Duration::from_millis(50)).unwrap_err();
        assert!(error.to_string().contains("not done"), "{error}");
    }
}
