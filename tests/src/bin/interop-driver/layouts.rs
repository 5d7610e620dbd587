//! Image layouts on a disk: ours, for the tools of others to read, and theirs, read by ours.

use std::path::Path;

use oras::{
    Descriptor, MediaType,
    content::{Blob, PredecessorFinder as _, Pusher as _, Target as _},
    copy::CopyOptions,
    descriptor::{Index, Manifest, Platform, annotation::CONTENT_DIGEST, canonical},
    file::FileStore,
    layout::{ArchiveCompression, LayoutArchive, OciLayout, ReadOnlyLayout},
    memory::MemoryStore,
    pack::{PackManifestOptions, PackManifestVersion, pack_manifest},
};

use crate::{Outcome, done};

const TAG: &str = "v1";

/// Writes `layout`, an index of two images with a referrer, the same as `layout.tar` and `layout.tar.gz`, and `image`, a
/// layout of one image alone, since not every tool takes more.
pub(crate) async fn make(dir: &Path) -> Outcome {
    let layout = OciLayout::create(dir.join("layout")).await?;
    let images = [image(&layout, dir, "amd64").await?, image(&layout, dir, "arm64").await?];
    let bytes = canonical(&Index::new(images.to_vec()));
    let root = Descriptor::of(MediaType::OCI_INDEX, &bytes);
    layout.push_reference(&root, Blob::from_bytes(bytes), TAG).await?;
    let referrer = PackManifestOptions::new().with_subject(root.clone());
    pack_manifest(&layout, PackManifestVersion::V1_1, "application/vnd.example.note", &referrer).await?;

    let options = CopyOptions::new();
    for (name, compression) in
        [("layout.tar", ArchiveCompression::None), ("layout.tar.gz", ArchiveCompression::Gzip(6))]
    {
        let file = tokio::fs::File::create(dir.join(name)).await?;
        let archive = LayoutArchive::with_compression(file, compression).await?;
        oras::copy(&layout, TAG, &archive, TAG, &options).await?;
        archive.finish().await?;
    }
    let alone = OciLayout::create(dir.join("image")).await?;
    let [first, _] = images;
    let first = oras::copy(&layout, first.digest.as_str(), &alone, TAG, &options).await?;
    println!("image {}", first.digest);
    done(&root.digest)
}

/// An image of one layer that runs nowhere, but has all that an image has.
async fn image(layout: &OciLayout, dir: &Path, architecture: &str) -> Result<Descriptor, Box<dyn std::error::Error>> {
    let tree = dir.join("tree").join(architecture);
    std::fs::create_dir_all(tree.join("etc"))?;
    std::fs::write(tree.join("etc/architecture"), architecture)?;
    let store = FileStore::new(dir)?;
    let layer = store.add(architecture, None, tree).await?;
    let diff_id = layer.annotations.get(CONTENT_DIGEST).ok_or("a packed directory has no digest")?;
    let config = format!(
        r#"{{"architecture":"{architecture}","os":"linux","rootfs":{{"type":"layers","diff_ids":["{diff_id}"]}}}}"#
    );
    let config_desc = Descriptor::of(MediaType::OCI_CONFIG, config.as_bytes());
    layout.push(&layer.plain(), oras::content::Fetcher::fetch(&store, &layer).await?).await?;
    layout.push(&config_desc, Blob::from_bytes(config.into())).await?;
    let bytes = canonical(&Manifest::new(config_desc, vec![layer.plain()]));
    let desc = Descriptor::of(MediaType::OCI_MANIFEST, &bytes);
    layout.push(&desc, Blob::from_bytes(bytes)).await?;
    Ok(desc.with_platform(Platform::new("linux", architecture)))
}

/// Reads all that a reference stands for in a layout, a directory or an archive, and says who refers to it.
pub(crate) async fn read(path: &Path, reference: &str) -> Outcome {
    let is_dir = path.is_dir();
    let layout = if is_dir { ReadOnlyLayout::open_dir(path).await? } else { ReadOnlyLayout::open_tar(path).await? };
    let root = oras::copy(&layout, reference, &MemoryStore::new(), TAG, &CopyOptions::new()).await?;
    if is_dir {
        let report = OciLayout::open(path).await?.fsck().await?;
        if !report.is_clean() {
            return Err(format!("{report:?}").into());
        }
    }
    for referrer in layout.referrers(&root, None).await? {
        println!("referrer {}", referrer.digest);
    }
    done(&root.digest)
}
