use oras_content::{Descriptor, Digest, Error, ErrorKind, ReadOnlyStorage, ReadOnlyTarget, Result, Storage, Target};

use crate::{
    engine::{Context, Mode, Root, State, Walk},
    error::{CopyError, CopyOperation, CopyOrigin},
    options::CopyOptions,
};

/// Copies what a reference stands for, with all that it points to, and lets a reference stand for it at the destination.
///
/// With an empty `dst_ref` that is `src_ref`. What is there is not copied again: where `dst_ref` stands for the root
/// already, one question is all; any other manifest that is there stands for what it points to. Children are copied
/// before their parents, the reference is set last, and where it moves it does so at once. Returns what the reference
/// stands for now.
///
/// # Errors
///
/// The first one that happens, which drops all that is under way: [`ErrorKind::NotFound`] when `src_ref` stands for
/// nothing or a platform is not there, [`ErrorKind::Corrupt`] when content is not what its descriptor says,
/// [`ErrorKind::SizeExceedsLimit`] when manifests are larger than the options allow, [`ErrorKind::InvalidReference`]
/// when `dst_ref` is the digest of something else, and whatever stores and hooks give.
///
/// # Cancel safety
///
/// A dropped future leaves no parent without its children and no reference that is neither the old nor the new one. The
/// same copy made again finishes the job.
pub async fn copy<S: ReadOnlyTarget, D: Target>(
    src: &S,
    src_ref: &str,
    dst: &D,
    dst_ref: &str,
    options: &CopyOptions,
) -> Result<Descriptor, CopyError> {
    // Boxed, because the futures of two stores are in it: callers with small stacks await it too.
    Box::pin(async move {
        let ctx = Context::new(src, dst, options, Mode::Copy);
        let root = ctx.begin(src_ref).await?;
        let name = name_of(src_ref, dst_ref, &root)?;
        ctx.copy_root(&root, name).await?;
        Ok(root)
    })
    .await
}

/// Copies a node with all that it points to.
///
/// The root is given, so no hook is asked to admit or to map it.
///
/// # Errors
///
/// As [`copy`]; [`ErrorKind::Unsupported`] when the options choose a platform as the root, or have it written anew.
///
/// # Cancel safety
///
/// As [`copy`].
pub async fn copy_graph<S: ReadOnlyStorage, D: Storage>(
    src: &S,
    dst: &D,
    root: &Descriptor,
    options: &CopyOptions,
) -> Result<(), CopyError> {
    Box::pin(async move {
        let ctx = Context::new(src, dst, options, Mode::Copy);
        ctx.keep_root(root)?;
        let mut walk = Walk::new(&ctx);
        walk.add_root(root, Root::default())?;
        let driven = walk.drive().await;
        drop(walk);
        ctx.settle(driven).await
    })
    .await
}

/// What is to stand for the root at the destination; nothing where it is named by its digest.
pub(crate) fn name_of<'r>(src_ref: &'r str, dst_ref: &'r str, root: &Descriptor) -> Result<Option<&'r str>, CopyError> {
    let name = if dst_ref.is_empty() { src_ref } else { dst_ref };
    match name.parse::<Digest>() {
        Err(_) => Ok(Some(name)),
        // The source is named by a digest, and what is copied of it may have another one.
        Ok(digest) if dst_ref.is_empty() || digest == root.digest => Ok(None),
        Ok(digest) => {
            let message = format!("{digest} cannot stand for {}", root.digest);
            let error = Error::new(ErrorKind::InvalidReference, message);
            Err(CopyError::new(CopyOrigin::Destination, CopyOperation::Tag, error).about(root).named(name))
        }
    }
}

