use bytes::Bytes;
use oras_content::{Blob, Descriptor, ErrorKind, MediaType, Pusher};
use oras_descriptor::{Manifest, canonical};

/// Bytes that do not repeat; the same seed gives the same.
pub(crate) fn random_bytes(len: usize, seed: u64) -> Bytes {
    let mut state = seed.wrapping_mul(2).wrapping_add(1);
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(len);
    bytes.into()
}

pub(crate) fn blob(len: usize, seed: u64) -> (Descriptor, Bytes) {
    let bytes = random_bytes(len, seed);
    (Descriptor::of(MediaType::OCI_LAYER, &bytes), bytes)
}

/// Pushes content, whether it is known or not.
pub(crate) async fn push<T: Pusher>(target: &T, media_type: &MediaType, bytes: &Bytes) -> Descriptor {
    let desc = Descriptor::of(media_type.clone(), bytes);
    match target.push(&desc, Blob::from_bytes(bytes.clone())).await {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        pushed => pushed.unwrap(),
    }
    desc
}

/// Pushes an image with so many layers of so many bytes; the seed makes it differ from others.
pub(crate) async fn image<T: Pusher>(target: &T, layers: usize, size: usize, seed: u64) -> Descriptor {
    let config = push(target, &MediaType::new("application/vnd.test.config"), &random_bytes(20, seed)).await;
    let mut pushed = Vec::new();
    for at in 0..layers {
        let bytes = random_bytes(size, seed.wrapping_mul(1000).wrapping_add(at as u64 + 1));
        pushed.push(push(target, &MediaType::OCI_LAYER, &bytes).await);
    }
    push(target, &MediaType::OCI_MANIFEST, &canonical(&Manifest::new(config, pushed))).await
}
