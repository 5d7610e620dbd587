use futures_util::StreamExt as _;
use oras_content::{Descriptor, Fetcher, Result};
use tokio::io::{AsyncWrite, AsyncWriteExt as _};

/// Writes the content of a descriptor into anything that takes bytes, such as standard output.
///
/// What is written before an error cannot be taken back, but never is it the whole: the end of the content is withheld
/// until all of it is verified.
///
/// # Errors
///
/// What fetching and reading give; [`ErrorKind::Io`](oras_content::ErrorKind::Io) when writing fails.
///
/// # Cancel safety
///
/// A dropped future leaves the writer with the bytes so far.
pub async fn write_to<F, W>(source: &F, desc: &Descriptor, writer: &mut W) -> Result<()>
where
    F: Fetcher + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut content = source.fetch(desc).await?.verify(desc);
    while let Some(chunk) = content.next().await {
        writer.write_all(&chunk?).await?;
    }
    writer.flush().await?;
    Ok(())
}