impl<S: ReadOnlyTarget, D: Storage> Context<'_, S, D> {
    /// Finds what is to be copied: asks whether it may be, resolves it, and chooses of it.
    pub(crate) async fn begin(&self, reference: &str) -> Result<Descriptor, CopyError> {
        if let Some(hooks) = &self.options.hooks {
            let admitted = hooks.policy(reference).await;
            let failed = |error| CopyError::new(CopyOrigin::Hook, CopyOperation::Policy, error).named(reference);
            admitted.map_err(failed)?;
        }
        let opened = self.open_root(reference).await;
        let failed = |error| CopyError::new(CopyOrigin::Source, CopyOperation::Resolve, error).named(reference);
        let opened = opened.map_err(failed)?;
        let root = self.map_root(opened.clone()).await?;
        if root.digest != opened.digest {
            self.cache.release(&opened);
        }
        Ok(root)
    }

    /// One request for the descriptor and, of a manifest, its content.
    async fn open_root(&self, reference: &str) -> Result<Descriptor> {
        let (desc, blob) = self.src.fetch_reference(reference).await?;
        if !desc.media_type.is_manifest() {
            self.cache.put_opened(&desc, blob);
            return Ok(desc);
        }
        self.cache.admit(&desc)?;
        let bytes = blob.verify(&desc).bytes(desc.size).await?;
        self.cache.put(&desc, bytes);
        Ok(desc)
    }

    async fn map_root(&self, root: Descriptor) -> Result<Descriptor, CopyError> {
        let Some(hooks) = &self.options.hooks else {
            return self.choose_platforms(root).await;
        };
        let fetcher = self.fetcher();
        let mapped = hooks.map_root(&fetcher, &root).await;
        let mapped = mapped.map_err(|error| CopyError::hook_at(CopyOperation::MapRoot, &root, error))?;
        self.choose_platforms(mapped).await
    }
}

impl<S: ReadOnlyStorage, D: Target> Context<'_, S, D> {
    /// Copies a root with all that it points to, and lets `name` stand for it.
    pub(crate) async fn copy_root(&self, root: &Descriptor, name: Option<&str>) -> Result<(), CopyError> {
        let mut walk = Walk::new(self);
        let copied = match name {
            Some(name) if root.media_type.is_manifest() => self.copy_held(&mut walk, root, name).await,
            _ => match walk.add_root(root, Root::default()) {
                Ok(_) => walk.drive().await,
                Err(error) => Err(error),
            },
        };
        drop(walk);
        self.settle(copied).await?;
        match name {
            Some(name) if !root.media_type.is_manifest() => self.tag(root, name).await,
            _ => Ok(()),
        }
    }

    /// Holds the root back until all else is done, and stores it under its name.
    async fn copy_held<'c>(
        &'c self,
        walk: &mut Walk<'c, '_, S, D>,
        root: &Descriptor,
        name: &str,
    ) -> Result<(), CopyError> {
        let exists = match self.mode {
            Mode::Run(_) => None,
            Mode::Copy | Mode::Plan => Some(self.stands_for(name, root).await?),
        };
        let id = walk.add_root(root, Root { exists, held: true })?;
        loop {
            walk.drive().await?;
            if walk.state(id) != State::Ready {
                return Ok(());
            }
            if walk.transfer_held(id, self.transfer_tagged(root, name)).await? {
                return Ok(());
            }
        }
    }
}

impl<S, D: Target> Context<'_, S, D> {
    /// Whether a reference stands for a node at the destination, which then is there.
    ///
    /// Where it does not, the node is not looked for by its digest: its children are looked for anyway, and the node
    /// has to be stored under the reference whether it is there or not.
    pub(crate) async fn stands_for(&self, name: &str, desc: &Descriptor) -> Result<bool, CopyError> {
        match self.dst.resolve(name).await {
            Ok(found) => Ok(found.digest == desc.digest && found.size == desc.size),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(CopyError::new(CopyOrigin::Destination, CopyOperation::Resolve, error).named(name)),
        }
    }
}

impl<S, D: Storage> Context<'_, S, D> {
    /// Flushes, also after an error, so that what was stored is listed.
    pub(crate) async fn settle(&self, result: Result<(), CopyError>) -> Result<(), CopyError> {
        let flushed = self.flush().await;
        result.and(flushed)
    }
}
