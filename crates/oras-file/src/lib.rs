//! Named files and directories as content.
//!
//! A [`FileStore`] gives the files and directories that were [added](FileStore::add), and writes what is pushed: content
//! with a title becomes the file of that name, and a packed directory is unpacked, as far as an [`UnpackPolicy`] lets
//! it. Everything is verified before it is seen, and nothing leaves the store's directory. What has no title goes to a
//! fallback storage, in memory by default.
//!
//! ```
//! use oras_content::{Fetcher as _, Pusher as _};
//! use oras_file::FileStore;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras_content::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let (here, there) = (dir.path().join("here"), dir.path().join("there"));
//! std::fs::create_dir_all(here.join("docs"))?;
//! std::fs::write(here.join("docs/hello.txt"), "hello")?;
//!
//! let from = FileStore::new(&here)?;
//! let desc = from.add("docs", None, "").await?;
//!
//! let to = FileStore::new(&there)?;
//! to.push(&desc, from.fetch(&desc).await?).await?;
//! assert_eq!(std::fs::read(there.join("docs/hello.txt"))?, b"hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! - `zstd`: directories packed and unpacked as tar+zstd.
//!
//! # Errors
//!
//! Those of the roles. A name or an entry of an archive that leads out, and whatever a policy refuses, is `Denied`, for
//! names with a [`NameError`] below; an archive that breaks a limit is `SizeExceedsLimit`; content that is not what it
//! should be is `Corrupt`, and a failing file system is `Io`.

mod add_to;
mod ahead;
mod compress;
mod entry_path;
mod extract;
mod modes;
mod name;
mod options;
mod pack;
mod parallel;
mod place;
mod policy;
mod roles;
mod sink;
mod store;
mod tar_header;
mod unpack;
mod write_to;

pub use compress::Compression;
pub use name::{NameError, check_portable_name};
pub use options::FileOptions;
pub use pack::{PackOptions, PackTimes};
pub use policy::{
    DEFAULT_MAX_ENTRIES, DEFAULT_MAX_RATIO, DEFAULT_MAX_SIZE, Duplicates, LinkPolicy, PrivilegedBits, SpecialFiles,
    UnpackPolicy,
};
pub use sink::{FILE_MODE, FILE_MTIME};
pub use store::{DEFAULT_FALLBACK_LIMIT, FileStore};
pub use write_to::write_to;
