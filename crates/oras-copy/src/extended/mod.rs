mod options;
mod search;

pub use options::ExtendedCopyOptions;

use oras_content::{Descriptor, ReadOnlyGraphTarget, Target};

use self::search::Search;
use crate::{
    copy::name_of,
    engine::{Context, Mode, Root, Walk},
    error::CopyError,
};

/// Copies what a reference stands for, with all that it points to, and with all that points to it: signatures, SBOMs,
/// and whatever else refers to it.
///
/// The reference is set last, when all that points to the node is there.
///
/// # Errors
///
/// As [`copy`](crate::copy); [`ErrorKind::Unsupported`](oras_content::ErrorKind::Unsupported) when the source does not
/// know what points to a node.
///
/// # Cancel safety
///
/// As [`copy`](crate::copy).
pub async fn extended_copy<S: ReadOnlyGraphTarget, D: Target>(
    src: &S,
    src_ref: &str,
    dst: &D,
    dst_ref: &str,
    options: &ExtendedCopyOptions,
) -> Result<Descriptor, CopyError> {
    Box::pin(async move {
        let ctx = Context::new(src, dst, &options.copy, Mode::Copy);
        let node = ctx.begin(src_ref).await?;
        let name = name_of(src_ref, dst_ref, &node)?;
        if let Some(bytes) = ctx.cache.get(&node) {
            // For the tag, which comes when the walk has let go of it.
            ctx.cache.keep(&node, bytes);
        }
        ctx.copy_extended(&node, name, options).await?;
        Ok(node)
    })
    .await
}

/// Copies a node with all that it points to, and with all that points to it.
///
/// # Errors
///
/// As [`extended_copy`] and [`copy_graph`](crate::copy_graph).
///
/// # Cancel safety
///
/// As [`extended_copy`].
pub async fn extended_copy_graph<S: ReadOnlyGraphTarget, D: Target>(
    src: &S,
    dst: &D,
    node: &Descriptor,
    options: &ExtendedCopyOptions,
) -> Result<(), CopyError> {
    Box::pin(async move {
        let ctx = Context::new(src, dst, &options.copy, Mode::Copy);
        ctx.keep_root(node)?;
        ctx.copy_extended(node, None, options).await
    })
    .await
}

impl<S: ReadOnlyGraphTarget, D: Target> Context<'_, S, D> {
    async fn copy_extended(
        &self,
        node: &Descriptor,
        name: Option<&str>,
        options: &ExtendedCopyOptions,
    ) -> Result<(), CopyError> {
        let found = Search { ctx: self, options }.run(node).await?;
        let mut walk = Walk::new(self);
        // Each on its own, and not only those to which nothing points: a source may err about who points to whom.
        for desc in &found.nodes {
            walk.add_root(desc, Root::default())?;
        }
        let driven = walk.drive().await;
        drop(walk);
        self.settle(driven).await?;
        for (tag, desc) in &found.tagged {
            self.name(desc, tag).await?;
        }
        match name {
            Some(name) => self.name(node, name).await,
            None => Ok(()),
        }
    }

    /// Lets a reference stand for a node that is there, unless it does already.
    async fn name(&self, desc: &Descriptor, name: &str) -> Result<(), CopyError> {
        if !desc.media_type.is_manifest() {
            return self.tag(desc, name).await;
        }
        if self.stands_for(name, desc).await? {
            return Ok(());
        }
        self.push_tagged(desc, name).await?;
        self.tell(&crate::CopyEvent::Tagged { desc, reference: name });
        Ok(())
    }
}
