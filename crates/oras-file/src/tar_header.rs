//! Headers of tar archives, byte-equal to those that Go writes for the same entries: USTAR where everything fits, and
//! PAX where it does not. The digest of a packed directory depends on each of these bytes.

use std::io::{self, Write};

pub(crate) const BLOCK: usize = 512;

const NAME_LEN: usize = 100;
const PREFIX_LEN: usize = 155;
/// Eleven octal digits.
const MAX_OCTAL_SIZE: u64 = (1 << 33) - 1;

/// What kind of entry a header speaks of, as the byte that tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    File = b'0',
    Symlink = b'2',
    Directory = b'5',
}

/// What a header says of an entry.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) kind: Kind,
    /// Without a slash at the end.
    pub(crate) path: &'a [u8],
    pub(crate) link: &'a [u8],
    pub(crate) mode: u32,
    pub(crate) size: u64,
    pub(crate) mtime: u64,
}

/// Writes the header of an entry, with a PAX header before it where one is needed.
pub(crate) fn write(out: &mut impl Write, entry: &Entry<'_>) -> io::Result<()> {
    if entry.path.contains(&0) || entry.link.contains(&0) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a name has a zero byte"));
    }
    let records = records(entry);
    let (prefix, name) = split(entry.path).unwrap_or((b"", entry.path));
    if records.is_empty() {
        return out.write_all(main_block(entry, name, entry.link, prefix).finish());
    }
    let data = records.concat();
    let file_at = entry.path.iter().rposition(|b| *b == b'/').map_or(0, |at| at + 1);
    let (dir, file) = entry.path.split_at(file_at);
    let extended = ascii(&[dir, b"PaxHeaders.0/", file].concat());
    let extended: Vec<u8> = extended.into_iter().take(NAME_LEN).collect();
    let mut block = Block::new();
    block.text(0, NAME_LEN, trimmed(&extended));
    for (at, len) in [(100, 8), (108, 8), (116, 8), (136, 12)] {
        block.octal(at, len, 0);
    }
    block.octal(124, 12, data.len() as u64);
    block.byte(156, b'x');
    out.write_all(block.finish())?;
    out.write_all(&data)?;
    pad(out, data.len() as u64)?;
    out.write_all(main_block(entry, &ascii(entry.path), &ascii(entry.link), b"").finish())
}

/// Writes what is missing to a whole block after `len` bytes.
pub(crate) fn pad(out: &mut impl Write, len: u64) -> io::Result<()> {
    let rest = usize::try_from(len % BLOCK as u64).unwrap_or_default();
    let zeros = [0; BLOCK];
    out.write_all(zeros.get(rest..).filter(|_| rest > 0).unwrap_or_default())
}

/// Ends an archive.
pub(crate) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

/// What does not fit into a USTAR header, in the order of the keys. When anything does not, a path that could be parted
/// is not.
fn records(entry: &Entry<'_>) -> Vec<Vec<u8>> {
    let (is_long_path, is_long_link) = (!fits(entry.path, NAME_LEN), !fits(entry.link, NAME_LEN));
    let is_large = entry.size > MAX_OCTAL_SIZE;
    let mut records = Vec::new();
    if !is_long_link && !is_large && (!is_long_path || split(entry.path).is_some()) {
        return records;
    }
    if is_long_link {
        records.push(record(b"linkpath", entry.link));
    }
    if is_long_path {
        records.push(record(b"path", entry.path));
    }
    if is_large {
        records.push(record(b"size", entry.size.to_string().as_bytes()));
    }
    records
}

fn fits(text: &[u8], len: usize) -> bool {
    text.is_ascii() && text.len() <= len
}

/// `length key=value\n`, where the length counts its own digits.
fn record(key: &[u8], value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let mut len = rest + rest.to_string().len();
    if rest + len.to_string().len() != len {
        len = rest + len.to_string().len();
    }
    [len.to_string().as_bytes(), b" ", key, b"=", value, b"\n"].concat()
}

/// Parts a path that is too long for the name, if there is a slash where it can be parted.
fn split(path: &[u8]) -> Option<(&[u8], &[u8])> {
    if path.len() <= NAME_LEN || !path.is_ascii() {
        return None;
    }
    let within = path.get(..path.len().min(PREFIX_LEN + 1))?;
    let at = within.iter().rposition(|b| *b == b'/').filter(|at| *at > 0)?;
    let (prefix, name) = (path.get(..at)?, path.get(at + 1..)?);
    (!name.is_empty() && name.len() <= NAME_LEN).then_some((prefix, name))
}

