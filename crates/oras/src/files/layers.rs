use std::path::{Path, PathBuf};

use oras_content::{Result, Target, fs::blocking};
use oras_descriptor::{Annotations, Descriptor, MediaType, annotation};

use super::{
    file::{Content, File},
    options::PushOptions,
    source::Source,
};

/// From this size on a file is pushed while it is described: to read all of it first takes longer than some more bytes on
/// the way to a target that has it.
const LARGE: u64 = 64 << 20;

/// A file to become a layer.
struct Entry {
    name: String,
    media_type: Option<MediaType>,
    path: PathBuf,
}

impl Source {
    /// Takes files in, and describes them; large ones are at the target then.
    pub(super) async fn add_all<T: Target>(
        &self,
        target: &T,
        files: Vec<File>,
        options: &PushOptions,
    ) -> Result<Vec<Descriptor>> {
        let large = if options.copy.has_hooks() { Vec::new() } else { self.large(&files).await? };
        let mut layers = vec![Descriptor::empty(); files.len()];
        let mut extra: Vec<Annotations> = Vec::with_capacity(files.len());
        let (mut small, mut later) = (Vec::new(), Vec::new());
        for (at, file) in files.into_iter().enumerate() {
            let name = file.effective_name();
            extra.push(file.annotations);
            match file.content {
                Content::Bytes(bytes) => {
                    let desc = Descriptor::of(file.media_type.unwrap_or(MediaType::OCI_LAYER), &bytes);
                    self.keep(&desc, bytes).await?;
                    set(&mut layers, at, desc.with_annotation(annotation::TITLE, name));
                }
                Content::Path(path) => {
                    let entry = Entry { name, media_type: file.media_type, path };
                    if large.contains(&at) { later.push((at, entry)) } else { small.push((at, entry)) }
                }
            }
        }
        let entries = small.iter().map(|(_, entry)| (entry.name.as_str(), entry.media_type.clone(), &entry.path));
        let added = self.files.add_all(entries).await?;
        for ((at, _), desc) in small.iter().zip(added) {
            set(&mut layers, *at, desc);
        }
        for (at, Entry { name, media_type, path }) in later {
            set(&mut layers, at, self.files.add_to(target, &name, media_type, path).await?);
        }
        for (layer, extra) in layers.iter_mut().zip(extra) {
            layer.annotations.extend(extra);
        }
        Ok(layers)
    }

    /// Which of the files are large. Whoever decides about nodes, or hears of them, wants them described first.
    async fn large(&self, files: &[File]) -> Result<Vec<usize>> {
        let root = self.files.root();
        let paths = files.iter().enumerate().filter_map(|(at, file)| match &file.content {
            Content::Path(path) => Some((at, root.join(path))),
            Content::Bytes(_) => None,
        });
        let paths: Vec<_> = paths.collect();
        let is_large = |path: &Path| path.metadata().is_ok_and(|found| found.is_file() && found.len() >= LARGE);
        blocking(move || Ok(paths.into_iter().filter(|(_, path)| is_large(path)).map(|(at, _)| at).collect())).await
    }
}

fn set(layers: &mut [Descriptor], at: usize, desc: Descriptor) {
    if let Some(layer) = layers.get_mut(at) {
        *layer = desc;
    }
}
