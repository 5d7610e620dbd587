//! Compression of archives, and what undoes it.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    num::NonZeroUsize,
};

use oras_content::{MediaType, Result};

use crate::parallel::ParallelGzip;

/// How an archive is compressed. Levels beyond what the format knows are taken as its highest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    None,
    /// With gzip, at a level from 0 to 9.
    Gzip(u32),
    /// With gzip on several threads, at a level from 0 to 9: in blocks of 1 MiB, each a member of the file.
    ///
    /// The bytes are others than those of [`Gzip`](Self::Gzip), and the same for any number of threads.
    ParallelGzip {
        /// The level.
        level: u32,
        /// How many threads compress, beside the one that reads.
        threads: NonZeroUsize,
    },
    /// With zstd, at a level from 1 to 22.
    #[cfg(feature = "zstd")]
    Zstd(u32),
}

impl Default for Compression {
    /// gzip at level 6.
    fn default() -> Self {
        Self::Gzip(6)
    }
}

impl Compression {
    pub(crate) fn media_type(self) -> MediaType {
        match self {
            Self::None => MediaType::OCI_LAYER,
            Self::Gzip(_) | Self::ParallelGzip { .. } => MediaType::OCI_LAYER_GZIP,
            #[cfg(feature = "zstd")]
            Self::Zstd(_) => MediaType::OCI_LAYER_ZSTD,
        }
    }
}

/// The byte by which a gzip header says that it does not say which system wrote it.
const UNKNOWN_SYSTEM: u8 = 255;

fn gzip_header() -> flate2::GzBuilder {
    flate2::GzBuilder::new().mtime(0).operating_system(UNKNOWN_SYSTEM)
}

fn gzip_level(level: u32) -> flate2::Compression {
    flate2::Compression::new(level.min(9))
}

/// A whole gzip file of some bytes.
pub(crate) fn gzip_member(bytes: &[u8], level: flate2::Compression) -> io::Result<Vec<u8>> {
    let mut encoder = gzip_header().write(Vec::new(), level);
    encoder.write_all(bytes)?;
    encoder.finish()
}

pub(crate) enum Compressor<W: Write> {
    None(W),
    Gzip(flate2::write::GzEncoder<W>),
    Parallel(ParallelGzip<W>),
    #[cfg(feature = "zstd")]
    Zstd(zstd::Encoder<'static, W>),
}

impl<W: Write> Compressor<W> {
    pub(crate) fn new(compression: Compression, out: W) -> Result<Self> {
        Ok(match compression {
            Compression::None => Self::None(out),
            Compression::Gzip(level) => Self::Gzip(gzip_header().write(out, gzip_level(level))),
            Compression::ParallelGzip { level, threads } => {
                Self::Parallel(ParallelGzip::new(out, gzip_level(level), threads)?)
            }
            #[cfg(feature = "zstd")]
            Compression::Zstd(level) => {
                Self::Zstd(zstd::Encoder::new(out, i32::try_from(level.clamp(1, 22)).unwrap_or(22))?)
            }
        })
    }

    pub(crate) fn finish(self) -> io::Result<W> {
        match self {
            Self::None(out) => Ok(out),
            Self::Gzip(encoder) => encoder.finish(),
            Self::Parallel(encoder) => encoder.finish(),
            #[cfg(feature = "zstd")]
            Self::Zstd(encoder) => encoder.finish(),
        }
    }
}

impl<W: Write> Write for Compressor<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::None(out) => out.write(bytes),
            Self::Gzip(encoder) => encoder.write(bytes),
            Self::Parallel(encoder) => encoder.write(bytes),
            #[cfg(feature = "zstd")]
            Self::Zstd(encoder) => encoder.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::None(out) => out.flush(),
            Self::Gzip(encoder) => encoder.flush(),
            Self::Parallel(encoder) => encoder.flush(),
            #[cfg(feature = "zstd")]
            Self::Zstd(encoder) => encoder.flush(),
        }
    }
}

const GZIP_MAGIC: &[u8] = &[0x1f, 0x8b];
const ZSTD_MAGIC: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];

/// Undoes the compression that the first bytes tell of, if they tell of one.
pub(crate) fn decompress(input: impl Read + Send + 'static) -> Result<Box<dyn Read + Send>> {
    let mut input = BufReader::with_capacity(256 * 1024, input);
    let head = input.fill_buf()?;
    if head.starts_with(GZIP_MAGIC) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(input)));
    }
    if head.starts_with(ZSTD_MAGIC) {
        return zstd_reader(input);
    }
    Ok(Box::new(input))
}

#[cfg(feature = "zstd")]
fn zstd_reader(input: impl BufRead + Send + 'static) -> Result<Box<dyn Read + Send>> {
    Ok(Box::new(zstd::Decoder::with_buffer(input)?))
}

#[cfg(not(feature = "zstd"))]
fn zstd_reader(_: impl BufRead + Send + 'static) -> Result<Box<dyn Read + Send>> {
    Err(oras_content::Error::unsupported("zstd without the feature `zstd`"))
}
