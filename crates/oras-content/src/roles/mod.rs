//! What a store can do, one small trait each. Implementors write `async fn`; a trait without methods of its own is
//! implemented for whatever has its parts; every trait is implemented for `&T` and `Arc<T>`.

mod forward;
mod graph;
mod storage;
mod target;

pub use graph::{GraphTarget, PredecessorFinder, ReadOnlyGraphTarget};
pub use storage::{Deleter, Fetcher, MountOutcome, Pusher, ReadOnlyStorage, Storage};
pub use target::{ReadOnlyTarget, Resolver, TagLister, Tagger, Target, Untagger};
