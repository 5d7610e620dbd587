//! Image layouts on a disk, directories and archives: written by ours, copied by a tool of others with what it reads and
//! writes, and read by ours again. Equal digests at the end mean that both understood the other.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::driver::Driver;
use super::matrix::Check;
use crate::lab::error::{Doing, LabError};
use crate::lab::peers::{self, Peer};
use crate::lab::process;
use crate::lab::registries::{self, Access};
use crate::lab::server::RunningServer;

/// A few kilobytes on a disk, or over loopback.
const TOOL_LIMIT: Duration = Duration::from_secs(60);

/// What a tool does with a layout of ours, in the directory of all layouts; `HOST` stands for a registry, for tools that
/// speak to a layout and a registry only.
struct Crossing {
    tool: &'static str,
    what: &'static str,
    commands: &'static [&'static str],
    /// The layout that it writes.
    written: &'static str,
    /// Whether that is one image, and not the index of two.
    is_image: bool,
    /// How many manifests refer to it then, ours and theirs.
    referrers: usize,
}

const CROSSINGS: &[Crossing] = &[
    crossing(
        ("oras", "directory"),
        &[
            "cp -r --from-oci-layout layout:v1 --to-oci-layout oras:v1",
            "attach --artifact-type application/x-note --oci-layout oras:v1 note.txt",
        ],
        "oras",
    )
    .with_referrers(2),
    crossing(
        ("oras", "tar"),
        &["cp --from-oci-layout layout.tar:v1 HOST/layouts/oras:v1", "backup --output oras.tar HOST/layouts/oras:v1"],
        "oras.tar",
    ),
    crossing(
        ("regctl", "directory"),
        &[
            "image copy ocidir://layout:v1 ocidir://regctl:v1",
            "artifact put --artifact-type application/x-note --subject ocidir://regctl:v1 --file note.txt",
        ],
        "regctl",
    )
    .with_referrers(1),
    crossing(
        ("regctl", "tar"),
        &["image import ocidir://regctl-from-tar:v1 layout.tar", "image export ocidir://regctl-from-tar:v1 regctl.tar"],
        "regctl.tar",
    ),
    crossing(("regctl", "tar.gz"), &["image import ocidir://regctl-from-gz:v1 layout.tar.gz"], "regctl-from-gz"),
    crossing(
        ("crane", "directory"),
        &["push image HOST/layouts/crane:v1", "pull --format=oci HOST/layouts/crane:v1 crane"],
        "crane",
    )
    .of_image(),
    crossing(
        ("skopeo", "directory"),
        &["--insecure-policy copy --all --preserve-digests oci:layout:v1 oci:skopeo:v1"],
        "skopeo",
    ),
    crossing(
        ("skopeo", "tar"),
        &["--insecure-policy copy --all --preserve-digests oci-archive:layout.tar:v1 oci-archive:skopeo.tar:v1"],
        "skopeo.tar",
    ),
    crossing(
        ("skopeo", "tar.gz"),
        &["--insecure-policy copy --all --preserve-digests oci-archive:layout.tar.gz:v1 oci:skopeo-from-gz:v1"],
        "skopeo-from-gz",
    ),
];

const fn crossing(
    (tool, what): (&'static str, &'static str),
    commands: &'static [&'static str],
    written: &'static str,
) -> Crossing {
    Crossing { tool, what, commands, written, is_image: false, referrers: 0 }
}

impl Crossing {
    const fn with_referrers(self, referrers: usize) -> Self {
        Self { referrers, ..self }
    }

    const fn of_image(self) -> Self {
        Self { is_image: true, ..self }
    }
}

/// What was checked with each tool that is here; one that is not is named and left out.
pub(super) fn with_all(driver: &Driver) -> Vec<Check> {
    match Site::new(driver) {
        Ok(site) => peers::with_layouts().iter().flat_map(|peer| site.cross(peer)).collect(),
        Err(error) => vec![Check::failed("layouts", &error)],
    }
}

/// The layouts of ours, and a registry.
struct Site<'a> {
    driver: &'a Driver,
    work: TempDir,
    server: RunningServer,
    root: String,
    image: String,
}

impl<'a> Site<'a> {
    fn new(driver: &'a Driver) -> Result<Self, LabError> {
        let work = tempfile::tempdir().doing("make a directory")?;
        fs::write(work.path().join("note.txt"), "noted\n").doing("write a file")?;
        let started = registries::all().iter().find_map(|registry| registry.start(&Access::PLAIN).ok());
        let server = started.ok_or_else(|| LabError::failed("start a registry", "none of the lab starts"))?;
        let made = driver.make_layouts(work.path())?;
        let [root, image] = [made.one("digest ")?, made.one("image ")?];
        Ok(Self { driver, work, server, root, image })
    }

    fn cross(&self, peer: &Peer) -> Vec<Check> {
        if let Err(error @ LabError::Missing { .. }) = peer.tool().path() {
            println!("image layouts: skipped: {error}");
            return Vec::new();
        }
        let crossings = CROSSINGS.iter().filter(|crossing| crossing.tool == peer.name());
        let check = |crossing: &Crossing| {
            let crossed = self.check(peer, crossing);
            Check::of(peer.name(), crossed.map_err(|error| format!("{}: {error}", crossing.what)))
        };
        crossings.map(check).collect()
    }

    fn check(&self, peer: &Peer, crossing: &Crossing) -> Result<(), LabError> {
        for line in crossing.commands {
            let line = line.replace("HOST", &self.server.host());
            let mut command: Command = peer.command(&self.server)?;
            process::output(command.args(line.split(' ')).current_dir(self.work.path()), TOOL_LIMIT)?;
        }
        let written: &Path = &self.work.path().join(crossing.written);
        let (expected, reference) =
            if crossing.is_image { (&self.image, self.image.as_str()) } else { (&self.root, "v1") };
        let read = self.driver.read_layout(written, reference)?;
        let found = (read.one("digest ")?, read.all("referrer ").count());
        if found == (expected.clone(), crossing.referrers) {
            return Ok(());
        }
        let reason = format!("expected {:?}, found {found:?}", (expected, crossing.referrers));
        Err(LabError::failed("compare digest and number of referrers", reason))
    }
}
