//! Paths in an archive: where they lead below the directory that is unpacked.

use std::path::{Path, PathBuf};

use oras_content::{Error, ErrorKind, Result};

use crate::{name::check_portable_name, pack::clean};

/// Knows what every path of an archive begins with.
pub(crate) struct ArchivePaths {
    /// The title under which the archive was packed, in parts.
    title: Vec<Vec<u8>>,
    /// The directory that is unpacked, in parts, for names that are absolute.
    shown: Vec<Vec<u8>>,
    portable: bool,
}

impl ArchivePaths {
    pub(crate) fn new(title: &str, shown: &Path, portable: bool) -> Self {
        let parts = |path: &[u8]| path.split(|b| *b == b'/').filter(|p| !p.is_empty()).map(<[u8]>::to_vec).collect();
        Self { title: parts(&clean(title)), shown: parts(shown.as_os_str().as_encoded_bytes()), portable }
    }

    /// The path of an entry below the directory; empty for the directory itself.
    pub(crate) fn locate(&self, path: &[u8]) -> Result<PathBuf> {
        let parts: Vec<&[u8]> = path.split(|b| *b == b'/').filter(|part| !matches!(*part, b"" | b".")).collect();
        if parts.contains(&b"..".as_slice()) {
            return Err(outside(path));
        }
        let prefix = if path.starts_with(b"/") { &self.shown } else { &self.title };
        let begins = parts.len() >= prefix.len() && parts.iter().zip(prefix).all(|(part, prefix)| part == prefix);
        let rest = parts.get(prefix.len()..).filter(|_| begins).ok_or_else(|| outside(path))?;
        let located = text(&rest.join(&b'/'))?;
        if self.portable && !rest.is_empty() {
            check_portable_name(&located.to_string_lossy())?;
        }
        Ok(located)
    }
}

fn outside(path: &[u8]) -> Error {
    let message = format!("the entry {:?} is outside of the directory", String::from_utf8_lossy(path));
    Error::new(ErrorKind::Denied, message)
}

/// Bytes of an archive as a path of this platform.
#[cfg(unix)]
pub(crate) fn text(bytes: &[u8]) -> Result<PathBuf> {
    use std::{ffi::OsStr, os::unix::ffi::OsStrExt as _};
    if bytes.contains(&0) {
        return Err(Error::new(ErrorKind::Corrupt, "a path in an archive has a zero byte"));
    }
    Ok(OsStr::from_bytes(bytes).into())
}

#[cfg(not(unix))]
pub(crate) fn text(bytes: &[u8]) -> Result<PathBuf> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.contains('\0'));
    let text = text.ok_or_else(|| Error::new(ErrorKind::Corrupt, "a path in an archive is not valid here"))?;
    Ok(text.into())
}
