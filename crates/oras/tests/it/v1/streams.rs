//! Content that is changed on its way: a store of one's own in between, and streams behind streams.

use std::{
    io::{self, Read as _, Write as _},
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use flate2::{Compression, read::MultiGzDecoder, write::GzEncoder};
use futures_util::{StreamExt as _, stream};
use oras::content::{Blob, Fetcher, Pusher, ReadOnlyStorage, Tagger as _, fetch_all};
use oras::copy::{CopyOptions, copy_graph, push_bytes};
use oras::descriptor::annotation;
use oras::file::write_to;
use oras::memory::MemoryStore;
use oras::{Descriptor, Error, ErrorKind, MediaType, Result};
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};

fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = tar::Builder::new(Vec::new());
    for (name, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        header.set_cksum();
        archive.append_data(&mut header, name, text.as_bytes()).unwrap();
    }
    archive.into_inner().unwrap()
}

/// A file that was in something.
struct Unpacked {
    kind: MediaType,
    name: Option<String>,
    bytes: Vec<u8>,
}

/// The files in content of some media type, whose names may be known.
fn unpack(desc: &Descriptor, mut bytes: Vec<u8>, limit: u64) -> Result<Vec<Unpacked>> {
    let mut kind = desc.media_type.as_str();
    if let Some(plain) = kind.strip_suffix("+gzip").or_else(|| kind.strip_suffix(".gzip")) {
        let mut plain_bytes = Vec::new();
        MultiGzDecoder::new(&bytes[..]).take(limit).read_to_end(&mut plain_bytes)?;
        (kind, bytes) = (plain, plain_bytes);
    }
    let Some(kind) = kind.strip_suffix(".tar") else {
        let name = desc.title().map(str::to_owned);
        return Ok(vec![Unpacked { kind: MediaType::new(kind.to_owned()), name, bytes }]);
    };
    let mut files = Vec::new();
    for entry in tar::Archive::new(&bytes[..]).entries()? {
        let mut entry = entry?;
        let (name, mut bytes) = (entry.path()?.display().to_string(), Vec::new());
        entry.read_to_end(&mut bytes)?;
        files.push(Unpacked { kind: MediaType::new(kind.to_owned()), name: Some(name), bytes });
    }
    Ok(files)
}

/// A destination that stores what is in what is pushed: without gzip, and each file of an archive for itself.
struct Unpacking {
    inner: MemoryStore,
    limit: u64,
}

impl Fetcher for Unpacking {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.inner.fetch(desc).await
    }
}

impl ReadOnlyStorage for Unpacking {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.inner.exists(desc).await
    }
}

impl Pusher for Unpacking {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        // Nothing is unpacked before it is verified whole.
        let bytes = content.verify(desc).bytes(self.limit).await?;
        for file in unpack(desc, bytes.to_vec(), self.limit)? {
            let desc = push_bytes(&self.inner, file.kind, file.bytes.into()).await?;
            if let Some(name) = file.name {
                self.inner.tag(&desc, &name).await?;
            }
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_store_of_ones_own_unpacks_what_is_copied_into_it() {
    let src = MemoryStore::new();
    let archive = gzip(&tar(&[("a.txt", "a"), ("d/b.txt", "b")]));
    let packed = push_bytes(&src, "application/vnd.test.layer.v1.tar+gzip", archive).await.unwrap();
    let single = push_bytes(&src, "text/plain+gzip", gzip(b"c")).await.unwrap();
    let single = single.with_annotation(annotation::TITLE, "c.txt");
    let dst = Unpacking { inner: MemoryStore::new(), limit: 1 << 20 };
    for layer in [&packed, &single] {
        copy_graph(&src, &dst, layer, &CopyOptions::new()).await.unwrap();
    }
    let kinds = [("a.txt", "application/vnd.test.layer.v1"), ("d/b.txt", "application/vnd.test.layer.v1")];
    for ((name, kind), text) in kinds.into_iter().chain([("c.txt", "text/plain")]).zip(["a", "b", "c"]) {
        let desc = oras::content::Resolver::resolve(&dst.inner, name).await.unwrap();
        assert_eq!(desc.media_type, MediaType::new(kind));
        assert_eq!(fetch_all(&dst.inner, &desc, 10).await.unwrap(), text);
    }
}

#[tokio::test]
async fn content_that_is_not_what_it_should_be_is_not_unpacked() {
    let (dst, archive) = (Unpacking { inner: MemoryStore::new(), limit: 1 << 20 }, gzip(b"plain"));
    let desc = Descriptor::of("text/plain+gzip", &archive);
    let wrong = Blob::from_bytes(archive.slice(..archive.len() - 1));
    assert_eq!(dst.push(&desc, wrong).await.unwrap_err().kind(), ErrorKind::Corrupt);
    assert!(!dst.exists(&Descriptor::of("text/plain", b"plain")).await.unwrap());
}

/// A stream processor: lower case becomes upper case.
struct Shouting<R>(R);

impl<R: AsyncRead + Unpin> AsyncRead for Shouting<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.0).poll_read(cx, buf);
        buf.filled_mut()[before..].make_ascii_uppercase();
        polled
    }
}

#[tokio::test]
async fn a_reader_around_a_blob_makes_another_blob() {
    let store = MemoryStore::new();
    let quiet = push_bytes(&store, "text/plain", Bytes::from_static(b"quiet")).await.unwrap();
    let reader = Shouting(store.fetch(&quiet).await.unwrap().into_reader());
    // The result has a digest of its own, so it is taken undescribed, hashed in one pass.
    let algorithm = oras::descriptor::Algorithm::Sha256;
    let loud = store.ingest(&"text/plain".into(), algorithm, Blob::from_reader(None, reader)).await.unwrap();
    assert_eq!(loud.digest, oras::Digest::of(b"QUIET"));

    // What goes wrong below the reader ends what is built on it.
    let broken = Blob::from_bytes(Bytes::from_static(b"wrong")).verify(&quiet);
    let broken = Blob::from_reader(None, Shouting(broken.into_reader()));
    let error = store.ingest(&"text/plain".into(), algorithm, broken).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Corrupt);
}

#[tokio::test]
async fn several_blobs_are_read_as_one() {
    let blobs = ["one ", "and ", "two"].map(|text| Blob::from_bytes(text.into()));
    let mut text = String::new();
    Blob::from_stream(None, stream::iter(blobs).flatten()).into_reader().read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "one and two");
}

/// Writes the same into two writers.
struct Both<A, B>(A, B);

impl<A: AsyncWrite + Unpin, B: io::Write + Unpin> AsyncWrite for Both<A, B> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = std::task::ready!(Pin::new(&mut self.0).poll_write(cx, bytes))?;
        Poll::Ready(self.1.write_all(&bytes[..written]).map(|()| written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn content_goes_through_any_writer_and_into_several() {
    let store = MemoryStore::new();
    let packed = push_bytes(&store, "text/plain+gzip", gzip(b"plain")).await.unwrap();
    // A writer that unpacks what is written into it, beside one that keeps it as it is.
    let mut both = Both(Vec::new(), flate2::write::GzDecoder::new(Vec::new()));
    write_to(&store, &packed, &mut both).await.unwrap();
    both.flush().await.unwrap();
    assert_eq!(both.0, gzip(b"plain"));
    assert_eq!(both.1.finish().map_err(Error::from).unwrap(), b"plain");
}
