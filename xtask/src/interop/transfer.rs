//! A large file pushed to a registry and pulled back: every byte the same, in little memory.

use std::fmt;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::Path;

use super::driver::{Driver, Moved};
use crate::lab::error::{Doing, LabError};
use crate::lab::server::RunningServer;

/// What a client may need at most, whatever the size of a file.
const MEMORY_LIMIT_KIB: u64 = 24 << 10;
pub(super) const MIB: u64 = 1 << 20;

/// What is transferred.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Content {
    name: &'static str,
    size: u64,
    /// Holes but for a few bytes here and there.
    is_sparse: bool,
}

/// Small enough for every run, and much larger than what a client may need.
pub(crate) const SHORT: Content = Content { name: "64-mib.bin", size: 64 * MIB, is_sparse: false };
/// A file as people have them.
pub(crate) const LONG: Content = Content { name: "1-gib.bin", size: 1024 * MIB, is_sparse: false };
/// One that is killed on its way in every run.
pub(crate) const KILLED_SHORT: Content = Content { name: "96-mib.bin", size: 96 * MIB, is_sparse: false };
/// One that nobody wants to move twice.
pub(crate) const KILLED: Content = Content { name: "2-gib.bin", size: 2048 * MIB, is_sparse: false };
/// One that has more bytes than 32 bits count.
pub(crate) const SPARSE: Content = Content { name: "4-gib-sparse.bin", size: 4096 * MIB, is_sparse: true };

/// What a transfer took.
#[derive(Debug)]
pub(crate) struct Figures {
    size: u64,
    push: Moved,
    pull: Moved,
}

/// Pushes and pulls, and compares byte by byte.
///
/// # Errors
///
/// [`LabError::Failed`] when a transfer fails or anything differs.
pub(crate) fn there_and_back(driver: &Driver, server: &RunningServer, content: &Content) -> Result<Figures, LabError> {
    let work = tempfile::tempdir().doing("make a directory")?;
    let (here, back) = (work.path().join("here"), work.path().join("back"));
    for directory in [&here, &back] {
        std::fs::create_dir(directory).doing("make a directory")?;
    }
    content.write(&here.join(content.name)).doing("write a large file")?;
    let reference = format!("{}/transfer/large:{}", server.host(), content.name);
    let push = driver.push(server, &reference, &here)?;
    let pull = driver.pull(server, &reference, &back)?;
    if push.digest != pull.digest {
        return Err(LabError::failed("compare digests", format!("{} pushed, {} pulled", push.digest, pull.digest)));
    }
    let is_same = is_same(&here.join(content.name), &back.join(content.name)).doing("compare large files")?;
    if !is_same {
        return Err(LabError::failed("compare large files", "they differ"));
    }
    Ok(Figures { size: content.size, push, pull })
}

impl Content {
    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn write(&self, path: &Path) -> std::io::Result<()> {
        let mut file = File::create(path)?;
        file.set_len(self.size)?;
        let mut state = self.size | 1;
        let mut block = vec![0; if self.is_sparse { 4096 } else { 1 << 20 }];
        let step = if self.is_sparse { self.size / 16 } else { MIB };
        for start in (0..self.size).step_by(usize::try_from(step).map_err(std::io::Error::other)?) {
            for word in block.chunks_exact_mut(8) {
                // Xorshift: no block is like another.
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                word.copy_from_slice(&state.to_le_bytes());
            }
            file.seek(SeekFrom::Start(start))?;
            file.write_all(&block)?;
        }
        Ok(())
    }
}

/// Whether two files hold the same bytes.
pub(super) fn is_same(one: &Path, other: &Path) -> std::io::Result<bool> {
    let (mut one, mut other) = (File::open(one)?, File::open(other)?);
    if one.metadata()?.len() != other.metadata()?.len() {
        return Ok(false);
    }
    let mut left = one.metadata()?.len();
    let (mut ours, mut theirs) = (vec![0; 1 << 20], vec![0; 1 << 20]);
    while left > 0 {
        let len = usize::try_from(left.min(MIB)).map_err(std::io::Error::other)?;
        ours.truncate(len);
        theirs.truncate(len);
        one.read_exact(&mut ours)?;
        other.read_exact(&mut theirs)?;
        if ours != theirs {
            return Ok(false);
        }
        left -= len as u64;
    }
    Ok(true)
}

impl Figures {
    /// Whether the memory was within the limit, in which case the figures come back.
    pub(crate) fn judge(self) -> Result<Self, LabError> {
        let known: Vec<u64> = [&self.push, &self.pull].into_iter().filter_map(|moved| moved.peak_kib).collect();
        if known.iter().all(|kib| *kib <= MEMORY_LIMIT_KIB) {
            return Ok(self);
        }
        Err(LabError::failed("transfer in at most 24 MiB", self))
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = self.size / MIB;
        write!(f, "{mib} MiB")?;
        for (word, moved) in [("push", &self.push), ("pull", &self.pull)] {
            let seconds = moved.took.as_secs_f64();
            write!(f, "; {word} {seconds:.1} s, peak ")?;
            match moved.peak_kib {
                Some(kib) => write!(f, "{kib} KiB")?,
                None => f.write_str("unknown")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moved(peak_kib: u64) -> Moved {
        Moved { digest: String::new(), peak_kib: Some(peak_kib), took: std::time::Duration::ZERO }
    }

    #[test]
    fn too_much_memory_is_a_failure_that_says_how_much() {
        let figures = |pull| Figures { size: MIB, push: moved(10_000), pull: moved(pull) };
        assert!(figures(24 << 10).judge().is_ok());
        let error = figures((24 << 10) + 1).judge().unwrap_err().to_string();
        assert!(error.contains("24577 KiB"), "{error}");
    }

    #[test]
    fn files_are_as_long_as_they_are_meant_to_be_and_compared_to_the_last_byte() {
        let dir = tempfile::tempdir().unwrap();
        let (one, other) = (dir.path().join("one"), dir.path().join("other"));
        let content = Content { name: "x", size: 2 * MIB, is_sparse: true };
        content.write(&one).unwrap();
        content.write(&other).unwrap();
        assert_eq!(std::fs::metadata(&one).unwrap().len(), 2 * MIB);
        assert!(is_same(&one, &other).unwrap());
        let mut file = File::options().write(true).open(&other).unwrap();
        file.seek(SeekFrom::End(-1)).unwrap();
        file.write_all(b"x").unwrap();
        assert!(!is_same(&one, &other).unwrap());
    }
}
