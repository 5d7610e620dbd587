//! Files in a registry, in one call each way: [`push`] packs and stores them, [`pull`] writes them into a directory.
//!
//! Both work on any target. A file is a layer of the artifact, and its name is the layer's title
//! (`org.opencontainers.image.title`), as the oras program and library do it, so that files pushed by one are pulled by
//! the other.
//!
//! ```
//! use oras::files::{self, File, PullOptions, PushOptions, SkipReason};
//! use oras::memory::MemoryStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! # std::fs::write(dir.join("notes.md"), "# notes")?;
//! let store = MemoryStore::new();
//! let notes = File::at("notes.md").with_media_type("text/markdown");
//! let files = [notes, File::from_bytes("data.bin", vec![0; 16])];
//! files::push(&store, "v1", files, &PushOptions::new().with_base(dir)).await?;
//!
//! let options = PullOptions::new().with_allowed_media_types(["text/markdown"]);
//! let pulled = files::pull(&store, "v1", dir.join("out"), &options).await?;
//! assert_eq!(pulled.files()[0].name(), "notes.md");
//! assert_eq!(pulled.skipped()[0].reason(), SkipReason::MediaType);
//! # Ok(())
//! # }
//! ```

mod file;
mod layers;
mod options;
mod plan;
mod pull;
mod push;
mod report;
mod source;

pub use file::File;
pub use options::{PullOptions, PushOptions};
pub use pull::pull;
pub use push::push;
pub use report::{Pulled, PulledFile, Pushed, SkipReason, SkippedContent};
