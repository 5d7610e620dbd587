//! OCI artifacts for Rust: any content moves between registries, image layouts, files and memory, verified on the way.
//!
//! ```text
//!  remote::Repository ─┐                                ┌─▶ remote::Repository
//!  layout::OciLayout  ─┤  fetch   ┌──────┐   push       ├─▶ layout::OciLayout
//!  file::FileStore    ─┼────────▶ │ Blob │ ─────────────┼─▶ file::FileStore
//!  memory::MemoryStore─┤          └──────┘ checks itself├─▶ memory::MemoryStore
//!  a store of yours   ─┘           while it moves       └─▶ a store of yours
//! ```
//!
//! Everything that holds content is a *target*. [`copy()`] moves what a reference stands for from one target to another,
//! whatever they are, with all that it points to; [`files::push`] and [`files::pull`] do the same for files on a disk. A
//! [`Blob`](content::Blob) is content on its way: it does not give its last byte before size and digest are right, and it
//! goes on in the middle when its source breaks.
//!
//! # Start here
//!
//! This runs without a network. With `oras::remote::Repository` in place of the first store it talks to a registry:
//! nothing else changes.
//!
//! ```
//! use oras::copy::CopyOptions;
//! use oras::files::{self, File, PullOptions, PushOptions};
//! use oras::{layout::OciLayout, memory::MemoryStore};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> oras::Result<()> {
//! # let dir = tempfile::tempdir()?;
//! # let dir = dir.path();
//! // Pack a file as an artifact, and store it under a tag.
//! let store = MemoryStore::new();
//! let hello = File::from_bytes("hello.txt", "hello").with_media_type("text/plain");
//! let options = PushOptions::new().with_artifact_type("application/vnd.greeting");
//! let pushed = files::push(&store, "v1", [hello], &options).await?;
//!
//! // Copy it from there into an image layout, and from the layout into a directory.
//! let layout = OciLayout::create(dir.join("layout")).await?;
//! let root = oras::copy(&store, "v1", &layout, "v1", &CopyOptions::default()).await?;
//! assert_eq!(root.digest, pushed.root().digest);
//!
//! let options = PullOptions::new();
//! let pulled = files::pull(&layout, "v1", dir.join("out"), &options).await?;
//! assert_eq!(std::fs::read_to_string(pulled.files()[0].path())?, "hello");
//! # Ok(())
//! # }
//! ```
//!
//! # Features
//!
//! | feature | by default | what it brings |
//! |---|---|---|
//! | `remote` | yes | [`mod@remote`], [`mod@auth`], [`mod@transport`]: registries over HTTP |
//! | `credentials` | yes | [`mod@credentials`]: configuration files of docker and podman, credential helpers |
//! | `layout` | yes | [`mod@layout`]: OCI image layouts, as a directory or a tar archive |
//! | `file` | yes | [`mod@file`]: named files and directories as content |
//! | `memory` | yes | [`mod@memory`]: a store in memory |
//! | `copy` | yes | [`mod@copy`] and [`copy()`]: the engine between any two targets |
//! | `pack` | yes | [`mod@pack`]: manifests of artifacts |
//! | `copy`, `file`, `memory` and `pack` | yes | [`files`]: push and pull of files in one call |
//! | `registry` | no | [`mod@registry`]: a registry to embed, for tests and for good |
//! | `zstd` | no | directories packed as tar+zstd |
//! | `tracing` | no | spans and events of every node, request and retry |
//! | `oci-spec-0-10` | no | conversions from and to the types of `oci-spec` 0.10 |
//!
//! Each crate below can be used alone; [`mod@reference`] and [`mod@descriptor`] know no I/O at all.
//!
//! # Errors
//!
//! Stores and clients fail with [`Error`], a copy with `copy::CopyError`, which becomes an [`Error`] by `?`. Its
//! [`kind`](Error::kind) is for programs, a [`Report`] for people.

#[cfg(all(feature = "copy", feature = "file", feature = "memory", feature = "pack"))]
pub mod files;

pub use oras_content as content;
pub use oras_content::{Error, ErrorKind, Report, Result};
pub use oras_descriptor as descriptor;
pub use oras_descriptor::{Descriptor, Digest, MediaType};
pub use oras_reference as reference;
pub use oras_reference::Reference;

#[cfg(any(feature = "remote", feature = "credentials"))]
pub use oras_auth as auth;
#[cfg(feature = "copy")]
pub use oras_copy as copy;
#[cfg(feature = "copy")]
pub use oras_copy::copy;
#[cfg(feature = "credentials")]
pub use oras_credentials as credentials;
#[cfg(feature = "file")]
pub use oras_file as file;
#[cfg(feature = "layout")]
pub use oras_layout as layout;
#[cfg(feature = "memory")]
pub use oras_memory as memory;
#[cfg(feature = "pack")]
pub use oras_pack as pack;
#[cfg(feature = "registry")]
pub use oras_registry as registry;
#[cfg(feature = "remote")]
pub use oras_remote as remote;
#[cfg(feature = "remote")]
pub use oras_transport as transport;
