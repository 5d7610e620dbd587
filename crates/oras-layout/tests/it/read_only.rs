//! The read-only forms under the contract of the roles: what is written goes into a layout, and each question is put to
//! the layout as it then is, opened again to be read alone.

use std::{fs, path::PathBuf};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use oras_content::{
    Blob, BoxStream, Deleter, Error, Fetcher, Location, MountOutcome, PredecessorFinder, Pusher, ReadOnlyStorage,
    ReadOnlyTarget, Resolver, Result, TagLister, Tagger, Target, Untagger,
};
use oras_descriptor::{Algorithm, Descriptor, MediaType};
use oras_layout::{OciLayout, ReadOnlyLayout};
use oras_testing::contract::{self, Capabilities};

use crate::archive::tar_of;

#[derive(Clone, Copy)]
enum Form {
    Dir,
    Tar,
}

struct Reopened {
    layout: OciLayout,
    form: Form,
    archives: PathBuf,
}

impl Reopened {
    async fn read(&self) -> Result<ReadOnlyLayout> {
        match self.form {
            Form::Dir => ReadOnlyLayout::open_dir(self.layout.root()).await,
            Form::Tar => {
                let archive = tempfile::NamedTempFile::new_in(&self.archives).unwrap().into_temp_path();
                fs::write(&archive, tar_of(self.layout.root(), "./")).unwrap();
                // What is read later is read from the file of that name.
                ReadOnlyLayout::open_tar(archive.keep().unwrap()).await
            }
        }
    }
}

impl Fetcher for Reopened {
    async fn fetch(&self, desc: &Descriptor) -> Result<Blob> {
        self.read().await?.fetch(desc).await
    }
}

impl ReadOnlyStorage for Reopened {
    async fn exists(&self, desc: &Descriptor) -> Result<bool> {
        self.read().await?.exists(desc).await
    }
}

impl Resolver for Reopened {
    async fn resolve(&self, reference: &str) -> Result<Descriptor> {
        self.read().await?.resolve(reference).await
    }
}

impl PredecessorFinder for Reopened {
    async fn predecessors(&self, desc: &Descriptor) -> Result<Vec<Descriptor>> {
        self.read().await?.predecessors(desc).await
    }

    async fn referrers(&self, desc: &Descriptor, artifact_type: Option<&MediaType>) -> Result<Vec<Descriptor>> {
        self.read().await?.referrers(desc, artifact_type).await
    }
}

impl TagLister for Reopened {
    fn tags<'a>(&'a self, last: Option<&str>) -> BoxStream<'a, Result<String>> {
        let last = last.map(str::to_owned);
        let listing = async move {
            let tags: Vec<String> = self.read().await?.tags(last.as_deref()).try_collect().await?;
            Ok::<_, Error>(stream::iter(tags.into_iter().map(Ok)))
        };
        stream::once(listing).try_flatten().boxed()
    }
}

impl Pusher for Reopened {
    async fn push(&self, desc: &Descriptor, content: Blob) -> Result<()> {
        self.layout.push(desc, content).await
    }

    async fn ingest(&self, media_type: &MediaType, algorithm: Algorithm, content: Blob) -> Result<Descriptor> {
        self.layout.ingest(media_type, algorithm, content).await
    }

    async fn mount(&self, desc: &Descriptor, from: &[Location], content: Blob) -> Result<MountOutcome> {
        self.layout.mount(desc, from, content).await
    }
}

impl Tagger for Reopened {
    async fn tag(&self, desc: &Descriptor, reference: &str) -> Result<()> {
        self.layout.tag(desc, reference).await
    }
}

impl Untagger for Reopened {
    async fn untag(&self, reference: &str) -> Result<()> {
        self.layout.untag(reference).await
    }
}

impl Deleter for Reopened {
    async fn delete(&self, desc: &Descriptor) -> Result<()> {
        self.layout.delete(desc).await
    }
}

impl ReadOnlyTarget for Reopened {}

impl Target for Reopened {}

async fn check(name: &str, form: Form) {
    let dir = tempfile::tempdir().unwrap();
    let fresh = async |rule: &'static str| {
        let archives = dir.path().join(format!("{rule}.archives"));
        fs::create_dir(&archives).unwrap();
        Reopened { layout: OciLayout::create(dir.path().join(rule)).await.unwrap(), form, archives }
    };
    contract::check(name, &Capabilities::all(), fresh).await;
}

#[tokio::test]
async fn a_layout_that_is_read_alone_keeps_the_contract_of_reading() {
    check("ReadOnlyLayout of a directory", Form::Dir).await;
}

#[tokio::test]
async fn a_layout_in_a_tar_keeps_the_contract_of_reading() {
    check("ReadOnlyLayout of a tar", Form::Tar).await;
}
