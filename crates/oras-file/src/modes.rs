//! Modes of files and directories, and links, where the platform has them.

use std::{fs::File, io, path::Path};

use cap_std::fs::{Dir, OpenOptions};

/// Whether modes are those of the archive, or what the process's mask leaves of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Modes {
    pub(crate) preserve: bool,
}

impl Modes {
    pub(crate) fn finish_file(self, file: &File, mode: u32) -> io::Result<()> {
        if self.preserve { set(file, mode) } else { Ok(()) }
    }

    /// While it was filled, a directory had every right of its owner.
    pub(crate) fn finish_dir(self, dir: &File, mode: u32) -> io::Result<()> {
        if self.preserve {
            return set(dir, mode);
        }
        let Some(now) = get(dir)? else { return Ok(()) };
        if now & mode == now { Ok(()) } else { set(dir, now & mode) }
    }
}

#[cfg(unix)]
mod system {
    use std::os::unix::fs::PermissionsExt as _;

    use cap_std::fs::{DirBuilder, DirBuilderExt as _, OpenOptionsExt as _};

    use super::{Dir, File, OpenOptions, Path, io};

    pub(crate) fn set(file: &File, mode: u32) -> io::Result<()> {
        file.set_permissions(std::fs::Permissions::from_mode(mode))
    }

    pub(super) fn get(file: &File) -> io::Result<Option<u32>> {
        Ok(Some(file.metadata()?.permissions().mode() & 0o7777))
    }

    pub(crate) fn of_new_file(options: &mut OpenOptions, mode: u32) {
        options.mode(mode);
    }

    pub(crate) fn create_dir(dir: &Dir, name: &Path, mode: u32) -> io::Result<()> {
        let mut builder = DirBuilder::new();
        builder.mode(mode | 0o700);
        dir.create_dir_with(name, &builder)
    }

    pub(crate) fn symlink(dir: &Dir, target: &Path, name: &Path) -> io::Result<()> {
        dir.symlink_contents(target, name)
    }
}

#[cfg(not(unix))]
mod system {
    use super::{Dir, File, OpenOptions, Path, io};

    pub(crate) fn set(_: &File, _: u32) -> io::Result<()> {
        Ok(())
    }

    pub(super) fn get(_: &File) -> io::Result<Option<u32>> {
        Ok(None)
    }

    pub(crate) fn of_new_file(_: &mut OpenOptions, _: u32) {}

    pub(crate) fn create_dir(dir: &Dir, name: &Path, _: u32) -> io::Result<()> {
        dir.create_dir(name)
    }

    pub(crate) fn symlink(_: &Dir, _: &Path, _: &Path) -> io::Result<()> {
        Err(io::Error::new(io::ErrorKind::Unsupported, "links in archives are not supported on this platform"))
    }
}

use system::get;
pub(crate) use system::{create_dir, of_new_file, set, symlink};
