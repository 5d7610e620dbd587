//! A compressed archive on its way into a temporary file, which never grows beyond what the options allow.

use std::{
    fs::File,
    io::{self, BufReader, Read, Write as _},
    path::Path,
};

use oras_content::{Error, ErrorKind, Result, fs::failed};
use tempfile::{NamedTempFile, TempPath};

use crate::{options::TarOptions, tar_reader::unreadable};

/// How much is unpacked at once.
const BUFFER: usize = 256 * 1024;

/// Unpacks the archive that is at `path`; for blocking threads only.
pub(crate) fn inflate(archive: File, path: &Path, options: &TarOptions) -> Result<TempPath> {
    let packed = archive.metadata().map_err(|error| failed("look at", path, error))?.len();
    let dir = options.unpack_dir();
    let temp = tempfile::Builder::new().prefix("layout-").suffix(".tar").tempfile_in(&dir);
    let mut unpacked = temp.map_err(|error| failed("create a file in", &dir, error))?;
    let content = flate2::read::MultiGzDecoder::new(BufReader::with_capacity(BUFFER, archive));
    copy(content, path, &mut unpacked, options.max_unpacked(packed))?;
    Ok(unpacked.into_temp_path())
}

fn copy(mut content: impl Read, path: &Path, unpacked: &mut NamedTempFile, limit: u64) -> Result<()> {
    let (mut buffer, mut left) = (vec![0; BUFFER], limit);
    loop {
        let chunk = match content.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(len) => buffer.get(..len).unwrap_or_default(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(unreadable(path, error)),
        };
        left = left.checked_sub(chunk.len() as u64).ok_or_else(|| too_large(path, unpacked.path(), limit))?;
        unpacked.write_all(chunk).map_err(|error| failed("write", unpacked.path(), error))?;
    }
}

fn too_large(path: &Path, unpacked: &Path, limit: u64) -> Error {
    let (path, dir) = (path.display(), unpacked.parent().unwrap_or(unpacked).display());
    let message = format!("{path} is larger than the limit of {limit} bytes when it is unpacked in {dir}");
    Error::new(ErrorKind::SizeExceedsLimit, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unpacked_file_has_the_limit_and_not_a_byte_more() {
        let path = Path::new("/layouts/a.tar.gz");
        for limit in [0, 1, BUFFER as u64, 3 * BUFFER as u64 + 1] {
            let mut unpacked = NamedTempFile::new().unwrap();
            copy(io::repeat(7).take(limit), path, &mut unpacked, limit).unwrap();
            assert_eq!(unpacked.as_file().metadata().unwrap().len(), limit);

            let mut unpacked = NamedTempFile::new().unwrap();
            let error = copy(io::repeat(7).take(limit + 1), path, &mut unpacked, limit).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
            assert!(unpacked.as_file().metadata().unwrap().len() <= limit);
        }
    }
}
