use bytes::Bytes;
use oras::content::{Blob, Target};
use oras::{Descriptor, MediaType};

/// Stores a manifest or an index under a tag.
pub(crate) async fn push_manifest<T: Target>(target: &T, media_type: MediaType, bytes: Bytes, tag: &str) -> Descriptor {
    let desc = Descriptor::of(media_type, &bytes);
    target.push_reference(&desc, Blob::from_bytes(bytes), tag).await.unwrap();
    desc
}