fn ascii(text: &[u8]) -> Vec<u8> {
    text.iter().copied().filter(u8::is_ascii).collect()
}

fn trimmed(mut text: &[u8]) -> &[u8] {
    while let Some(rest) = text.strip_suffix(b"/") {
        text = rest;
    }
    text
}

fn main_block(entry: &Entry<'_>, name: &[u8], link: &[u8], prefix: &[u8]) -> Block {
    let mut block = Block::new();
    // Directories have no slash at the end, as Go has it when the name was set by hand.
    block.text(0, NAME_LEN, name);
    block.octal(100, 8, u64::from(entry.mode));
    block.octal(108, 8, 0);
    block.octal(116, 8, 0);
    block.octal(124, 12, if entry.size > MAX_OCTAL_SIZE { 0 } else { entry.size });
    block.octal(136, 12, entry.mtime);
    block.byte(156, entry.kind as u8);
    block.text(157, NAME_LEN, link);
    block.octal(329, 8, 0);
    block.octal(337, 8, 0);
    block.text(345, PREFIX_LEN, prefix);
    block
}

struct Block([u8; BLOCK]);

impl Block {
    fn new() -> Self {
        Self([0; BLOCK])
    }

    fn byte(&mut self, at: usize, byte: u8) {
        if let Some(place) = self.0.get_mut(at) {
            *place = byte;
        }
    }

    /// A text that is too long is cut; a slash where it was cut would make a directory of a file for some readers.
    fn text(&mut self, at: usize, len: usize, text: &[u8]) {
        let cut = text.get(..len).map_or(text, |cut| if text.len() > len { trimmed(cut) } else { cut });
        for (place, byte) in self.0.iter_mut().skip(at).zip(cut) {
            *place = *byte;
        }
    }

    fn octal(&mut self, at: usize, len: usize, value: u64) {
        let digits = format!("{value:0width$o}", width = len - 1);
        self.text(at, len, digits.as_bytes());
    }

    fn finish(&mut self) -> &[u8] {
        self.text(257, 8, b"ustar\x0000");
        self.text(148, 8, b"        ");
        let sum: u64 = self.0.iter().map(|byte| u64::from(*byte)).sum();
        self.octal(148, 7, sum);
        self.byte(154, 0);
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(path: &[u8], kind: Kind, size: u64) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut out, &Entry { kind, path, link: b"", mode: 0o644, size, mtime: 0 }).unwrap();
        out
    }

    #[test]
    fn what_fits_takes_one_block_and_the_tar_crate_reads_it() {
        let long = [b"d".repeat(90), b"/".to_vec(), b"n".repeat(90)].concat();
        for path in [b"a".to_vec(), b"n".repeat(100), long] {
            let block = header(&path, Kind::File, 5);
            assert_eq!(block.len(), BLOCK);
            let read = tar::Header::from_byte_slice(&block);
            assert_eq!((read.path_bytes().as_ref(), read.size().unwrap()), (path.as_slice(), 5));
            assert_eq!(read.cksum().unwrap(), 256 + checksum(&block));
        }
    }

    fn checksum(block: &[u8]) -> u32 {
        block.iter().enumerate().filter(|(at, _)| !(148..156).contains(at)).map(|(_, byte)| u32::from(*byte)).sum()
    }

    #[test]
    fn a_record_counts_its_own_length() {
        assert_eq!(record(b"path", "é".as_bytes()), "11 path=é\n".as_bytes());
        for len in 85..105 {
            let record = record(b"path", &b"x".repeat(len));
            let written: usize = std::str::from_utf8(&record).unwrap().split(' ').next().unwrap().parse().unwrap();
            assert_eq!(written, record.len());
        }
    }

    #[test]
    fn a_size_that_does_not_fit_goes_into_a_record() {
        assert_eq!(header(b"a", Kind::File, MAX_OCTAL_SIZE).len(), BLOCK);
        let long = header(b"a", Kind::File, MAX_OCTAL_SIZE + 1);
        assert_eq!(long.len(), 3 * BLOCK);
        assert!(String::from_utf8_lossy(&long).contains("size=8589934592\n"));
    }
}
