use std::{
    fs::{File, OpenOptions},
    io::Write as _,
    pin::pin,
    time::{Duration, Instant},
};

use bytes::Bytes;
use futures_util::{
    StreamExt as _,
    future::{Either, select},
};
use oras_content::{
    Blob, Descriptor, Error, ErrorKind,
    fs::{FileSink, FileSource, fill, rehash, write_and_hash, write_blob},
};
use oras_descriptor::Algorithm;
use oras_testing::FaultySource;
use tempfile::TempDir;

/// More than the channel between the two sides holds.
const LEN: usize = 4 << 20;

fn content() -> Bytes {
    (0..=250).cycle().take(LEN).collect()
}

fn partial(dir: &TempDir, bytes: &[u8]) -> File {
    let path = dir.path().join("partial");
    std::fs::write(&path, bytes).unwrap();
    OpenOptions::new().read(true).write(true).open(path).unwrap()
}

fn written(dir: &TempDir) -> Vec<u8> {
    std::fs::read(dir.path().join("partial")).unwrap()
}

#[tokio::test]
async fn a_file_sink_goes_on_behind_the_bytes_that_it_holds() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    for held in [0, 1, 1_000_000, LEN - 1, LEN] {
        let source = FaultySource::builder(content.clone()).reset_at(3_000_000).build();
        let (file, verifier) = rehash(partial(&dir, &content[..held]), &desc).await.unwrap();
        assert_eq!(verifier.position(), held as u64);
        let blob = source.blob(&desc).resume(verifier).unwrap();
        write_blob(blob, file).await.unwrap();
        assert!(written(&dir) == content, "{held}");
        assert!(source.opens().iter().all(|offset| *offset >= held as u64), "{held}: {:?}", source.opens());
        assert_eq!(source.bytes_given(), (LEN - held) as u64);
    }
}

#[tokio::test]
async fn a_partial_file_is_hashed_from_its_start_wherever_its_cursor_stands() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    let mut file = partial(&dir, b"");
    file.write_all(&content[..1000]).unwrap();
    let (file, verifier) = rehash(file, &desc).await.unwrap();
    assert_eq!(verifier.position(), 1000);
    let blob = FaultySource::builder(content.clone()).build().blob(&desc).resume(verifier).unwrap();
    write_blob(blob, file).await.unwrap();
    assert!(written(&dir) == content);
}

#[tokio::test]
async fn a_partial_file_that_is_wrong_or_too_long_is_corrupt() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content[..10]);
    let long = rehash(partial(&dir, &content[..11]), &desc).await.unwrap_err();
    assert_eq!(long.kind(), ErrorKind::Corrupt);
    let (file, verifier) = rehash(partial(&dir, b"wrong"), &desc).await.unwrap();
    let blob = FaultySource::builder(content.slice(..10)).build().blob(&desc).resume(verifier).unwrap();
    let wrong = write_blob(blob, file).await.unwrap_err();
    assert_eq!((wrong.kind(), wrong.is_from_blob()), (ErrorKind::Corrupt, true));
}

#[tokio::test]
async fn a_sink_tells_the_error_of_its_source_and_its_own_apart() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    let denied = Error::new(ErrorKind::Denied, "no");
    let source = FaultySource::builder(content.clone()).fail_at(2_000_000, denied).build();
    let error = write_blob(source.blob(&desc), partial(&dir, b"")).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Denied, true));
    assert_eq!(written(&dir), &content[..2_000_000], "what came before the error is kept");

    let read_only = File::open(dir.path().join("partial")).unwrap();
    let source = FaultySource::builder(content).build();
    let error = write_blob(source.blob(&desc), read_only).await.unwrap_err();
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Io, false));
}

/// `cannot VERB PATH`, for a reason that the system gives.
fn names(error: &Error, verb: &str) -> Option<std::io::ErrorKind> {
    assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Io, false));
    assert_eq!(error.to_string(), format!("cannot {verb} /models/a"));
    let cause = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    Some(cause.kind())
}

#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_file_that_finds_no_space_is_named() {
    let full = || OpenOptions::new().read(true).write(true).open("/dev/full").unwrap();
    let sink = || FileSink::new(full(), "/models/a");
    // One that is written at once, and one that has threads of its own.
    for len in [10, LEN] {
        let bytes = content().slice(..len);
        let (desc, blob) = (Descriptor::of("a/b", &bytes), || Blob::from_bytes(bytes.clone()));
        let written = write_blob(blob().verify(&desc), sink()).await.unwrap_err();
        let hashed = write_and_hash(blob(), sink(), Algorithm::Sha256).await.unwrap_err();
        let filled = fill(&full(), "/models/a".as_ref(), &desc, blob()).await.unwrap_err();
        for error in [written, hashed, filled] {
            assert_eq!(names(&error, "write"), Some(std::io::ErrorKind::StorageFull), "{len}");
        }
    }
}

#[tokio::test]
async fn a_file_that_cannot_be_begun_is_named_too() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    drop(partial(&dir, &content[..10]));
    let path = dir.path().join("partial");
    let (read_only, write_only) = (File::open(&path).unwrap(), OpenOptions::new().write(true).open(&path).unwrap());
    let once = Blob::from_stream(None, futures_util::stream::iter([Ok(content.clone())]));
    let emptied = fill(&read_only, "/models/a".as_ref(), &desc, once).await.unwrap_err();
    assert!(names(&emptied, "write").is_some());
    let hashed = rehash(FileSink::new(write_only, "/models/a"), &desc).await.map(|_| ()).unwrap_err();
    assert!(names(&hashed, "read").is_some());
}

