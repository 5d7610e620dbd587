//! Single blobs whose transfer goes on where a process before this one was killed.

use std::{error::Error, path::Path};

use oras::{
    Descriptor, Digest,
    content::{Fetcher as _, Pusher as _, Resolver as _, fs::FileSource},
    descriptor::Algorithm,
    layout::OciLayout,
    remote::{Repository, UploadState, UploadStrategy},
};
use tokio::io::AsyncReadExt as _;

use crate::Outcome;

/// Uploads a file in chunks. Where the upload stands is in another file, after each chunk.
pub(crate) async fn send(repository: &Repository, file: &Path, saved: &Path) -> Outcome {
    let desc = describe(file).await?;
    let upload = repository.upload(&desc, FileSource::new(file).into_blob(Some(desc.size)));
    let upload = match read_state(saved) {
        Some(state) => upload.with_state(state),
        None => upload.with_strategy(UploadStrategy::CHUNKED),
    };
    let save = |state: &UploadState| {
        let new = saved.with_extension("new");
        // What cannot be saved is sent again.
        let written = std::fs::write(&new, serde_json::json!(state).to_string());
        let _ = written.and_then(|()| std::fs::rename(new, saved));
    };
    match upload.on_checkpoint(save).send().await {
        Err(error) if error.kind() == oras::ErrorKind::AlreadyExists => {}
        sent => sent?,
    }
    crate::done(&desc.digest)
}

/// Downloads a blob into an image layout, which goes on with what it has of it.
pub(crate) async fn receive(repository: &Repository, digest: &str, layout: &Path) -> Outcome {
    let desc = repository.blobs().resolve(digest).await?;
    let layout = OciLayout::create(layout).await?;
    layout.push(&desc, repository.fetch(&desc).await?).await?;
    crate::done(&desc.digest)
}

fn read_state(saved: &Path) -> Option<UploadState> {
    serde_json::from_slice(&std::fs::read(saved).ok()?).ok()
}

async fn describe(file: &Path) -> Result<Descriptor, Box<dyn Error>> {
    let mut reader = tokio::fs::File::open(file).await?;
    let (mut hasher, mut buffer, mut size) = (Algorithm::Sha256.hasher(), vec![0; 1 << 20], 0);
    loop {
        let read = reader.read(&mut buffer).await?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hasher.update(bytes);
        size += bytes.len() as u64;
    }
    let digest: Digest = hasher.finish();
    Ok(Descriptor::new("application/octet-stream", digest, size))
}
