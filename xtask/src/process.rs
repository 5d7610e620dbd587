//! Other programs: started, waited for, and their failures put into words.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What a task answers; a failure is a sentence for the person who reads the log.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// The directory of the workspace.
pub(crate) fn root() -> PathBuf {
    let manifest =
        std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
    manifest.parent().map_or_else(|| PathBuf::from("."), Path::to_path_buf)
}

/// The cargo that runs us, to be run again in the workspace.
pub(crate) fn cargo() -> Command {
    let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(program);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Any other program, to be run in the workspace.
pub(crate) fn program(name: &str) -> Command {
    let mut command = Command::new(name);
    command.current_dir(root()).stdin(Stdio::null());
    command
}

/// Runs to the end and answers what was printed.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let answer = command.output().map_err(|error| format!("cannot run {command:?}: {error}"))?;
    if !answer.status.success() {
        let reason = String::from_utf8_lossy(&answer.stderr);
        return Err(format!("{command:?}: {}: {reason}", answer.status));
    }
    String::from_utf8(answer.stdout).map_err(|error| format!("{command:?}: {error}"))
}

/// Runs to the end, printing as it goes, and answers whether it succeeded.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    match command.status() {
        Ok(status) => status.success(),
        Err(error) => {
            eprintln!("cannot run {command:?}: {error}");
            false
        }
    }
}

/// Runs silently, and answers whether it could be run and succeeded.
pub(crate) fn probe(command: &mut Command) -> bool {
    command.stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|status| status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_what_was_printed() {
        let text = output(cargo().arg("--version")).unwrap();
        assert!(text.starts_with("cargo "));
    }

    #[test]
    fn says_which_program_failed() {
        let error = output(cargo().arg("no-such-command")).unwrap_err();
        assert!(error.contains("no-such-command"));
        assert!(!probe(cargo().arg("no-such-command")));
        assert!(!succeeds(&mut program("no-such-program-at-all")));
    }

    #[test]
    fn knows_the_workspace() {
        assert!(root().join("xtask/Cargo.toml").is_file());
    }
}
