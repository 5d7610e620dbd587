use std::collections::HashSet;

use oras_content::{Error, ErrorKind, Result, Target};
use oras_copy::{copy, copy_graph};
use oras_descriptor::{Descriptor, MediaType};
use oras_file::{FileStore, NameError, check_portable_name};
use oras_memory::MemoryStore;
use oras_pack::{PackManifestOptions, pack_manifest};

use super::{file::File, options::PushOptions, report::Pushed, source::Source};

/// Packs files as an artifact and pushes it, under a tag or, with `None`, under its digest alone.
///
/// Each file becomes a layer, whose title is the name of the file; a directory becomes one as a compressed archive. What
/// the target has already is not sent again, and the tag is set last.
///
/// A large file is on its way while it is described, if the target takes such content and the copy has no hooks: it is
/// read once, and the push ends early when the target turns out to have it.
///
/// # Errors
///
/// [`ErrorKind::NotFound`] when a file is not there, [`ErrorKind::Denied`] when two have the same name,
/// [`ErrorKind::Unsupported`] or [`ErrorKind::MissingReference`] when a name is not one that every platform can keep; what
/// [`pack_manifest`] gives for the options; else a copy's error, with the
/// [`CopyError`](oras_copy::CopyError) as its source.
///
/// # Cancel safety
///
/// A dropped future leaves content that no tag stands for, and no manifest without what it points to.
pub async fn push<'a, T: Target>(
    target: &T,
    reference: impl Into<Option<&'a str>>,
    files: impl IntoIterator<Item = impl Into<File>>,
    options: &PushOptions,
) -> Result<Pushed> {
    let reference: Option<&str> = reference.into();
    let files: Vec<File> = files.into_iter().map(Into::into).collect();
    // Boxed, because what a store and an engine need on the way is large, and callers await many such futures.
    Box::pin(push_files(target, reference, files, options)).await
}

async fn push_files<T: Target>(
    target: &T,
    reference: Option<&str>,
    files: Vec<File>,
    options: &PushOptions,
) -> Result<Pushed> {
    check_names(&files, options)?;
    let source =
        Source { files: FileStore::with_options(&options.base, options.store.clone())?, memory: MemoryStore::new() };
    let layers = source.add_all(target, files, options).await?;
    let root = pack(&source, layers.clone(), options).await?;
    match reference {
        Some(reference) => copy(&source, root.digest.as_str(), target, reference, &options.copy).await.map(drop)?,
        None => copy_graph(&source, target, &root, &options.copy).await?,
    }
    source.files.close().await?;
    Ok(Pushed { root, layers })
}

fn check_names(files: &[File], options: &PushOptions) -> Result<()> {
    let mut seen = HashSet::new();
    for name in files.iter().map(File::effective_name) {
        if options.portable_names {
            check_portable_name(&name)?;
        }
        if !seen.insert(name.clone()) {
            let message = format!("two files are called {name:?}");
            return Err(Error::new(ErrorKind::Denied, message).with_source(NameError::Duplicate { name }));
        }
    }
    Ok(())
}

async fn pack(source: &Source, layers: Vec<Descriptor>, options: &PushOptions) -> Result<Descriptor> {
    let mut manifest: PackManifestOptions = options.manifest.clone().with_layers(layers);
    match &options.config {
        Some(config) => {
            let desc = Descriptor::of(config.media_type.clone(), &config.bytes);
            source.keep(&desc, config.bytes.clone()).await?;
            manifest = manifest.with_config(desc.with_annotations(options.config_annotations.clone()));
        }
        None => manifest = manifest.with_config_annotations(options.config_annotations.clone()),
    }
    let unknown = || options.config.as_ref().map_or(MediaType::UNKNOWN_ARTIFACT, |_| MediaType::new(""));
    let artifact_type = options.artifact_type.clone().unwrap_or_else(unknown);
    pack_manifest(&source.memory, options.version, artifact_type, &manifest).await
}
