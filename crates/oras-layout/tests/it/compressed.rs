//! Compressed archives, and how far they may grow.

use std::{
    fs,
    io::{self, Read as _},
    path::PathBuf,
};

use oras_content::{Error, ErrorKind, Result, fetch_all};
use oras_descriptor::Digest;
use oras_layout::{ReadOnlyLayout, TarOptions};
use tempfile::TempDir;

use crate::{
    archive::{sample, tar_of},
    support::{content, fresh, push},
};

/// Compressed archives beside the place where they are unpacked.
struct Packed {
    dir: TempDir,
    temp: TempDir,
}

impl Packed {
    fn new() -> Self {
        Self { dir: tempfile::tempdir().unwrap(), temp: tempfile::tempdir().unwrap() }
    }

    fn path(&self) -> PathBuf {
        self.dir.path().join("layout.tar.gz")
    }

    fn write(&self, content: impl io::Read) {
        let mut packed = flate2::read::GzEncoder::new(content, flate2::Compression::default());
        io::copy(&mut packed, &mut fs::File::create(self.path()).unwrap()).unwrap();
    }

    async fn open(&self, options: TarOptions) -> Result<ReadOnlyLayout> {
        ReadOnlyLayout::open_tar_with(self.path(), options.with_temp_dir(self.temp.path())).await
    }

    async fn refused(&self, options: TarOptions) -> Error {
        let error = self.open(options).await.unwrap_err();
        assert_eq!(fs::read_dir(self.temp.path()).unwrap().count(), 0, "nothing is left");
        error
    }
}

#[tokio::test]
async fn a_compressed_tar_that_is_a_bomb_is_stopped() {
    const LEN: u64 = 32 << 20;
    let packed = Packed::new();
    packed.write(io::repeat(0).take(LEN));
    let error = packed.refused(TarOptions::new()).await;
    assert_eq!(error.kind(), ErrorKind::SizeExceedsLimit);
    for said in [&packed.path(), packed.temp.path()] {
        assert!(error.to_string().contains(said.to_str().unwrap()), "{error}");
    }
    // What is allowed to grow is a tar without entries, and so no layout.
    let allowed = || TarOptions::new().with_max_ratio(1100);
    assert_eq!(packed.refused(allowed()).await.kind(), ErrorKind::NotFound);
    assert_eq!(packed.refused(allowed().with_max_size(LEN)).await.kind(), ErrorKind::NotFound);
    assert_eq!(packed.refused(allowed().with_max_size(LEN - 1)).await.kind(), ErrorKind::SizeExceedsLimit);
}

/// Plain layers reach a twentieth of their size, and there may be many of them.
#[tokio::test]
async fn a_compressed_tar_that_is_honest_grows_as_it_needs() {
    let (_dir, layout) = fresh().await;
    let text: String = (0..25_000_u64).map(|n| Digest::of(&n.to_be_bytes()).as_str().repeat(16)).collect();
    let layer = push(&layout, content(&text)).await.unwrap();
    let packed = Packed::new();
    packed.write(tar_of(layout.root(), "").as_slice());
    let ratio = text.len() as u64 / fs::metadata(packed.path()).unwrap().len();
    assert!(text.len() > 25 << 20 && ratio >= 10, "beyond the floor, by a ratio of {ratio}");
    let opened = packed.open(TarOptions::new()).await.unwrap();
    assert_eq!(fetch_all(&opened, &layer, u64::MAX).await.unwrap(), text);
    assert_eq!(packed.temp.path().read_dir().unwrap().count(), 1);
    drop(opened);
    assert_eq!(packed.refused(TarOptions::new().with_max_ratio(2)).await.kind(), ErrorKind::SizeExceedsLimit);
}

#[tokio::test]
async fn a_compressed_tar_that_is_broken_is_corrupt() {
    let (_dir, layout, ..) = sample().await;
    let packed = Packed::new();
    packed.write(tar_of(layout.root(), "").as_slice());
    let whole = fs::read(packed.path()).unwrap();
    let mut flipped = whole.clone();
    flipped[whole.len() / 2] ^= 0xff;
    for broken in [&whole[..2], &whole[..whole.len() / 2], &whole[..whole.len() - 1], &flipped] {
        fs::write(packed.path(), broken).unwrap();
        let error = packed.refused(TarOptions::new()).await;
        assert_eq!(error.kind(), ErrorKind::Corrupt, "{}", broken.len());
    }
}
