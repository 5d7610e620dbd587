use std::{fs, path::Path};

use bytes::Bytes;
use futures_util::stream;
use oras_content::{
    Blob, Error, ErrorKind, Fetcher as _, PredecessorFinder as _, Pusher as _, ReadOnlyStorage as _, Resolver as _,
    Tagger as _, fetch_all,
};
use oras_descriptor::{Algorithm, Descriptor, MediaType, annotation::REF_NAME};
use oras_layout::{LayoutArchive, OciLayout, ReadOnlyLayout, TarBlobs, TarOptions};

use crate::support::{artifact, blob_path, content, fresh, manifest, push, tags};

/// A layout with a tagged artifact, a referrer, and files of another tool.
pub(crate) async fn sample() -> (tempfile::TempDir, OciLayout, Descriptor, Descriptor) {
    let (dir, layout) = fresh().await;
    let desc = artifact(&layout, "a", None).await;
    layout.tag(&desc, "v1").await.unwrap();
    let sbom = artifact(&layout, "sbom", Some(&desc)).await;
    fs::write(layout.root().join("manifest.json"), "[]").unwrap();
    fs::create_dir(layout.root().join("extra")).unwrap();
    fs::write(layout.root().join("extra/file"), "x").unwrap();
    (dir, layout, desc, sbom)
}

