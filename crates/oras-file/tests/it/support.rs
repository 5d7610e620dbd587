use std::{fs, io::Write as _, path::Path};

use bytes::Bytes;
use oras_content::{Blob, Fetcher, Pusher, Result, fetch_all};
use oras_descriptor::{
    Descriptor, Manifest, MediaType,
    annotation::{CONTENT_UNPACK, TITLE},
    canonical,
};
use oras_file::{FileOptions, FileStore};
use tempfile::TempDir;

pub(crate) fn fresh() -> (TempDir, FileStore) {
    with(FileOptions::new())
}

/// A store in a directory that has a neighbour, so that an escape is seen.
pub(crate) fn with(options: FileOptions) -> (TempDir, FileStore) {
    beside(tempfile::tempdir().unwrap(), options)
}

/// The same in memory, where the system has files there: thousands of cases would wear a disk for nothing.
pub(crate) fn in_memory() -> (TempDir, FileStore) {
    let memory = Path::new("/dev/shm");
    let parent = if memory.is_dir() { memory.to_owned() } else { std::env::temp_dir() };
    beside(tempfile::tempdir_in(&parent).unwrap(), FileOptions::new().with_temp_dir(parent))
}

fn beside(dir: TempDir, options: FileOptions) -> (TempDir, FileStore) {
    fs::create_dir(dir.path().join("outside")).unwrap();
    let store = FileStore::with_options(dir.path().join("work"), options).unwrap();
    (dir, store)
}

/// Puts a file into the directory of a store, behind its back.
pub(crate) fn plant(store: &FileStore, name: &str, text: &str) {
    let path = store.root().join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn named(name: &str, text: &str) -> (Descriptor, Bytes) {
    let desc = Descriptor::of("application/x-test", text.as_bytes()).with_annotation(TITLE, name);
    (desc, Bytes::copy_from_slice(text.as_bytes()))
}

pub(crate) async fn push(store: &impl Pusher, (desc, bytes): (Descriptor, Bytes)) -> Result<Descriptor> {
    store.push(&desc, Blob::from_bytes(bytes)).await.map(|()| desc)
}

pub(crate) async fn read(store: &impl Fetcher, desc: &Descriptor) -> Result<Bytes> {
    fetch_all(store, desc, u64::MAX).await
}

pub(crate) fn manifest(layers: Vec<Descriptor>) -> (Descriptor, Bytes) {
    let bytes = canonical(&Manifest::new(Descriptor::of("application/x-config", b"{}"), layers));
    (Descriptor::of(MediaType::OCI_MANIFEST, &bytes), bytes)
}

/// Everything below a directory: path, and what is there.
pub(crate) fn tree(root: &Path) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut waiting = vec![root.to_owned()];
    while let Some(dir) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&dir) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            let shown = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            let metadata = fs::symlink_metadata(&path).unwrap();
            let what = if metadata.is_dir() {
                waiting.push(path);
                "dir".to_owned()
            } else if metadata.is_symlink() {
                format!("-> {}", fs::read_link(&path).unwrap().display())
            } else {
                String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
            };
            found.push((shown, what));
        }
    }
    found.sort();
    found
}

/// An entry of a hostile archive: any name, any link, any type.
pub(crate) struct Entry<'a> {
    pub(crate) kind: u8,
    pub(crate) name: &'a str,
    pub(crate) link: &'a str,
    pub(crate) mode: u32,
    pub(crate) content: &'a [u8],
}

pub(crate) fn file<'a>(name: &'a str, content: &'a str) -> Entry<'a> {
    Entry { kind: b'0', name, link: "", mode: 0o644, content: content.as_bytes() }
}

pub(crate) fn dir(name: &str) -> Entry<'_> {
    Entry { kind: b'5', name, link: "", mode: 0o755, content: b"" }
}

pub(crate) fn symlink<'a>(name: &'a str, link: &'a str) -> Entry<'a> {
    Entry { kind: b'2', name, link, mode: 0o777, content: b"" }
}

pub(crate) fn hard_link<'a>(name: &'a str, link: &'a str) -> Entry<'a> {
    Entry { kind: b'1', name, link, mode: 0o644, content: b"" }
}

/// An archive with headers as they are told, long names as GNU has them.
pub(crate) fn archive(entries: &[Entry<'_>]) -> Bytes {
    let mut out = Vec::new();
    for entry in entries {
        for (kind, text) in [(b'L', entry.name), (b'K', entry.link)] {
            if text.len() > 100 {
                block(&mut out, kind, "long", "", 0, text.as_bytes());
            }
        }
        block(&mut out, entry.kind, entry.name, entry.link, entry.mode, entry.content);
    }
    out.extend_from_slice(&[0; 1024]);
    out.into()
}

fn block(out: &mut Vec<u8>, kind: u8, name: &str, link: &str, mode: u32, content: &[u8]) {
    let mut header = tar::Header::new_gnu();
    let put = |to: &mut [u8], text: &str| to.iter_mut().zip(text.bytes()).for_each(|(to, byte)| *to = byte);
    put(&mut header.as_old_mut().name, name);
    put(&mut header.as_old_mut().linkname, link);
    header.set_entry_type(tar::EntryType::new(kind));
    header.set_mode(mode);
    header.set_mtime(1_000_000_000);
    header.set_size(content.len() as u64);
    header.set_cksum();
    out.extend_from_slice(header.as_bytes());
    out.extend_from_slice(content);
    out.resize(out.len().next_multiple_of(512), 0);
}

pub(crate) fn gzip(bytes: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap().into()
}

/// An archive as a layer that is to be unpacked.
pub(crate) fn packed(name: &str, bytes: Bytes) -> (Descriptor, Bytes) {
    let desc = Descriptor::of(MediaType::OCI_LAYER_GZIP, &bytes)
        .with_annotation(TITLE, name)
        .with_annotation(CONTENT_UNPACK, "true");
    (desc, bytes)
}

/// Unpacks an archive as `base`.
pub(crate) async fn push_archive(store: &impl Pusher, entries: &[Entry<'_>]) -> Result<()> {
    push(store, packed("base", gzip(&archive(entries)))).await.map(|_| ())
}

/// The same into a fresh store.
pub(crate) async fn unpack(options: FileOptions, entries: &[Entry<'_>]) -> (TempDir, Result<()>) {
    let (dir, store) = with(options);
    let result = push_archive(&store, entries).await;
    (dir, result)
}
