//! One run of the suite, and the registry that it runs against.

use std::fmt;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use super::counts::Counts;
use crate::lab::error::{Doing, LabError};
use crate::lab::process::{self, Guarded};

/// A build of everything from nothing.
pub(super) const BUILD_LIMIT: Duration = Duration::from_secs(900);
/// A run takes a second or two; a loaded machine gets more.
const RUN_LIMIT: Duration = Duration::from_secs(120);
/// The registry is ready at once; a loaded machine gets more.
const READY_LIMIT: Duration = Duration::from_secs(20);
/// What chunks must at least have where the registry asks for a least size.
const MIN_CHUNK: &str = "262144";
/// Name and password of the only user.
const USER: (&str, &str) = ("conformance", "secret");

/// What is combined to a run.
#[derive(Clone, Copy, Debug)]
pub(super) struct Run {
    profile: &'static str,
    storage: Storage,
    auth: Option<&'static str>,
    min_chunk: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Storage {
    Memory,
    Disk,
}

impl Run {
    /// Every combination.
    pub(super) fn all() -> Vec<Self> {
        let mut runs = Vec::new();
        for storage in [Storage::Memory, Storage::Disk] {
            for auth in [None, Some("basic"), Some("token")] {
                for min_chunk in [false, true] {
                    runs.extend(["1.1", "dev"].map(|profile| Self { profile, storage, auth, min_chunk }));
                }
            }
        }
        runs
    }

    /// Whether the outcome is good: nothing failed and nothing was skipped. Only the profile of the released version
    /// switches tests off.
    pub(super) fn accepts(&self, counts: &Counts) -> bool {
        counts.failed == 0 && counts.skipped == 0 && (counts.disabled == 0 || self.profile != "dev")
    }

    /// Starts a registry and lets the suite test it.
    pub(super) fn make(&self, registry: &Path, suite: &Path) -> Result<Counts, LabError> {
        let task = format!("conformance of {self}");
        let work = tempfile::Builder::new().prefix("conformance-").tempdir().doing(&task)?;
        let server = self.start(registry, &work, &task)?;
        let results = work.path().join("results");
        let mut command = Command::new(suite);
        command
            .current_dir(work.path())
            .env("OCI_VERSION", self.profile)
            .env("OCI_REGISTRY", &server.host)
            .env("OCI_TLS", "disabled")
            .env("OCI_REPO1", "conformance/one")
            .env("OCI_REPO2", "conformance/two")
            .env("OCI_DATA_SPARSE", "true")
            .env("OCI_RESULTS_DIR", &results)
            .env("OCI_LOG", "error");
        if self.auth.is_some() {
            command.env("OCI_USERNAME", USER.0).env("OCI_PASSWORD", USER.1);
        }
        // The suite says by its exit code that tests failed, which its report says better.
        let ended = process::output(&mut command, RUN_LIMIT);
        let report = fs::read_to_string(results.join("junit.xml")).unwrap_or_default();
        let counts = Counts::parse(&report);
        counts.ok_or_else(|| match ended {
            Err(error) => error,
            Ok(_) => LabError::failed(&task, "the suite ended without testing anything: is it configured wrongly?"),
        })
    }

    fn start(&self, registry: &Path, work: &TempDir, task: &str) -> Result<Server, LabError> {
        let log = work.path().join("log");
        let mut command = Command::new(registry);
        command.args(["serve", "--addr", "127.0.0.1:0", "--sparse"]);
        if self.storage == Storage::Disk {
            command.arg("--root").arg(work.path().join("root"));
        }
        if let Some(auth) = self.auth {
            command.args(["--auth", auth, "--user", &format!("{}:{}", USER.0, USER.1)]);
        }
        if self.min_chunk {
            command.args(["--min-chunk", MIN_CHUNK]);
        }
        command.stdout(fs::File::create(&log).doing(task)?).stderr(Stdio::inherit());
        let mut process = Guarded::start(&mut command)?;
        let port = process::wait_for(READY_LIMIT, || {
            if let Some(status) = process.ended()? {
                return Err(LabError::failed(task, format!("the registry ended: {status}")));
            }
            let printed = fs::read_to_string(&log).doing(task)?;
            let line = printed.split_once('\n').map(|(line, _)| line);
            Ok(line.and_then(|line| line.rsplit(':').next()).map(str::to_owned))
        })?;
        let port = port.ok_or_else(|| LabError::failed(task, "the registry was not ready in time"))?;
        // Careful clients refuse a token server at a literal address.
        Ok(Server { host: format!("localhost:{port}"), _process: process })
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let storage = match self.storage {
            Storage::Memory => "memory",
            Storage::Disk => "disk",
        };
        let chunks = if self.min_chunk { ", least chunk" } else { "" };
        write!(f, "{} {storage}, {}{chunks}", self.profile, self.auth.unwrap_or("no auth"))
    }
}

/// A registry that runs until it is dropped.
struct Server {
    host: String,
    _process: Guarded,
}
