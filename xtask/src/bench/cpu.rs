//! The CPU time of a process that goes on.

use std::fs;

/// Linux counts the times in `/proc` in hundredths of a second for programs, whatever its own clock does.
const TICKS: f64 = 100.0;

/// Seconds of user and system time that a process has taken so far; `None` where the system does not tell.
pub(super) fn of_process(id: u32) -> Option<f64> {
    parse(&fs::read_to_string(format!("/proc/{id}/stat")).ok()?)
}

/// Fields 14 and 15 of `proc_pid_stat(5)`. The second is a name in parentheses, which may hold anything.
fn parse(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut times = fields.split_whitespace().skip(11).map(str::parse::<f64>);
    let (user, system) = (times.next()?.ok()?, times.next()?.ok()?);
    Some((user + system) / TICKS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_user_and_system_time_behind_any_name() {
        for name in ["registry", "a) R 1 (b", ""] {
            let stat = format!("42 ({name}) S 1 42 42 0 -1 4194560 1 2 3 4 150 25 7 8 20 0 5 0 99\n");
            assert_eq!(parse(&stat), Some(1.75), "{name}");
        }
        for broken in ["", "42 (name", "42 (name) S 1 2", "42 (name) S 1 42 42 0 -1 4194560 1 2 3 4 x 25"] {
            assert_eq!(parse(broken), None, "{broken}");
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_has_some_and_one_that_is_not_there_has_none() {
        assert!(of_process(std::process::id()).is_some());
        assert_eq!(of_process(u32::MAX), None);
    }
}