/// A tar of a directory, with names that begin as told and in reverse order.
pub(crate) fn tar_of(root: &Path, prefix: &str) -> Vec<u8> {
    let mut files = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { waiting.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    let mut tar = tar::Builder::new(Vec::new());
    for path in files.iter().rev() {
        let bytes = fs::read(path).unwrap();
        entry(
            &mut tar,
            &format!("{prefix}{}", path.strip_prefix(root).unwrap().display()),
            tar::EntryType::Regular,
            &bytes,
        );
    }
    tar.into_inner().unwrap()
}

fn entry(tar: &mut tar::Builder<Vec<u8>>, name: &str, kind: tar::EntryType, bytes: &[u8]) {
    if name.len() > 100 {
        entry(tar, "long", tar::EntryType::GNULongName, name.as_bytes());
    }
    let mut header = tar::Header::new_gnu();
    header.as_old_mut().name.iter_mut().zip(name.bytes()).for_each(|(to, byte)| *to = byte);
    header.set_entry_type(kind);
    header.set_mode(0o644);
    header.set_size(bytes.len() as u64);
    header.set_cksum();
    tar.append(&header, bytes).unwrap();
}

async fn has_all(layout: &ReadOnlyLayout, desc: &Descriptor, sbom: &Descriptor) {
    assert_eq!(layout.resolve("v1").await.unwrap(), *desc);
    assert_eq!(tags(layout).await, ["v1"]);
    assert!(layout.exists(desc).await.unwrap());
    let layer = content("layer of a").0;
    assert_eq!(fetch_all(layout, &layer, 100).await.unwrap(), "layer of a");
    assert_eq!(layout.predecessors(&layer).await.unwrap(), [desc.plain()]);
    assert_eq!(layout.referrers(desc, None).await.unwrap()[0].digest, sbom.digest);
    assert_eq!(layout.resolve(layer.digest.as_str()).await.unwrap().media_type, MediaType::OCTET_STREAM);
    let nowhere = content("nowhere").0;
    assert!(!layout.exists(&nowhere).await.unwrap());
    let missing = match layout.fetch(&nowhere).await {
        Ok(mut blob) => blob.start().await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!(missing.kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn files_of_other_tools_are_passed_over_and_kept() {
    let (_dir, layout, desc, _) = sample().await;
    let again = OciLayout::create(layout.root()).await.unwrap();
    assert_eq!(again.resolve("v1").await.unwrap(), desc);
    again.gc().await.unwrap();
    assert!(again.fsck().await.unwrap().is_clean());
    assert_eq!(fs::read(layout.root().join("manifest.json")).unwrap(), b"[]");
    assert_eq!(fs::read(layout.root().join("extra/file")).unwrap(), b"x");
}

#[tokio::test]
async fn a_directory_is_read_without_a_trace() {
    let (_dir, layout, desc, sbom) = sample().await;
    fs::remove_dir_all(layout.root().join("ingest")).unwrap();
    let before = fs::metadata(layout.root()).unwrap().modified().unwrap();
    has_all(&ReadOnlyLayout::open_dir(layout.root()).await.unwrap(), &desc, &sbom).await;
    assert!(!layout.root().join("ingest").exists());
    assert_eq!(fs::metadata(layout.root()).unwrap().modified().unwrap(), before);
    let empty = tempfile::tempdir().unwrap();
    assert_eq!(ReadOnlyLayout::open_dir(empty.path()).await.unwrap_err().kind(), ErrorKind::NotFound);
    assert!(fs::read_dir(empty.path()).unwrap().next().is_none());
}

#[tokio::test]
async fn a_tar_is_read_whatever_its_names_begin_with() {
    let (dir, layout, desc, sbom) = sample().await;
    for (name, prefix) in [("plain", ""), ("dots", "./")] {
        let path = dir.path().join(name);
        fs::write(&path, tar_of(layout.root(), prefix)).unwrap();
        has_all(&ReadOnlyLayout::open_tar(&path).await.unwrap(), &desc, &sbom).await;
    }
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn a_compressed_tar_is_read_like_a_plain_one() {
    use std::io::Read as _;
    let (dir, layout, desc, sbom) = sample().await;
    let path = dir.path().join("x.tar.gz");
    let (tar, mut packed) = (tar_of(layout.root(), "./"), Vec::new());
    flate2::read::GzEncoder::new(tar.as_slice(), flate2::Compression::fast()).read_to_end(&mut packed).unwrap();
    fs::write(&path, packed).unwrap();
    let opened = ReadOnlyLayout::open_tar(&path).await.unwrap();
    // Nothing more is read from the archive itself.
    fs::remove_file(&path).unwrap();
    has_all(&opened, &desc, &sbom).await;
}

#[tokio::test]
async fn the_largest_manifest_of_a_tar_is_set() {
    let (dir, layout, desc, _) = sample().await;
    let path = dir.path().join("x.tar");
    fs::write(&path, tar_of(layout.root(), "")).unwrap();
    let open = async |limit| ReadOnlyLayout::open_tar_with(&path, TarOptions::new().with_metadata_limit(limit)).await;
    let small = open(10).await.unwrap();
    assert_eq!(small.predecessors(&desc).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    assert!(open(1 << 20).await.unwrap().predecessors(&desc).await.is_ok());
}

#[tokio::test]
async fn a_tar_that_is_no_layout_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tar");
    let open = async |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        ReadOnlyLayout::open_tar(&path).await.map(|_| ()).unwrap_err().kind()
    };
    let tar = |entries: &[(&str, tar::EntryType, &[u8])]| {
        let mut tar = tar::Builder::new(Vec::new());
        for (name, kind, bytes) in entries {
            entry(&mut tar, name, *kind, bytes);
        }
        tar.into_inner().unwrap()
    };
    let file = tar::EntryType::Regular;
    let version: (&str, tar::EntryType, &[u8]) = ("oci-layout", file, br#"{"imageLayoutVersion":"1.0.0"}"#);
    assert_eq!(open(&tar(&[])).await, ErrorKind::NotFound);
    assert_eq!(open(&tar(&[version])).await, ErrorKind::NotFound);
    assert_eq!(open(&tar(&[version, ("index.json", file, b"{")])).await, ErrorKind::Corrupt);
    assert_eq!(open(&tar(&[version, ("index.json", tar::EntryType::Symlink, b"")])).await, ErrorKind::Unsupported);
    assert_eq!(open(&tar(&[version, ("../index.json", file, b"{}")])).await, ErrorKind::Corrupt);
    assert_eq!(open(&tar(&[version, ("/index.json", file, b"{}")])).await, ErrorKind::Corrupt);
    assert_eq!(open(&tar(&[version, ("index.json", file, &[b' '; 5000])])[..2048]).await, ErrorKind::Corrupt);
    assert_eq!(open(b"this is no tar").await, ErrorKind::Corrupt);
    assert_eq!(ReadOnlyLayout::open_tar(dir.path().join("nothing")).await.unwrap_err().kind(), ErrorKind::NotFound);
}

#[tokio::test]
async fn a_tar_that_is_refused_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tar");
    let mut outside = tar::Builder::new(Vec::new());
    entry(&mut outside, "../x", tar::EntryType::Regular, b"");
    let whole = outside.into_inner().unwrap();
    for bytes in [b"this is no tar".as_slice(), &[0; 1024], &whole] {
        fs::write(&path, bytes).unwrap();
        let error = ReadOnlyLayout::open_tar(&path).await.unwrap_err();
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
    }
}

/// What cannot be read may be whole.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_tar_that_the_system_does_not_give_is_not_called_corrupt() {
    let dir = tempfile::tempdir().unwrap();
    let error = TarBlobs::open(dir.path()).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io);
    assert_eq!(error.to_string(), format!("cannot read {}", dir.path().display()));
}

#[tokio::test]
async fn headers_that_go_on_for_ever_take_no_memory() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tar");
    let open = async |kind, len| {
        let mut tar = tar::Builder::new(Vec::new());
        entry(&mut tar, "content", tar::EntryType::Regular, &vec![b'n'; 4 << 20]);
        entry(&mut tar, "long", kind, &vec![b'n'; len]);
        entry(&mut tar, "index.json", tar::EntryType::Regular, b"{}");
        fs::write(&path, tar.into_inner().unwrap()).unwrap();
        TarBlobs::open(&path).await
    };
    for kind in [tar::EntryType::GNULongName, tar::EntryType::GNULongLink, tar::EntryType::XHeader] {
        assert_eq!(open(kind, 2 << 20).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit, "{kind:?}");
    }
    assert!(open(tar::EntryType::GNULongName, 1 << 19).await.is_ok());
}

#[tokio::test]
async fn only_regular_files_of_a_tar_are_content() {
    let (dir, layout, desc, _) = sample().await;
    let mut tar = tar::Builder::new(Vec::new());
    for name in ["oci-layout", "index.json"] {
        entry(&mut tar, name, tar::EntryType::Regular, &fs::read(layout.root().join(name)).unwrap());
    }
    let name = format!("blobs/sha256/{}", desc.digest.encoded());
    entry(&mut tar, &name, tar::EntryType::Symlink, b"");
    let path = dir.path().join("x.tar");
    fs::write(&path, tar.into_inner().unwrap()).unwrap();
    let layout = ReadOnlyLayout::open_tar(&path).await.unwrap();
    assert_eq!(layout.fetch(&desc).await.unwrap_err().kind(), ErrorKind::Unsupported);
}

#[tokio::test]
async fn blobs_of_a_tar_need_no_index() {
    let (dir, layout, desc, _) = sample().await;
    fs::remove_file(layout.root().join("index.json")).unwrap();
    let path = dir.path().join("x.tar");
    fs::write(&path, tar_of(layout.root(), "./")).unwrap();
    let blobs = TarBlobs::open(&path).await.unwrap();
    assert!(blobs.exists(&desc).await.unwrap());
    let mut blob = blobs.fetch(&desc).await.unwrap();
    blob.start().await.unwrap();
    assert!(blob.into_parts().1.is_none(), "the thread that reads it hashes it");
    assert_eq!(fetch_all(&blobs, &desc, 1 << 20).await.unwrap(), manifest("a", vec![content("layer of a").0], None).1);
}

/// A size that no memory has, in an index that somebody made for it.
#[tokio::test]
async fn ghsa_f36w_mj3v_6jqv_a_size_that_lies_takes_no_memory() {
    let (dir, layout) = fresh().await;
    for size in [1 << 62, u64::MAX >> 1, 33 << 20] {
        let desc = Descriptor { size, ..manifest("a", Vec::new(), None).0.with_annotation(REF_NAME, "v1") };
        let index = oras_descriptor::canonical(&oras_descriptor::Index::new(vec![desc.clone()]));
        fs::write(layout.root().join("index.json"), &index).unwrap();
        fs::create_dir_all(layout.root().join("blobs/sha256")).unwrap();
        fs::write(blob_path(&layout, &desc), "{}").unwrap();
        let path = dir.path().join("x.tar");
        fs::write(&path, tar_of(layout.root(), "")).unwrap();
        let open = OciLayout::open(layout.root()).await.unwrap();
        let tar = ReadOnlyLayout::open_tar(&path).await.unwrap();
        let resolved = open.resolve("v1").await.unwrap();
        assert_eq!(fetch_all(&open, &resolved, u64::MAX).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(fetch_all(&tar, &resolved, u64::MAX).await.unwrap_err().kind(), ErrorKind::Corrupt);
        assert_eq!(open.predecessors(&resolved).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
        assert_eq!(tar.predecessors(&resolved).await.unwrap_err().kind(), ErrorKind::SizeExceedsLimit);
    }
}

async fn archive_at(path: &Path) -> LayoutArchive {
    LayoutArchive::new(tokio::fs::File::create(path).await.unwrap()).await.unwrap()
}

/// Writes the sample into an archive.
async fn write(layout: &OciLayout, desc: &Descriptor, sbom: &Descriptor, archive: &LayoutArchive) {
    let blobs =
        [Descriptor::empty().plain(), content("layer of a").0, desc.clone(), content("layer of sbom").0, sbom.clone()];
    for blob in &blobs {
        archive.push(blob, layout.fetch(blob).await.unwrap()).await.unwrap();
    }
    archive.tag(desc, "v1").await.unwrap();
}

#[tokio::test]
async fn an_archive_is_written_in_one_pass_and_read_back() {
    let (dir, layout, desc, sbom) = sample().await;
    let mut files = Vec::new();
    for name in ["one.tar", "two.tar"] {
        let path = dir.path().join(name);
        let archive = archive_at(&path).await;
        assert_eq!(archive.max_concurrency().map(std::num::NonZeroUsize::get), Some(1));
        write(&layout, &desc, &sbom, &archive).await;
        let again = archive.push(&desc, Blob::from_stream(None, stream::poll_fn(|_| panic!("read")))).await;
        assert_eq!(again.unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(archive.resolve("v1").await.unwrap(), desc);
        assert_eq!(tags(&archive).await, ["v1"]);
        assert_eq!(archive.referrers(&desc, None).await.unwrap()[0].digest, sbom.digest);
        assert!(fetch_all(&archive, &desc, 1 << 20).await.is_ok(), "manifests are kept");
        let layer = content("layer of a").0;
        assert!(archive.exists(&layer).await.unwrap());
        assert_eq!(archive.fetch(&layer).await.unwrap_err().kind(), ErrorKind::Unsupported);
        assert_eq!(archive.fetch(&content("nowhere").0).await.unwrap_err().kind(), ErrorKind::NotFound);
        archive.finish().await.unwrap();
        assert!(archive.finish().await.is_err());
        assert_eq!(archive.tag(&desc, "late").await.unwrap_err().kind(), ErrorKind::Other, "it would be lost");
        has_all(&ReadOnlyLayout::open_tar(&path).await.unwrap(), &desc, &sbom).await;
        files.push(fs::read(&path).unwrap());
    }
    assert_eq!(files[0], files[1], "the same content gives the same archive");
    let mut tar = tar::Archive::new(files[0].as_slice());
    let names: Vec<_> =
        tar.entries().unwrap().map(|entry| entry.unwrap().path().unwrap().to_str().unwrap().to_owned()).collect();
    assert_eq!((names.first().unwrap().as_str(), names.last().unwrap().as_str()), ("oci-layout", "index.json"));
}

#[tokio::test]
async fn bytes_in_an_archive_are_a_manifest_once_they_come_as_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tar");
    let archive = archive_at(&path).await;
    let (desc, bytes) = manifest("a", vec![content("layer").0], None);
    let as_layer = Descriptor::of("application/x-layer", &bytes);
    push(&archive, (as_layer.clone(), bytes.clone())).await.unwrap();
    assert!(archive.exists(&as_layer).await.unwrap() && !archive.exists(&desc).await.unwrap());
    let pushed = push(&archive, (desc.clone(), bytes)).await;
    assert_eq!(pushed.unwrap_err().kind(), ErrorKind::AlreadyExists, "it is not written twice");
    assert!(archive.exists(&desc).await.unwrap());
    archive.tag(&desc, "v1").await.unwrap();
    archive.finish().await.unwrap();
    let read = ReadOnlyLayout::open_tar(&path).await.unwrap();
    assert_eq!(read.resolve("v1").await.unwrap(), desc);
    let mut tar = tar::Archive::new(fs::File::open(&path).unwrap());
    assert_eq!(tar.entries().unwrap().count(), 3, "oci-layout, the blob, index.json");
}

#[cfg(feature = "gzip")]
#[tokio::test]
async fn an_archive_is_compressed_where_that_is_asked_for() {
    let (dir, layout, desc, sbom) = sample().await;
    let path = dir.path().join("x.tar.gz");
    let file = tokio::fs::File::create(&path).await.unwrap();
    let compression = oras_layout::ArchiveCompression::Gzip(6);
    let archive = LayoutArchive::with_compression(file, compression).await.unwrap();
    write(&layout, &desc, &sbom, &archive).await;
    archive.finish().await.unwrap();
    assert_eq!(fs::read(&path).unwrap()[..2], [0x1f, 0x8b]);
    has_all(&ReadOnlyLayout::open_tar(&path).await.unwrap(), &desc, &sbom).await;
}

#[tokio::test]
async fn a_blob_that_fails_early_does_no_harm_and_one_that_fails_later_breaks_the_archive() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tar");
    let archive = archive_at(&path).await;
    let wrong = archive.push(&content("right").0, Blob::from_bytes("wrong".into())).await;
    assert_eq!(wrong.unwrap_err().kind(), ErrorKind::Corrupt);
    let missing = oras_content::fs::FileSource::new(dir.path().join("nothing")).into_blob(None);
    let (large, bytes) = content(&"large".repeat(100_000));
    assert_eq!(archive.push(&large, missing).await.unwrap_err().kind(), ErrorKind::NotFound);
    push(&archive, content("right")).await.unwrap();
    let lost = Error::new(ErrorKind::Timeout, "gone");
    let broken = Blob::from_stream(None, stream::iter([Ok(bytes.slice(..70_000)), Err(lost)]));
    assert_eq!(archive.push(&large, broken).await.unwrap_err().kind(), ErrorKind::Timeout);
    assert!(push(&archive, content("next")).await.is_err());
    assert_eq!(archive.tag(&content("right").0, "v1").await.unwrap_err().kind(), ErrorKind::Other);
    assert!(archive.finish().await.is_err());
}

#[tokio::test]
async fn an_archive_takes_content_of_every_algorithm() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.tar");
    let archive = archive_at(&path).await;
    let desc = Descriptor::of_with(Algorithm::Sha512, "a/b", b"hello");
    push(&archive, (desc.clone(), Bytes::from_static(b"hello"))).await.unwrap();
    archive.finish().await.unwrap();
    let blobs = TarBlobs::open(&path).await.unwrap();
    assert_eq!(fetch_all(&blobs, &desc, 100).await.unwrap(), "hello");
}

#[cfg(unix)]
#[tokio::test]
async fn layouts_on_one_file_system_share_a_blob_that_is_right() {
    use std::os::unix::fs::MetadataExt as _;

    use oras_content::MountOutcome;
    let (_one, from) = fresh().await;
    let (_two, to) = fresh().await;
    let desc = push(&from, content(&"shared".repeat(100_000))).await.unwrap();
    let never = || Blob::from_stream(None, stream::poll_fn(|_| panic!("bytes were moved")));
    let locations: Vec<_> = from.location().into_iter().collect();
    assert_eq!(to.mount(&desc, &locations, never()).await.unwrap(), MountOutcome::Mounted);
    let inode = |layout: &OciLayout| fs::metadata(blob_path(layout, &desc)).unwrap().ino();
    assert_eq!(inode(&from), inode(&to));
    assert!(crate::support::leftovers(to.root()).is_empty());
    assert_eq!(to.mount(&desc, &locations, never()).await.unwrap_err().kind(), ErrorKind::AlreadyExists);
    assert_eq!(ReadOnlyLayout::open_dir(from.root()).await.unwrap().location(), from.location());

    let (other, bytes) = content(&"broken".repeat(100_000));
    fs::write(blob_path(&from, &other), "Broken".repeat(100_000)).unwrap();
    let outcome = to.mount(&other, &locations, Blob::from_bytes(bytes.clone())).await.unwrap();
    assert_eq!(outcome, MountOutcome::Pushed);
    assert_eq!(fetch_all(&to, &other, u64::MAX).await.unwrap(), bytes);
}
