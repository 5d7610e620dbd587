//! Entries of a tar archive on their way into a writer.

use bytes::Bytes;
use futures_util::StreamExt as _;
use oras_content::{Blob, Result};
#[cfg(feature = "gzip")]
use oras_content::{Error, ErrorKind};
use oras_descriptor::Descriptor;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// How a layout archive is compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ArchiveCompression {
    /// Not at all: blobs are most often compressed themselves.
    #[default]
    None,
    /// With gzip, at a level from 0 to 9.
    #[cfg(feature = "gzip")]
    Gzip(u32),
}

const BLOCK: usize = 512;

/// The mode of every entry, so that the archive does not depend on who writes it.
const MODE: u32 = 0o644;

pub(crate) struct ArchiveSink {
    writer: Box<dyn AsyncWrite + Send + Unpin>,
    filter: Filter,
}

#[cfg(feature = "gzip")]
type Encoder = flate2::write::GzEncoder<Vec<u8>>;

enum Filter {
    None,
    #[cfg(feature = "gzip")]
    Gzip(Box<Encoder>),
    /// Its bytes are being compressed; for good, if that was cut off.
    #[cfg(feature = "gzip")]
    Busy,
}

impl ArchiveSink {
    pub(crate) fn new(writer: Box<dyn AsyncWrite + Send + Unpin>, compression: ArchiveCompression) -> Self {
        let filter = match compression {
            ArchiveCompression::None => Filter::None,
            #[cfg(feature = "gzip")]
            ArchiveCompression::Gzip(level) => {
                Filter::Gzip(Box::new(Encoder::new(Vec::new(), flate2::Compression::new(level.min(9)))))
            }
        };
        Self { writer, filter }
    }

    pub(crate) async fn file(&mut self, name: &str, content: Bytes) -> Result<()> {
        let len = content.len() as u64;
        self.write(header(name, len)?).await?;
        self.write(content).await?;
        self.pad(len).await
    }

    pub(crate) async fn blob(&mut self, desc: &Descriptor, mut content: Blob) -> Result<()> {
        let name = format!("blobs/{}/{}", desc.digest.algorithm(), desc.digest.encoded());
        self.write(header(&name, desc.size)?).await?;
        while let Some(chunk) = content.next().await {
            self.write(chunk?).await?;
        }
        self.pad(desc.size).await
    }

    pub(crate) async fn finish(mut self) -> Result<()> {
        self.write(Bytes::from_static(&[0; 2 * BLOCK])).await?;
        #[cfg(feature = "gzip")]
        if let Filter::Gzip(encoder) = std::mem::replace(&mut self.filter, Filter::Busy) {
            self.writer.write_all(&encoder.finish()?).await?;
        }
        self.writer.shutdown().await?;
        Ok(())
    }

    async fn pad(&mut self, len: u64) -> Result<()> {
        let rest = usize::try_from(len % BLOCK as u64).unwrap_or_default();
        let zeros: &'static [u8] = &[0; BLOCK];
        self.write(Bytes::from_static(zeros.get(rest..).filter(|_| rest > 0).unwrap_or_default())).await
    }

    async fn write(&mut self, bytes: Bytes) -> Result<()> {
        match &mut self.filter {
            Filter::None => self.writer.write_all(&bytes).await?,
            #[cfg(feature = "gzip")]
            filter => {
                let Filter::Gzip(encoder) = std::mem::replace(filter, Filter::Busy) else {
                    return Err(Error::new(ErrorKind::Other, "compression was cut off"));
                };
                let (encoder, compressed) = compress(encoder, bytes).await?;
                *filter = Filter::Gzip(encoder);
                self.writer.write_all(&compressed).await?;
            }
        }
        Ok(())
    }
}

#[cfg(feature = "gzip")]
async fn compress(mut encoder: Box<Encoder>, bytes: Bytes) -> Result<(Box<Encoder>, Vec<u8>)> {
    use std::io::Write as _;
    oras_content::fs::blocking(move || {
        encoder.write_all(&bytes)?;
        let compressed = std::mem::take(encoder.get_mut());
        Ok((encoder, compressed))
    })
    .await
}

/// The longest name that a header takes.
const MAX_NAME_LEN: usize = 100;

/// A header that says the same whoever writes it and whenever; a name that is too long for it, which those of SHA-512
/// are, stands in a PAX header before it.
fn header(name: &str, size: u64) -> Result<Bytes> {
    if name.len() <= MAX_NAME_LEN {
        return Ok(block(name, tar::EntryType::Regular, size)?.into());
    }
    let mut record = format!("path={name}\n");
    // The length counts its own three digits and the blank.
    record = format!("{} {record}", record.len() + 4);
    let short = name.get(..MAX_NAME_LEN).unwrap_or_default();
    let mut bytes = block("PaxHeaders/path", tar::EntryType::XHeader, record.len() as u64)?;
    bytes.extend_from_slice(record.as_bytes());
    bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
    bytes.extend(block(short, tar::EntryType::Regular, size)?);
    Ok(bytes.into())
}

fn block(name: &str, kind: tar::EntryType, size: u64) -> Result<Vec<u8>> {
    let mut header = tar::Header::new_ustar();
    header.set_path(name)?;
    header.set_size(size);
    header.set_mode(MODE);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_entry_type(kind);
    header.set_cksum();
    Ok(header.as_bytes().to_vec())
}
