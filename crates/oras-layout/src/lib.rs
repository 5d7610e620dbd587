//! OCI image layouts as content stores: directories and tar archives.
//!
//! Content flows into an [`OciLayout`] through `push` or `ingest`: it is written into `ingest/`, verified there, and
//! renamed into `blobs/`. Manifests are listed in `index.json`, where entries may have names: tags. Processes may share
//! a layout. [`ReadOnlyLayout`] gives what a directory or a tar archive holds, and [`LayoutArchive`] writes an archive
//! in one pass. [`BlobDir`] and [`TarBlobs`] are the same without an index.
//!
//! ```
//! use oras_content::{Blob, Descriptor, ReadOnlyTarget as _, Target as _};
//! use oras_layout::OciLayout;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! let layout = OciLayout::create(dir.path().join("layout")).await?;
//! let desc = Descriptor::of("text/plain", b"hello");
//! layout.push_reference(&desc, Blob::from_bytes("hello".into()), "greeting").await?;
//!
//! let layout = OciLayout::open(layout.root()).await?;
//! let (found, blob) = layout.fetch_reference("greeting").await?;
//! assert_eq!(found, desc);
//! assert_eq!(blob.bytes(1024).await?, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `gzip` (default): compressed layout archives.
//!
//! # Errors
//!
//! Those of the roles, and what each method says: a layout of an unknown version is `UnsupportedVersion`, a document or
//! blob that is not what it should be is `Corrupt`, and a failing file system is `Io`.

mod archive;
mod archive_sink;
mod blobs;
mod entries;
mod fsck;
mod gc;
mod graph;
mod index;
#[cfg(feature = "gzip")]
mod inflate;
mod ingest;
mod layout;
mod lock;
mod names;
mod options;
mod read_only;
mod recent;
mod refs;
mod storage;
mod tar_reader;
mod version;

pub use archive::LayoutArchive;
pub use archive_sink::ArchiveCompression;
pub use blobs::BlobDir;
pub use fsck::FsckReport;
pub use gc::GcReport;
pub use layout::OciLayout;
pub use options::{DEFAULT_MAX_RATIO, DEFAULT_MAX_SIZE, LayoutOptions, TarOptions};
pub use read_only::ReadOnlyLayout;
pub use tar_reader::TarBlobs;