#[tokio::test]
async fn what_comes_from_a_blob_says_nothing_of_the_file() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    for own in [Error::new(ErrorKind::Denied, "no"), Error::new(ErrorKind::Io, "the network is gone")] {
        let source = FaultySource::builder(content.clone()).fail_at(2_000_000, own.clone()).build();
        let sink = FileSink::new(partial(&dir, b""), "/models/a");
        let error = write_blob(source.blob(&desc), sink).await.unwrap_err();
        assert_eq!((error.kind(), error.is_from_blob()), (own.kind(), true));
        assert_eq!(error.to_string(), own.to_string());
    }
}

#[tokio::test]
async fn short_long_and_wrong_content_is_corrupt_on_the_thread_of_a_sink_too() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    let fresh = || FaultySource::builder(content.clone());
    let sources = [fresh().end_at(desc.size - 1), fresh().append(b"!"), fresh().flip(desc.size - 1, 1)];
    for source in sources {
        let error = write_blob(source.build().blob(&desc), partial(&dir, b"")).await.unwrap_err();
        assert_eq!((error.kind(), error.is_from_blob()), (ErrorKind::Corrupt, true));
    }
}

#[tokio::test]
async fn a_dropped_sink_ends_its_thread_and_leaves_the_bytes_so_far() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let desc = Descriptor::of("a/b", &content);
    let file = partial(&dir, b"");
    file.lock().unwrap();
    let source = FaultySource::builder(content.clone()).stall_at(1_000_000).build();
    {
        let write = pin!(write_blob(source.blob(&desc), file));
        let stalled = pin!(source.stalled());
        assert!(matches!(select(write, stalled).await, Either::Right(_)), "the source stands still");
    }
    assert_eq!(source.open_streams(), 0);
    // The lock goes when the thread has let go of the file.
    let other = File::open(dir.path().join("partial")).unwrap();
    let deadline = Instant::now() + Duration::from_secs(30);
    while other.try_lock().is_err() {
        assert!(Instant::now() < deadline, "the thread holds the file");
        tokio::task::yield_now().await;
    }
    let left = written(&dir);
    assert!(content.starts_with(&left));
}

#[tokio::test]
async fn a_file_is_read_whole_from_any_offset_and_not_past_its_end() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let path = dir.path().join("file");
    for len in [0, 1, 256 * 1024, 256 * 1024 + 1, LEN] {
        std::fs::write(&path, &content[..len]).unwrap();
        let desc = Descriptor::of("a/b", &content[..len]);
        let blob = FileSource::new(&path).into_blob(Some(desc.size)).verify(&desc);
        assert!(blob.bytes(u64::MAX).await.unwrap() == content[..len]);
        let source = FileSource::new(&path);
        let mut stream = oras_content::BlobSource::open(&source, len as u64 / 2).await.unwrap();
        let mut tail = Vec::new();
        while let Some(chunk) = stream.next().await {
            tail.extend_from_slice(&chunk.unwrap());
        }
        assert!(tail == content[len / 2..len]);
        let past = oras_content::BlobSource::open(&source, len as u64 + 1).await.map(|_| ());
        assert_eq!(past.unwrap_err().kind(), ErrorKind::Corrupt);
    }
}

#[tokio::test]
async fn a_missing_file_is_not_found_when_the_blob_is_opened() {
    let dir = TempDir::new().unwrap();
    let mut blob = FileSource::new(dir.path().join("missing")).into_blob(None);
    assert_eq!(blob.start().await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_file_that_grew_or_shrank_is_corrupt() {
    let (dir, content) = (TempDir::new().unwrap(), content());
    let path = dir.path().join("file");
    let desc = Descriptor::of("a/b", &content[..1_000_000]);
    for len in [999_999, 1_000_001] {
        std::fs::write(&path, &content[..len]).unwrap();
        let blob = FileSource::new(&path).into_blob(None).verify(&desc);
        assert_eq!(blob.bytes(u64::MAX).await.unwrap_err().kind(), ErrorKind::Corrupt, "{len}");
    }
}

#[tokio::test]
async fn a_file_is_checked_on_the_thread_that_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    // One that is read at once, one of many chunks, one that ends with a chunk.
    for len in [1000, LEN - 1, LEN] {
        let bytes = content().slice(..len);
        let desc = Descriptor::of("a/b", &bytes);
        std::fs::write(&path, &bytes).unwrap();
        let blob = || FileSource::new(&path).into_blob(None).verify(&desc);
        assert_eq!(blob().bytes(LEN as u64).await.unwrap(), bytes);
        let (raw, verifier) = blob().into_parts();
        assert!(verifier.is_some(), "a sink may hash on a thread of its own");
        drop(raw);

        let mut wrong = bytes.to_vec();
        wrong[len / 2] ^= 1;
        std::fs::write(&path, &wrong).unwrap();
        let mut blob = blob();
        blob.start().await.unwrap();
        let (mut raw, verifier) = blob.into_parts();
        assert!(verifier.is_none(), "the source has begun to hash");
        let (mut given, mut failed) = (0, None);
        while let Some(chunk) = raw.next().await {
            match chunk {
                Ok(chunk) => given += chunk.len(),
                Err(error) => failed = Some(error),
            }
        }
        assert_eq!(failed.unwrap().kind(), ErrorKind::Corrupt);
        assert!(given < len, "the end of {len} wrong bytes was kept back");
    }
}

#[tokio::test]
async fn a_blob_says_what_it_was_when_it_was_not_described() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("file");
    std::fs::write(&path, content()).unwrap();
    let expected = Descriptor::of("a/b", &content());
    for blob in [FileSource::new(&path).into_blob(None), Blob::from_bytes(content())] {
        let (blob, sum) = blob.summed(Algorithm::Sha256).unwrap();
        assert_eq!(blob.bytes(LEN as u64).await.unwrap(), content());
        assert_eq!(sum.described().unwrap(), (expected.digest.clone(), expected.size));
    }
}
